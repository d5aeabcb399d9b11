"""The checks of the host, one file per thing that is looked at. Each yields findings and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable

import psutil

from stacks.findings import Finding, advice, error, ok, warning

__all__ = [
    "GIB",
    "Finding",
    "advice",
    "error",
    "file_system",
    "keeps_permissions",
    "ok",
    "own_addresses",
    "reports_changes",
    "unsafe_for_databases",
    "warning",
]

GIB = 1024**3
UNSAFE_FOR_DATABASES = (
    "9p", "drvfs", "virtiofs", "ntfs", "ntfs3", "fuse", "fuseblk", "nfs", "nfs4", "cifs", "smb3", "tmpfs", "vfat", "exfat",
)  # fmt: skip
NETWORK = ("9p", "drvfs", "virtiofs", "nfs", "nfs4", "cifs", "smb3")
"""Others may change what is on them, and the kernel here does not learn of it: microsoft/WSL#4739, inotify(7)."""
WITHOUT_MODES = ("9p", "drvfs", "virtiofs", "ntfs", "ntfs3", "fuseblk", "cifs", "smb3", "vfat", "exfat")


def file_system(path: str) -> str:
    """Return the type of the file system that holds `path`, e.g. "ext4" or "9p"."""
    real = os.path.realpath(path)
    mounts: Iterable[tuple[str, str]] = ((part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True))
    holding = [
        (len(point), kind) for point, kind in mounts if real == point or real.startswith(point.rstrip("/") + "/")
    ]
    return max(holding, default=(0, "unknown"))[1]


def own_addresses() -> set[str]:
    """Return every address that this machine has, of whatever kind."""
    return {address.address for nic in psutil.net_if_addrs().values() for address in nic}


def unsafe_for_databases(kind: str) -> bool:
    """Whether a database on this type of file system loses data."""
    return kind in UNSAFE_FOR_DATABASES or kind.startswith("fuse")


def keeps_permissions(kind: str) -> bool:
    """Whether a mode that is set on this type of file system stays."""
    return kind not in WITHOUT_MODES


def reports_changes(kind: str) -> bool:
    """Whether a watcher (inotify) learns of every change on this type of file system."""
    return kind not in NETWORK and not kind.startswith("fuse.")
