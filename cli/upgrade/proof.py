"""Is everything as it was before? Health first, then the data: rows, tables, the album's login and search, files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from docker.models.containers import Container

from cli import containers
from cli.dockers import Dockers
from cli.upgrade import album, database, points, services
from cli.upgrade.journal import RestorePoint
from cli.upgrade.parts import MUST_STAY
from cli.upgrade.services import ServiceError
from components.database import Database
from components.keeper import Keeper
from components.messages import message
from components.services.photoprism import PhotoPrism

MOST_TOLD = 10


def prove(dockers: Dockers, stack: str, point: RestorePoint, *, new: bool, code: int) -> None:
    """Wait for health, and compare the data with what it was.

    `new`: by a newer version, which may migrate it; `code` is what `up` ended with.

    Raises:
        ServiceError, DatabaseError, CopyError: it is worse than it was.
    """
    there = services.of(dockers, stack, point.stopped)
    if code:
        raise ServiceError(message("upgrade_up_failed", "up ended with {code}", code=code), _ill(there.values()))
    _healthy(point, there)
    _whole_database(point, there, migrated=new and point.service != Database.service)
    if point.photos is not None and (album.photos_found(stack, there.get(PhotoPrism.service)) or 0) < point.photos:
        raise ServiceError(
            message("upgrade_album_blind", "the album does not let its admin in, or does not find its photos any more")
        )
    _files_there(dockers, stack, point)


def _healthy(point: RestorePoint, there: Mapping[str, Container]) -> None:
    for name in reversed(point.stopped):
        if name not in there:
            raise ServiceError(message("upgrade_missing", "{name} is missing", name=name))
        # Its first look at itself is a minute away, and it takes no part in an upgrade but its own.
        if name != Keeper.service or point.service == Keeper.service:
            services.await_health(there[name])


def _whole_database(point: RestorePoint, there: Mapping[str, Container], *, migrated: bool) -> None:
    if not point.rows or Database.service not in there:
        return
    if found := database.damage(there[Database.service], point.rows, migrated=migrated):
        what = "; ".join(found[:MOST_TOLD])
        raise ServiceError(message("upgrade_rows_lost", "the database is worse than before: {what}", what=what))


def _files_there(dockers: Dockers, stack: str, point: RestorePoint) -> None:
    for volume in point.volumes:
        copier = points.copier_of(dockers, stack, point, volume.service)
        wanted = MUST_STAY.get(volume.service)
        if wanted and (gone := copier.vanished(volume.copy_name, volume.live, wanted)):
            raise ServiceError(
                message(
                    "upgrade_files_gone",
                    "files of {service} are gone: {names}",
                    service=volume.service,
                    names=", ".join(gone),
                )
            )


def _ill(there: Iterable[Container]) -> str:
    """Return the last lines of what is not well."""
    ill = [container for container in there if containers.health(container) != "healthy"]
    return "\n".join(f"{container.name}:\n{containers.last_lines(container)}" for container in ill)
