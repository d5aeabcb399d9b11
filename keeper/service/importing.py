"""The album takes over what lies in the import folder, as copies or moved, and says what it did not take.

What the folder held is remembered: only for what is new since then is the album asked again. And it is asked whether it
has each new file, because PhotoPrism says "done" to an import that it did not do, too.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from contextlib import closing
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import httpx
from pydantic import BaseModel

from keeper.backup.library import NEVER, check_ours
from keeper.errors import Exit, KeeperError, Problem
from keeper.locks import alone
from keeper.service.album import Album, why
from keeper.settings import IMPORT, Settings
from keeper.state import ImportState, State, now

HIDDEN = (".", "@", "_.", "__")
"""What PhotoPrism overlooks: names that begin so, and what is below (pkg/fs/name.go)."""
OF_WINDOWS = ("thumbs.db", "desktop.ini")
SYNCED = ".stfolder"
"""Syncthing's mark of a folder that it syncs. What is moved away from there is deleted on the phone, too."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds. `settle`: so long nothing may change before anything is taken; `patience`: how long that is waited for.

    `tries`: how often the album is asked while it takes nothing at all; `pause` lies between.
    """

    settle: float = 120
    patience: float = 1800
    tries: int = 3
    pause: float = 600


AT_ONCE = Pace(settle=5, patience=60, tries=1)
"""For a person who waits."""


class ImportReport(BaseModel):
    """How many files a run took over, and what is to say. `untold`: the album left files that it did not leave before."""

    exit: Exit = Exit.OK
    taken: int
    problems: list[Problem] = []
    untold: bool = False


def take_over(settings: Settings, pace: Pace, *, everything: bool = False) -> ImportReport:
    """Have the album take over what is new in the import folder, or `everything` that lies there.

    Raises:
        KeeperError: the folder is not there, is being written to, or the album does not do it; that is noted for the
            page. With `Exit.LOCKED`: somebody does it already.
    """
    known = State(settings.state)
    with alone(known.folder / "import.lock", "import.locked"):
        state = ImportState.read(known.import_file, as_written=True)
        if everything:
            state.seen = {}
        try:
            report = _taken_over(settings, pace, state)
        except KeeperError as error:
            state.problems = [error.problem]
            state.write(known.import_file)
            raise
        state.ended, state.problems = now(), report.problems
        state.write(known.import_file)
    return report


def _taken_over(settings: Settings, pace: Pace, state: ImportState) -> ImportReport:
    check_ours(settings)
    folder = settings.roots[IMPORT]
    found = _settled(folder, pace)
    new = [file for file, sign in found.items() if state.seen.get(_name(file)) != sign]
    synced = next((mark.parent.relative_to(folder) for mark in sorted(folder.rglob(SYNCED))), None)
    move = settings.import_mode == "move" and synced is None
    left = _ask(settings, new, pace, move=move) if new else []
    told = dict(state.left)
    _remember(state, found, new, left, there=_signs(folder))
    problems = [Problem.of("import.left", count=len(state.left), path=min(state.left))] if state.left else []
    if synced and settings.import_mode == "move":
        problems.append(Problem.of("import.synced", path=synced))
    untold = any(told.get(name) != sign for name, sign in state.left.items())
    return ImportReport(taken=len(new) - len(left), problems=problems, untold=untold)


def _remember(
    state: ImportState, found: dict[Path, str], new: list[Path], left: list[Path], *, there: dict[Path, str]
) -> None:
    """Note what need not be asked for again, and what was left. `found` lay there before, `there` lies there now."""
    # Where nothing at all was taken, the album may only have been at work: it is asked again next time.
    again = set(left) if len(left) == len(new) else set()
    asked = set(new)
    state.seen = {_name(file): sign for file, sign in found.items() if there.get(file) == sign and file not in again}
    lasting = {
        name: sign for file, sign in there.items() if state.left.get(name := _name(file)) == sign and file not in asked
    }
    state.left = lasting | {_name(file): found[file] for file in left}


def _ask(settings: Settings, new: list[Path], pace: Pace, *, move: bool) -> list[Path]:
    """Have the album import until it takes something; return what of the new files it did not take."""
    folder, left = settings.roots[IMPORT], new
    try:
        with closing(Album(settings)) as album:
            for again in range(pace.tries):
                time.sleep(pace.pause if again else 0)
                album.take_over(move=move)
                there = [file for file in new if (folder / file).exists()]
                left = there if move else [file for file in there if not album.has(_sha1(folder / file))]
                if len(left) < len(new):
                    break
    except (httpx.HTTPError, OSError) as error:
        raise KeeperError(Exit.FAILED, "album.import", reason=why(error)) from error
    return left


def _settled(folder: Path, pace: Pace) -> dict[Path, str]:
    """Return what is in the folder once nobody writes there: half a photo must not be taken, let alone moved away."""
    end = time.monotonic() + pace.patience
    before = _signs(folder)
    while before:
        time.sleep(pace.settle)
        after = _signs(folder)
        if after == before:
            break
        if time.monotonic() > end:
            raise KeeperError(Exit.FAILED, "import.unsettled")
        before = after
    return before


def _signs(folder: Path) -> dict[Path, str]:
    """Return path below `folder` → size and times, of every file that an import could take."""
    signs = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
        for name in sorted(files):
            file = Path(place, name)
            if name.startswith(HIDDEN) or name.lower() in OF_WINDOWS or any(fnmatch(name, part) for part in NEVER):
                continue
            try:
                known = file.lstat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(known.st_mode):
                signs[file.relative_to(folder)] = f"{known.st_size} {known.st_mtime_ns} {known.st_ctime_ns}"
    return signs


def _name(file: Path) -> str:
    """Return a path as a file of the state can hold it: a name may be any bytes."""
    return os.fsencode(file).decode("utf-8", "backslashreplace")


def _sha1(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha1").hexdigest()
