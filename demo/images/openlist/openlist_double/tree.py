"""The one file tree made of the mounted storages; only the Local driver leads anywhere here."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from .store import Store

User = dict[str, Any]
Entry = tuple[str, int, bool, str]


class NotFoundError(Exception):
    """Upstream's words for a path that leads nowhere, compared with 4.2.5."""

    def __init__(self, message: str = "failed get objs: failed get dir: object not found") -> None:
        super().__init__(message)


class Tree:
    """What a user sees: the mounts below the user's base path."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def entries(self, user: User, path: PurePosixPath) -> list[Entry]:
        """A mounted folder's entries, else the mount points below the path."""
        real = self.real(user, path)
        if real is not None:
            try:
                return [(entry.name, *_facts(entry)) for entry in sorted(real.iterdir())]
            except OSError as error:
                if real in self._roots():
                    words = (error.strerror or "").lower()
                    msg = f"failed get objs: failed to list objs: open {real}: {words}"
                    raise NotFoundError(msg) from error
                raise NotFoundError from error
        full = PurePosixPath(user["base_path"]) / str(path).lstrip("/")
        mounts = [PurePosixPath(storage["mount_path"]) for storage in self._mounts()]
        below = {mount.relative_to(full).parts[0] for mount in mounts if mount.is_relative_to(full)}
        if not below and str(full) != "/":
            # One that is switched off is not there at all.
            msg = f"failed get storage: storage not found; rawPath: {full}"
            raise NotFoundError(msg)
        return [(name, 0, True, _time(0)) for name in sorted(below)]

    def real(self, user: User, path: PurePosixPath) -> Path | None:
        """The file or folder behind a path, if it lies in a mount."""
        full = PurePosixPath(os.path.normpath(PurePosixPath(user["base_path"]) / str(path).lstrip("/")))
        for storage in sorted(self._mounts(), key=lambda mount: -len(mount["mount_path"])):
            if full.is_relative_to(storage["mount_path"]):
                if storage["driver"] != "Local":
                    # Nobody answers there.
                    msg = f"failed get objs: failed to list objs: {storage['status']}"
                    raise NotFoundError(msg)
                root = Path(json.loads(storage["addition"])["root_folder_path"])
                return root / full.relative_to(storage["mount_path"])
        return None

    def put(self, user: User, path: PurePosixPath, content: bytes) -> int:
        """Write a file; upstream makes the folders above it."""
        real = self.real(user, path)
        if real is None:
            return 405
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_bytes(content)
        return 201

    def make(self, user: User, path: PurePosixPath) -> int:
        """Make a folder."""
        real = self.real(user, path)
        if real is None or real.exists():
            return 405
        real.mkdir(parents=True)
        return 201

    def move(self, user: User, path: PurePosixPath, target: PurePosixPath) -> int:
        """Move a file or folder to another place of the same mount."""
        real, place = self.real(user, path), self.real(user, target)
        if real is None or place is None or not real.exists() or not place.parent.is_dir():
            return 409
        real.rename(place)
        return 201

    def delete(self, user: User, path: PurePosixPath) -> int:
        """Delete a file or a folder with all it holds."""
        real = self.real(user, path)
        if real is None or not real.exists():
            return 404
        shutil.rmtree(real) if real.is_dir() else real.unlink()
        return 204

    def propfind(self, user: User, path: PurePosixPath, *, deep: bool) -> str:
        """A WebDAV listing of a file, or of a folder with what it holds."""
        real = self.real(user, path)
        own: Entry = ("", *_facts(real)) if real is not None else ("", 0, True, _time(0))
        return (
            '<?xml version="1.0" encoding="UTF-8"?><D:multistatus xmlns:D="DAV:">'
            + "".join(_response(path, entry) for entry in [own, *(self.entries(user, path) if deep and own[2] else [])])
            + "</D:multistatus>"
        )

    def _mounts(self) -> list[dict[str, Any]]:
        """The storages that are switched on: one that did not start is in the tree, too."""
        return [storage for storage in self.store.storages() if not storage["disabled"]]

    def _roots(self) -> set[Path]:
        return {
            Path(json.loads(each["addition"])["root_folder_path"])
            for each in self._mounts()
            if each["driver"] == "Local"
        }


def _response(path: PurePosixPath, entry: Entry) -> str:
    name, size, folder, modified = entry
    href = quote(f"/dav{path / name}") + ("/" if folder and str(path / name) != "/" else "")
    kind = (
        "<D:resourcetype><D:collection/></D:resourcetype>"
        if folder
        else f"<D:resourcetype/><D:getcontentlength>{size}</D:getcontentlength>"
    )
    when = datetime.fromisoformat(modified).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return (
        f"<D:response><D:href>{escape(href)}</D:href><D:propstat><D:prop>{kind}"
        f"<D:getlastmodified>{when}</D:getlastmodified></D:prop><D:status>HTTP/1.1 200 OK</D:status>"
        "</D:propstat></D:response>"
    )


def _facts(entry: Path) -> tuple[int, bool, str]:
    stat = entry.stat()
    return (0 if entry.is_dir() else stat.st_size), entry.is_dir(), _time(stat.st_mtime)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
