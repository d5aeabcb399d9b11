"""cloudflared: the connector that carries requests from Cloudflare to the services.

Tags, entrypoint, variables and the `ready` command: Dockerfile, cmd/cloudflared/tunnel and metrics/readiness.go in
cloudflare/cloudflared. It opens no port: it calls out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from components.container import ContainerFile, ContainerSpec, HealthCheck
from components.fields import Image, Memory, Rotation
from components.messages import message
from components.service import Belongings, Foundation, Secret, Service, ServiceArgs
from components.service_config import ServiceConfig

METRICS = "127.0.0.1:20241"
TOKEN_FILE = "/run/secrets/tunnel_token"  # noqa: S105 - a path


class CloudflaredConfig(ServiceConfig):
    """cloudflared, the only way in from the internet."""

    release_series = 0  # its tags are dates

    ruled_variables: ClassVar = {
        r"TUNNEL_.*|NO_AUTOUPDATE|NO_TLS_VERIFY": message("rule_internet", "decides what the internet reaches")
    }

    image: Image = Field("cloudflare/cloudflared:2026.8.2", description="image with a fixed tag, 2025.4.0 or newer")
    memory: Memory = Field(256, description="memory limit, e.g. 512m or 4g")
    protocol: Literal["auto", "quic", "http2"] = Field(
        "auto", description="auto, quic or http2; http2 where the network blocks UDP"
    )
    secret_rotation: Rotation = Field(1, description="raise it by one to give the tunnel a new secret")


@dataclass(frozen=True, kw_only=True)
class CloudflaredArgs(ServiceArgs):
    """cloudflared's configuration and the token of its tunnel."""

    config: CloudflaredConfig
    token: Secret


class Cloudflared(Service[CloudflaredArgs, Foundation]):
    """The connector of one tunnel. Nothing waits for it: without a network the album still comes up.

    Creates: a `docker.RemoteImage` and a `docker.Container`.
    """

    service = "cloudflared"
    Args = CloudflaredArgs
    Config = CloudflaredConfig
    waited_for = False

    @classmethod
    def spec(cls, args: CloudflaredArgs, base: Foundation, belongings: Belongings) -> ContainerSpec:
        """Describe the connector; see the class."""
        del base
        config = args.config
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["edge"],
            user="65532:65532",
            command=["tunnel", "run"],
            env={
                "TUNNEL_TOKEN_FILE": TOKEN_FILE,
                "TUNNEL_TRANSPORT_PROTOCOL": config.protocol,
                "TUNNEL_METRICS": METRICS,
                "NO_AUTOUPDATE": "true",
            },
            files=[ContainerFile(path=TOKEN_FILE, content=belongings.secrets["token"])],
            health=HealthCheck(
                command=["cloudflared", "tunnel", "--metrics", METRICS, "ready"], interval_s=30, start_period_s=60
            ),
        )
