"""The Dockers of a stack: one, or that of each of its hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from stacks.host.endpoint import DockerEndpoint, endpoint_at, resolve

if TYPE_CHECKING:
    from stacks.config import StackConfig  # pydantic, which not every command waits for


def endpoints(config: StackConfig) -> Mapping[str, DockerEndpoint]:
    """Return host → its Docker, the swarm's manager first; one host is called "", as in `ExpectedService.host`.

    Raises:
        EndpointError: when it can be told without asking that one of them cannot be used.
    """
    return endpoints_of(config.docker, {name: host.docker for name, host in config.settings.hosts.items()})


def endpoints_of(docker: Mapping[str, object], hosts: Mapping[str, str | None]) -> Mapping[str, DockerEndpoint]:
    """Return the same for what stands in a stack file: its `docker:` settings, and host → its `docker`.

    Raises:
        EndpointError: when it can be told without asking that one of them cannot be used.
    """
    here = resolve(docker)
    further = {name: endpoint_at(url, f"photos:hosts.{name}.docker") for name, url in hosts.items() if url}
    first = next((name for name, url in hosts.items() if not url), "")
    return {first: here, **further} if further else {"": here}
