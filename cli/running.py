"""What of a stack is on the Docker host, beside what its stack file expects there."""

from __future__ import annotations

import time
from dataclasses import dataclass

import docker
from docker.models.containers import Container

from cli import containers, stack_config
from stacks.expected import ExpectedService, expected

SECONDS_TO_SETTLE = 15


@dataclass(frozen=True)
class ServiceState:
    """One service: what is expected of it, and its container; None where there is none."""

    name: str
    expected: ExpectedService | None
    container: Container | None

    @property
    def on_demand(self) -> bool:
        """Whether a person starts it; how it ended was told to him."""
        return self.expected is not None and not self.expected.started

    @property
    def waits(self) -> bool:
        """Whether it is there for a person to start it, and does not run."""
        return self.on_demand and self.container is not None and not containers.runs(self.container)

    @property
    def health(self) -> str:
        """Docker's word for how it goes; "missing" where there is no container."""
        return containers.health(self.container) if self.container else "missing"

    @property
    def well(self) -> bool:
        """Whether it works, or was started and not asked yet; one that Docker had to restart is not well."""
        return self.container is not None and (self.on_demand or containers.works(self.container))


def services(client: docker.DockerClient, stack: str) -> list[ServiceState]:
    """Return the expected services with their containers, then what carries the stack's id beside them."""
    expected_services = expected(stack, stack_config.offline(stack).settings).services
    listed = containers.containers(client, stack)
    by_name = {str(container.name): container for container in listed}
    states = [ServiceState(service.name, service, by_name.get(service.container)) for service in expected_services]
    names = {service.container for service in expected_services}
    others = sorted((c for c in listed if c.name not in names), key=lambda container: str(container.name))
    return states + [ServiceState(containers.service_of(container), None, container) for container in others]


def at_work(client: docker.DockerClient, stack: str) -> list[ServiceState]:
    """Return the services without those that only wait for a person to start them."""
    return [state for state in services(client, stack) if not state.waits]


def settled(client: docker.DockerClient, stack: str) -> list[ServiceState]:
    """Return the services at work once none starts any more, or after some seconds: a crash shows itself by then."""
    deadline = time.monotonic() + SECONDS_TO_SETTLE
    while True:
        states = at_work(client, stack)
        starting = [state for state in states if state.well and state.health != "healthy"]
        if not starting or time.monotonic() > deadline:
            return states
        time.sleep(1)
