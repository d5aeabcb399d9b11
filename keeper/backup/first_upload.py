"""The first upload of a copy: in growing snapshots, newest year first.

restic makes no snapshot before its end, and what a broken run sent counts only as far as an index names it. So every few
gigabytes end with a snapshot that holds all that was sent until then: photos can be restored from the first evening on,
and a broken line costs minutes.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from keeper.settings import DATABASE, Settings

BATCH_BYTES = 2 << 30
YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True)
class Folder:
    """A folder, as it is named in the library, with all that is below it. `year` is that of its photos."""

    name: str
    year: int
    bytes: int


def batches(settings: Settings) -> list[list[str]]:
    """Return what each growing snapshot holds; nothing where the library is small enough for one.

    What lies in no folder, and what could not be read here, comes with the whole that follows.
    """
    folders: list[Folder] = []
    for root in settings.roots:
        folders += _below(str(settings.library), root)
    if sum(folder.bytes for folder in folders) <= BATCH_BYTES:
        return []
    newest_first = sorted(folders, key=lambda folder: (folder.year, folder.name), reverse=True)
    names = [DATABASE] if (settings.library / DATABASE).is_dir() else []
    growing, size = [], 0
    for folder in newest_first:
        names = [*names, folder.name]
        size += folder.bytes
        if size >= BATCH_BYTES:
            growing.append(names)
            size = 0
    return growing


def _below(library: str, name: str) -> list[Folder]:
    """Return the folders below one: its children, and where one is larger than a batch, the children of that."""
    children = []
    for child in _folders(f"{library}/{name}"):
        folder = _weighed(library, f"{name}/{child}")
        deeper = _below(library, folder.name) if folder.bytes > BATCH_BYTES else []
        children += deeper or [folder]
    return children


def _weighed(library: str, name: str) -> Folder:
    size, newest = 0, 0.0
    pending = [f"{library}/{name}"]
    while pending:
        try:
            entries = list(os.scandir(pending.pop()))
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            size, newest = size + status.st_size, max(newest, status.st_mtime)
    said = [int(year) for year in YEAR.findall(name)]
    return Folder(name, said[-1] if said else _year(newest), size)


def _year(seconds: float) -> int:
    try:
        return datetime.fromtimestamp(seconds, UTC).year
    except (OverflowError, ValueError, OSError):
        return 0


def _folders(place: str) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(place) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
