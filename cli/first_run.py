"""The first run of a stack: mark the library as ours, fix its owner and its images, write the stack's id. Everything was checked before."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from cli import images, paths, stackfile, workspace
from cli.console import confirm, fail, say
from components.messages import both, message
from components.storage import MARKER, PHONES
from stacks.host.library import absent_drive, folders, library_owner, person, read_marker
from stacks.host.machine import HERE, Machine, MachinePath
from stacks.host.machines import library_machine
from stacks.names import NAMESPACE, OWN_GROUP
from stacks.sections import Settings
from stacks.sections.owner import OwnerConfig
from stacks.shell import command

RUN_AS_OWNER = ("photoprism", "keeper", "watch")
"""Services whose container has the owner of the photos as its user."""


def agree_to_folders(library_folders: Iterable[MachinePath], machine: Machine) -> None:
    """Ask whether the missing ones among `library_folders` may be created; end the program when not. Writes nothing."""
    missing = [folder for folder in library_folders if not folder.exists()]
    for folder in missing:
        _needs_its_drive(folder, machine)
    if missing and not confirm(message("create_folders", "Create {folders}?", folders=both(map(str, missing)))):
        fail(
            message(
                "folders_not_created",
                "Nothing was created. Set photos:library to the folders of your photos, or: {command}",
                command=command("mkdir", "-p", *missing),
            )
        )


def mark(stack: str, settings: Settings) -> None:
    """Create missing library folders, show what is in them, write the markers, the owner and then the id."""
    library, machine = folders(settings), library_machine(settings)
    for folder in library.values():
        make_folder(folder, machine)
    foreign = {key: folder for key, folder in library.items() if read_marker(folder)}
    pending = _pending(stack)
    identity = pending_id(stack) or str(uuid4())
    for key, folder in foreign.items():
        if read_marker(folder) != identity:
            adopt = command("./photos", "adopt", folder, "--stack", stack)
            fail(
                message(
                    "library_foreign",
                    "photos:library.{key}: {folder} belongs to another stack (id {id}).\nTo take it over: {adopt}. Never let two stacks use one library.",
                    key=key,
                    folder=folder,
                    id=read_marker(folder),
                    adopt=adopt,
                )
            )
    for key, folder in library.items():
        say(
            message(
                "library_part_holds",
                "{key}: {folder} holds {count} files. They stay as they are.",
                key=key,
                folder=folder,
                count=count_files(folder, machine),
            )
        )
    # Kept first, so that a run killed between marker and id goes on with the same id.
    paths.write_private(pending, identity)
    for folder in library.values():
        write_marker(folder, identity, machine)
    make_places(settings)
    fix_owner(stack, settings)
    images.write_down(stack, settings)
    workspace.set_value(stack, stackfile.ID_KEY, identity)
    pending.unlink()


def with_owner(stack: str, settings: Settings) -> Settings:
    """Return the settings with the owner that the services run as, where the stack file of an older version names none."""
    if settings.owner or not settings.id:
        return settings
    for resource in workspace.resources(stack):
        user = re.fullmatch(r"(\d+):(\d+)", str((resource.get("outputs") or {}).get("user")))
        if user and resource["urn"].rpartition("::")[2].removeprefix("photos-") in RUN_AS_OWNER:
            owner = OwnerConfig(uid=int(user[1]), gid=int(user[2]))
            return settings.model_copy(update={"owner": owner})
    return settings


def fix_owner(stack: str, settings: Settings) -> None:
    """Write the owner into a stack file that names none: from then on another one on the disk is a finding."""
    if f"{NAMESPACE}owner" in stackfile.read(paths.stack_file(stack)):
        return
    owner = library_owner(settings)
    for key, number in (("uid", owner.uid), ("gid", owner.gid)):
        workspace.set_value(stack, f"{NAMESPACE}owner.{key}", str(number))


def pending_id(stack: str) -> str | None:
    """Return the id that an interrupted first run wrote into markers, but not yet into the stack file."""
    pending = _pending(stack)
    return pending.read_text("utf-8") if pending.exists() else None


def _pending(stack: str) -> Path:
    return paths.data_folder() / "pending-ids" / stack


def make_places(settings: Settings) -> None:
    """Create the folders inside originals that something is mounted on; Docker would make them as root."""
    machine = library_machine(settings)
    for name in (PHONES, *settings.library.others):
        make_folder(machine.path(settings.library.originals) / name, machine)


def write_marker(folder: MachinePath, identity: str, machine: Machine = HERE) -> None:
    """Write the marker of the stack into `folder`, owned as the folder is."""
    marker = folder / MARKER
    marker.write_text(f"{identity}\n", "utf-8")
    marker.chmod(0o644)
    if machine.person()[0] == 0:
        machine.give(marker, folder.stat().st_uid, folder.stat().st_gid)


def count_files(folder: MachinePath, machine: Machine) -> int:
    """Return how many files are below `folder`, without the markers."""
    return sum(name != MARKER for name, _, _ in machine.files(folder))


def _needs_its_drive(folder: MachinePath, machine: Machine) -> None:
    """End the program where a missing folder belongs on a Windows drive that is not mounted."""
    if drive := absent_drive(folder, machine):
        fail(
            message(
                "drive_gone",
                "{folder} does not exist, and {drive} is not mounted. Is drive {letter}: there?",
                folder=folder,
                drive=drive,
                letter=drive.name.upper(),
            )
        )


def make_folder(folder: MachinePath, machine: Machine = HERE) -> None:
    """Create a missing folder, never below a drive that is not mounted; give it to the person, not to root."""
    if folder.exists():
        return
    _needs_its_drive(folder, machine)
    made = [part for part in reversed((folder, *folder.parents)) if not part.exists()]
    folder.mkdir(parents=True)
    for part in made:
        part.chmod(0o755)  # a service that only reads the photos runs as another user
        hand_over(part, machine)


def hand_over(item: MachinePath, machine: Machine = HERE) -> None:
    """Give what was made there to the person, where it would be root's or the group docker's."""
    owner = person(machine)
    if machine.person()[0] == 0:
        machine.give(item, owner.uid, owner.gid)
    elif machine.here and os.environ.get(OWN_GROUP):
        with suppress(PermissionError):  # a Windows drive has no groups
            machine.give(item, -1, owner.gid)
