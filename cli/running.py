"""What of a stack is on the Docker host, beside what its stack file expects there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import DockerException
from docker.models.containers import Container

from cli import docker_host, paths, stackfile
from cli.console import fail
from stacks.expected import ExpectedService, expected

SECONDS_TO_SETTLE = 15
SECONDS_OF_A_FIRST_START = 300
LAST_LINES = 15


@dataclass(frozen=True)
class ServiceState:
    """One service: what is expected of it, and its container; None where there is none."""

    name: str
    expected: ExpectedService | None
    container: Container | None

    @property
    def health(self) -> str:
        """Docker's word for how it goes; "missing" where there is no container."""
        return health(self.container) if self.container else "missing"

    @property
    def well(self) -> bool:
        """Whether it works, or was started and not asked yet; one that Docker had to restart is not well."""
        if self.container is None:
            return False
        fresh = self.container.status == "running" and not restarts(self.container)
        return self.health == "healthy" or (self.health == "starting" and fresh)


def health(container: Container) -> str:
    """Return healthy, unhealthy or starting; of what does not run, Docker's status."""
    state: dict[str, Any] = container.attrs["State"]
    if state.get("Status", "running") != "running":
        return str(state["Status"])
    return str(state.get("Health", {}).get("Status") or state.get("Status"))


def restarts(container: Container) -> int:
    """Return how often Docker had to start it again."""
    return int(container.attrs.get("RestartCount", 0))


def service_of(container: Container) -> str:
    """Return the name of the service that a container of ours runs."""
    return str(container.labels.get("photos.service", ""))


@contextmanager
def connected(stack: str) -> Iterator[docker.DockerClient]:
    """Connect to the Docker of `stack`; end the program where it does not answer."""
    try:
        with docker_host.connect(stack) as client:
            yield client
    except DockerException as problem:
        if docker_host.refuses(stack):
            fail("This login may not use Docker yet: log in again, or run: newgrp docker")
        fail(f"Docker does not answer ({problem}). See: ./photos doctor")


def containers(client: docker.DockerClient, stack: str) -> list[Container]:
    """Return every container that carries the id of `stack`, whatever its state."""
    ours = docker_host.of_stack(stackfile.stack_id(paths.stack_file(stack)))
    found: list[Container] = client.containers.list(all=True, ignore_removed=True, filters=ours)
    return found


def services(client: docker.DockerClient, stack: str) -> list[ServiceState]:
    """Return the expected services with their containers, then what carries the stack's id beside them."""
    wanted = expected(stack, stackfile.offline(stack).settings).services
    found = containers(client, stack)
    by_name = {str(container.name): container for container in found}
    states = [ServiceState(service.name, service, by_name.get(service.container)) for service in wanted]
    names = {service.container for service in wanted}
    others = sorted((c for c in found if c.name not in names), key=lambda container: str(container.name))
    return states + [ServiceState(service_of(container), None, container) for container in others]


def settled(client: docker.DockerClient, stack: str) -> list[ServiceState]:
    """Return the services once none starts any more, or after some seconds: a crash shows itself by then."""
    deadline = time.monotonic() + SECONDS_TO_SETTLE
    while True:
        states = services(client, stack)
        starting = [state for state in states if state.well and state.health != "healthy"]
        if not starting or time.monotonic() > deadline:
            return states
        time.sleep(1)


def let_it_start(container: Container) -> None:
    """Wait until a container is healthy or ill, at most as long as `up` waits for a database."""
    deadline = time.monotonic() + SECONDS_OF_A_FIRST_START
    while health(container) == "starting" and not restarts(container) and time.monotonic() < deadline:
        time.sleep(1)
        container.reload()


def last_lines(container: Container) -> str:
    """Return the end of a container's log."""
    return str(container.logs(tail=LAST_LINES).decode(errors="replace"))
