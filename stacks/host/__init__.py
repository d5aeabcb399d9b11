"""The checks of the host, one file per thing that is looked at. Each yields findings and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import psutil

GIB = 1024**3
UNSAFE_FOR_DATABASES = (
    "9p", "drvfs", "virtiofs", "ntfs", "ntfs3", "fuse", "fuseblk", "nfs", "nfs4", "cifs", "smb3", "tmpfs", "vfat", "exfat",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What one check saw. `fix` says what to do; an error stops `up` and `preview`, a warning does not."""

    level: Literal["ok", "warning", "error"]
    check: str
    text: str
    fix: str = ""

    def __str__(self) -> str:
        """Return the finding as one line."""
        return f"{self.check}: {self.text}" + (f". {self.fix}" if self.fix else "")


def ok(check: str, text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding("ok", check, text)


def warning(check: str, text: str, fix: str = "") -> Finding:
    """Return a finding to know about."""
    return Finding("warning", check, text, fix)


def error(check: str, text: str, fix: str = "") -> Finding:
    """Return a finding that stops `up`."""
    return Finding("error", check, text, fix)


def file_system(path: str) -> str:
    """Return the type of the file system that holds `path`, e.g. "ext4" or "9p"."""
    real = os.path.realpath(path)
    mounts: Iterable[tuple[str, str]] = ((part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True))
    holding = [
        (len(point), kind) for point, kind in mounts if real == point or real.startswith(point.rstrip("/") + "/")
    ]
    return max(holding, default=(0, "unknown"))[1]


def unsafe_for_databases(kind: str) -> bool:
    """Whether a database on this type of file system loses data."""
    return kind in UNSAFE_FOR_DATABASES or kind.startswith("fuse")
