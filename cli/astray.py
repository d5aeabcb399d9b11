"""What of a stack of several hosts is where it is of no use: left behind by a move, or by a swarm that is no more.

Containers and networks only. A volume is somebody's photos or database, and is never astray.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from docker.models.containers import Container
from docker.models.networks import Network

from cli import containers, docker_host
from cli.dockers import Dockers


@dataclass(frozen=True)
class Astray:
    """What was found. `moved` are containers on a host that their service is not on (any more).

    `cut_off` are containers whose network went with its swarm: they may run, and reach nobody. Docker does not start them
    again, and a refresh does not see it. `networks` are what such a swarm left on the hosts that it did not manage, where
    they take the addresses of those that come.
    """

    moved: tuple[Container, ...] = ()
    cut_off: tuple[Container, ...] = ()
    networks: tuple[Network, ...] = ()


def astray(dockers: Dockers, identity: str, there: Mapping[str, Iterable[Container]]) -> Astray:
    """Look for it among the stack's containers, host → what is `there`. Changes nothing."""
    if not dockers.several or dockers.lost:
        return Astray()
    moved = [c for host, found in there.items() for c in found if dockers.host_of(containers.service_of(c)) != host]
    if not dockers.first.info()["Swarm"].get("ControlAvailable"):
        return Astray(tuple(moved))  # no swarm yet in which a container could be made anew
    # The manager knows every network of the swarm; another host those that it uses, and dead ones.
    alive = {str(network.id) for network in dockers.first.networks.list(filters=docker_host.of_stack(identity))}
    cut_off: list[Container] = []
    networks: list[Network] = []
    for host, found in there.items():
        listed = dockers.clients[host].networks.list()
        here = {str(network.id) for network in listed if network.attrs.get("Scope") != "swarm"}
        cut_off += [each for each in found if not _networks(each) <= alive | here]
        networks += [
            network
            for network in listed
            if host != dockers.first_host and network.id not in alive | here and _is_of(network, identity)
        ]
    return Astray(tuple(moved), tuple(cut_off), tuple(networks))


def _networks(container: Container) -> set[str]:
    """Return the ids of the networks that a container is in; one that never ran is in none yet."""
    joined = (container.attrs.get("NetworkSettings") or {}).get("Networks") or {}
    return {str(endpoint["NetworkID"]) for endpoint in joined.values() if endpoint.get("NetworkID")}


def _is_of(network: Network, identity: str) -> bool:
    return (network.attrs.get("Labels") or {}).get("photos.id") == identity
