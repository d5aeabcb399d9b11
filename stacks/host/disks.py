"""Can the copies be made: the folders of this machine that hold some, and what is not good about the set of copies."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from components.service import Owner
from stacks.config import StackConfig
from stacks.host import Finding, error, ok, warning
from stacks.host.library import absent_drive, folders, library_owner, may_use
from stacks.sections.backup.copies import RemoteConfig
from stacks.sections.backup.rules import page_url
from stacks.shell import command

CHECK = "backup"


def check_backup(config: StackConfig) -> Iterator[Finding]:
    """Look at every copy that is a folder of this machine, then at the set of all."""
    backup = config.settings.backup
    if not backup:
        return
    owner = library_owner(config.settings)
    disks = {name: remote for name, remote in backup.remotes.items() if remote.is_local}
    for name, remote in disks.items():
        yield from _folder(f"config photos:backup.remotes.{name}.path", remote, owner, config)
    for one, other in combinations(disks, 2):
        devices = {_device(Path(disks[name].folder)) for name in (one, other)}
        if len(devices) == 1 and None not in devices:
            yield warning(CHECK, f"{one} and {other} are on one disk, which can be lost as a whole", "Use another disk")
    yield from (warning(CHECK, item.text, item.fix) for item in config.shortcomings)
    yield ok(CHECK, f"copies: {', '.join(backup.remotes)}; how it goes: {page_url(backup)}")


def _folder(where: str, remote: RemoteConfig, owner: Owner, config: StackConfig) -> Iterator[Finding]:
    folder = Path(remote.folder)
    if not folder.is_dir():
        yield _absent(where, folder, owner)
        return
    found = folder.stat()
    if not may_use(found, owner):
        held_by = f"owner {found.st_uid}:{found.st_gid}, mode {stat.S_IMODE(found.st_mode):o}"
        fix = command("sudo", "chown", f"{owner.uid}:{owner.gid}", folder)
        yield error(where, f"user {owner.uid} cannot write into {folder} ({held_by})", fix)
    if os.path.ismount(folder):
        fix = f"Use a folder on it, e.g. {folder / 'photos'}"
        yield error(where, f"{folder} is a mount point, and an absent disk would look like an empty one", fix)
    for library in folders(config.settings.library).values():
        if remote.kind == "disk" and _device(folder) == _device(library) is not None:
            fix = "Use a folder on a second disk; what is on the same one is lost with it"
            yield error(where, f"{folder} is on the same disk as the library {library}", fix)
            return


def _absent(where: str, folder: Path, owner: Owner) -> Finding:
    if folder.exists():
        return error(where, f"{folder} is a file", "Write the folder that holds it")
    if drive := absent_drive(folder):
        return error(where, f"{folder} does not exist", f"Is the disk mounted? (mount | {command('grep', drive)})")
    made = command("sudo", "install", "-d", "-o", owner.uid, "-g", owner.gid, folder)
    return error(where, f"{folder} does not exist", f"If its disk is mounted: {made}")


def _device(folder: Path) -> int | None:
    """Return what tells one file system from another; None when there is no such folder."""
    try:
        return folder.stat().st_dev
    except OSError:
        return None
