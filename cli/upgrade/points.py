"""Restore points: made cold before an upgrade, put back where it fails or a person wants it, told of, and forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from docker.errors import APIError, NotFound
from docker.models.containers import Container

from cli import containers, docker_host, paths, stack_config, stackfile
from cli.console import confirm, fail, say, warn
from cli.dockers import Dockers
from cli.upgrade import album, database, journal
from cli.upgrade.copying import Copier, CopyError
from cli.upgrade.journal import PointVolume, RestorePoint
from cli.upgrade.parts import Part
from components.container import image_reference
from components.database import Database
from components.messages import Message, message
from components.service import stack_labels
from components.services.photoprism import PhotoPrism
from stacks.host import GIB
from stacks.sections import Settings

LABEL = "photos.restore-point"
SPARE = GIB
"""What stays free on Docker's disk beside a restore point."""


def planned(dockers: Dockers, stack: str, part: Part, there: dict[str, Container]) -> RestorePoint:
    """Return the restore point that would be made now, and how large it is; refuse where there is no room for it.

    Raises:
        CopyError: there is not.
    """
    made = datetime.now(UTC)
    # Docker hands out a volume that is there under a name as if it were new.
    suffix = f"{made:%Y%m%d-%H%M%S}-{token_hex(2)}"
    tool = there.get(Database.service) or containers.of_service(dockers, stack, Database.service)
    point = RestorePoint(
        name=part.name,
        service=part.service,
        key=part.image.key,
        image=part.image.current,
        made=made,
        stopped=part.stopped,
        volumes=tuple(
            PointVolume(
                service=volume.service,
                live=volume.name,
                copy_name=f"{volume.name}-before-{suffix}",
                left_out=volume.left_out,
            )
            for volume in part.volumes
        ),
        dump=f"{part.name}-{suffix}.sql.gz" if part.with_database else "",
        tool=str(tool.attrs["Image"]) if tool else "",
    )
    sizes: dict[str, int] = {}
    for volume in point.volumes:
        host = dockers.host_of(volume.service)
        used, free = copier_of(dockers, stack, point, volume.service).measure(volume.live, volume.left_out)
        sizes[host] = size = sizes.get(host, 0) + used
        if free >= size + SPARE:
            continue
        raise CopyError(
            message(
                "upgrade_no_room",
                "a restore point of {size} would leave less than {spare} free on Docker's disk, which has {free}. Make room, or forget older ones: ./photos upgrade --forget --stack {stack}",
                size=in_words(size),
                spare=in_words(SPARE),
                free=in_words(free),
                stack=stack,
            )
        )
    return point.model_copy(update={"size": sum(sizes.values())})


def with_sights(stack: str, point: RestorePoint, there: dict[str, Container]) -> RestorePoint:
    """Return the restore point with what is seen of the data while the database still runs, and write its dump."""
    server = there.get(Database.service)
    if not point.dump or server is None:
        return point
    say(message("upgrade_dumping", "Dumping the database ..."))
    rows = database.rows(server)
    database.dump(server, journal.folder(stack) / point.dump)
    return point.model_copy(update={"rows": rows, "database": database.data_version(server)})


def sight_of_album(stack: str, there: dict[str, Container]) -> int | None:
    """Return whether the album finds photos, before it is stopped."""
    return album.photos_found(stack, there.get(PhotoPrism.service))


def fill(dockers: Dockers, stack: str, point: RestorePoint) -> None:
    """Copy the volumes, which nobody may write to meanwhile.

    Raises:
        CopyError: one could not be copied.
    """
    for volume in point.volumes:
        say(message("upgrade_copying", "Copying {name} ...", name=volume.live))
        copier = copier_of(dockers, stack, point, volume.service)
        copier.make(volume.copy_name, point.name)
        copier.copy(volume.live, volume.copy_name, volume.left_out)


def put_back(dockers: Dockers, stack: str, point: RestorePoint) -> None:
    """Make the volumes what they were. Cut short, it can be done again.

    Raises:
        CopyError: one could not be copied; its copy is as it was.
    """
    refuse_absent(dockers, point)
    for volume in point.volumes:
        say(message("upgrade_putting_back", "Putting {name} back ...", name=volume.live))
        client = dockers.of(volume.service)
        try:
            client.volumes.get(volume.live)
        except NotFound:
            client.volumes.create(volume.live, labels=stack_labels(stack, str(_identity(stack))))
        copier_of(dockers, stack, point, volume.service).copy(volume.copy_name, volume.live, volume.left_out)


