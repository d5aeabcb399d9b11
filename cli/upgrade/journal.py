"""What an upgrade is at, written before each step: a kill at any moment leaves what the next command goes on with.

In the stack's data folder: `journal.json` while an upgrade is under way, `SERVICE.json` for the restore point that is kept,
`.lock`, and dumps of the database.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from cli import paths, remembered
from cli.console import fail
from components.messages import message

Stage = Literal["begun", "copied", "switched", "proven", "returning", "returned"]


class PointVolume(BaseModel):
    """One volume and its copy, by Docker's names; `left_out` are the folders that the copy does not hold."""

    model_config = ConfigDict(frozen=True)

    service: str
    live: str
    copy_name: str
    left_out: tuple[str, ...] = ()


class RestorePoint(BaseModel):
    """How a program was before an upgrade: its image and its data, cold.

    `key` is the place of the image below `photos:`; `size` is in bytes; `rows` are those of each table of the album's
    database, `database` the version that wrote its data; `dump` is a file of the data folder. `tool` is the id of the
    image that copies volumes.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    service: str
    key: str
    image: str
    made: datetime
    stopped: tuple[str, ...]
    volumes: tuple[PointVolume, ...] = ()
    size: int = 0
    rows: dict[str, int] = {}
    photos: int | None = None
    database: str = ""
    dump: str = ""
    tool: str = ""


class Journal(BaseModel):
    """An upgrade under way. `way` is back where a person goes back by hand: then `to` is what he leaves."""

    model_config = ConfigDict(frozen=True)

    stack_id: str
    way: Literal["upgrade", "back"]
    stage: Stage
    to: str
    point: RestorePoint


def read(stack: str) -> Journal | None:
    """Return what was under way; None where nothing was."""
    return remembered.read(folder(stack) / "journal.json", Journal)


def write(stack: str, journal: Journal) -> Journal:
    """Write a step down before it is done; it survives a power cut."""
    remembered.write(folder(stack) / "journal.json", journal)
    return journal


def end(stack: str) -> None:
    """Forget what is done."""
    (folder(stack) / "journal.json").unlink(missing_ok=True)
    remembered.sync(folder(stack))


def kept(stack: str) -> list[RestorePoint]:
    """Return the restore points that are kept, at most one per program."""
    if not folder(stack).is_dir():
        return []
    files = sorted(file for file in folder(stack).glob("*.json") if file.name != "journal.json")
    return [point for file in files if (point := remembered.read(file, RestorePoint))]


def kept_of(stack: str, name: str) -> RestorePoint | None:
    """Return the restore point of one program."""
    return next((point for point in kept(stack) if point.name == name), None)


def keep(stack: str, point: RestorePoint) -> None:
    """Remember a restore point, in the place of the one before."""
    remembered.write(folder(stack) / f"{point.name}.json", point)


def forget(stack: str, point: RestorePoint) -> None:
    """Forget a restore point, and remove its dump."""
    if point.dump:
        (folder(stack) / point.dump).unlink(missing_ok=True)
    known = kept_of(stack, point.name)
    if known and known.made == point.made:
        (folder(stack) / f"{point.name}.json").unlink(missing_ok=True)


@contextmanager
def alone(stack: str) -> Iterator[None]:
    """Keep other upgrades and moves, and every `up` and `destroy`, away meanwhile."""
    with (paths.make_private(folder(stack)) / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(
                message(
                    "upgrade_runs", 'Another ./photos is upgrading or moving "{stack}" now. Wait for it.', stack=stack
                )
            )
        yield


def folder(stack: str) -> Path:
    """Return where all of this is kept."""
    return paths.data_folder() / "upgrades" / stack
