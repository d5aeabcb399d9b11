"""The pages of a machine that is reached by ssh: its ports, led to addresses of loopback here while the line is open."""

from __future__ import annotations

from components.addresses import asked_at
from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host.endpoint import DockerEndpoint
from stacks.host.endpoints import endpoints


def forward(config: StackConfig) -> None:
    """Lead here what the stack asks its apps at.

    Raises:
        EndpointError: when it can be told without asking that a Docker cannot be used.
        LineError: when there is no way to a machine.
    """
    services = expected(config.stack, config.settings).services
    for host, endpoint in endpoints(config).items():
        for port in (port for service in services if service.host == host for port in service.ports):
            reached(endpoint, asked_at(port.addresses), port.number)


def reached(endpoint: DockerEndpoint, published: str, port: int) -> str:
    """Return where this machine finds what a host publishes, as it stands in a URL; leads it here where that is needed."""
    if endpoint.line is None:
        return f"{published}:{port}"
    endpoint.line.forward(published, port)
    return f"{endpoint.line.address}:{port}"
