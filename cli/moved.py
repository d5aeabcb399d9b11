"""Services that answer on other addresses than the stack file asks for: after DHCP gave this machine another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cli.running import ServiceState
from components.messages import Message, message
from stacks.config import StackConfig
from stacks.expected import ExpectedService, expected


def moved(states: Iterable[ServiceState], config: StackConfig) -> Iterator[Message]:
    """Say which service answers where, and where it should."""
    wanted = {service.name: service for service in expected(config.stack, config.settings).services}
    for state in states:
        if state.container is None or state.name not in wanted:
            continue
        bindings = (state.container.attrs["HostConfig"]["PortBindings"] or {}).values()
        now = {(binding["HostIp"], int(binding["HostPort"])) for some in bindings for binding in some or ()}
        if lacking := _lacking(wanted[state.name], now):
            yield message(
                "service_moved",
                "{name} does not answer on {addresses}, where the stack file wants it now. Move it there: ./photos up {stack}",
                name=state.name,
                addresses=", ".join(lacking),
                stack=config.stack,
            )


def _lacking(service: ExpectedService, now: set[tuple[str, int]]) -> list[str]:
    """Return the addresses at which a published port is missing; whether ports are published at all is no matter of this."""
    numbers = {number for _, number in now}
    return [
        address
        for port in service.ports
        if port.number in numbers
        for address in port.addresses
        if (address, port.number) not in now
    ]
