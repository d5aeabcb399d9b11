"""A path of another machine, whose files are seen by SFTP: as much of `pathlib.Path` as the checks and commands use.

What is not here does not exist: no method of this class touches a file of this machine.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from paramiko.sftp_client import SFTPClient

NO_NUMBER = 0
"""SFTP tells no inode and counts no links."""


class FarPath(PurePosixPath):
    """A path on the machine that `bound` was given the files of."""

    _files: ClassVar[SFTPClient]
    _devices: ClassVar[tuple[tuple[str, int], ...]]

    @staticmethod
    def bound(files: SFTPClient, devices: tuple[tuple[str, int], ...]) -> type[FarPath]:
        """Return the class of the paths of one machine. `devices`: mount point → number of the device, in their order."""
        return type("FarPath", (FarPath,), {"_files": files, "_devices": devices})

    def stat(self) -> os.stat_result:
        """Return mode, owner, size, times and device; SFTP tells no more."""
        return self._result(follow=True)

    def lstat(self) -> os.stat_result:
        """Return the same of a link itself."""
        return self._result(follow=False)

    def exists(self) -> bool:
        """Whether something is there; False where one may not look, as `pathlib` has it."""
        try:
            self.stat()
        except OSError:
            return False
        return True

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        with suppress(OSError):
            return stat.S_ISDIR(self.stat().st_mode)
        return False

    def is_file(self) -> bool:
        """Whether it is a file."""
        with suppress(OSError):
            return stat.S_ISREG(self.stat().st_mode)
        return False

    def is_mount(self) -> bool:
        """Whether something is mounted exactly there."""
        return str(self) in {point for point, _ in self._devices}

    def resolve(self) -> Self:
        """Return the path without links; as it is where it cannot be told."""
        with suppress(OSError):
            return type(self)(self._files.normalize(str(self)))
        return self

    def iterdir(self) -> Iterator[Self]:
        """Return what is in a folder."""
        return (self / name for name in self._files.listdir(str(self)))

    def read_bytes(self) -> bytes:
        """Return what is in a file; those of /proc, too, which call themselves empty."""
        with self._files.open(str(self), "rb") as file:
            return file.read()

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the text in a file."""
        return self.read_bytes().decode(encoding, errors)

    def write_text(self, data: str, encoding: str = "utf-8") -> int:
        """Write a file anew."""
        with self._files.open(str(self), "wb") as file:
            file.write(data.encode(encoding))
        return len(data)

    def mkdir(self, mode: int = 0o777, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Make a folder; with `parents` those above it, too."""
        if exist_ok and self.is_dir():
            return
        if parents and not self.parent.exists():
            self.parent.mkdir(parents=True)
        self._files.mkdir(str(self), mode)

    def chmod(self, mode: int) -> None:
        """Set the mode."""
        self._files.chmod(str(self), mode)

    def unlink(self) -> None:
        """Remove a file."""
        self._files.remove(str(self))

    def _result(self, *, follow: bool) -> os.stat_result:
        found = (self._files.stat if follow else self._files.lstat)(str(self))
        times = (found.st_atime or 0, found.st_mtime or 0, found.st_mtime or 0)
        owner = (found.st_uid or 0, found.st_gid or 0)
        return os.stat_result(
            (found.st_mode or 0, NO_NUMBER, self._device(), NO_NUMBER, *owner, found.st_size or 0, *times)
        )

    def _device(self) -> int:
        real = f"{self.resolve()}/"
        holding = [
            (len(point), place, device)
            for place, (point, device) in enumerate(self._devices)
            if real.startswith(f"{point.rstrip('/')}/")
        ]
        return max(holding, default=(0, 0, NO_NUMBER))[2]
