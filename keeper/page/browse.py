"""The snapshots of a copy, and what is in one: looked up live at the copy, for a person who looks for a photo."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

from keeper.copies.repository import open_repositories
from keeper.copies.restic import Node, moment
from keeper.errors import Exit, KeeperError
from keeper.restore.names import NO_TEXT
from keeper.restore.snapshots import SHORT, base, parent
from keeper.settings import CopySettings, Settings
from keeper.state import State
from keeper.texts import Language, clock, for_stack, say, size, typed

LIMIT_SECONDS = 60
MOST = 2_000
"""More than that nobody reads; a folder of 100,000 photos must not be a page of 20 MB."""


@dataclass(frozen=True)
class Row:
    """A snapshot in the list. `marks` are texts."""

    id: str
    time: str
    files: str
    size: str
    added: str
    marks: list[str]


@dataclass(frozen=True)
class Entry:
    """A file or folder in a snapshot. `folder` is where a click leads to, empty where there is nothing to open."""

    name: str
    is_folder: bool
    folder: str
    size: str
    time: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A folder of a snapshot. `above` is the one that holds it, empty at the top."""

    folder: str
    above: str
    entries: list[Entry]
    more: bool
    command: str


def rows_of(settings: Settings, copy: CopySettings, language: Language) -> list[Row]:
    """Return the snapshots of a copy as they were listed last, the newest first."""
    return [
        Row(
            id=snapshot.id[:SHORT],
            time=clock(snapshot.time, settings.zone),
            files=f"{snapshot.files:,}",
            size=size(snapshot.bytes),
            added=size(snapshot.added_bytes),
            marks=[
                say(language, key)
                for key, fits in (("browse.part", not snapshot.whole), ("browse.held", snapshot.held))
                if fits
            ],
        )
        for snapshot in reversed(State(settings.state).copy(copy.name).snapshots)
    ]


class Browser:
    """Asks the copies what is in a snapshot, one question at a time: each takes memory and the copy's line."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._one = settings, threading.Lock()

    def listing(self, copy: CopySettings, short: str, folder: str) -> Listing | None:
        """Return a folder of a snapshot; None when that copy has no such snapshot.

        Raises:
            KeeperError: the copy does not answer, or not in time.
        """
        known = State(self._settings.state).copy(copy.name).snapshots
        snapshot = next((each.id for each in known if each.id[:SHORT] == short), None)
        if snapshot is None:
            return None
        if not self._one.acquire(timeout=LIMIT_SECONDS):
            raise KeeperError(Exit.LOCKED, "browse.busy")
        try:
            restic = open_repositories(self._settings, copy.name)[0].restic
            with closing(restic.ls(snapshot, folder, recursive=False, seconds=LIMIT_SECONDS)) as found:
                nodes = list(islice((node for node in found if parent(node.path) == folder), MOST + 1))
        finally:
            self._one.release()
        nodes.sort(key=lambda node: (node.type != "dir", node.path))
        name = f" {typed(folder.strip('/'))}" if folder.strip("/") else " --everything"
        command = f"./photos keeper restore{name} --copy {copy.name} --snapshot {short}"
        return Listing(
            folder=shown(folder),
            above="" if folder == "/" else str(PurePosixPath(folder).parent),
            entries=[self._entry(node) for node in nodes[:MOST]],
            more=len(nodes) > MOST,
            command=for_stack(command, self._settings.stack),
        )

    def _entry(self, node: Node) -> Entry:
        is_folder = node.type == "dir"
        return Entry(
            name=shown(base(node.path)),
            is_folder=is_folder,
            # What a folder is really called whose name is no text, restic does not say.
            folder=node.path if is_folder and NO_TEXT not in node.path else "",
            size="" if is_folder else size(node.size),
            time=self._time(node.mtime),
        )

    def _time(self, text: str) -> str:
        with suppress(ValueError, OverflowError):
            return clock(moment(text), self._settings.zone)
        return text[:10]


def shown(name: str) -> str:
    r"""Return a name as it can be shown: what would break or turn a line around is written as \n or \u202e."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in name)
