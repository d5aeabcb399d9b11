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
from docker.context import ContextAPI
from docker.context.config import get_current_context_name

from components.messages import Message, Said, message
from stacks.host import advice, error
from stacks.host.machine import HERE
from stacks.host.ssh import Line, LineError, line
from stacks.names import NAMESPACE

CHECK = "docker"
SECTION = "docker:"
SSH_HOST = f"{NAMESPACE}host"
HOST, CONTEXT, CERTIFICATES = "docker:host", "docker:context", "docker:certPath"
DEFAULT_CONTEXT = "default"
DEFAULT_URL = "unix:///var/run/docker.sock"


class EndpointError(Exception):
    """This Docker cannot be used. `finding` says why, and what to do instead."""

    def __init__(self, said: tuple[Message, Message]) -> None:
        self.finding = error(CHECK, *said)
        super().__init__(str(self.finding))


def docker_settings(everything: Mapping[str, object]) -> dict[str, object]:
    """Return what a stack file says about the Docker host, by its full keys."""
    return {key: value for key, value in everything.items() if key.startswith(SECTION) or (key == SSH_HOST and value)}


@dataclass(frozen=True, kw_only=True)
class DockerEndpoint:
    """Where Docker listens.

    `named_by` is what a person chose it with; None where nobody did. `certificates` is the folder with ca.pem,
    cert.pem and key.pem of a Docker that wants them. `line` leads to the machine where it is another one: then `url` is
    a socket here at which it answers.
    """

    url: str = DEFAULT_URL
    named_by: Said | None = None
    certificates: str | None = None
    line: Line | None = None

    @property
    def socket(self) -> Path | None:
        """The socket of a Docker that listens on one."""
        address = urlsplit(self.url)
        return Path(address.path) if address.scheme == "unix" else None

    @property
    def environment(self) -> dict[str, str]:
        """What tells Docker's own client the same."""
        variables = {"DOCKER_HOST": self.url}
        if self.certificates:
            variables |= {"DOCKER_CERT_PATH": self.certificates, "DOCKER_TLS_VERIFY": "1"}
        return variables

    def open(self) -> None:
        """Have the line open that leads to it, so that others than this program reach it, too.

        Raises:
            EndpointError: when there is no way to its machine.
        """
        if self.line:
            try:
                self.line.open()
            except LineError as error:
                raise EndpointError(error.said) from error

    def connect(self, seconds: int) -> docker.DockerClient:
        """Connect, whatever else the environment says; no answer may take longer than `seconds`.

        Raises:
            docker.errors.DockerException: when it does not answer.
            EndpointError: when there is no way to its machine.
        """
        self.open()
        return docker.from_env(timeout=seconds, environment=self.environment, use_context=False)


def resolve(settings: Mapping[str, object] | None = None) -> DockerEndpoint:
    """Return the Docker that the stack file's settings, the environment or Docker's own settings name.

    Nothing is asked yet: a line to another machine is opened by what needs it.

    Raises:
        EndpointError: when it can be told without asking that this one cannot be used.
    """
    chosen = _chosen(settings or {}, os.environ)
    _refuse_far(chosen)
    return chosen


def endpoint_at(url: str, named_by: Said) -> DockerEndpoint:
    """Return the Docker at `url`: that of another machine, ssh://…, at a socket here.

    Raises:
        EndpointError: when it can be told without asking that this one cannot be used.
    """
    if urlsplit(url).scheme == "ssh":
        to = line(url)
        return DockerEndpoint(url=f"unix://{to.docker_socket}", named_by=named_by, line=to)
    endpoint = DockerEndpoint(url=url, named_by=named_by)
    _refuse_far(endpoint)
    return endpoint


def _chosen(settings: Mapping[str, object], environment: Mapping[str, str]) -> DockerEndpoint:
    if host := settings.get(SSH_HOST):
        if also := next((key for key in settings if key != SSH_HOST), None):
            raise EndpointError(
                advice(
                    "docker_named_twice",
                    "{one} and {other} both say which Docker it is",
                    "Keep one of them",
                    one=SSH_HOST,
                    other=also,
                )
            )
        return endpoint_at(str(host), SSH_HOST)
    for key in settings:
        if key not in (HOST, CONTEXT, CERTIFICATES):
            raise EndpointError(
                advice(
                    "docker_setting_unused",
                    "{key} has no effect in the stack file",
                    "Remove it. The host: docker:host, DOCKER_HOST or a context; a registry's password: docker login HOST",
                    key=key,
                )
            )
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
    return (
        DockerEndpoint()
        if current == DEFAULT_CONTEXT
        else _of_context(current, message("docker_current_context", "the current context"))
    )


def _certificates(environment: Mapping[str, str]) -> str | None:
    """Return Docker's folder of certificates where it shall use some."""
    if environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_CERT_PATH"):
        return environment.get("DOCKER_CERT_PATH") or str(Path.home() / ".docker")
    return None


def _of_context(name: str, named_by: Said) -> DockerEndpoint:
    context = ContextAPI.get_context(name)
    if context is None:
        raise EndpointError(
            advice(
                "docker_context_absent",
                '{named_by} is "{name}", and Docker has no such context',
                "Choose one of those that `docker context ls` shows",
                named_by=named_by,
                name=name,
            )
        )
    tls = context.TLSConfig
    certificates = str(Path(tls.cert[0]).parent) if tls and tls.cert else None
    found_by = message("docker_context", 'the context "{name}"', name=name)
    return DockerEndpoint(url=str(context.Host), named_by=found_by, certificates=certificates)


def _refuse_far(endpoint: DockerEndpoint) -> None:
    """Refuse what is plainly not on this machine: its folders, ports and disks are what the checks look at."""
    address = urlsplit(endpoint.url)
    if address.scheme == "ssh":
        raise EndpointError(
            advice(
                "docker_over_ssh",
                "{named_by} is {url}, and the folders there are looked at, too",
                "Write photos:host: {url} in the stack file instead",
                named_by=endpoint.named_by,
                url=endpoint.url,
            )
        )
    if address.scheme not in ("unix", "tcp"):
        raise EndpointError(
            advice(
                "docker_no_address",
                "{named_by} is {url}, which is no address of a Docker on Linux",
                "Write a socket, e.g. unix:///var/run/docker.sock",
                named_by=endpoint.named_by,
                url=endpoint.url,
            )
        )
    if address.scheme == "tcp" and not _is_here(address.hostname or ""):
        raise EndpointError(
            advice(
                "docker_elsewhere",
                "{named_by} is {url}, another machine: its folders, ports and disks cannot be looked at from here",
                "Write photos:host: ssh://user@host in the stack file instead, or run ./photos on that machine",
                named_by=endpoint.named_by,
                url=endpoint.url,
            )
        )


def _is_here(host: str) -> bool:
    try:
        meant = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    ours = HERE.own_addresses()
    return all(ipaddress.ip_address(address).is_loopback or address in ours for address in meant)
