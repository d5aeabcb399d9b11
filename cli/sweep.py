"""Bring the state and the Docker host together before `pulumi` works on them.

A killed run, a panel or an updater leaves containers that the state does not know, or takes away what it knows. What
is stopped is removed; what runs is only set aside, until its successor runs, and else put back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import NotFound
from docker.models.containers import Container
from docker.models.networks import Network

from cli import docker_host, engine, locks, paths, running, stackfile
from cli.console import confirm, fail, say, warn
from stacks.config import PLACEHOLDER_ID
from stacks.expected import RESTORE, expected

CONTAINER, NETWORK, VOLUME = (
    "docker:index/container:Container", "docker:index/network:Network", "docker:index/volume:Volume",
)  # fmt: skip
RUNS = ("running", "restarting", "paused")
ASIDE = "-set-aside"
SECONDS_TO_STOP = 120


@dataclass(frozen=True)
class Difference:
    """How the Docker host differs from the state: one line per thing that is not as the state knows it, and orphans."""

    lost: tuple[str, ...]
    containers: tuple[Container, ...]
    networks: tuple[Network, ...]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.lost or self.containers or self.networks)


def compare(client: docker.DockerClient, stack: str) -> Difference:
    """Compare what the state of `stack` knows with what carries its id on the Docker host. Changes nothing."""
    identity = stackfile.stack_id(paths.stack_file(stack))
    if not identity or identity == PLACEHOLDER_ID or engine.locks(stack):
        return Difference((), (), ())  # nothing is there yet, or pulumi is at work
    resources = engine.state(stack).get("resources") or ()
    known = {str(item.get("id")) for item in resources}
    ours = docker_host.of_stack(identity)
    containers = client.containers.list(all=True, ignore_removed=True, filters=ours)
    networks = client.networks.list(filters=ours)
    there = {
        CONTAINER: {str(found.id): found.status for found in containers},
        NETWORK: {str(found.id): "running" for found in networks},
        VOLUME: {str(found.name): "running" for found in client.volumes.list(filters=ours)},
    }
    return Difference(
        lost=tuple(
            line for item in resources if not item.get("delete") and (line := _lost(item, there.get(item.get("type"))))
        ),
        containers=tuple(found for found in containers if found.id not in known),
        networks=tuple(found for found in networks if found.id not in known),
    )


def _lost(resource: dict[str, Any], there: dict[str, str] | None) -> str | None:
    """Say how a resource of the state is not there any more; None when it is, or is nothing that Docker lists."""
    if there is None:
        return None
    status = there.get(str(resource.get("id")))
    name = (resource.get("outputs") or {}).get("name") or resource["urn"].rpartition("::")[2]
    kind = str(resource["type"]).rpartition(":")[2].lower()
    if status is None and kind == "volume":
        return (
            f"The volume {name} is gone, with what was in it; a new, empty one takes its place. Where there is a "
            f"backup: ./photos keeper restore --everything"
        )
    if status is None:
        return f"The {kind} {name} is gone, or was made anew by something else"
    return None if status in RUNS else f"The {kind} {name} is {status}"


@contextmanager
def room_for_up(stack: str) -> Iterator[bool]:
    """Make room for `up` and yield whether it has to look first at what is really there.

    Whatever happens meanwhile, no service is left without a container that had one.
    """
    locks.unlock(stack)
    with running.connected(stack) as client:
        difference = compare(client, stack)
        _no_restore_runs(difference)
        for line in difference.lost:
            warn(f"{line}.")
        aside = _set_aside(stack, difference)
        _remove_networks(difference)
    try:
        yield bool(difference)
    finally:
        if aside:
            with running.connected(stack) as client:
                for name in aside:
                    _give_way(client, name)


def run_up(stack: str, *options: str, refresh: bool = False, meanwhile: Callable[[], None] = lambda: None) -> int:
    """Run `pulumi up` in the room that was made for it, and return its exit code; it looks first where that is needed."""
    with room_for_up(stack) as changed:
        looking = ["--refresh"] if refresh or changed else []
        return engine.run(stack, "up", "--stack", stack, *looking, *options, meanwhile=meanwhile)


def told_differences(stack: str) -> bool:
    """Say how the Docker host differs from the state, and return whether it does. Changes nothing."""
    with running.connected(stack) as client:
        difference = compare(client, stack)
    for line in difference.lost:
        warn(f"{line}.")
    for name in (*(c.name for c in difference.containers), *(n.name for n in difference.networks)):
        warn(f"{name} carries this stack's id, and its state does not know it.")
    return bool(difference)


def strangers(client: docker.DockerClient, stack: str) -> list[str]:
    """Return the services whose running container the state of `stack` does not know; none without a state here."""
    if not engine.state_file(stack).exists():
        return []
    wanted = expected(stack, stackfile.offline(stack).settings).containers
    found = compare(client, stack).containers
    return sorted(running.service_of(container) for container in found if container.name in wanted and _runs(container))


def room_for_destroy(stack: str) -> bool:
    """Remove, after asking, what only carries the stack's id; return whether its state knows what is not there."""
    locks.unlock(stack)
    with running.connected(stack) as client:
        difference = compare(client, stack)
        _no_restore_runs(difference)
        alive = [str(found.name) for found in difference.containers if _runs(found)]
        if alive and not confirm(f"{', '.join(alive)}: made by something else than this stack. Remove, too?"):
            fail("Nothing was destroyed.")
        for found in difference.containers:
            remove(found)
        _remove_networks(difference)
    return bool(difference.lost)


