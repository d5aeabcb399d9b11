"""Bring the state and the Docker hosts together before `pulumi` works on them.

What is stopped is removed; what runs is only set aside, until its successor runs, and else put back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from cli import containers, engine, locks, private_state, stack_config
from cli.console import confirm, fail, say, warn
from cli.differences import Difference, compare, cut_off
from cli.dockers import Dockers
from cli.upgrade import database_record
from components.messages import message
from stacks.expected import expected

ASIDE = "-set-aside"
SECONDS_TO_STOP = 120


@contextmanager
def room_for_up(stack: str) -> Iterator[bool]:
    """Make room for `up` and yield whether it has to look first at what is really there.

    Whatever happens meanwhile, no service is left without a container that had one.
    """
    locks.unlock(stack)
    with containers.connected(stack) as dockers:
        difference = compare(dockers, stack)
        _no_restore_runs(difference)
        for lost in difference.lost:
            warn(lost)
        for touch in difference.touched:
            warn(touch.told)
            touch.undo()
        _remove_useless(stack, difference)
        aside = _set_aside(stack, difference)
        _remove_networks(difference)
    try:
        yield bool(difference)
    finally:
        if aside:
            with containers.connected(stack, partly=True) as dockers:
                for service, name in aside:
                    if dockers.host_of(service) not in dockers.lost:
                        _give_way(dockers.of(service), name)


def run_up(stack: str, *options: str, refresh: bool = False, meanwhile: Callable[[], None] = lambda: None) -> int:
    """Run `pulumi up` in the room that was made for it, and return its exit code; it looks first where that is needed."""
    with room_for_up(stack) as changed:
        looking = ["--refresh"] if refresh or changed else []
        code = engine.run(stack, "up", "--stack", stack, *looking, *options, meanwhile=meanwhile)
        database_record.remember(stack)
        return code


def strangers(dockers: Dockers, stack: str) -> list[str]:
    """Return the services whose running container the state of `stack` does not know; none without a state here."""
    if not private_state.exists(stack):
        return []
    expected_names = expected(stack, stack_config.offline(stack).settings).containers
    if dockers.lost:
        return []
    orphans = [c for c in compare(dockers, stack).containers if c.name in expected_names and containers.runs(c)]
    return sorted(map(containers.service_of, orphans))


def room_for_destroy(stack: str) -> bool:
    """Remove, after asking, what only carries the stack's id; return whether its state knows what is not there."""
    locks.unlock(stack)
    with containers.connected(stack) as dockers:
        difference = compare(dockers, stack)
        _no_restore_runs(difference)
        orphans = (*difference.containers, *difference.moved)
        alive = [str(container.name) for container in orphans if containers.runs(container)]
        if alive and not confirm(
            message(
                "remove_strangers",
                "{names}: made by something else than this stack. Remove, too?",
                names=", ".join(alive),
            )
        ):
            fail(message("nothing_destroyed", "Nothing was destroyed."))
        for orphan in orphans:
            remove(orphan)
        _remove_networks(difference)
    return bool(difference.lost)


def leftovers(stack: str) -> None:
    """Remove, after a destroy, the containers and networks that still carry the stack's id."""
    with containers.connected(stack) as dockers:
        difference = compare(dockers, stack)
        for orphan in (*difference.containers, *difference.moved):
            remove(orphan)
        _remove_networks(difference)


def remove(container: Container) -> None:
    """Stop and remove a container, with the volumes that have no name; say so."""
    _take_away(container)
    say(
        message(
            "container_removed",
            "Removed the container {name}, which this stack's state does not know.",
            name=container.name,
        )
    )


def _take_away(container: Container) -> None:
    container.stop(timeout=SECONDS_TO_STOP)
    container.remove(v=True)


