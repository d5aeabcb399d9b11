"""PhotoPrism's storage folder on its way into the stack's volume: what of it, whether all of it can be read, and packed.

It is only read. Its cache stays behind: the album makes thumbnails again.
"""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cli.console import fail
from components.messages import both, message
from components.service import Owner
from components.services.photoprism import PhotoPrismConfig
from stacks.shell import command

SIGNS = ("config", "sidecar", "cache", "albums", "backup", ".ppstorage", "serial")
"""What PhotoPrism makes in its storage folder: internal/config/config_storage.go."""
LEFT_BEHIND = ("cache",)
OPTIONS = "config/options.yml"
SERIAL = ".ppstorage"
"""With it in a folder, nothing below that is a photo: pkg/fs/walk.go."""
SHOWN = 10
CHUNK = 1 << 20
KEY = re.compile(r'^"?([A-Za-z][A-Za-z0-9_]*)"?\s*:')
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass
class Storage:
    """What is taken over of a storage folder: paths below it, in the order in which they are packed, and their bytes."""

    folder: Path
    paths: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    dropped_options: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many bytes it is."""
        return sum(self.files.values())

    def packed(self, name: str, owner: Owner) -> Iterator[bytes]:
        """Yield an archive of it with `name` as its only folder; all in it is the owner's, and his to write."""
        reading, writing = os.pipe()
        failed: list[Exception] = []

        def write() -> None:
            try:
                with os.fdopen(writing, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|") as bundle:
                    for path in ("", *self.paths):
                        self._add(bundle, path, name, owner)
            except BrokenPipeError:
                pass  # who reads has hung up, and says why
            except Exception as error:  # noqa: BLE001 - told by who reads
                failed.append(error)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        with os.fdopen(reading, "rb") as pipe:
            while chunk := pipe.read(CHUNK):
                yield chunk
        writer.join()
        if failed:
            raise failed[0]

    def _add(self, bundle: tarfile.TarFile, path: str, name: str, owner: Owner) -> None:
        source = self.folder / path
        info = bundle.gettarinfo(str(source), f"{name}/{path}".rstrip("/"))
        info.uid, info.gid, info.uname, info.gname = owner.uid, owner.gid, "", ""
        # A Windows drive shows everything as 0777.
        info.mode = (info.mode & 0o755) | (0o700 if info.isdir() else 0o600)
        if path == OPTIONS:
            content = options_taken_over(source.read_text("utf-8", "replace"))[0].encode()
            info.size = len(content)
            bundle.addfile(info, io.BytesIO(content))
        elif info.isreg():
            with source.open("rb") as stream:
                bundle.addfile(info, stream)
        else:
            bundle.addfile(info)


def look(folder: Path, originals: Path) -> Storage:
    """Look through a storage folder; end the program where it is none, or not all of it can be taken over."""
    _refuse_wrong_folder(folder, originals)
    found = Storage(folder)
    unreadable: list[str] = []
    odd: list[str] = []
    for place, folders, files in os.walk(folder, onerror=lambda error: unreadable.append(str(error.filename))):
        here = Path(place).relative_to(folder)
        if here == Path():
            folders[:] = [name for name in folders if name not in LEFT_BEHIND]
        for name in sorted([*folders, *files]):
            path = (here / name).as_posix()
            kind = (folder / path).lstat()
            if stat.S_ISLNK(kind.st_mode):
                (found.paths if _stays_inside(folder, path) else odd).append(path)
            elif stat.S_ISDIR(kind.st_mode):
                found.paths.append(path)
            elif not stat.S_ISREG(kind.st_mode):
                continue  # a socket or a pipe is of a process, and no data
            elif os.access(folder / path, os.R_OK):
                found.paths.append(path)
                found.files[path] = kind.st_size
            else:
                unreadable.append(str(folder / path))
    _refuse_parts(folder, unreadable, odd)
    options = folder / OPTIONS
    if OPTIONS in found.files:
        content, found.dropped_options = options_taken_over(options.read_text("utf-8", "replace"))
        found.files[OPTIONS] = len(content.encode())
    return found


def options_taken_over(content: str) -> tuple[str, list[str]]:
    """Return an options.yml without what would move data, let others in or change the network, and those keys.

    They are those that nobody may set as a variable either: what the stack sets is left out at each start.
    """
    rules = [re.compile(rule) for rule in PhotoPrismConfig.ruled_variables]
    kept, dropped, keeps = [], [], True
    for line in content.splitlines(keepends=True):
        if key := KEY.match(line):
            keeps = not any(rule.fullmatch(f"PHOTOPRISM_{WORDS.sub('_', key[1]).upper()}") for rule in rules)
            if not keeps:
                dropped.append(key[1])
        if keeps:
            kept.append(line)
    return "".join(kept), dropped


def _refuse_wrong_folder(folder: Path, originals: Path) -> None:
    if not folder.is_dir():
        fail(
            message(
                "storage_no_folder",
                "--storage {folder} is not a folder. Is its drive mounted? It is what the old album has as /photoprism/storage.",
                folder=folder,
            )
        )
    if folder == originals or originals.is_relative_to(folder):
        fail(
            message(
                "storage_is_library",
                "--storage {folder} is or holds the originals folder. Write PhotoPrism's own folder, the one with config and sidecar in it.",
                folder=folder,
            )
        )
    if not any((folder / sign).exists() for sign in SIGNS):
        nearer = folder / "storage"
        meant = message("did_you_mean", "Did you mean {near}?", near=nearer) if nearer.is_dir() else ""
        fail(
            message(
                "storage_not_photoprism",
                "--storage {folder} is not PhotoPrism's storage folder: none of {signs} is in it. {meant}",
                folder=folder,
                signs=", ".join(SIGNS),
                meant=meant,
            )
        )
    inside = folder.is_relative_to(originals)
    if inside and not folder.relative_to(originals).parts[0].startswith(".") and not (folder / SERIAL).exists():
        fail(
            message(
                "storage_would_be_indexed",
                "--storage {folder} lies inside originals, and nothing keeps the album from taking its thumbnails for photos. Run this first: {command}",
                folder=folder,
                command=command("touch", folder / SERIAL),
            )
        )


def _stays_inside(folder: Path, path: str) -> bool:
    target = (folder / path).readlink()
    lands = Path(os.path.normpath((folder / path).parent / target))
    return not target.is_absolute() and lands.is_relative_to(folder)


def _refuse_parts(folder: Path, unreadable: list[str], odd: list[str]) -> None:
    if unreadable:
        fail(
            message(
                "storage_unreadable",
                "Not all of {folder} can be read, so nothing was created or changed: {names}{more}. Run this with sudo.",
                folder=folder,
                names=both(unreadable[:SHOWN]),
                more=f" (+{len(unreadable) - SHOWN})" if len(unreadable) > SHOWN else "",
            )
        )
    if odd:
        fail(
            message(
                "storage_links",
                "{folder} holds links that lead out of it, and what they lead to would be missing in the stack: {names}{more}. Put the folders themselves in their places, or remove the links.",
                folder=folder,
                names=both(odd[:SHOWN]),
                more=f" (+{len(odd) - SHOWN})" if len(odd) > SHOWN else "",
            )
        )
