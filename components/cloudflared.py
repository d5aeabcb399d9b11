"""cloudflared: the connector that carries requests from Cloudflare to the services.

Tags, entrypoint, variables and the `ready` command: Dockerfile, cmd/cloudflared/tunnel and metrics/readiness.go in
cloudflare/cloudflared. It opens no port: it calls out.
"""

from __future__ import annotations

from typing import Literal

import pulumi
from pydantic import Field

from components.container import ContainerFile, ContainerSpec, HealthCheck
from components.fields import Image, Memory, Rotation
from components.service import Foundation, Service, ServiceConfig

METRICS = "127.0.0.1:20241"
TOKEN_FILE = "/run/secrets/tunnel_token"  # noqa: S105 - a path


class CloudflaredConfig(ServiceConfig):
    """cloudflared, the only way in from the internet."""

    image: Image = Field("cloudflare/cloudflared:2026.8.2", description="image with a fixed tag, 2025.4.0 or newer")
    memory: Memory = Field(256, description="memory limit, e.g. 512m or 4g")
    protocol: Literal["auto", "quic", "http2"] = Field(
        "auto", description="auto, quic or http2; http2 where the network blocks UDP"
    )
    secret_rotation: Rotation = Field(1, description="raise it by one to give the tunnel a new secret")


class Cloudflared(Service[CloudflaredConfig, Foundation]):
    """The connector of one tunnel.

    Creates: a `docker.RemoteImage` and a `docker.Container`.
    """

    Config = CloudflaredConfig
    waited_for = False

    def __init__(
        self,
        name: str,
        config: CloudflaredConfig,
        base: Foundation,
        token: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        self._token = token
        super().__init__(name, config, base, opts)

    def spec(self, config: CloudflaredConfig, base: Foundation) -> ContainerSpec:
        """Describe the connector; see the class. Nothing waits for it: without a network the album still comes up."""
        del base
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["apps"],
            user="65532:65532",
            command=["tunnel", "run"],
            env={
                "TUNNEL_TOKEN_FILE": TOKEN_FILE,
                "TUNNEL_TRANSPORT_PROTOCOL": config.protocol,
                "TUNNEL_METRICS": METRICS,
                "NO_AUTOUPDATE": "true",
            },
            files=[ContainerFile(path=TOKEN_FILE, content=self._token)],
            health=HealthCheck(
                command=["cloudflared", "tunnel", "--metrics", METRICS, "ready"], interval_s=30, start_period_s=60
            ),
        )
