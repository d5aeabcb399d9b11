"""Which Docker this is: one answer for the checks, the commands and Pulumi's provider.

The order is Docker's own (docker/cli, cli/command/cli.go), with the stack file before it, as the provider has it. By
itself the provider looks at less: it knows nothing of the context that `docker context use` chose.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import docker
import psutil
from docker.context import ContextAPI
from docker.context.config import get_current_context_name

SECTION = "docker:"
HOST, CONTEXT, CERTIFICATES = "docker:host", "docker:context", "docker:certPath"
DEFAULT_CONTEXT = "default"
DEFAULT_URL = "unix:///var/run/docker.sock"


class EndpointError(Exception):
    """This Docker cannot be used. `fix` says what to do instead."""

    def __init__(self, text: str, fix: str) -> None:
        super().__init__(f"{text}. {fix}")
        self.text, self.fix = text, fix


def docker_settings(everything: Mapping[str, object]) -> dict[str, object]:
    """Return what a stack file says about the Docker host."""
    return {key: value for key, value in everything.items() if key.startswith(SECTION)}


@dataclass(frozen=True, kw_only=True)
class DockerEndpoint:
    """Where Docker listens.

    `named_by` is what a person chose it with; None where nobody did. `certificates` is the folder with ca.pem,
    cert.pem and key.pem of a Docker that wants them.
    """

    url: str = DEFAULT_URL
    named_by: str | None = None
    certificates: str | None = None

    @property
    def socket(self) -> Path | None:
        """The socket of a Docker that listens on one."""
        address = urlsplit(self.url)
        return Path(address.path) if address.scheme == "unix" else None

    def connect(self, seconds: int) -> docker.DockerClient:
        """Connect, whatever else the environment says; no answer may take longer than `seconds`.

        Raises:
            docker.errors.DockerException: when it does not answer.
        """
        variables = {"DOCKER_HOST": self.url}
        if self.certificates:
            variables |= {"DOCKER_CERT_PATH": self.certificates, "DOCKER_TLS_VERIFY": "1"}
        return docker.from_env(timeout=seconds, environment=variables, use_context=False)


def resolve(settings: Mapping[str, object] | None = None) -> DockerEndpoint:
    """Return the Docker that the stack file's `docker:` settings, the environment or Docker's own settings name.

    Raises:
        EndpointError: when it can be told without asking that this one cannot be used.
    """
    chosen = _chosen(settings or {}, os.environ)
    _refuse_far(chosen)
    return chosen


def _chosen(settings: Mapping[str, object], environment: Mapping[str, str]) -> DockerEndpoint:
    for key in settings:
        if key not in (HOST, CONTEXT, CERTIFICATES):
            text = f"{key} has no effect in the stack file"
            fix = f"Remove it. The host: {HOST}, DOCKER_HOST or a context; a registry's password: docker login HOST"
            raise EndpointError(text, fix)
    if context := settings.get(CONTEXT):
        return _of_context(str(context), CONTEXT)
    if host := settings.get(HOST):
        certificates = settings.get(CERTIFICATES)
        return DockerEndpoint(url=str(host), named_by=HOST, certificates=str(certificates) if certificates else None)
    if host := environment.get("DOCKER_HOST"):
        return DockerEndpoint(url=host, named_by="DOCKER_HOST", certificates=_certificates(environment))
    if context := environment.get("DOCKER_CONTEXT"):
        return _of_context(context, "DOCKER_CONTEXT")
    current = get_current_context_name()
    return DockerEndpoint() if current == DEFAULT_CONTEXT else _of_context(current, "the current context")


def _certificates(environment: Mapping[str, str]) -> str | None:
    """Return Docker's folder of certificates where it shall use some."""
    if environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_CERT_PATH"):
        return environment.get("DOCKER_CERT_PATH") or str(Path.home() / ".docker")
    return None


def _of_context(name: str, named_by: str) -> DockerEndpoint:
    context = ContextAPI.get_context(name)
    if context is None:
        text = f'{named_by} is "{name}", and Docker has no such context'
        raise EndpointError(text, "Choose one of those that `docker context ls` shows")
    tls = context.TLSConfig
    certificates = str(Path(tls.cert[0]).parent) if tls and tls.cert else None
    return DockerEndpoint(url=str(context.Host), named_by=f'the context "{name}"', certificates=certificates)


def _refuse_far(endpoint: DockerEndpoint) -> None:
    """Refuse what is plainly not on this machine: its folders, ports and disks are what the checks look at."""
    address, named = urlsplit(endpoint.url), f"{endpoint.named_by} is {endpoint.url}"
    if address.scheme == "ssh":
        text, fix = f"{named}: a Docker host over ssh is not supported yet", "Run ./photos on that host"
    elif address.scheme not in ("unix", "tcp"):
        text, fix = f"{named}, which is no address of a Docker on Linux", f"Write a socket, e.g. {DEFAULT_URL}"
    elif address.scheme == "tcp" and not _is_here(address.hostname or ""):
        text = f"{named}, another machine: its folders, ports and disks cannot be looked at from here"
        fix = "Run ./photos on that machine"
    else:
        return
    raise EndpointError(text, fix)


def _is_here(host: str) -> bool:
    try:
        meant = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    ours = {address.address for nic in psutil.net_if_addrs().values() for address in nic}
    return all(ipaddress.ip_address(address).is_loopback or address in ours for address in meant)
