"""The library before a run: whether it is really there, what is never backed up, and what lies where."""

from __future__ import annotations

import os
from pathlib import Path

from keeper.errors import Exit, KeeperError
from keeper.mounts import file_system
from keeper.settings import DATABASE, MARKER, STAGING, Settings

NEVER = (STAGING, MARKER, ".syncthing.*.tmp", "~syncthing~*.tmp")
UNSTEADY = ("9p", "fuse", "vfat", "exfat", "cifs", "smb3", "ntfs")
"""File systems whose inode numbers and change times come and go: with them every night would read everything again."""
EMPTY_ANYHOW = (MARKER, STAGING, ".stfolder")


def check(settings: Settings) -> None:
    """Check that each root is there, that the marked ones are this stack's, and that they are not empty.

    Raises:
        KeeperError: with `Exit.PREFLIGHT`. It is the only thing at home that stops a backup.
    """
    check_ours(settings)
    if settings.marked and not any(_has_something(settings.roots[name]) for name in settings.marked):
        raise KeeperError(Exit.PREFLIGHT, "library.empty", folder=settings.roots[settings.marked[0]])


def check_ours(settings: Settings) -> None:
    """Check that each root is there, and that the marked ones are this stack's.

    Raises:
        KeeperError: with `Exit.PREFLIGHT`.
    """
    for name, folder in settings.roots.items():
        if not folder.is_dir():
            raise KeeperError(Exit.PREFLIGHT, "library.absent", root=name, folder=folder)
    for name in settings.marked:
        try:
            marker = (settings.roots[name] / MARKER).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise KeeperError(Exit.PREFLIGHT, "library.no_marker", root=name, reason=reason or "?") from error
        if marker != settings.id:
            raise KeeperError(Exit.PREFLIGHT, "library.of_another", root=name, id=marker)


def names(settings: Settings) -> list[str]:
    """Return what is backed up, by its name in the library's folder."""
    return [*settings.roots, *([DATABASE] if (settings.library / DATABASE).is_dir() else [])]


def excludes(settings: Settings) -> list[str]:
    """Return restic's patterns of what is never backed up: what can be made again, and what is only on its way."""
    library = str(settings.library)
    again = [f"{library}/{root}/{pattern}" for root, patterns in settings.leave_out.items() for pattern in patterns]
    return [*NEVER, f"{library}/{DATABASE}/.*", *again]


def has_unsteady_inodes(settings: Settings) -> bool:
    """Whether a root lies on a file system whose inode numbers mean nothing."""
    kinds = {file_system(folder) for folder in settings.roots.values()}
    return any(kind.startswith(UNSTEADY) for kind in kinds)


def _has_something(folder: Path) -> bool:
    """Whether there is a file anywhere below; folders alone are what a drive leaves that is not there."""
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in EMPTY_ANYHOW]
        if any(name not in EMPTY_ANYHOW for name in files):
            return True
    return False
