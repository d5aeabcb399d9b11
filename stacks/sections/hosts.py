"""`photos:hosts`: the Docker hosts of a stack, where it runs on several. docs/adr/0034."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from components.addresses import LABEL, LOCAL_NETWORKS, machine_address
from components.fields import Section
from components.refusals import refusal

SSH_PORT = 22


def _host_name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,19}", value):
        raise refusal(
            "host_name",
            '"{value}" cannot name a host. Write up to 20 small letters, digits and -, a letter first, e.g. nas',
            value=value,
        )
    return value


def _ssh_host(value: str) -> str:
    """Return the address of a machine in one spelling, so that the same one is seen to be the same."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    known = re.fullmatch(rf"{LABEL}(\.{LABEL})*", host) or ":" in host
    login = re.fullmatch(r"[a-z_][a-z0-9_-]*", parts.username or "") and parts.password is None
    ssh = parts.scheme == "ssh" and known and login and parts.path in ("", "/") and port != 0
    if not ssh or parts.query or parts.fragment:
        raise refusal(
            "ssh_host",
            "{value} is no machine that ssh reaches. Write ssh://USER@HOST, e.g. ssh://family@nas, or ssh://family@nas:2222",
            # What may be a password is not told.
            value=re.sub(r":[^:@/]*@", ":…@", value),
        )
    return value.rstrip("/").removesuffix(f":{SSH_PORT}")


def _docker(value: str) -> str:
    """Return where a Docker listens: at a socket of this machine, which may lead anywhere, or on another machine."""
    return value if re.fullmatch(r"unix:///[\w./-]+", value, re.ASCII) else _ssh_host(value)


def _private(value: str) -> str:
    address = machine_address(value)
    if address.is_loopback or not any(address in network for network in LOCAL_NETWORKS):
        raise refusal(
            "host_address_public",
            "{value} is not an address at home: what the hosts tell each other is neither encrypted nor behind a login. "
            "Put WireGuard between them and write its address here, e.g. 10.8.0.2",
            value=value,
        )
    return str(address)


SshHost = Annotated[str, AfterValidator(_ssh_host)]
HostName = Annotated[str, AfterValidator(_host_name)]


class HostConfig(Section):
    """A Docker host."""

    docker: Annotated[str, AfterValidator(_docker)] | None = Field(
        None,
        description="where its Docker listens, e.g. ssh://photos@gpu.lan; one host has none: it is that of docker:host, or this machine, and manages the swarm",
    )
    address: Annotated[str, AfterValidator(_private)] | None = Field(
        None, description="by which the other hosts reach it: in your LAN, or in WireGuard, e.g. 192.168.1.20"
    )
