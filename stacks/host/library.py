"""The library folders: really there, really ours, and readable by the people they belong to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil

from components.service import Owner
from components.storage import MARKER
from stacks.config import StackConfig
from stacks.host import GIB, Finding, error, file_system, ok, warning
from stacks.names import OWN_GROUP
from stacks.sections import Settings
from stacks.sections.library import LibraryConfig
from stacks.sections.owner import id_problem
from stacks.shell import command

DEFAULT_OWNER = Owner(uid=1000, gid=1000)
SPACE_NEEDED, SPACE_WANTED = 1 * GIB, 10 * GIB


def library_owner(settings: Settings) -> Owner:
    """Return the configured owner, else the owner of the originals folder, else who would get a new one."""
    if settings.owner:
        return Owner(uid=settings.owner.uid, gid=settings.owner.gid)
    try:
        found = Path(settings.library.originals).stat()
    except OSError:
        return person()
    return Owner(uid=found.st_uid, gid=found.st_gid)


def person() -> Owner:
    """Return to whom a folder belongs that is made here: who runs this, behind sudo who called it, never root."""
    if os.geteuid() != 0:
        return Owner(uid=os.geteuid(), gid=int(os.environ.get(OWN_GROUP) or os.getegid()))
    uid, gid = (int(os.environ.get(name, "0")) for name in ("SUDO_UID", "SUDO_GID"))
    return Owner(uid=uid or DEFAULT_OWNER.uid, gid=gid or DEFAULT_OWNER.gid)


def folders(library: LibraryConfig) -> dict[str, Path]:
    """Return the key below `photos:library` → folder."""
    paths = {"originals": library.originals, "import": library.imports}
    paths |= {f"others.{name}": path for name, path in library.others.items()}
    return {key: Path(path) for key, path in paths.items()}


def read_marker(folder: Path) -> str | None:
    """Return the id of the stack that `folder` belongs to; None when it is not marked."""
    try:
        return (folder / MARKER).read_text("utf-8").strip() or None
    except OSError:
        return None


def check_library(config: StackConfig) -> Iterator[Finding]:
    """Look at each folder of the library."""
    owner = library_owner(config.settings)
    for key, folder in folders(config.settings.library).items():
        where = f"config photos:library.{key}"
        if problem := _not_a_folder(where, folder, owner, first_run=config.first_run):
            yield problem
            continue
        yield from _place(where, folder)
        yield (permissions := _permissions(where, folder, owner))
        if permissions.level == "ok":
            yield from _changed_owner(where, folder, config)
        yield _marker(where, folder, config)
        yield _space(where, folder)
    for name in config.settings.library.others:
        yield from _show_place(Path(config.settings.library.originals) / name, owner, config)
    if "syncthing" in config.settings.enabled():
        yield from _show_place(Path(config.settings.library.library().phones), owner, config)


def _show_place(folder: Path, owner: Owner, config: StackConfig) -> Iterator[Finding]:
    """A folder inside originals that something is mounted on; Docker would make a missing one as root."""
    if folder.parent.is_dir() and not folder.is_dir():
        level = warning if config.first_run else error
        fix = f"{command('mkdir', folder)} && {command('sudo', 'chown', f'{owner.uid}:{owner.gid}', folder)}"
        yield level("config photos:library", f"{folder} does not exist yet", fix)


def _not_a_folder(where: str, folder: Path, owner: Owner, *, first_run: bool) -> Finding | None:
    if folder.is_dir():
        return None
    if folder.exists():
        return error(where, f"{folder} is a file", "Write the folder that holds it")
    if drive := absent_drive(folder):
        return error(
            where,
            f"{folder} does not exist",
            f"Is drive {drive.name.upper()}: mounted? (mount | {command('grep', drive)})",
        )
    if first_run:
        return _to_be_made(where, folder, owner)
    return error(where, f"{folder} does not exist", "Are these the right folders? Then put the photos back there first")


def _to_be_made(where: str, folder: Path, owner: Owner) -> Finding:
    if problem := id_problem(owner.uid, "uid") or id_problem(owner.gid, "gid"):
        return error(where, f"{folder} would belong to {owner.uid}:{owner.gid}: {problem}", "Or set photos:owner")
    above = next(part for part in folder.parents if part.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        made = command("sudo", "install", "-d", "-o", owner.uid, "-g", owner.gid, folder)
        return error(where, f"{folder} does not exist, and you may not create it in {above}", made)
    return warning(where, f"{folder} does not exist yet", "The first ./photos up offers to create it")


def absent_drive(folder: Path) -> Path | None:
    """Return the drive below /mnt or /media that `folder` needs, if nothing is mounted there."""
    above = [part for part in (folder, *folder.parents) if part != Path("/")]
    drive = next((part for part in above if part.parent in (Path("/mnt"), Path("/media"))), None)
    return None if any(os.path.ismount(part) for part in above) else drive


def _place(where: str, folder: Path) -> Iterator[Finding]:
    if os.path.ismount(folder):
        yield error(
            where,
            f"{folder} is a mount point, and an absent drive would look like an empty library",
            f"Use a folder on it, e.g. {folder / 'Photos'}",
        )
    for parent in (folder, *folder.parents):
        if (parent / ".git").exists():
            yield error(where, f"{folder} lies in the git work tree {parent}", "Keep photos outside of it")


def may_use(found: os.stat_result, owner: Owner) -> bool:
    """Whether `owner` may list, read and write the folder that `found` describes."""
    if found.st_uid == owner.uid:
        bits = found.st_mode >> 6
    elif found.st_gid == owner.gid:
        bits = found.st_mode >> 3
    else:
        bits = found.st_mode
    return bits & stat.S_IRWXO == stat.S_IRWXO


def _permissions(where: str, folder: Path, owner: Owner) -> Finding:
    found = folder.stat()
    held_by = f"owner {found.st_uid}:{found.st_gid}, mode {stat.S_IMODE(found.st_mode):o}"
    chown = f"{command('sudo', 'chown', '-R', '1000:1000', folder)}, or set photos:owner"
    if problem := id_problem(owner.uid, "uid") or id_problem(owner.gid, "gid"):
        return error(where, f"{folder} ({held_by}): {problem}", f"E.g. {chown}")
    if not may_use(found, owner):
        return error(
            where,
            f"user {owner.uid} cannot read and write {folder} ({held_by})",
            command("sudo", "chown", "-R", f"{owner.uid}:{owner.gid}", folder),
        )
    return ok(where, f"{folder} is usable by {owner.uid}:{owner.gid}")


def _changed_owner(where: str, folder: Path, config: StackConfig) -> Iterator[Finding]:
    """The owner is fixed at the first run: another one on the disk must not silently replace the services' user."""
    found, written = folder.stat(), config.settings.owner
    open_to_all = found.st_mode & stat.S_IRWXO == stat.S_IRWXO  # as on drives whose file system knows no owners
    if written and found.st_uid != written.uid and not open_to_all:
        yield warning(
            where,
            f"{folder} belongs to {found.st_uid}:{found.st_gid}, photos:owner says {written.uid}:{written.gid}",
            f"Was it moved or mounted anew? {command('sudo', 'chown', '-R', f'{written.uid}:{written.gid}', folder)}, "
            "or write the other numbers into photos:owner if they are meant",
        )


