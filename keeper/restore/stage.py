"""Files on their way back: gathered beside the library, read back, and then moved to their places by rename.

restic writes them into a staging folder on each mount of the library. What is placed is what lies there, by the bytes of
its name: JSON cannot tell every name. What was gathered stays until a restore succeeds, so that one that broke off, or was
killed, goes on from there.
"""

from __future__ import annotations

import errno
import filecmp
import os
import re
import shutil
import stat
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic

from keeper.copies.restic import Node, Progress, ResticError
from keeper.errors import Exit, KeeperError
from keeper.mounts import mounts
from keeper.restore.names import escaped, nanoseconds, shown
from keeper.restore.snapshots import Source, parent
from keeper.settings import STAGING, Settings
from keeper.state import Snapshot

REPLACED = "replaced-"
SPARE_BYTES = 256 << 20
PATTERNS_AT_ONCE = 1000
"""restic compares each name with each pattern."""
COARSE_NS, COARSE_STEP_NS = 2 * 10**9, 10**7
"""FAT keeps times to two seconds, exFAT to 10 ms: a time that lies on such a step may be one that was cut."""
LATEST_NS = 2**63 - 1
"""After this (the year 2262) restic sets a wrong time (seen with 0.19.1)."""
UNKNOWN_BLOB = "Unknown blob"
"""With it restic gives up all files for one of which the index does not know a piece."""
METADATA = re.compile(r"^(?:lchown|chmod|failed to restore timestamp|lsetxattr|[^:]*xattr)")
"""Complaints about a time, an owner or a mode that the disk cannot hold; the content is there."""
NAME_BYTES = 255
STALL_SECONDS = 600


