"""Where this machine finds what a Docker host publishes."""

from __future__ import annotations

from stacks.host.endpoint import DockerEndpoint


def reached(endpoint: DockerEndpoint, published: str, port: int) -> str:
    """Return where a port answers that is published at the address `published` there, as it stands in a URL.

    Where ssh leads to the host, the port is led here first, to an address of loopback that no other host has.

    Raises:
        LineError: when there is no way to its machine.
    """
    if endpoint.line is None:
        return f"{published}:{port}"
    endpoint.line.forward(published, port)
    return f"{endpoint.line.address}:{port}"
