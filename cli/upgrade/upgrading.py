"""One program from its image to a newer one, and back where that is not well.

Nothing is stopped for a pull, nothing is changed without a restore point, and what does not come up healthy and whole goes
back by itself.
"""

from __future__ import annotations

import typer
from docker.errors import DockerException
from docker.models.containers import Container

from cli import containers, paths, stackfile, sweep, workspace
from cli.console import err, fail, say, warn
from cli.crash_loops import CrashLoops
from cli.dockers import Dockers
from cli.upgrade import database, journal, points, returning, services
from cli.upgrade.copying import CopyError
from cli.upgrade.database import DatabaseError
from cli.upgrade.journal import Journal, RestorePoint
from cli.upgrade.offers import Offer
from cli.upgrade.proof import prove
from cli.upgrade.pulling import pull
from cli.upgrade.services import ServiceError
from components.container import image_reference
from components.database import Database
from components.messages import Said, message
from stacks.names import NAMESPACE
from stacks.sections import Settings

OBSTACLES = (CopyError, DatabaseError, ServiceError, DockerException, OSError)
"""What may keep an upgrade from beginning."""


def upgrade(stack: str, settings: Settings, offer: Offer) -> bool:
    """Upgrade one program, and return whether that went well; else everything is as it was before."""
    with containers.connected(stack) as dockers:
        pull(dockers.of(offer.part.service), image_reference(offer.to, settings.image_registry))
        entry = _begun(dockers, stack, offer)
    try:
        _switched(stack, entry)
    except ServiceError as failed:
        return _gone_back(stack, entry, failed)
    with containers.connected(stack) as dockers:
        returning.finish(dockers, stack, journal.write(stack, entry.model_copy(update={"stage": "proven"})))
    _tell(stack, entry)
    return True


def _begun(dockers: Dockers, stack: str, offer: Offer) -> Journal:
    """Stop what has to stand still, make the restore point, and write that the new image comes now."""
    part = offer.part
    services.await_keeper(dockers, stack)
    there = services.of(dockers, stack, part.stopped)
    if missing := [name for name in part.stopped if name not in there]:
        fail(
            message(
                "upgrade_not_running",
                "Missing: {names}. An upgrade begins with what runs: ./photos up {stack}",
                names=", ".join(missing),
                stack=stack,
            )
        )
    try:
        point = points.planned(dockers, stack, part, there)
    except OBSTACLES as problem:
        fail(_nothing_changed(problem))
    entry = Journal(
        stack_id=str(stackfile.stack_id(paths.stack_file(stack))),
        way="upgrade",
        stage="begun",
        to=offer.to,
        point=point,
    )
    journal.write(stack, entry)
    try:
        entry = journal.write(stack, entry.model_copy(update={"point": _still(stack, point, there)}))
        points.fill(dockers, stack, point)
    except OBSTACLES as problem:
        returning.undo(dockers, stack, entry)
        fail(_nothing_changed(problem))
    except BaseException:
        returning.undo(dockers, stack, entry)
        raise
    return journal.write(stack, entry.model_copy(update={"stage": "copied"}))


def _still(stack: str, point: RestorePoint, there: dict[str, Container]) -> RestorePoint:
    """Stop the services one after the other, the database last; return the point with what was seen until then."""
    if Database.service in there and not containers.works(there[Database.service]):
        services.stop_cleanly(there[Database.service])  # after a crash: the old version first
        services.start([there[Database.service]])
    point = point.model_copy(update={"photos": points.sight_of_album(stack, there) if point.dump else None})
    for name, container in there.items():
        if name == Database.service:
            point = points.with_sights(stack, point, there)
        say(message("upgrade_stopping", "Stopping {name} ...", name=container.name))
        services.stop_cleanly(container)
    return point


def _switched(stack: str, entry: Journal) -> None:
    """Write the new image into the stack file, bring it up, and look at what became of the data.

    Raises:
        ServiceError: it is not well.
    """
    entry = journal.write(stack, entry.model_copy(update={"stage": "switched"}))
    try:
        workspace.set_value(stack, NAMESPACE + entry.point.key, entry.to)
        crash_loops = CrashLoops(stack)
        code = sweep.run_up(stack, "--yes", "--skip-preview", meanwhile=crash_loops.end)
        crash_loops.tell()
    except typer.Exit as end:  # it was told why
        code = end.exit_code or 1
    with containers.connected(stack) as dockers:
        try:
            prove(dockers, stack, entry.point, new=True, code=code)
        except (DatabaseError, CopyError, DockerException) as problem:
            raise ServiceError(str(problem)) from problem


