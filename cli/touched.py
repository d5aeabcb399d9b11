"""What a panel or a hand has done to a container that is still the stack's own, and how it is undone.

The provider looks for none of it: a paused container runs to it, and it never asks which networks a container is in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import docker
from docker.models.containers import Container

from components.messages import Message, message


@dataclass(frozen=True)
class Touch:
    """One thing that was done to a container: what a person is told, and what undoes it."""

    told: Message
    undo: Callable[[], None]


@dataclass(frozen=True)
class Networks:
    """The networks of a Docker host that are needed here: id → name of the stack's own."""

    client: docker.DockerClient
    ours: Mapping[str, str]

    def name(self, network: str) -> str:
        """Return the name of a network, which the state knows by its id or by its name."""
        return self.ours.get(network, network)

    def there(self, network: str) -> bool:
        """Whether it is there to be joined; of one that is not, others tell."""
        return network in self.ours or bool(self.client.networks.list(names=[network]))


def touches(container: Container, resource: Mapping[str, Any], networks: Networks) -> Iterator[Touch]:
    """Yield what differs between a container and `resource`, its entry in the state. Changes nothing."""
    if container.status == "paused":
        told = message("container_paused", "The container {name} is paused; up lets it run on.", name=container.name)
        yield Touch(told, container.unpause)
    if container.status in ("running", "paused"):  # one that does not run is made anew, with its networks
        yield from _networks(container, (resource.get("inputs") or {}).get("networksAdvanced") or (), networks)


def _networks(container: Container, declared: Any, networks: Networks) -> Iterator[Touch]:
    wanted = {str(network["name"]): network.get("aliases") for network in declared}
    if not wanted:
        return
    joined = container.attrs["NetworkSettings"]["Networks"]
    known = {name: {name, endpoint.get("NetworkID")} for name, endpoint in joined.items()}
    for network, aliases in wanted.items():
        if not any(network in names for names in known.values()) and networks.there(network):
            yield Touch(
                message(
                    "network_left",
                    "The container {name} is not in the network {network} any more; up puts it back.",
                    name=container.name,
                    network=networks.name(network),
                ),
                partial(_join, networks.client, network, container, aliases),
            )
    for name, names in known.items():
        if not names & wanted.keys():
            yield Touch(
                message(
                    "network_joined",
                    "The container {name} is in the network {network}, too, which the stack file does not name; up takes "
                    "it out. For the pages of the album and OpenList to stay there: photos:panel_network: {network}",
                    name=container.name,
                    network=name,
                ),
                partial(_leave, networks.client, name, container),
            )


def _join(client: docker.DockerClient, network: str, container: Container, aliases: list[str] | None) -> None:
    # Not by `networks.get`: of several hosts, one knows Swarm's network only once a container there is in it.
    client.api.connect_container_to_network(str(container.id), network, aliases=aliases)


def _leave(client: docker.DockerClient, network: str, container: Container) -> None:
    client.networks.get(network).disconnect(container)
