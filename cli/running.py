"""What of a stack is on its Docker hosts, beside what its stack file expects there."""

from __future__ import annotations

import time
from dataclasses import dataclass

from docker.models.containers import Container

from cli import containers, stack_config
from cli.dockers import ONE, Dockers
from stacks.expected import ExpectedService, expected

SECONDS_TO_SETTLE = 15


@dataclass(frozen=True)
class ServiceState:
    """One service: what is expected of it, and its container; None where there is none, or where its host `is_lost`."""

    name: str
    expected: ExpectedService | None
    container: Container | None
    host: str = ONE
    is_lost: bool = False

    @property
    def on_demand(self) -> bool:
        """Whether a person starts it; how it ended was told to him."""
        return self.expected is not None and not self.expected.started

    @property
    def waits(self) -> bool:
        """Whether it is there for a person to start it, and does not run."""
        if self.is_lost:
            return self.on_demand
        return self.on_demand and self.container is not None and not containers.runs(self.container)

    @property
    def health(self) -> str:
        """Docker's word for how it goes; "missing" where there is no container, "host_off" where nobody can tell."""
        if self.is_lost:
            return "host_off"
        return containers.health(self.container) if self.container else "missing"

    @property
    def well(self) -> bool:
        """Whether it works, or was started and not asked yet; one that Docker had to restart is not well."""
        return self.container is not None and (self.on_demand or containers.works(self.container))


def services(dockers: Dockers, stack: str) -> list[ServiceState]:
    """Return the expected services with their containers, then what carries the stack's id beside them."""
    expected_services = expected(stack, stack_config.offline(stack).settings).services
    there = {
        (host, str(container.name)): container
        for host, client in dockers.clients.items()
        for container in containers.on(client, stack)
    }
    states = [
        ServiceState(
            service.name,
            service,
            there.pop((service.host, service.container), None),
            service.host,
            is_lost=service.host in dockers.lost,
        )
        for service in expected_services
    ]
    others = sorted(there.items(), key=lambda found: found[0][::-1])
    return states + [ServiceState(containers.service_of(found), None, found, host) for (host, _), found in others]


def at_work(dockers: Dockers, stack: str) -> list[ServiceState]:
    """Return the services without those that only wait for a person to start them."""
    return [state for state in services(dockers, stack) if not state.waits]


def settled(dockers: Dockers, stack: str) -> list[ServiceState]:
    """Return the services at work once none starts any more, or after some seconds: a crash shows itself by then."""
    deadline = time.monotonic() + SECONDS_TO_SETTLE
    while True:
        states = at_work(dockers, stack)
        starting = [state for state in states if state.well and state.health != "healthy"]
        if not starting or time.monotonic() > deadline:
            return states
        time.sleep(1)
