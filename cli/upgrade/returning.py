"""The way back: the old image and the old data, after an upgrade that failed, was killed, or that a person regrets."""

from __future__ import annotations

from collections.abc import Callable

from cli import containers, locks, paths, private_state, setup, stackfile, sweep, workspace
from cli.console import fail, say, warn
from cli.dockers import Dockers
from cli.upgrade import database_record, journal, points, services
from cli.upgrade.copying import CopyError
from cli.upgrade.journal import Journal
from cli.upgrade.services import ServiceError
from components.database import Database
from components.messages import message
from stacks.names import NAMESPACE


def settle(stack: str, *, starting: bool = True) -> None:
    """Go on with what an upgrade was at that was killed: back to what was, or, where all was proven, to its end.

    Afterwards `up` brings everything up as the stack file says. `starting` off: what it had stopped stays stopped.
    """
    if not journal.folder(stack).is_dir():
        return
    if journal.read(stack):
        setup.reach(stack)  # a fresh clone takes its stack file first
    with journal.alone(stack):
        settle_alone(stack, starting=starting)


def settle_alone(stack: str, *, starting: bool = True) -> None:
    """Do what `settle` does for who holds the stack's lock already."""
    entry = journal.read(stack)
    if entry is None:
        return
    nobody_else(stack)
    if entry.stack_id != stackfile.stack_id(paths.stack_file(stack)):
        warn(
            message(
                "upgrade_of_other_id",
                'An upgrade was cut short under another id of the stack "{stack}" ({id}); it is left alone.',
                stack=stack,
                id=entry.stack_id,
            )
        )
        journal.end(stack)
        return
    with containers.connected(stack) as dockers:
        points.clear(dockers, stack, entry.point)
        if entry.stage in ("begun", "copied"):
            say(
                message(
                    "upgrade_cut_before",
                    "An upgrade of {name} was cut short before anything was changed. What it had stopped is started again.",
                    name=entry.point.name,
                )
            )
            undo(dockers, stack, entry, starting=starting)
        elif entry.stage == "proven":
            say(message("upgrade_cut_after", "The upgrade of {name} was complete; tidying up.", name=entry.point.name))
            finish(dockers, stack, entry)
        else:
            say(
                message(
                    "upgrade_cut_between",
                    "An upgrade of {name} was cut short. Going back to {image} and its data ...",
                    name=entry.point.name,
                    image=entry.point.image,
                )
            )
            end_return(dockers, stack, put_all_back(dockers, stack, entry))


def undo(dockers: Dockers, stack: str, entry: Journal, *, starting: bool = True) -> None:
    """End an upgrade that changed nothing yet: remove what was copied, start what was stopped."""
    if starting:
        there = services.of(dockers, stack, reversed(entry.point.stopped))
        for container in there.values():
            if not containers.runs(container):
                container.start()
    points.remove(dockers, stack, entry.point)
    journal.end(stack)


def finish(dockers: Dockers, stack: str, entry: Journal) -> None:
    """End an upgrade that went well: its restore point takes the place of the one before."""
    before = journal.kept_of(stack, entry.point.name)
    if before and before.made != entry.point.made:
        points.remove(dockers, stack, before)
    journal.keep(stack, entry.point)
    journal.end(stack)


def put_all_back(dockers: Dockers, stack: str, entry: Journal) -> Journal:
    """Put the data and the image back; end the program where that cannot be done now. It can be done again."""
    point = entry.point
    if entry.stage != "returned":
        entry = journal.write(stack, entry.model_copy(update={"stage": "returning"}))
        try:
            _remove_containers(dockers, stack, point.stopped)
            points.put_back(dockers, stack, point)
        except (CopyError, ServiceError) as problem:
            fail(
                message(
                    "upgrade_not_back",
                    "The way back could not be finished: {problem}\nThe restore point is untouched. After mending the cause, ./photos up {stack} goes on with it.",
                    problem=problem.said,
                    stack=stack,
                )
            )
        entry = journal.write(stack, entry.model_copy(update={"stage": "returned"}))
    workspace.set_value(stack, NAMESPACE + point.key, point.image)
    if point.database:
        database_record.write(stack, point.database)
    return entry


def end_return(dockers: Dockers, stack: str, entry: Journal) -> None:
    """Forget a restore point that everything is like again."""
    points.remove(dockers, stack, entry.point)
    journal.end(stack)


def _remove_containers(dockers: Dockers, stack: str, names: tuple[str, ...]) -> None:
    """Remove the containers of services, the database's last; `up` makes them anew with the old image."""
    for service in sorted(names, key=lambda name: name == Database.service):
        for container in containers.containers(dockers, stack):
            if containers.service_of(container) == service:
                container.stop(timeout=services.SECONDS_TO_STOP)
                container.remove(force=True, v=True)


def nobody_else(stack: str) -> None:
    """End the program where a pulumi works on the stack, be it one that outlived a killed upgrade."""
    locks.unlock(stack)
    if alive := private_state.locks(stack):
        fail(
            message(
                "pulumi_at_work",
                'Pulumi is at work on "{stack}" (process {pid}). Wait until it ends, then run this again.',
                stack=stack,
                pid=alive[0].pid,
            )
        )


def up(stack: str, meanwhile: Callable[[], None]) -> int:
    """Run `up` on what was put back, and return its exit code."""
    return sweep.run_up(stack, "--yes", "--skip-preview", meanwhile=meanwhile)
