"""The recovery kit: everything but the photos that a new machine needs, in one file that only a passphrase opens.

The file is in the age format (https://age-encryption.org/v1), so that `age -d` opens it even without this project.
"""

from __future__ import annotations

import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli import age, first_run, kept_kit, kit_page, paths, private_state, stack_config, stackfile
from cli.console import confirm, fail, say
from cli.kit_copies import KitFiles, steps
from components.keeper import OPENLIST
from components.messages import message
from stacks.host.library import folders, read_marker
from stacks.host.machines import library_machine
from stacks.names import NAMESPACE

SHORTEST_PASSPHRASE = 12
BEHIND_OPENLIST = (
    " (first add this drive in OpenList again, under the same name / 先在 OpenList 里用同样的名字重新添加网盘)"
)


def make(stack: str, folder: Path, passphrase: str, files: KitFiles | None = None) -> tuple[Path, Path]:
    """Write the kit and its page to print into `folder`; return both.

    The kit holds the stack file with its encrypted secrets, what decrypts them, the state, and `files`: what plain restic
    and rclone need to open each copy.
    """
    files = files or KitFiles()
    if len(passphrase) < SHORTEST_PASSPHRASE:
        fail(
            message(
                "kit_passphrase_short",
                "The passphrase is too short: at least {least} characters, e.g. five words that you will remember.",
                least=SHORTEST_PASSPHRASE,
            )
        )
    identity = stackfile.stack_id(paths.stack_file(stack))
    if not identity or not paths.passphrase_file(stack).exists():
        fail(
            message(
                "kit_no_stack",
                'The stack "{stack}" is not set up here, so there is nothing to recover. First: ./photos up {stack}',
                stack=stack,
            )
        )
    made = datetime.now(UTC)
    kit, page = (folder / f"photos-kit-{stack}-{made:%Y%m%d}.{end}" for end in ("age", "html"))
    about = {"stack": stack, "id": identity, "made": made.isoformat(timespec="seconds"), "file": kit.name}
    copies, by_hand = _copies(stack), list(steps(kit.name, files))
    members = {
        "kit.json": json.dumps({**about, "keys": files.keys}).encode(),
        "READ-ME.txt": kit_page.readme(about, copies, by_hand).encode(),
        paths.stack_file(stack).name: paths.stack_file(stack).read_bytes(),
        "passphrase": paths.passphrase_file(stack).read_bytes(),
        **files.members(),
    }
    if state := private_state.content(stack):
        members["state.json"] = state
    part = kit.with_suffix(".partial")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_bytes(age.encrypt(_packed(members), passphrase))
    part.replace(kit)
    page.write_text(kit_page.page(about, copies, by_hand), "utf-8")
    kept_kit.note_made(stack, files.keys)
    return kit, page


def unpack(file: Path, passphrase: str) -> dict[str, bytes]:
    """Return file name → content of a kit; end the program when it does not open."""
    try:
        content = age.decrypt(file.read_bytes(), passphrase)
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as bundle:
            members = {
                member.name: (bundle.extractfile(member) or io.BytesIO()).read() for member in bundle if member.isfile()
            }
    except OSError as error:
        fail(message("kit_unreadable", "{file} cannot be read: {said}", file=file, said=error.strerror))
    except (age.DecryptError, tarfile.TarError):
        fail(
            message(
                "kit_does_not_open", "{file} does not open. Is the passphrase right, and is the file whole?", file=file
            )
        )
    if not {"kit.json", "passphrase"} <= members.keys():
        fail(message("kit_is_none", "{file} opens, but it is no recovery kit of this project.", file=file))
    return members


def put_back(file: Path, passphrase: str) -> str:
    """Put stack file, passphrase and marked library folders of a kit in their places; return the stack's name.

    Nothing that is there is overwritten. A stack file of the same identity stays as it is: a person may have mended it
    between two tries. Another identity under the same name ends the program.
    """
    members = unpack(file, passphrase)
    about = json.loads(members["kit.json"])
    stack, identity = str(about["stack"]), str(about["id"])
    _refuse_another(stack, identity, members["passphrase"])
    say(
        message(
            "kit_holds",
            'The kit of {made} holds the stack "{stack}", id {identity}.',
            made=about["made"],
            stack=stack,
            identity=identity,
        )
    )
    paths.write_private(paths.passphrase_file(stack), members["passphrase"].decode())
    if paths.stack_file(stack).exists():
        say(
            message(
                "kit_stack_here", "{file} is this stack's already; it stays as it is.", file=paths.stack_file(stack)
            )
        )
    else:
        paths.write_private(paths.stack_file(stack), members[f"Pulumi.{stack}.yaml"].decode())
    _library(stack, identity)
    return stack


def _refuse_another(stack: str, identity: str, own_passphrase: bytes) -> None:
    """End the program where this machine has another stack of the same name, or only other keys to this one."""
    foreign_files = [
        place
        for place in (paths.stack_file(stack), stackfile.newest_copy(stack))
        if place and place.exists() and stackfile.stack_id(place) != identity
    ]
    kept = paths.passphrase_file(stack)
    if kept.exists() and kept.read_bytes() != own_passphrase:
        foreign_files.append(kept)
    if foreign_files:
        fail(
            message(
                "kit_other_stack",
                '{file} is there already and belongs to another stack "{stack}" than the kit. Nothing was changed. Take the kit to another machine, or move that file away first.',
                file=foreign_files[0],
                stack=stack,
            )
        )


def _library(stack: str, identity: str) -> None:
    """Create the library folders where they are missing, and mark them: the photos come back into them."""
    settings = stack_config.offline(stack).settings
    machine = library_machine(settings)
    for folder in folders(settings).values():
        marker = read_marker(folder)
        if marker not in (None, identity):
            fail(
                message(
                    "kit_library_foreign",
                    "{folder} belongs to another stack (id {marker}). Change photos:library in stacks/Pulumi.{stack}.yaml",
                    folder=folder,
                    marker=marker,
                    stack=stack,
                )
            )
        if marker is None and folder.exists() and (count := first_run.count_files(folder, machine)):
            question = message(
                "restore_into",
                "{folder} holds {count} files and no marker. Restore into it? What is there stays.",
                folder=folder,
                count=count,
            )
            if not confirm(question):
                fail(message("nothing_restored", "Nothing was restored."))
        first_run.agree_to_folders([folder], machine)
        first_run.make_folder(folder, machine)
        first_run.write_marker(folder, identity, machine)
    first_run.make_places(settings)


def _copies(stack: str) -> list[str]:
    """Return one line per remote of the stack file: what it is and where."""
    section: dict[str, Any] = stackfile.read(paths.stack_file(stack)).get(f"{NAMESPACE}backup") or {}
    return [
        f"{name}: {remote.get('kind')}, {remote.get('type')}, {remote.get('path')}"
        + (BEHIND_OPENLIST if remote.get("type") == OPENLIST else "")
        for name, remote in (section.get("remotes") or {}).items()
    ]


def _packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as bundle:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o600
            bundle.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
