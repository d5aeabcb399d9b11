"""The pages of machines that are reached by ssh, for what the program declares inside of the apps."""

from __future__ import annotations

from components.addresses import asked_at
from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host.endpoints import endpoints
from stacks.host.reaching import reached


def forward(config: StackConfig) -> None:
    """Lead here all ports that the stack publishes on such machines.

    Raises:
        EndpointError: when it can be told without asking that a Docker cannot be used.
        LineError: when there is no way to a machine.
    """
    services = expected(config.stack, config.settings).services
    for host, endpoint in endpoints(config).items():
        for port in (port for service in services if service.host == host for port in service.ports):
            reached(endpoint, asked_at(port.addresses), port.number)
