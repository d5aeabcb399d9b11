"""Tailscale: the album for the family's own devices wherever they are, without Cloudflare, a domain or an open port.

Variables, health and the form of the serve file: cmd/containerboot and ipn/serve.go in tailscale/tailscale, run with
1.102.3. It needs neither a device nor a capability: its network is in the program (userspace). A control server of one's
own (Headscale) signs no certificates, so what it carries there is HTTP inside of WireGuard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from components.addresses import LABEL, site_url
from components.container import ContainerFile, ContainerSpec, HealthCheck
from components.fields import Image, Memory
from components.messages import Message, message
from components.refusals import refusal
from components.service import Belongings, Platform, Service, ServiceArgs
from components.service_config import ServiceConfig

ALBUM = "photoprism"
AUTH_KEY = "auth_key"
KEY_FILE, SERVE_FILE, STATE = "/run/secrets/tailscale_auth_key", "/etc/tailscale/serve.json", "/var/lib/tailscale"
HEALTH = "127.0.0.1:9002"
OTHER_KEYS = ("tskey-api-", "tskey-client-", "tskey-webhook-", "tskey-scim-")
"""Keys of Tailscale that let nobody in: tailscale.com/kb/1085."""


def _hostname(value: str) -> str:
    if not re.fullmatch(LABEL, value):
        raise refusal(
            "tailnet_name",
            '"{value}" cannot name a machine. Write up to 63 small letters, digits and -, e.g. photos',
            value=value,
        )
    return value


def _login_server(value: str) -> str:
    url = site_url(value)
    if urlsplit(url).path != "/":
        raise refusal(
            "login_server_path",
            "{value} has a path. Write the address of the control server alone, e.g. https://headscale.example.com",
            value=value,
        )
    return url.rstrip("/")


class TailscaleConfig(ServiceConfig):
    """Tailscale, a way in for the family's own devices."""

    has_inner_secrets = True

    ruled_variables: ClassVar = {
        r"TS_.*|KUBERNETES_.*": message("rule_tailnet", "decides who reaches the album through the tailnet")
    }

    image: Image = Field("tailscale/tailscale:v1.102.3", description="image with a fixed tag, v1.78.0 or newer")
    memory: Memory = Field(256, description="memory limit, e.g. 512m or 4g")
    hostname: Annotated[str, AfterValidator(_hostname)] = Field(
        "photos", description="name of this machine in the tailnet"
    )
    login_server: Annotated[str, AfterValidator(_login_server)] | None = Field(
        None,
        description="a control server of your own (Headscale), e.g. https://headscale.example.com; default: Tailscale's",
    )

    @classmethod
    def typed_secrets(cls, section: Mapping[str, Any]) -> list[str]:
        """Return the key with which this machine joins the tailnet."""
        del section
        return [AUTH_KEY]

    @classmethod
    def typed_secret_problem(cls, name: str, value: str) -> Message | None:
        """Say what is wrong with the key; never a part of it."""
        if name == AUTH_KEY and value.startswith(OTHER_KEYS):
            return message(
                "not_an_auth_key",
                "is a key of Tailscale, but not one that lets a machine in, which begins with tskey-auth-. Make one: "
                "https://login.tailscale.com/admin/settings/keys",
            )
        return None


@dataclass(frozen=True, kw_only=True)
class TailscaleArgs(ServiceArgs):
    """Tailscale's configuration, and where the album answers: name → http://service:port."""

    config: TailscaleConfig
    origins: Mapping[str, str]

    @property
    def serves(self) -> Collection[str]:
        """The album, and nothing else."""
        return (ALBUM,)


class Tailscale(Service[TailscaleArgs, Platform]):
    """The album's machine in the family's tailnet. Nothing waits for it: without a network the album still comes up.

    Creates: a `docker.RemoteImage`, a `docker.Container` and a `docker.Volume` for the machine's identity.
    """

    service = "tailscale"
    Args = TailscaleArgs
    Config = TailscaleConfig
    data: ClassVar = {"": STATE}
    waited_for = False

    @classmethod
    def spec(cls, args: TailscaleArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        """Describe the machine; see the class."""
        del base
        config = args.config
        environment = {
            # As `tailscale up --authkey=file:…`: the key itself stands on no command line.
            "TS_AUTHKEY": f"file:{KEY_FILE}",
            "TS_AUTH_ONCE": "true",
            "TS_HOSTNAME": config.hostname,
            "TS_STATE_DIR": STATE,
            "TS_USERSPACE": "true",
            "TS_ACCEPT_DNS": "false",
            "TS_SERVE_CONFIG": SERVE_FILE,
            "TS_ENABLE_HEALTH_CHECK": "true",
            "TS_LOCAL_ADDR_PORT": HEALTH,
            # Else what it logs goes to Tailscale.
            "TS_NO_LOGS_NO_SUPPORT": "true",
        }
        if config.login_server:
            environment["TS_EXTRA_ARGS"] = f"--login-server={config.login_server}"
        return ContainerSpec(
            image=config.image,
            memory_mb=config.memory,
            networks=["edge"],
            # The image leaves the volume to root; root without any capability may write there and nowhere else.
            user="0:0",
            env=environment,
            files=[
                ContainerFile(path=KEY_FILE, content=args.inner_secrets[AUTH_KEY]),
                ContainerFile(path=SERVE_FILE, content=serve_file(args)),
            ],
            volumes=[belongings.volumes[""]],
            health=HealthCheck(command=["wget", "-qO-", f"http://{HEALTH}/healthz"], interval_s=30, start_period_s=60),
        )


def serve_file(args: TailscaleArgs) -> str:
    """Return what the machine answers in the tailnet, and to nobody outside (no funnel): ipn.ServeConfig.

    With Tailscale's own server HTTPS under the machine's name, which only it knows; with another one bare HTTP.
    """
    origin = args.origins[ALBUM]
    if args.config.login_server:
        answers: dict[str, Any] = {"TCP": {"80": {"TCPForward": urlsplit(origin).netloc}}}
    else:
        site = {"${TS_CERT_DOMAIN}:443": {"Handlers": {"/": {"Proxy": origin}}}}
        answers = {"TCP": {"443": {"HTTPS": True}}, "Web": site}
    return json.dumps(answers, indent=2) + "\n"