def _remove_useless(stack: str, difference: Difference) -> None:
    """Remove, after asking, containers on hosts that their service is not on; and those whose network is no more."""
    names = ", ".join(str(container.name) for container in difference.moved if containers.runs(container))
    question = message(
        "remove_left_behind",
        "{names}: on a host that the service is not on any more. Remove the container there (its volumes stay)?",
        names=names,
    )
    if names and not confirm(question):
        fail(
            message(
                "left_behind_kept",
                "Nothing was changed: two of one service would answer in turn. To keep this one, write its host into photos:place of stacks/Pulumi.{stack}.yaml",
                stack=stack,
            )
        )
    for container in difference.moved:
        remove(container)
    for container in difference.cut_off:
        warn(cut_off(container))
        _take_away(container)


def _set_aside(stack: str, difference: Difference) -> list[tuple[str, str]]:
    """Stop and rename what runs in the place of a service, remove what is stopped.

    Returns services with the names of containers that were freed.
    """
    expected_names = expected(stack, stack_config.offline(stack).settings).containers
    alive = {str(container.name): container for container in difference.containers if containers.runs(container)}
    replaced = {name: container for name, container in alive.items() if name in expected_names}
    question = message(
        "replace_strangers",
        "{names}: made by something else than this stack. Replace by the stack's own (data stays)?",
        names=", ".join(replaced),
    )
    if replaced and not confirm(question):
        fail(
            message(
                "nothing_running_changed",
                "Nothing that runs was changed. To keep it, take the service out of stacks/Pulumi.{stack}.yaml",
                stack=stack,
            )
        )
    freed = []
    for orphan in difference.containers:
        name, service = str(orphan.name), containers.service_of(orphan)
        if name in replaced:
            containers.let_it_start(orphan)  # a database that is stopped in its very first start is refused for ever
            works = containers.works(orphan)
            if not works:  # between two crashes Docker cannot rename it: "sandbox not found" (seen with 20.10)
                orphan.stop(timeout=SECONDS_TO_STOP)
            orphan.rename(name + ASIDE)
            if works:
                orphan.stop(timeout=SECONDS_TO_STOP)
            freed.append((service, name))
        elif name in alive:
            warn(
                message(
                    "container_not_in_file",
                    "{name} carries this stack's id and is not in the stack file. It is left alone.",
                    name=name,
                )
            )
        elif name.endswith(ASIDE):
            freed.append((service, name.removesuffix(ASIDE)))  # by an `up` that was killed
        else:
            remove(orphan)
    return freed


def _give_way(client: docker.DockerClient, name: str) -> None:
    """Remove what was set aside where its successor works, else put it back."""
    before, successor = _container(client, name + ASIDE), _container(client, name)
    if before is None:
        return
    if successor is None:
        before.rename(name)
        before.start()
        warn(message("runs_as_before", "{name} runs again as it was before.", name=name))
    elif containers.works(successor):
        remove(before)
    else:
        warn(
            message(
                "old_is_kept",
                "{name} is {health}. What ran before is kept, stopped, as {old}.",
                name=name,
                health=containers.in_words(containers.health(successor)),
                old=before.name,
            )
        )


def _container(client: docker.DockerClient, name: str) -> Container | None:
    try:
        return client.containers.get(name)
    except NotFound:
        return None


def _no_restore_runs(difference: Difference) -> None:
    """End the program where files or the database are just being restored: the album must stay stopped."""
    if difference.restore:
        name = difference.restore.name
        fail(
            message(
                "restore_is_running",
                "A restore is running ({name}). Nothing that runs was changed. When it has ended, run this again.",
                name=name,
            )
        )


def _remove_networks(difference: Difference) -> None:
    for network in difference.dead:
        try:
            network.remove()
        except APIError as problem:
            warn(
                message(
                    "network_dead",
                    "The network {name} is left of a swarm that is no more and cannot be removed ({problem}). Restart Docker on that host: sudo systemctl restart docker",
                    name=network.name,
                    problem=problem.explanation,
                )
            )
    for network in difference.networks:
        network.reload()
        if network.attrs.get("Containers"):
            warn(
                message(
                    "network_in_use",
                    "The network {name} carries this stack's id and is in use. It is left alone.",
                    name=network.name,
                )
            )
        else:
            network.remove()
            say(
                message(
                    "network_removed",
                    "Removed the network {name}, which this stack's state does not know.",
                    name=network.name,
                )
            )
