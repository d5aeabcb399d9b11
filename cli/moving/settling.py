"""The end of a move, also of one that was killed: undone until all was copied and compared, and from then on finished."""

from __future__ import annotations

from docker.models.containers import Container

from cli import containers, paths, setup, stack_config, stackfile, workspace
from cli.console import fail, say, warn
from cli.moving import hosts, journal
from cli.moving.hosts import Clients
from cli.moving.journal import Move
from cli.moving.volumes import Side
from cli.upgrade import journal as upgrades
from cli.upgrade import returning
from components.container import image_reference
from components.messages import message
from stacks.names import NAMESPACE
from stacks.sections.places import KINDS


def settle(stack: str, *, starting: bool = True) -> None:
    """Go on with what a move was at that was killed; afterwards `up` brings everything up as the stack file says.

    `starting` off: what it had stopped stays stopped.
    """
    if not journal.read(stack):
        return
    setup.reach(stack)  # a fresh clone takes its stack file first
    with upgrades.alone(stack):
        settle_alone(stack, starting=starting)


def settle_alone(stack: str, *, starting: bool = True) -> None:
    """Do what `settle` does for who holds the stack's lock already."""
    entry = journal.read(stack)
    if entry is None:
        return
    returning.nobody_else(stack)
    if entry.stack_id != stackfile.stack_id(paths.stack_file(stack)):
        warn(
            message(
                "move_of_other_id",
                'A move was cut short under another id of the stack "{stack}" ({id}); it is left alone.',
                stack=stack,
                id=entry.stack_id,
            )
        )
        journal.end(stack)
        return
    config = stack_config.offline(stack)
    tool = image_reference(config.settings.database.image, config.settings.image_registry)
    if gone := {entry.source, entry.target} - config.settings.hosts.keys():
        fail(
            message(
                "move_host_gone",
                "A move of {services} from {source} to {target} was cut short, and photos:hosts no longer has {gone}. Write it back, and run this again.",
                services=", ".join(entry.services),
                source=entry.source,
                target=entry.target,
                gone=", ".join(sorted(gone)),
            )
        )
    with hosts.connected(config) as clients:
        target = Side(clients[entry.target], stack, entry.stack_id, tool)
        Side(clients[entry.source], stack, entry.stack_id, tool).clear()
        target.clear()
        if entry.stage == "copied" and not _started_again(clients, stack, entry):
            say(
                message(
                    "move_cut_after",
                    "A move of {services} to {host} was cut short when all was copied. It goes on.",
                    services=", ".join(entry.services),
                    host=entry.target,
                )
            )
            place(clients, stack, entry)
            return
        say(
            message(
                "move_cut_before",
                "A move of {services} to {host} was cut short. It is undone: everything is where it was.",
                services=", ".join(entry.services),
                host=entry.target,
            )
        )
        undo(clients, stack, entry, target, starting=starting)


def undo(clients: Clients, stack: str, entry: Move, target: Side, *, starting: bool = True) -> None:
    """End a move of which nothing counts: remove what was copied, start what was stopped. It can be done again."""
    target.clear()
    for volume in entry.filled:
        target.remove(volume)
    if starting:
        for name in reversed(entry.stopped):
            for _, container in hosts.found(clients, stack, name):
                if not runs(container):
                    container.start()
    journal.end(stack)


def place(clients: Clients, stack: str, entry: Move) -> None:
    """Write where the services are from now on, and end the move: `up` does the rest. It can be done again.

    Their old containers go first. One that only stands still is drift to the provider, which then starts it anew through
    the provider of the other host: "No such container" (seen).
    """
    for name in _moved(entry):
        if old := containers.of_service_on(clients[entry.source], stack, name):
            old.remove(v=True)
    workspace.set_values(stack, {f"{NAMESPACE}place.{service}": entry.target for service in entry.services})
    journal.end(stack)


def runs(container: Container) -> bool:
    """Whether it is at work."""
    return containers.runs(container)


def _started_again(clients: Clients, stack: str, entry: Move) -> bool:
    """Whether something of what moved runs where it was: then its data may be newer than the copy."""
    there = (containers.of_service_on(clients[entry.source], stack, name) for name in _moved(entry))
    return any(found and runs(found) for found in there)


def _moved(entry: Move) -> list[str]:
    """Return the services that are somewhere else after the move; none where they have been there."""
    return [name for name, kind in KINDS.items() if kind.placed_as() in entry.services and entry.source != entry.target]
