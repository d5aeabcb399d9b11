"""What moves together, from where, and who stands still meanwhile. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cli.console import fail
from cli.upgrade.parts import DISTURBED
from components.database import Database
from components.messages import message
from stacks.expected import ExpectedService, expected
from stacks.sections import Settings
from stacks.sections.places import KINDS, first_host


@dataclass(frozen=True)
class Plan:
    """A move.

    `services` get a line below `photos:place`; `moved` are they and what is always beside them. `stopped` stand still, in
    the order in which they are stopped. `volumes` are those that are on `source`.
    """

    services: tuple[str, ...]
    moved: tuple[ExpectedService, ...]
    stopped: tuple[str, ...]
    source: str
    target: str
    volumes: tuple[str, ...]

    @property
    def place(self) -> dict[str, str]:
        """What `photos:place` says afterwards of these."""
        return dict.fromkeys(self.services, self.target)


def plan(stack: str, settings: Settings, service: str, target: str, volumes: Mapping[str, set[str]]) -> Plan:
    """Return what takes a service to `target`; end the program where that cannot be. `volumes`: host → those of the stack."""
    present = {each.name: each for each in expected(stack, settings).services}
    _refuse(stack, settings, present, service, target)
    services = together(present, service)
    moved = tuple(each for name, each in present.items() if KINDS[name].placed_as() in services)
    sources = {host for each in moved if (host := source_of(each, volumes))}
    if len(sources) > 1:
        fail(
            message(
                "move_scattered",
                "The data of {services} is on several hosts ({hosts}), and which of it is meant is not clear. Move away what is old: `docker volume ls` on each host.",
                services=", ".join(services),
                hosts=", ".join(sorted(sources)),
            )
        )
    source = next(iter(sources), moved[0].host)
    if source == target and all(each.host == target for each in moved):
        fail(
            message(
                "move_there",
                "{service} is on {host} already. Should it not run there: ./photos up {stack}",
                service=service,
                host=target,
                stack=stack,
            )
        )
    users = DISTURBED[Database.service] if Database.service in services else ()
    stopped = dict.fromkeys(name for name in (*users, *(each.name for each in moved)) if name in present)
    return Plan(
        services=services,
        moved=moved,
        # The database after those who write into it.
        stopped=tuple(sorted(stopped, key=lambda name: name == Database.service)),
        source=source,
        target=target,
        volumes=()
        if source == target
        else tuple(name for each in moved for name in each.volumes if name in volumes.get(source, ())),
    )


def together(present: Mapping[str, ExpectedService], service: str) -> tuple[str, ...]:
    """Return a service and those that cannot be on another host than it: they see the same photos."""
    if not KINDS[service].in_library:
        return (service,)
    return tuple(name for name in present if KINDS[name].in_library and not KINDS[name].beside)


def source_of(service: ExpectedService, volumes: Mapping[str, set[str]]) -> str:
    """Return the host that has the data of a service: where it is placed, else the only other one; "" where none has."""
    holding = [host for host, names in volumes.items() if names.intersection(service.volumes)]
    if service.host in holding:
        return service.host
    if len(holding) > 1:
        fail(
            message(
                "move_scattered",
                "The data of {services} is on several hosts ({hosts}), and which of it is meant is not clear. Move away what is old: `docker volume ls` on each host.",
                services=service.name,
                hosts=", ".join(sorted(holding)),
            )
        )
    return next(iter(holding), "")


def _refuse(stack: str, settings: Settings, present: Mapping[str, ExpectedService], service: str, target: str) -> None:
    """End the program where there is nothing to move, or nowhere to."""
    if not first_host(settings) or len(settings.hosts) < 2:  # noqa: PLR2004 - several
        fail(
            message(
                "move_one_host",
                "There is one host, so nothing can move. For a second one write photos:hosts in stacks/Pulumi.{stack}.yaml, see docs/hosts.md; to another machine as a whole: docs/moving.md",
                stack=stack,
            )
        )
    free = [name for name in present if not KINDS[name].beside]
    if service not in present:
        fail(
            message(
                "move_no_service",
                '"{service}" is no service of this stack. Write one of: {known}',
                service=service,
                known=", ".join(free),
            )
        )
    if beside := KINDS[service].beside:
        fail(
            message(
                "move_beside",
                "{service} is always where {other} is: ./photos move {other} {host} --stack {stack}",
                service=service,
                other=beside,
                host=target,
                stack=stack,
            )
        )
    if target not in settings.hosts:
        fail(
            message(
                "move_no_host",
                '"{host}" is not among photos:hosts. Write one of: {known}',
                host=target,
                known=", ".join(settings.hosts),
            )
        )