def leftovers(stack: str) -> None:
    """Remove, after a destroy, the containers and networks that still carry the stack's id."""
    with running.connected(stack) as client:
        difference = compare(client, stack)
        for found in difference.containers:
            remove(found)
        _remove_networks(difference)


def remove(container: Container) -> None:
    """Stop and remove a container, with the volumes that have no name; say so."""
    container.stop(timeout=SECONDS_TO_STOP)
    container.remove(v=True)
    say(f"Removed the container {container.name}, which this stack's state does not know.")


def _set_aside(stack: str, difference: Difference) -> list[str]:
    """Stop and rename what runs in the place of a service, remove what is stopped; return the names that were freed."""
    wanted = expected(stack, stackfile.offline(stack).settings).containers
    replaced = {str(found.name): found for found in difference.containers if _runs(found) and found.name in wanted}
    question = (
        f"{', '.join(replaced)}: made by something else than this stack. Replace by the stack's own (data stays)?"
    )
    if replaced and not confirm(question):
        fail(f"Nothing that runs was changed. To keep it, take the service out of stacks/Pulumi.{stack}.yaml")
    freed = []
    for found in difference.containers:
        name = str(found.name)
        if name in replaced:
            running.let_it_start(found)  # a database that is stopped in its very first start is refused for ever
            found.rename(name + ASIDE)
            found.stop(timeout=SECONDS_TO_STOP)
            freed.append(name)
        elif _runs(found):
            warn(f"{name} carries this stack's id and is not in the stack file. It is left alone.")
        elif name.endswith(ASIDE):
            freed.append(name.removesuffix(ASIDE))  # by an `up` that was killed
        else:
            remove(found)
    return freed


def _give_way(client: docker.DockerClient, name: str) -> None:
    """Remove what was set aside where its successor works, else put it back."""
    old, new = (_container(client, found) for found in (name + ASIDE, name))
    if old is None:
        return
    if new is None:
        old.rename(name)
        old.start()
        warn(f"{name} runs again as it was before.")
    elif running.ServiceState(name, None, new).well:
        remove(old)
    else:
        warn(f"{name} is {running.health(new)}. What ran before is kept, stopped, as {old.name}.")


def _container(client: docker.DockerClient, name: str) -> Container | None:
    try:
        return client.containers.get(name)
    except NotFound:
        return None


def _runs(container: Container) -> bool:
    return container.status in RUNS


def _no_restore_runs(difference: Difference) -> None:
    """End the program where files or the database are just being restored: the album must stay stopped."""
    for found in difference.containers:
        if running.service_of(found) == RESTORE and _runs(found):
            fail(
                f"A restore is running ({found.name}). Nothing that runs was changed. When it has ended, run this again."
            )


def _remove_networks(difference: Difference) -> None:
    for network in difference.networks:
        network.reload()
        if network.attrs.get("Containers"):
            warn(f"The network {network.name} carries this stack's id and is in use. It is left alone.")
        else:
            network.remove()
            say(f"Removed the network {network.name}, which this stack's state does not know.")
