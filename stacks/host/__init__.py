"""The checks of the host, one file per thing that is looked at. Each yields findings and changes nothing."""

from __future__ import annotations

from stacks.findings import Finding, advice, error, ok, warning

__all__ = [
    "GIB",
    "Finding",
    "advice",
    "error",
    "keeps_permissions",
    "ok",
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


def unsafe_for_databases(kind: str) -> bool:
    """Whether a database on this type of file system loses data."""
    return kind in UNSAFE_FOR_DATABASES or kind.startswith("fuse")


def keeps_permissions(kind: str) -> bool:
    """Whether a mode that is set on this type of file system stays."""
    return kind not in WITHOUT_MODES


def reports_changes(kind: str) -> bool:
    """Whether a watcher (inotify) learns of every change on this type of file system."""
    return kind not in NETWORK and not kind.startswith("fuse.")
