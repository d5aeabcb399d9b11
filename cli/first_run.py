"""The first run of a stack: mark the library as ours, then write the stack's id. Nothing else is written into it."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from cli import engine, paths
from cli.console import confirm, fail, say
from components.storage import MARKER, PHONES
from stacks.checks.library import DEFAULT_OWNER, absent_drive, folders, read_marker
from stacks.settings import Settings


def mark(stack: str, settings: Settings) -> None:
    """Create missing library folders, show what is in them, write the markers and then the id."""
    library = folders(settings.library)
    for folder in library.values():
        make_folder(folder)
    foreign = {key: folder for key, folder in library.items() if read_marker(folder)}
    pending = paths.data_folder() / "pending-ids" / stack
    identity = pending.read_text("utf-8") if pending.exists() else str(uuid4())
    for key, folder in foreign.items():
        if read_marker(folder) != identity:
            fail(
                f"photos:library.{key}: {folder} belongs to another stack (id {read_marker(folder)}).\n"
                f"To take it over: ./photos adopt {folder} --stack {stack}. Never let two stacks use one library."
            )
    for key, folder in library.items():
        say(f"{key}: {folder} holds {count_files(folder)} files. They stay as they are.")
    # Kept first, so that a run killed between marker and id goes on with the same id.
    paths.write_private(pending, identity)
    for folder in library.values():
        write_marker(folder, identity)
    make_places(settings)
    engine.ask(stack, "config", "set", "photos:id", identity, "--stack", stack)
    pending.unlink()


def make_places(settings: Settings) -> None:
    """Create the folders inside originals that something is mounted on; Docker would make them as root."""
    for name in (PHONES, *settings.library.others):
        make_folder(Path(settings.library.originals) / name)


def write_marker(folder: Path, identity: str) -> None:
    """Write the marker of the stack into `folder`, owned as the folder is."""
    marker = folder / MARKER
    marker.write_text(f"{identity}\n", "utf-8")
    marker.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(marker, folder.stat().st_uid, folder.stat().st_gid)


def count_files(folder: Path) -> int:
    """Return how many files are below `folder`, without the markers."""
    return sum(len(files) - (MARKER in files) for _, _, files in os.walk(folder))


def make_folder(folder: Path) -> None:
    """Create a missing folder, never below a drive that is not mounted; give it to the person, not to root."""
    if folder.exists():
        return
    if drive := absent_drive(folder):
        fail(f"{folder} does not exist, and {drive} is not mounted. Is drive {drive.name.upper()}: there?")
    if not confirm(f"{folder} does not exist. Create it?"):
        fail(f"Nothing was created. Set photos:library to the folders of your photos, or: mkdir -p {folder}")
    first = next(part for part in reversed((folder, *folder.parents)) if not part.exists())
    folder.mkdir(parents=True)
    for part in (first, *(item for item in first.rglob("*") if item.is_dir())):
        part.chmod(0o755)  # a service that only reads the photos runs as another user
    if os.geteuid() == 0:
        uid = int(os.environ.get("SUDO_UID", DEFAULT_OWNER.uid)) or DEFAULT_OWNER.uid
        gid = int(os.environ.get("SUDO_GID", DEFAULT_OWNER.gid)) or DEFAULT_OWNER.gid
        for part in (first, *(p for p in first.rglob("*") if p.is_dir())):
            os.chown(part, uid, gid)
