"""How the Docker host differs from what the state of a stack knows. Looks only.

A killed run, a panel or an updater leaves containers that the state does not know, or takes away what it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import docker
from docker.models.containers import Container
from docker.models.networks import Network

from cli import containers, docker_host, paths, private_state, stackfile
from cli.console import warn
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
    """How the Docker host differs from the state: one message per thing that is not as the state knows it, and orphans.

    `touched` is what was done to the stack's own containers and can be undone as it is; `restore` is the container of a
    restore that runs, which is no difference.
    """

    lost: tuple[Message, ...] = ()
    touched: tuple[Touch, ...] = ()
    containers: tuple[Container, ...] = ()
    networks: tuple[Network, ...] = ()
    restore: Container | None = None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.lost or self.touched or self.containers or self.networks)


def compare(client: docker.DockerClient, stack: str) -> Difference:
    """Compare what the state of `stack` knows with what carries its id on the Docker host. Changes nothing."""
    identity = stackfile.stack_id(paths.stack_file(stack))
    if not identity or identity == PLACEHOLDER_ID or private_state.locks(stack):
        return Difference()  # nothing is there yet, or pulumi is at work
    resources = private_state.resources(stack)
    known_ids = {str(resource.get("id")) for resource in resources}
    of_stack = docker_host.of_stack(identity)
    on_host = client.containers.list(all=True, ignore_removed=True, filters=of_stack)
    networks = client.networks.list(filters=of_stack)
    statuses = {
        CONTAINER: {str(container.id): container.status for container in on_host},
        NETWORK: {str(network.id): "running" for network in networks},
        VOLUME: {str(volume.name): "running" for volume in client.volumes.list(filters=of_stack)},
    }
    restores = (c for c in on_host if containers.service_of(c) == RESTORE and containers.runs(c))
    current = [resource for resource in resources if not resource.get("delete")]
    lines = (_lost(resource, statuses.get(str(resource.get("type")))) for resource in current)
    entries = {str(resource.get("id")): resource for resource in current if resource.get("type") == CONTAINER}
    ours = [(container, entries[str(container.id)]) for container in on_host if container.id in entries]
    there = Networks(client, {str(network.id): str(network.name) for network in networks})
    renamed = (_renamed(container, entry) for container, entry in ours)
    return Difference(
        lost=tuple(line for line in (*lines, *renamed) if line),
        touched=tuple(touch for container, entry in ours for touch in touches(container, entry, there)),
        containers=tuple(container for container in on_host if container.id not in known_ids),
        networks=tuple(network for network in networks if network.id not in known_ids),
        restore=next(restores, None),
    )


def told_differences(stack: str) -> bool:
    """Say how the Docker host differs from the state, and return whether it does. Changes nothing."""
    with containers.connected(stack) as client:
        difference = compare(client, stack)
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
    return bool(difference)


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