def refuse_absent(dockers: Dockers, point: RestorePoint) -> None:
    """Refuse copies that are not where their service is: Docker would make empty ones, and these would be put back.

    Raises:
        CopyError: one is not.
    """
    for volume in point.volumes:
        try:
            dockers.of(volume.service).volumes.get(volume.copy_name)
        except NotFound:
            raise CopyError(
                message(
                    "upgrade_copy_elsewhere",
                    "the volume {name} is not on the host of {service}: was that moved since?",
                    name=volume.copy_name,
                    service=volume.service,
                )
            ) from None


def remove(dockers: Dockers, stack: str, point: RestorePoint) -> None:
    """Remove a restore point: its volumes, its dump, and what is known of it."""
    for volume in point.volumes:
        copier_of(dockers, stack, point, volume.service).remove(volume.copy_name)
    journal.forget(stack, point)


def clear(dockers: Dockers, stack: str, point: RestorePoint) -> None:
    """Remove the containers of copies that were cut short."""
    services = (point.service, *(volume.service for volume in point.volumes))
    for service in {dockers.host_of(service): service for service in services}.values():
        copier_of(dockers, stack, point, service).clear()


def copier_of(dockers: Dockers, stack: str, point: RestorePoint, service: str) -> Copier:
    """Return what copies the volumes of a restore point on the host of one service."""
    otherwise = ""
    if dockers.several:
        settings = stack_config.offline(stack).settings
        otherwise = image_reference(settings.database.image, settings.image_registry)
    return Copier(dockers.of(service), stack, str(_identity(stack)), point.tool, otherwise)


def volumes(dockers: Dockers, stack: str) -> list[Any]:
    """Return the volumes of the stack that are copies, known or not."""
    of_stack = docker_host.of_stack(_identity(stack))
    listed = (each for client in dockers.clients.values() for each in client.volumes.list(filters=of_stack))
    return [each for each in listed if LABEL in (each.attrs.get("Labels") or {})]


def tell(stack: str) -> None:
    """Name every restore point with its size, and what an upgrade left that was cut short."""
    for point in journal.kept(stack):
        say(
            message(
                "restore_point",
                "Restore point: {name} with {image}, of {made}, {size}. Back to it: ./photos upgrade {name} --back{option}   remove it: --forget",
                name=point.name,
                image=point.image,
                made=when(stack, point),
                size=in_words(point.size),
                option=stackfile.option(stack),
            )
        )
    if entry := journal.read(stack):
        warn(
            message(
                "upgrade_pending",
                "An upgrade of {name} is under way or was cut short. Where none runs any more: ./photos up {stack}",
                name=entry.point.name,
                stack=stack,
            )
        )


def forget(stack: str, name: str | None) -> None:
    """Remove the restore point of one program, or all of them, after asking; and copies that nothing knows of."""
    points = [point for point in journal.kept(stack) if name in (None, point.name)]
    with containers.connected(stack) as dockers:
        known = {volume.copy_name for point in journal.kept(stack) for volume in point.volumes}
        strays = [each for each in volumes(dockers, stack) if each.name not in known] if name is None else []
        if not points and not strays:
            fail(none_of(stack, name))
        words = [f"{point.name} ({point.image}, {in_words(point.size)})" for point in points]
        words += [str(stray.name) for stray in strays]
        question = message(
            "forget_points", "Remove for good: {names}? What runs stays as it is.", names=", ".join(words)
        )
        if not confirm(question):
            fail(message("nothing_changed", "Nothing was changed."))
        for point in points:
            remove(dockers, stack, point)
        for stray in strays:
            stray.remove()
    say(message("points_removed", "Removed."))


def none_of(stack: str, name: str | None) -> Message:
    """Say that there is no restore point of a program, or of any."""
    return message(
        "no_restore_point",
        'There is no restore point of "{name}". Those that are there: ./photos status --stack {stack}',
        name=name or stack,
        stack=stack,
    )


def after_destroy(stack: str, settings: Settings) -> None:
    """Remove the restore points where `destroy` removed the data, too."""
    if settings.data.on_destroy != "delete":
        return
    with containers.connected(stack) as dockers:
        for point in journal.kept(stack):
            remove(dockers, stack, point)
        for each in volumes(dockers, stack):
            try:
                each.remove()
            except APIError as problem:
                warn(f"{each.name}: {problem.explanation}")


def when(stack: str, point: RestorePoint) -> str:
    """Return when a restore point was made, in the family's time zone."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - where one is told of alone

    zone = ZoneInfo(stack_config.offline(stack).settings.timezone)
    return f"{point.made.astimezone(zone):%Y-%m-%d %H:%M}"


def in_words(size: int) -> str:
    """Return a size in megabytes or gigabytes."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"  # noqa: PLR2004 - a gigabyte


def _identity(stack: str) -> str | None:
    return stackfile.stack_id(paths.stack_file(stack))
