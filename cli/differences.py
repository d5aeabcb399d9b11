"""How the Docker hosts differ from what the state of a stack knows. Looks only.

A killed run, a panel or an updater leaves containers that the state does not know, or takes away what it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docker.models.containers import Container
from docker.models.networks import Network

from cli import containers, docker_host, paths, private_state, stackfile
from cli.astray import astray
from cli.console import warn
from cli.dockers import Dockers
from cli.touched import Networks, Touch, touches
from components.messages import Message, message
from stacks.names import PLACEHOLDER_ID, RESTORE

CONTAINER, NETWORK, VOLUME = (
    "docker:index/container:Container", "docker:index/network:Network", "docker:index/volume:Volume",
)  # fmt: skip


KINDS = {
    "container": message("container", "container"),
    "network": message("network", "network"),
    "volume": message("volume", "volume"),
}


@dataclass(frozen=True)
class Difference:
    """How the Docker hosts differ from the state: one message per thing that is not as the state knows it, and orphans.

    `touched` is what was done to the stack's own containers and can be undone as it is; `restore` is the container of a
    restore that runs, which is no difference. `moved` are orphans on a host that their service is not on; `cut_off` are
    containers, known or not, whose network is no more; `dead` are networks that are no more but on one host.
    """

    lost: tuple[Message, ...] = ()
    touched: tuple[Touch, ...] = ()
    containers: tuple[Container, ...] = ()
    networks: tuple[Network, ...] = ()
    restore: Container | None = None
    moved: tuple[Container, ...] = ()
    cut_off: tuple[Container, ...] = ()
    dead: tuple[Network, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        found = (self.lost, self.touched, self.containers, self.networks, self.moved, self.cut_off, self.dead)
        return any(found)


def compare(dockers: Dockers, stack: str) -> Difference:
    """Compare what the state of `stack` knows with what carries its id on the Docker hosts. Changes nothing."""
    identity = stackfile.stack_id(paths.stack_file(stack))
    if not identity or identity == PLACEHOLDER_ID or private_state.locks(stack):
        return Difference()  # nothing is there yet, or pulumi is at work
    resources = private_state.resources(stack)
    known_ids = {str(resource.get("id")) for resource in resources}
    of_stack = docker_host.of_stack(identity)
    by_host = {host: containers.on(client, stack) for host, client in dockers.clients.items()}
    on_hosts = [container for found in by_host.values() for container in found]
    networks = dockers.first.networks.list(filters=of_stack)
    statuses = {
        CONTAINER: {str(container.id): container.status for container in on_hosts},
        NETWORK: {str(network.id): "running" for network in networks},
        VOLUME: dict.fromkeys(_volumes(dockers, of_stack), "running"),
    }
    restores = (c for c in on_hosts if containers.service_of(c) == RESTORE and containers.runs(c))
    current = [resource for resource in resources if not resource.get("delete")]
    lines = (_lost(resource, statuses.get(str(resource.get("type")))) for resource in current)
    entries = {str(resource.get("id")): resource for resource in current if resource.get("type") == CONTAINER}
    useless = astray(dockers, identity, by_host)
    gone = {container.id for container in useless.cut_off}
    names = {str(network.id): str(network.name) for network in networks}
    ours = [
        (container, entries[str(container.id)], Networks(dockers.clients[host], names))
        for host, found in by_host.items()
        for container in found
        if container.id in entries and container.id not in gone
    ]
    renamed = (_renamed(container, entry) for container, entry, _ in ours)
    orphans = [c for c in on_hosts if c.id not in known_ids and c.id not in gone]
    moved = {container.id for container in useless.moved}
    return Difference(
        lost=tuple(line for line in (*lines, *renamed) if line),
        touched=tuple(touch for container, entry, there in ours for touch in touches(container, entry, there)),
        containers=tuple(container for container in orphans if container.id not in moved),
        networks=tuple(network for network in networks if network.id not in known_ids),
        restore=next(restores, None),
        moved=tuple(container for container in orphans if container.id in moved),
        cut_off=useless.cut_off,
        dead=useless.networks,
    )


def _volumes(dockers: Dockers, of_stack: dict[str, str | list[str] | bool]) -> set[str]:
    """Return the names of the stack's volumes, without those that a host still has from before a move."""
    homes = dockers.homes_of_volumes() if dockers.several else {}
    return {
        name
        for host, client in dockers.clients.items()
        for name in (str(volume.name) for volume in client.volumes.list(filters=of_stack))
        if homes.get(name, host) == host
    }


def told_differences(stack: str) -> bool:
    """Say how the Docker hosts differ from the state, and return whether it does. Changes nothing."""
    with containers.connected(stack) as dockers:
        difference = compare(dockers, stack)
    for told in (*difference.lost, *(touch.told for touch in difference.touched)):
        warn(told)
    if difference.restore:
        warn(
            message(
                "restore_runs",
                "A restore is running ({name}). Until it has ended, up and destroy change nothing.",
                name=difference.restore.name,
            )
        )
    orphans = [container.name for container in difference.containers if container != difference.restore]
    for name in (*orphans, *(network.name for network in difference.networks)):
        warn(message("container_unknown", "{name} carries this stack's id, and its state does not know it.", name=name))
    for container in difference.moved:
        warn(
            message(
                "container_left_behind",
                "{name} is on a host that its service is not on any more. up asks, and removes the container; its volumes stay.",
                name=container.name,
            )
        )
    for container in difference.cut_off:
        warn(cut_off(container))
    return bool(difference)


def cut_off(container: Container) -> Message:
    """Say that a container reaches nobody any more."""
    return message(
        "container_cut_off",
        "The network of {name} is gone with the swarm that made it. up makes the container anew; its volumes stay.",
        name=container.name,
    )


def _renamed(container: Container, resource: dict[str, Any]) -> Message | None:
    name = _name(resource)
    if container.name == name:
        return None
    return message(
        "container_renamed",
        "The container {name} is called {other} now; up makes it anew under its name.",
        name=name,
        other=container.name,
    )


def _name(resource: dict[str, Any]) -> str:
    return str((resource.get("outputs") or {}).get("name") or resource["urn"].rpartition("::")[2])


def _lost(resource: dict[str, Any], statuses: dict[str, str] | None) -> Message | None:
    """Say how a resource of the state is not there any more; None when it is, or is nothing that Docker lists.

    `statuses` are those of what is on the host of its type, by Docker's id.
    """
    if statuses is None:
        return None
    status = statuses.get(str(resource.get("id")))
    name = _name(resource)
    kind = str(resource["type"]).rpartition(":")[2].lower()
    if status is None and kind == "volume":
        return message(
            "volume_lost",
            "The volume {name} is gone, with what was in it; a new, empty one takes its place. "
            "Where there is a backup: ./photos keeper restore --everything.",
            name=name,
        )
    if status is None:
        return message(
            "thing_lost", "The {kind} {name} is gone, or was made anew by something else.", kind=KINDS[kind], name=name
        )
    waits = (resource.get("inputs") or {}).get("start") is False  # for a person, who starts it
    if waits or status in containers.RUNS:
        return None
    return message(
        "thing_is", "The {kind} {name} is {status}.", kind=KINDS[kind], name=name, status=containers.in_words(status)
    )