@dataclass
class Selection:
    """What is to come back. Paths are those of the snapshot.

    `tops`: what was asked for. `lacking`: what does not lie there as it was. `busy`: folders below which something does,
    or in which another disk is mounted. `files`: hashes of the paths of all files. `unchanged`: so many lie there already.
    """

    tops: list[str] = field(default_factory=list)
    lacking: list[Node] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    files: set[int] = field(default_factory=set)
    unchanged: int = 0

    def add(self, node: Node, *, lacks: bool) -> None:
        """Take something that was asked for."""
        if node.type != "dir":
            self.files.add(hash(node.path))
            self.unchanged += not lacks
        if lacks:
            self.lacking.append(node)
        elif node.type != "dir":
            self.busy.update(parents(node.path))

    @property
    def bytes(self) -> int:
        """How many bytes are to be fetched."""
        return sum(node.size for node in self.lacking)

    def without(self, failed: set[str]) -> Selection:
        """Return what is left to fetch when some of it cannot be; of a folder that cannot be read, nothing in it can."""
        if not failed:
            return self
        gone = [node for node in self.lacking if not failed.isdisjoint((node.path, *parents(node.path)))]
        names = {node.path for node in gone}
        busy = self.busy | {folder for name in names for folder in parents(name)}
        return replace(self, lacking=[node for node in self.lacking if node.path not in names], busy=busy)

    def halves(self) -> tuple[Selection, Selection]:
        """Return the first half of the files, and the second."""
        files = [node for node in self.lacking if node.type != "dir"]
        first = {node.path for node in files[: len(files) // 2]}
        second = {node.path for node in files} - first
        return self.without(second), self.without(first)

    def patterns(self) -> list[str]:
        """Return restic's patterns of what is lacking: a folder where all of it is."""
        best: dict[str, str] = {}

        def climb(path: str) -> str:
            if path not in best:
                above = parent(path)
                stop = path in self.tops or above == "/" or above in self.busy
                best[path] = path if stop else climb(above)
            return best[path]

        wanted = (node.path for node in self.lacking if node.type != "dir" or node.path not in self.busy)
        return list(dict.fromkeys(escaped(climb(path)) for path in wanted))


@dataclass
class Placed:
    """What became of the gathered files. `beside` and `replaced` are places on the disk."""

    placed: int = 0
    unchanged: int = 0
    beside: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)


class Stage:
    """The staging folders of one snapshot, one on each mount of the library: a rename never leaves its mount.

    They are named by its time: its id changes with its tags, while a restore may wait for days to go on. `into` is the folder
    below a root in which everything is to lie, instead of in its own place.
    """

    def __init__(self, settings: Settings, snapshot: Snapshot, into: str = "") -> None:
        self._marked, self._id = settings.marked, f"{snapshot.time.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        self._base = settings.library / into.strip("/")
        self._in_place = self._base == settings.library
        roots = settings.roots.values()
        points = {mount.point for mount in mounts()}
        self._homes = {*roots} | {point for point in points if any(point.is_relative_to(root) for root in roots)}

    def target(self, path: str) -> Path:
        """Return the place of a path of the snapshot."""
        return self._base / path.lstrip("/")

    def mounted(self) -> set[str]:
        """Return the folders of the snapshot in which, at their places, another disk is mounted somewhere."""
        below = [home.relative_to(self._base) for home in self._homes if home.is_relative_to(self._base)]
        return {folder for home in below for folder in parents(f"/{shown(home)}")}

    def lacks(self, node: Node, *, suspect: bool = False) -> bool:
        """Whether it does not lie there as it was; a file of the same size and time does, unless it is `suspect`."""
        try:
            there = self.target(node.path).lstat()
        except OSError:
            return True
        if node.type == "dir":
            return not stat.S_ISDIR(there.st_mode)
        if node.type != "file":
            return False
        same = stat.S_ISREG(there.st_mode) and there.st_size == node.size
        return suspect or not same or not _same_time(there.st_mtime_ns, nanoseconds(node.mtime))

    def stays(self, target: Path, path: str, mtime_ns: int) -> bool:
        """Whether what lies in a place keeps it: a folder, or a newer photo.

        A service's own files give way: one that was started on a new machine made newer ones, a new identity among them.
        """
        there = target.lstat()
        is_photo = path.strip("/").partition("/")[0] in self._marked or not self._in_place
        return stat.S_ISDIR(there.st_mode) or (is_photo and there.st_mtime_ns > mtime_ns)

    def gather(self, source: Source, selection: Selection, progress: Progress, *, patient: bool = False) -> set[str]:
        """Fetch what is lacking and read it back; return the paths of what the copy does not hold unharmed.

        restic asks a remote for each piece that is gone for most of a minute: only who is `patient` waits for all of them.

        Raises:
            KeeperError: there is no room for it, or the way to the copy broke; what was fetched stays.
        """
        by_home: dict[Path, list[Node]] = {}
        for node in selection.lacking:
            by_home.setdefault(self._home(node.path), []).append(node)
        self._has_room(by_home)
        missing, done, of = set[str](), 0, selection.bytes
        watched = progress if patient else _Impatience(progress)
        for home, nodes in by_home.items():
            (folder := self._folder(home)).mkdir(mode=0o700, parents=True, exist_ok=True)
            part = replace(selection, lacking=nodes)
            failed = _fetch(source, folder, part, partial(_after, watched, done, of))
            missing |= _tidy(folder, part.without(failed), {node.path for node in part.lacking})
            done += part.bytes
        return missing

    def place(self, report: Placed) -> None:
        """Move what was gathered to its place; `report` grows meanwhile.

        Raises:
            KeeperError: something could not take its place.
        """
        self._base.mkdir(parents=True, exist_ok=True)
        for home in sorted(self._homes):
            folders = [(self._folder(home), self._base, "")] if self._folder(home).is_dir() else []
            while folders:
                staged, target, path = folders.pop()
                for entry in sorted(os.scandir(staged), key=lambda each: each.name):
                    place = (Path(entry.path), target / entry.name, f"{path}/{shown(entry.name)}")
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            folders += self._place_folder(*place, report)
                        else:
                            self._place_file(home, *place, report)
                    except OSError as error:
                        values = {
                            "count": report.placed,
                            "path": place[2].lstrip("/"),
                            "reason": error.strerror or error,
                        }
                        raise KeeperError(Exit.FAILED, "restore.not_placed", **values) from error
        os.sync()

    def clear(self) -> None:
        """Remove what any restore gathered and did not place; what was replaced stays."""
        for home in self._homes:
            folder = home / STAGING
            for item in folder.iterdir() if folder.is_dir() else ():
                if not item.name.startswith(REPLACED):
                    shutil.rmtree(item)
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _place_folder(self, staged: Path, target: Path, path: str, report: Placed) -> list[tuple[Path, Path, str]]:
        """Move a whole folder where none is; return it as one to go through where one is."""
        if os.path.lexists(target) and (target.is_symlink() or not target.is_dir()):
            target = self._beside(target)
            report.beside.append(shown(target))
        if target.is_dir():
            return [(staged, target, path)]
        count = sum(1 for folder in _folders(staged) for each in os.scandir(folder) if not _is_dir(each))
        _move(staged, target)
        report.placed += count
        return []

    def _place_file(self, home: Path, staged: Path, target: Path, path: str, report: Placed) -> None:
        if not os.path.lexists(target):
            _move(staged, target)
            report.placed += 1
        elif _same(staged, target):
            shutil.copystat(staged, target, follow_symlinks=False)
            staged.unlink()
            report.unchanged += 1
        elif self.stays(target, path, staged.lstat().st_mtime_ns):
            beside = self._beside(target)
            if _same(staged, beside):
                staged.unlink()
            else:
                _move(staged, beside := _free(beside))
            report.beside.append(shown(beside))
            report.placed += 1
        else:
            aside = _free(home / STAGING / f"{REPLACED}{self._id}" / staged.relative_to(self._folder(home)))
            aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _move(target, aside)
            _move(staged, target)
            report.replaced.append(shown(aside))
            report.placed += 1

    def _beside(self, target: Path) -> Path:
        return _named(target, f".restored-{self._id}")

    def _has_room(self, by_home: dict[Path, list[Node]]) -> None:
        needed: Counter[int] = Counter()
        homes: dict[int, Path] = {}
        for home, nodes in by_home.items():
            folder, device = self._folder(home), home.stat().st_dev
            there = sum(
                each.stat().st_size for place in _folders(folder) for each in os.scandir(place) if each.is_file()
            )
            homes[device] = home
            needed[device] += sum(node.size for node in nodes) - there
        for device, size in needed.items():
            free = shutil.disk_usage(homes[device]).free
            if free < size + SPARE_BYTES:
                raise KeeperError(
                    Exit.FAILED, "restore.no_room", folder=homes[device].name, needed_bytes=size, free_bytes=free
                )

    def _home(self, path: str) -> Path:
        """Return the mount point, or else the root, on which a path has its place."""
        return next(folder for folder in self.target(path).parents if folder in self._homes)

    def _folder(self, home: Path) -> Path:
        return home / STAGING / self._id


class _Impatience:
    """Takes progress, and ends what makes none."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._done, self._since = progress, -1, monotonic()

    def __call__(self, done: int, of: int) -> None:
        if done != self._done:
            self._done, self._since = done, monotonic()
        elif monotonic() - self._since > STALL_SECONDS:
            raise KeeperError(Exit.COPY, "restore.stalled", minutes=STALL_SECONDS // 60)
        self._progress(done, of)


def _after(progress: Progress, before: int, of: int, done: int, _: int) -> None:
    progress(before + done, of)


def parents(path: str) -> list[str]:
    """Return the folders above a path of the snapshot, the nearest first, without the topmost."""
    found = []
    while (path := parent(path)) != "/":
        found.append(path)
    return found


def _fetch(source: Source, folder: Path, selection: Selection, progress: Progress) -> set[str]:
    """Fetch a selection into a folder until all that is left of it was read back; return what cannot be had."""
    failed: set[str] = set()
    while patterns := selection.without(failed).patterns():
        try:
            new = set[str]()
            for start in range(0, len(patterns), PATTERNS_AT_ONCE):
                some = patterns[start : start + PATTERNS_AT_ONCE]
                restored = source.repository.restic.restore(
                    source.snapshot.id, folder, patterns=some, progress=progress
                )
                new |= {
                    _in_snapshot(item, folder) for item, text in restored.failed.items() if not METADATA.match(text)
                }
        except ResticError as error:
            if not any(UNKNOWN_BLOB in line for line in error.said):
                raise
            left = selection.without(failed)
            files = {node.path for node in left.lacking if node.type != "dir"}
            if len(files) <= 1:
                return failed | files
            return failed.union(*(_fetch(source, folder, half, progress) for half in left.halves()))
        if not new - failed:
            break
        failed |= new
    return failed


def _in_snapshot(item: str, folder: Path) -> str:
    """Return the path in the snapshot of what restic complains of; of what it reads back it tells the place on the disk."""
    return item.removeprefix(shown(folder))


def _tidy(folder: Path, wanted: Selection, asked: set[str]) -> set[str]:
    """Drop what was not asked for or is not whole, put far times right, and return which of the asked is not there."""
    nodes = {node.path: node for node in wanted.lacking}
    many = {path for path, times in Counter(node.path for node in wanted.lacking).items() if times > 1}
    left = Counter(node.path for node in wanted.lacking)
    for place in reversed(_folders(folder)):
        before = place.lstat()
        for entry in list(os.scandir(place)):
            path = f"/{shown(Path(entry.path).relative_to(folder))}"
            node, is_folder = nodes.get(path), _is_dir(entry)
            there = entry.stat(follow_symlinks=False)
            cut = node and node.type == "file" and path not in many and there.st_size != node.size
            if (node is None and not is_folder) or cut:
                Path(entry.path).unlink()
                continue
            left[path] -= 1
            if node and path not in many and nanoseconds(node.mtime) > LATEST_NS:
                _set_time(entry.path, nanoseconds(node.mtime))
        _set_time(place, before.st_mtime_ns)
    return (asked - nodes.keys()) | {path for path, times in left.items() if times > 0 and path in nodes}


def _set_time(place: str | Path, ns: int) -> None:
    with suppress(OSError):
        os.utime(place, ns=(ns, ns), follow_symlinks=False)


def _same_time(there: int, wanted: int) -> bool:
    return there == wanted or (there % COARSE_STEP_NS == 0 and abs(there - wanted) < COARSE_NS)


def _same(one: Path, other: Path) -> bool:
    """Whether two files have the same content, or two links lead to the same place."""
    try:
        if one.is_symlink() or other.is_symlink():
            return one.readlink() == other.readlink()
        return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False


def _move(source: Path, target: Path) -> None:
    """Rename; across the border of a file system that nobody sees (a subvolume), copy beside the target and rename."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        (folder := target.parent / STAGING).mkdir(mode=0o700, exist_ok=True)
        part = folder / "moving"
        if part.is_dir():
            shutil.rmtree(part)
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, part, symlinks=True)
        else:
            shutil.copy2(source, part, follow_symlinks=False)
        part.rename(target)
        shutil.rmtree(source) if source.is_dir() and not source.is_symlink() else source.unlink()
        with suppress(OSError):
            folder.rmdir()


def _free(file: Path) -> Path:
    """Return `file`, or one with a number in its name where there is one already."""
    return next(name for number in count(1) if not os.path.lexists(name := _named(file, f"-{number}" * (number > 1))))


def _named(file: Path, more: str) -> Path:
    """Return a place whose name says more, cut where no file system takes so long a name."""
    room = NAME_BYTES - len(os.fsencode(more + file.suffix))
    stem = os.fsencode(file.stem)
    return file.with_name(
        f"{os.fsdecode(stem) if len(stem) <= room else stem[:room].decode(errors='ignore')}{more}{file.suffix}"
    )


def _folders(top: Path) -> list[Path]:
    """Return a folder and all folders below it, each after the one in which it lies."""
    found, left = list[Path](), [top] if top.is_dir() else []
    while left:
        found.append(folder := left.pop())
        left += [Path(entry.path) for entry in os.scandir(folder) if _is_dir(entry)]
    return found


def _is_dir(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)
