"""The library folders: really there, really ours, and readable by the people they belong to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from components.messages import Message, Said, message
from components.service import Owner
from components.storage import MARKER
from stacks.config import StackConfig
from stacks.host import GIB, Finding, advice, error, ok, warning
from stacks.host.machine import Machine, MachinePath
from stacks.host.machines import library_machine
from stacks.names import OWN_GROUP
from stacks.sections import Settings
from stacks.sections.owner import id_problem
from stacks.shell import command

DEFAULT_OWNER = Owner(uid=1000, gid=1000)
SPACE_NEEDED, SPACE_WANTED = 1 * GIB, 10 * GIB


def library_owner(settings: Settings) -> Owner:
    """Return the configured owner, else the owner of the originals folder, else who would get a new one."""
    if settings.owner:
        return Owner(uid=settings.owner.uid, gid=settings.owner.gid)
    try:
        originals = library_machine(settings).path(settings.library.originals).stat()
    except OSError:
        return person(library_machine(settings))
    return Owner(uid=originals.st_uid, gid=originals.st_gid)


def person(on: Machine) -> Owner:
    """Return to whom a folder belongs that is made there: who runs this, behind sudo who called it, never root."""
    uid, gid = on.person()
    if uid != 0:
        return Owner(uid=uid, gid=int((on.here and os.environ.get(OWN_GROUP)) or gid))
    caller = [int(os.environ.get(name, "0")) if on.here else 0 for name in ("SUDO_UID", "SUDO_GID")]
    return Owner(uid=caller[0] or DEFAULT_OWNER.uid, gid=caller[1] or DEFAULT_OWNER.gid)


def folders(settings: Settings) -> dict[str, MachinePath]:
    """Return the key below `photos:library` → folder, on the machine that it is on."""
    library, machine = settings.library, library_machine(settings)
    paths = {"originals": library.originals, "import": library.imports}
    paths |= {f"others.{name}": path for name, path in library.others.items()}
    return {key: machine.path(path) for key, path in paths.items()}


def read_marker(folder: MachinePath) -> str | None:
    """Return the id of the stack that `folder` belongs to; None when it is not marked."""
    try:
        return (folder / MARKER).read_text("utf-8").strip() or None
    except OSError:
        return None


def check_library(config: StackConfig) -> Iterator[Finding]:
    """Look at each folder of the library."""
    owner, machine = library_owner(config.settings), library_machine(config.settings)
    for key, folder in folders(config.settings).items():
        where = f"config photos:library.{key}"
        if problem := _not_a_folder(where, folder, owner, machine, first_run=config.first_run):
            yield problem
            continue
        yield from _place(where, folder, machine)
        yield (permissions := _permissions(where, folder, owner))
        if permissions.level == "ok":
            yield from _changed_owner(where, folder, config)
        yield _marker(where, folder, config)
        yield _space(where, folder, machine)
    for name in config.settings.library.others:
        yield from _show_place(machine.path(config.settings.library.originals) / name, owner, config)
    if "syncthing" in config.settings.enabled():
        yield from _show_place(machine.path(config.settings.library.library().phones), owner, config)


def _show_place(folder: MachinePath, owner: Owner, config: StackConfig) -> Iterator[Finding]:
    """A folder inside originals that something is mounted on; Docker would make a missing one as root."""
    if folder.parent.is_dir() and not folder.is_dir():
        level = warning if config.first_run else error
        fix = f"{command('mkdir', folder)} && {command('sudo', 'chown', f'{owner.uid}:{owner.gid}', folder)}"
        yield level(
            "config photos:library", message("folder_to_come", "{folder} does not exist yet", folder=folder), fix
        )


def _not_a_folder(
    where: str, folder: MachinePath, owner: Owner, machine: Machine, *, first_run: bool
) -> Finding | None:
    if folder.is_dir():
        return None
    if folder.exists():
        return a_file(where, folder)
    if drive := absent_drive(folder, machine):
        mounted = message(
            "drive_not_mounted",
            "Is drive {drive}: mounted? ({look})",
            drive=drive.name.upper(),
            look=f"mount | {command('grep', drive)}",
        )
        return absent(where, folder, mounted)
    if first_run:
        return _to_be_made(where, folder, owner, machine)
    put_back = message("folder_gone", "Are these the right folders? Then put the photos back there first")
    return absent(where, folder, put_back)


def a_file(where: str, folder: MachinePath) -> Finding:
    """Return the finding of a path that leads to a file."""
    return error(
        where,
        *advice("folder_is_file", "{folder} is a file", "Write the folder that holds it", folder=folder),
    )


def absent(where: str, folder: MachinePath, fix: Said) -> Finding:
    """Return the finding of a folder that is not there."""
    return error(where, message("folder_absent", "{folder} does not exist", folder=folder), fix)


def _to_be_made(where: str, folder: MachinePath, owner: Owner, machine: Machine) -> Finding:
    if problem := id_problem(owner.uid, "uid") or id_problem(owner.gid, "gid"):
        return error(
            where,
            *advice(
                "folder_of_strange_owner",
                "{folder} would belong to {owner}: {problem}",
                "Or set photos:owner",
                folder=folder,
                owner=f"{owner.uid}:{owner.gid}",
                problem=problem,
            ),
        )
    above = next(part for part in folder.parents if part.exists())
    if not machine.may_write(above):
        made = command("sudo", "install", "-d", "-o", owner.uid, "-g", owner.gid, folder)
        return error(
            where,
            message(
                "folder_not_yours_to_make",
                "{folder} does not exist, and you may not create it in {above}",
                folder=folder,
                above=above,
            ),
            made,
        )
    return warning(
        where,
        *advice(
            "folder_to_come", "{folder} does not exist yet", "The first ./photos up offers to create it", folder=folder
        ),
    )


def absent_drive(folder: MachinePath, machine: Machine) -> MachinePath | None:
    """Return the drive below /mnt or /media that `folder` needs, if nothing is mounted there."""
    above = [part for part in (folder, *folder.parents) if str(part) != "/"]
    drive = next((part for part in above if str(part.parent) in ("/mnt", "/media")), None)
    return None if any(machine.is_mount(part) for part in above) else drive


def _place(where: str, folder: MachinePath, machine: Machine) -> Iterator[Finding]:
    if machine.is_mount(folder):
        yield error(
            where,
            message(
                "library_is_mount_point",
                "{folder} is a mount point, and an absent drive would look like an empty library",
                folder=folder,
            ),
            message("use_folder_on_it", "Use a folder on it, e.g. {folder}", folder=folder / "Photos"),
        )
    for parent in (folder, *folder.parents):
        if (parent / ".git").exists():
            yield error(
                where,
                *advice(
                    "folder_in_git",
                    "{folder} lies in the git work tree {parent}",
                    "Keep photos outside of it",
                    folder=folder,
                    parent=parent,
                ),
            )


def may_use(folder: os.stat_result, owner: Owner) -> bool:
    """Whether `owner` may list, read and write the folder."""
    if folder.st_uid == owner.uid:
        bits = folder.st_mode >> 6
    elif folder.st_gid == owner.gid:
        bits = folder.st_mode >> 3
    else:
        bits = folder.st_mode
    return bits & stat.S_IRWXO == stat.S_IRWXO


def held_by(folder: os.stat_result) -> Message:
    """Say to whom a folder belongs and who may do what in it."""
    mode = f"{stat.S_IMODE(folder.st_mode):o}"
    return message("held_by", "owner {owner}, mode {mode}", owner=f"{folder.st_uid}:{folder.st_gid}", mode=mode)


def _permissions(where: str, folder: MachinePath, owner: Owner) -> Finding:
    state = folder.stat()
    if problem := id_problem(owner.uid, "uid") or id_problem(owner.gid, "gid"):
        return error(
            where,
            *advice(
                "folder_owner",
                "{folder} ({held_by}): {problem}",
                "E.g. {chown}, or set photos:owner",
                folder=folder,
                held_by=held_by(state),
                problem=problem,
                chown=command("sudo", "chown", "-R", "1000:1000", folder),
            ),
        )
    if not may_use(state, owner):
        return error(
            where,
            message(
                "folder_not_usable",
                "user {uid} cannot read and write {folder} ({held_by})",
                uid=owner.uid,
                folder=folder,
                held_by=held_by(state),
            ),
            command("sudo", "chown", "-R", f"{owner.uid}:{owner.gid}", folder),
        )
    return ok(
        where,
        message("folder_usable", "{folder} is usable by {owner}", folder=folder, owner=f"{owner.uid}:{owner.gid}"),
    )


def _changed_owner(where: str, folder: MachinePath, config: StackConfig) -> Iterator[Finding]:
    """The owner is fixed at the first run: another one on the disk must not silently replace the services' user."""
    state, written = folder.stat(), config.settings.owner
    open_to_all = state.st_mode & stat.S_IRWXO == stat.S_IRWXO  # as on drives whose file system knows no owners
    if written and state.st_uid != written.uid and not open_to_all:
        numbers = f"{written.uid}:{written.gid}"
        yield warning(
            where,
            *advice(
                "owner_changed",
                "{folder} belongs to {owner}, photos:owner says {written}",
                "Was it moved or mounted anew? {chown}, or write the other numbers into photos:owner if they are meant",
                folder=folder,
                owner=f"{state.st_uid}:{state.st_gid}",
                written=numbers,
                chown=command("sudo", "chown", "-R", numbers, folder),
            ),
        )


