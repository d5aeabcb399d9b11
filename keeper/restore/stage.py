"""Files on their way back: gathered beside the library, checked, and then moved to their places, one rename each.

What was gathered stays until a restore succeeds, so that one that broke off goes on from there.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

from keeper import dump
from keeper.errors import Code, KeeperError
from keeper.locate import Places
from keeper.manifest import PERMISSIONS, Entry, Manifest
from keeper.rclone import RcloneError
from keeper.remotes import Remote
from keeper.settings import STAGING, Settings
from keeper.upload import LIBRARY

MOUNTS = Path("/proc/self/mountinfo")
REPLACED = "replaced-"
SPARE_BYTES = 256 << 20
Progress = Callable[[int, int], None]


class Stage:
    """The staging folders of one run, one on each mount of the library: a rename never leaves its mount."""

    def __init__(self, settings: Settings, run: str) -> None:
        self._roots, self._marked, self._run = settings.roots, settings.marked, run
        mounts = {
            mount for mount in _mount_points() if any(mount.is_relative_to(root) for root in self._roots.values())
        }
        self._homes = mounts | set(self._roots.values())

    def target(self, path: str) -> Path:
        """Return the place in the library of a file of a backup.

        Raises:
            KeeperError: with `Code.VERIFY` when it would lie outside of the library.
        """
        root, _, below = path.partition("/")
        if root not in self._roots or not {"", ".", ".."}.isdisjoint(below.split("/")):
            raise KeeperError(Code.VERIFY, f"the manifest names {path!r}, which is no place in the library")
        return self._roots[root] / below

    def lacks(self, path: str, entry: Entry) -> bool:
        """Whether the library does not hold a file as it was."""
        return not _holds(self.target(path), entry)

    def gather(self, remote: Remote, files: Manifest, progress: Progress) -> list[str]:
        """Fetch what is not gathered yet; return those files that no place of the remote holds unharmed.

        Raises:
            KeeperError: with `Code.FAILED` when there is no room for them.
        """
        left = [path for path in sorted(files) if not _holds(self._staged(path), files[path])]
        self._has_room({path: files[path].size for path in left})
        places, turn = Places(remote, self._run), 0
        while left:
            lots: dict[tuple[str, Path], list[str]] = defaultdict(list)
            for path in left:
                if turn < len(folders := places.of(path)):
                    lots[folders[turn], self._folder(self._home(path))].append(path)
            if not lots:
                break
            for (folder, target), paths in lots.items():
                _fetch(remote, folder, target, paths, progress)
            left = [path for path in left if not _holds(self._staged(path), files[path])]
            turn += 1
        return left

    def place(self, path: str, entry: Entry) -> tuple[Path | None, Path | None]:
        """Move one gathered file to its place, with its old time, and a service's own file with its old permissions.

        Return where it lies if that is beside a newer file, and where the file went whose place it took.
        """
        staged, target = self._staged(path), self.target(path)
        os.utime(staged, ns=(entry.mtime_ns, entry.mtime_ns))
        if entry.mode is not None and not self._is_photo(path):
            staged.chmod(entry.mode & PERMISSIONS)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(target):
            staged.rename(target)
            return None, None
        if self._stays(path, target, entry):
            beside = target.with_name(f"{target.stem}.restored-{self._run}{target.suffix}")
            if not _holds(beside, entry):
                staged.rename(beside := _free(beside))
            return beside, None
        aside = _free(self._home(path) / STAGING / f"{REPLACED}{self._run}" / path)
        aside.parent.mkdir(parents=True, exist_ok=True)
        target.rename(aside)
        staged.rename(target)
        return None, aside

    def clear(self) -> None:
        """Remove what any restore gathered and did not place; what was replaced stays."""
        for home in self._homes:
            folder = home / STAGING
            for item in folder.iterdir() if folder.is_dir() else ():
                if not item.name.startswith(REPLACED):
                    shutil.rmtree(item)
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _stays(self, path: str, target: Path, entry: Entry) -> bool:
        """Whether what lies there keeps its place: a folder, or a newer photo.

        A service's own files give way: one that was started on a new machine made newer ones, a new identity among them.
        """
        status = target.lstat()
        return target.is_dir() or (self._is_photo(path) and status.st_mtime_ns > entry.mtime_ns)

    def _is_photo(self, path: str) -> bool:
        """Whether a file is the family's, and may lie on a Windows drive, where permissions mean nothing; else a service's."""
        return path.partition("/")[0] in self._marked

    def _has_room(self, sizes: dict[str, int]) -> None:
        needed: dict[int, int] = defaultdict(int)
        homes: dict[int, Path] = {}
        for path, size in sizes.items():
            home = self._home(path)
            device = home.stat().st_dev
            homes[device] = home
            needed[device] += size
        for device, size in needed.items():
            free = shutil.disk_usage(homes[device]).free
            if free < size + SPARE_BYTES:
                raise KeeperError(
                    Code.FAILED,
                    f"{homes[device].name}: {size / 1e9:.1f} GB to restore, {free / 1e9:.1f} GB free. Free some space first",
                )

    def _home(self, path: str) -> Path:
        """Return the mount point, or else the root, on which a file lies."""
        return next(folder for folder in self.target(path).parents if folder in self._homes)

    def _folder(self, home: Path) -> Path:
        return home / STAGING / self._run

    def _staged(self, path: str) -> Path:
        return self._folder(self._home(path)) / path


def _fetch(remote: Remote, folder: str, target: Path, paths: list[str], progress: Progress) -> None:
    try:
        remote.rclone.copy(remote.at(folder), f"{LIBRARY}{target}", paths, *remote.flags, progress=progress)
    except RcloneError as error:
        # One object that is damaged or gone is missed by its name; a lost connection ends it.
        if not error.about_objects:
            raise


def _holds(file: Path, entry: Entry) -> bool:
    try:
        return file.stat().st_size == entry.size and dump.sha256_of(file) == entry.sha256
    except OSError:
        return False


def _free(file: Path) -> Path:
    """Return `file`, or one with a number in its name where there is one already."""
    names = (file if number == 1 else file.with_name(f"{file.stem}-{number}{file.suffix}") for number in count(1))
    return next(name for name in names if not os.path.lexists(name))


def _mount_points() -> Iterable[Path]:
    """Yield where something is mounted, also from the same disk: proc_pid_mountinfo(5), fifth field."""
    for line in MOUNTS.read_text("utf-8", "surrogateescape").splitlines():
        yield Path(re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), line.split()[4]))