def _marker(where: str, folder: Path, config: StackConfig) -> Finding:
    marker = read_marker(folder)
    if marker and marker in (config.id, config.pending_id):
        return ok(where, "marker matches")
    if config.first_run and marker is None:
        if not os.access(folder, os.W_OK | os.X_OK):
            return error(
                where,
                f"you may not write into {folder}, and the first ./photos up marks it",
                "Run it as its owner, or with sudo",
            )
        return warning(where, f"{folder} is not marked yet", "The first ./photos up marks it and changes nothing else")
    if marker is None:
        return error(
            where,
            f"{folder} has no marker ({MARKER}): another disk, an empty mount or a new path",
            f"If these are the right photos: {command('./photos', 'adopt', folder, '--stack', config.stack)}",
        )
    return error(
        where,
        f"{folder} belongs to another stack (id {marker})",
        f"To take it over: {command('./photos', 'adopt', folder, '--stack', config.stack)}. "
        "Never let two stacks use one library",
    )


def _space(where: str, folder: Path) -> Finding:
    free = psutil.disk_usage(str(folder)).free
    text = f"{free / GIB:.1f} GB free on {folder} ({file_system(str(folder))})"
    if free < SPACE_NEEDED:
        return error(where, f"{text}, {SPACE_NEEDED / GIB:.0f} GB needed", "Free some space first")
    if free < SPACE_WANTED:
        return warning(where, text, "New photos will not fit for long")
    return ok(where, text)
