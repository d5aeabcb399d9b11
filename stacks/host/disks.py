"""Can the copies be made: the folders of this machine that hold some, and what is not good about the set of copies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from components.messages import message
from components.service import Owner
from stacks.config import StackConfig
from stacks.host import Finding, advice, error, ok, warning
from stacks.host.library import a_file, absent, absent_drive, folders, held_by, library_owner, may_use
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
            yield warning(
                CHECK,
                *advice(
                    "copies_on_one_disk",
                    "{one} and {other} are on one disk, which can be lost as a whole",
                    "Use another disk",
                    one=one,
                    other=other,
                ),
            )
    yield from (warning(CHECK, item.text, item.fix) for item in config.shortcomings)
    copies = message(
        "copies", "copies: {names}; how it goes: {page}", names=", ".join(backup.remotes), page=page_url(backup)
    )
    yield ok(CHECK, copies)


def _folder(where: str, remote: RemoteConfig, owner: Owner, config: StackConfig) -> Iterator[Finding]:
    folder = Path(remote.folder)
    if not folder.is_dir():
        yield _absent(where, folder, owner)
        return
    if not may_use(folder.stat(), owner):
        yield error(
            where,
            message(
                "disk_not_writable",
                "user {uid} cannot write into {folder} ({held_by})",
                uid=owner.uid,
                folder=folder,
                held_by=held_by(folder.stat()),
            ),
            command("sudo", "chown", f"{owner.uid}:{owner.gid}", folder),
        )
    if os.path.ismount(folder):
        yield error(
            where,
            message(
                "disk_is_mount_point",
                "{folder} is a mount point, and an absent disk would look like an empty one",
                folder=folder,
            ),
            message("use_folder_on_it", "Use a folder on it, e.g. {folder}", folder=folder / "photos"),
        )
    for library in folders(config.settings.library).values():
        if remote.kind == "disk" and _device(folder) == _device(library) is not None:
            yield error(
                where,
                *advice(
                    "disk_of_the_library",
                    "{folder} is on the same disk as the library {library}",
                    "Use a folder on a second disk; what is on the same one is lost with it",
                    folder=folder,
                    library=library,
                ),
            )
            return


def _absent(where: str, folder: Path, owner: Owner) -> Finding:
    if folder.exists():
        return a_file(where, folder)
    if drive := absent_drive(folder):
        look = f"mount | {command('grep', drive)}"
        return absent(where, folder, message("disk_not_mounted", "Is the disk mounted? ({look})", look=look))
    made = command("sudo", "install", "-d", "-o", owner.uid, "-g", owner.gid, folder)
    return absent(where, folder, message("disk_without_folder", "If its disk is mounted: {made}", made=made))


def _device(folder: Path) -> int | None:
    """Return what tells one file system from another; None when there is no such folder."""
    try:
        return folder.stat().st_dev
    except OSError:
        return None