def _marker(where: str, folder: MachinePath, config: StackConfig) -> Finding:
    marker = read_marker(folder)
    if marker and marker in (config.id, config.pending_id):
        return ok(where, message("marker_matches", "marker matches"))
    if config.first_run and marker is None:
        if not library_machine(config.settings).may_write(folder):
            return error(
                where,
                *advice(
                    "marker_not_writable",
                    "you may not write into {folder}, and the first ./photos up marks it",
                    "Run it as its owner, or with sudo",
                    folder=folder,
                ),
            )
        return warning(
            where,
            *advice(
                "marker_to_come",
                "{folder} is not marked yet",
                "The first ./photos up marks it and changes nothing else",
                folder=folder,
            ),
        )
    adopt = command("./photos", "adopt", folder, "--stack", config.stack)
    if marker is None:
        return error(
            where,
            *advice(
                "marker_missing",
                "{folder} has no marker ({marker}): another disk, an empty mount or a new path",
                "If these are the right photos: {adopt}",
                folder=folder,
                marker=MARKER,
                adopt=adopt,
            ),
        )
    return error(
        where,
        *advice(
            "marker_foreign",
            "{folder} belongs to another stack (id {id})",
            "To take it over: {adopt}. Never let two stacks use one library",
            folder=folder,
            id=marker,
            adopt=adopt,
        ),
    )


def _space(where: str, folder: MachinePath, machine: Machine) -> Finding:
    free = machine.free_bytes(folder)
    space = message(
        "space",
        "{free} GB free on {folder} ({file_system})",
        free=f"{free / GIB:.1f}",
        folder=folder,
        file_system=machine.file_system(folder),
    )
    if free < SPACE_NEEDED:
        return error(
            where,
            *advice(
                "space_too_little",
                "{space}, {needed} GB needed",
                "Free some space first",
                space=space,
                needed=f"{SPACE_NEEDED / GIB:.0f}",
            ),
        )
    if free < SPACE_WANTED:
        return warning(where, space, message("space_little_fix", "New photos will not fit for long"))
    return ok(where, space)
