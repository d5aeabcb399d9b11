"""The Dockers of a stack: one, or that of each of its hosts."""

from __future__ import annotations

from collections.abc import Mapping

from stacks.config import StackConfig
from stacks.host.endpoint import DockerEndpoint, endpoint_at, resolve
from stacks.sections.places import first_host


def endpoints(config: StackConfig) -> Mapping[str, DockerEndpoint]:
    """Return host → its Docker, the swarm's manager first; one host is called "" as in `ExpectedService.host`.

    Raises:
        EndpointError: when it can be told without asking that one of them cannot be used.
    """
    hosts, here = config.settings.hosts, resolve(config.docker)
    others = {name: host.docker for name, host in hosts.items() if host.docker}
    if not others:
        return {"": here}
    further = {name: endpoint_at(url, f"photos:hosts.{name}.docker") for name, url in others.items()}
    return {first_host(config.settings): here, **further}