def _gone_back(stack: str, entry: Journal, failed: ServiceError) -> bool:
    """Put everything back, bring it up, say why; return False."""
    point = entry.point
    warn(
        message(
            "upgrade_failed",
            "\n{to} is not well: {said}.\nGoing back to {image} and the data as it was ...",
            to=entry.to,
            said=failed.said,
            image=point.image,
        )
    )
    with containers.connected(stack) as dockers:
        entry = returning.put_all_back(dockers, stack, entry)
    _up_again(stack, entry)
    warn(
        message(
            "upgrade_went_back",
            "{name} runs with {image} again, with its data of before. {to} was not well: {said}",
            name=point.name,
            image=point.image,
            to=entry.to,
            said=failed.said,
        )
    )
    if failed.log:
        err.print(failed.log)
    return False


def _up_again(stack: str, entry: Journal) -> None:
    """Bring up what was put back, and forget the restore point once it is well; else it stays, and `up` goes on."""
    crash_loops = CrashLoops(stack)
    code = returning.up(stack, meanwhile=crash_loops.end)
    crash_loops.tell()
    try:
        with containers.connected(stack) as dockers:
            prove(dockers, stack, entry.point, new=False, code=code)
            returning.end_return(dockers, stack, entry)
    except (ServiceError, DatabaseError, CopyError, DockerException) as problem:
        fail(
            message(
                "upgrade_back_ill",
                "Image and data are as they were before, and yet: {said}\nThe restore point stays. After mending the cause: ./photos up {stack}",
                said=getattr(problem, "said", problem),
                stack=stack,
            )
        )


def back(stack: str, settings: Settings, point: RestorePoint, current: str) -> None:
    """Go back to a restore point because a person wants to."""
    with containers.connected(stack) as dockers:
        try:
            points.refuse_absent(dockers, point)
        except CopyError as problem:
            fail(_nothing_changed(problem))
        services.await_keeper(dockers, stack)
        there = services.of(dockers, stack, point.stopped)
        server = there.get(Database.service)
        pull(dockers.of(point.service), image_reference(point.image, settings.image_registry))
        if point.dump and server:
            kept = journal.folder(stack) / f"{point.name}-before-back.sql.gz"
            try:
                database.dump(server, kept)
                say(message("upgrade_dump_kept", "The database as it is now is kept as a dump: {file}", file=kept))
            except (DatabaseError, DockerException, OSError) as problem:
                warn(
                    message(
                        "upgrade_dump_failed", "The database as it is now could not be dumped: {said}", said=problem
                    )
                )
        entry = Journal(
            stack_id=str(stackfile.stack_id(paths.stack_file(stack))),
            way="back",
            stage="returning",
            to=current,
            point=point,
        )
        entry = returning.put_all_back(dockers, stack, journal.write(stack, entry))
    _up_again(stack, entry)
    say(message("upgrade_back_done", "{name} runs with {image} again.", name=point.name, image=point.image))


def changed_since(stack: str, point: RestorePoint) -> list[str]:
    """Return how many rows the tables of the album have that had another number then."""
    with containers.connected(stack) as dockers:
        server = containers.of_service(dockers, stack, Database.service)
        if not point.rows or server is None or not containers.works(server):
            return []
        try:
            now = database.rows(server)
        except DatabaseError:
            return []
    return [
        f"{name}: {now[name]} → {point.rows.get(name, 0)}"
        for name in database.OF_THE_ALBUM
        if name in now and now[name] != point.rows.get(name, 0)
    ]


def _nothing_changed(problem: Exception) -> Said:
    return message(
        "upgrade_not_begun",
        "Nothing was changed, and what was stopped runs again: {said}",
        said=getattr(problem, "said", problem),
    )


def _tell(stack: str, entry: Journal) -> None:
    point = entry.point
    say(
        message(
            "upgrade_done",
            "{name} runs with {to}, and its data is whole. How it was before is kept ({size}): ./photos upgrade {name} --back{option}",
            name=point.name,
            to=entry.to,
            size=points.in_words(point.size),
            option=stackfile.option(stack),
        )
    )
    if "@" in point.image:
        say(
            message(
                "upgrade_unpinned",
                "{image} was pinned to its digest, and {to} is not yet: ./photos pin {name} --stack {stack}",
                image=point.image.partition("@")[0],
                to=entry.to,
                name=point.name,
                stack=stack,
            )
        )
