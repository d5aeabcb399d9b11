"""The hosts of a stack while something moves between them: connected all at once, and what of the stack is on each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager

import docker
from docker.errors import DockerException
from docker.models.containers import Container

from cli import containers
from cli.console import fail
from components.messages import message
from stacks.config import StackConfig
from stacks.host.endpoint import EndpointError
from stacks.host.endpoints import endpoints

SECONDS_TO_ANSWER = 180
Clients = Mapping[str, docker.DockerClient]


@contextmanager
def connected(config: StackConfig) -> Iterator[Clients]:
    """Connect to every host; end the program where one does not answer."""
    with ExitStack() as stack:
        clients = {}
        for host, endpoint in endpoints(config).items():
            try:
                client = stack.enter_context(closing(endpoint.connect(SECONDS_TO_ANSWER)))
                client.ping()
            except (DockerException, EndpointError) as problem:
                fail(
                    message(
                        "move_silent",
                        "The Docker of {host} does not answer ({problem}). A move needs all hosts: run this again when it is on.",
                        host=host,
                        problem=problem,
                    )
                )
            clients[host] = client
        yield clients


def found(clients: Clients, stack: str, service: str) -> Iterator[tuple[str, Container]]:
    """Yield host and container of a service, of each host that has one."""
    for host, client in clients.items():
        if container := containers.of_service_on(client, stack, service):
            yield host, container


def remove_command(config: StackConfig, host: str, volumes: tuple[str, ...]) -> str:
    """Return what a person types to remove volumes of a host."""
    url = config.settings.hosts[host].docker or config.settings.host
    return f"docker {f'-H {url} ' if url else ''}volume rm {' '.join(volumes)}"
