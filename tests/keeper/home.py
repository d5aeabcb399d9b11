"""A family's home for the keeper's tests: a library, a state folder, copies on loopback, and a real keeper over them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keeper.backup.dump import PASSWORD
from keeper.backup.run import backup
from keeper.copies.repository import Repository
from keeper.errors import Exit
from keeper.settings import DATABASE, MARKER, Settings
from keeper.settings import PASSWORD as REPOSITORY_PASSWORD
from keeper.state import CopyState, RunReport, State
from tests.keeper.rclone import rclone
from tests.keeper.server import Server

PROJECT = Path(__file__).resolve().parents[2]
ID = "11111111-2222-4333-8444-555555555555"
ROOTS = ("originals", "import", "photoprism", "syncthing")


@dataclass
class Home:
    """Everything of one stack below `root`; `copies` are as the stack tells them to the keeper.

    Without a server the database does not answer.
    """

    root: Path
    server: Server | None = None
    copies: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    id: str = ID

    def __post_init__(self) -> None:
        for name in (*ROOTS, DATABASE):
            (self.library / name).mkdir(parents=True, exist_ok=True)
        for name in ("originals", "import"):
            (self.library / name / MARKER).write_text(self.id)
        for folder in (self.state, self.secrets):
            folder.mkdir(exist_ok=True)
        self.secret(PASSWORD, "reads-only")
        if not self.copies:
            self.copies = [self.local("disk")]

    @property
    def library(self) -> Path:
        return self.root / "library"

    @property
    def originals(self) -> Path:
        return self.library / "originals"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    def secret(self, name: str, value: str) -> None:
        (self.secrets / name).write_text(value)

    def local(self, name: str, kind: str = "disk", **more: Any) -> dict[str, Any]:
        """Return a copy in a folder of this machine."""
        folder = self.root / f"copy-{name}"
        folder.mkdir(exist_ok=True)
        return self.copy(name, kind, type="local", path=str(folder), **more)

    def webdav(self, name: str, url: str, kind: str = "mirror", **more: Any) -> dict[str, Any]:
        """Return a copy behind a WebDAV server."""
        options = {"url": url, "vendor": "other"}
        return self.copy(name, kind, type="webdav", path="photos", options=options, **more)

    def copy(self, name: str, kind: str, **more: Any) -> dict[str, Any]:
        """Return a copy with a key of its own."""
        rclone()
        self.secret(f"backup_{name}_{REPOSITORY_PASSWORD}", f"key of {name}\n")
        return {"name": name, "kind": kind, **more}

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(
            {
                "stack": "test",
                "id": self.id,
                "roots": {name: self.library / name for name in ROOTS},
                "marked": ["originals", "import"],
                "database": {"host": "127.0.0.1", "port": self.server.port if self.server else 9},
                "copies": self.copies,
                "state": self.state,
                "secrets": self.secrets,
                **self.changes,
            }
        )

    def write(self, path: str, content: bytes) -> Path:
        """Write a file below originals."""
        file = self.originals / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def fill(self, count: int, folder: str = "2024") -> list[str]:
        """Write `count` different photos and return their paths in a snapshot."""
        names = [f"{folder}/IMG_{number:05}.jpg" for number in range(count)]
        for name in names:
            self.write(name, f"photo {name} ".encode() * 20)
        return [f"/originals/{name}" for name in names]

    def backup(self, name: str = "disk", **options: Any) -> RunReport:
        return backup(self.settings, name, **options)

    def good_backup(self, name: str = "disk", **options: Any) -> RunReport:
        report = self.backup(name, **options)
        assert report.exit == Exit.OK, report.problems
        return report

    def repository(self, name: str = "disk") -> Repository:
        settings = self.settings
        return Repository(settings, next(copy for copy in settings.copies if copy.name == name))

    def known(self, name: str = "disk") -> CopyState:
        return State(self.state).copy(name)

    def forget_state(self) -> None:
        """Lose what the keeper remembers."""
        shutil.rmtree(self.state)
        self.state.mkdir()

    def content(self) -> dict[bytes, str]:
        """Return path below the library → hash of every file that a backup holds, links and folders left out."""
        found = {}
        for place, folders, files in os.walk(os.fsencode(self.library)):
            folders[:] = [name for name in folders if name != b".photos-restore"]
            for name in files:
                file = os.path.join(place, name)  # noqa: PTH118 - bytes
                if name != MARKER.encode() and not (place.endswith(b"/database") and name.startswith(b".")):
                    found[os.path.relpath(file, os.fsencode(self.library))] = digest(file)
        return found

    def restorable(self, name: str = "disk", snapshot: str = "latest") -> dict[bytes, str]:
        """Return the same of what plain restic restores from a copy."""
        repository = self.repository(name)
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            repository.restic.restore(snapshot, Path(folder))
            return Home.content(_At(Path(folder)))  # type: ignore[arg-type]

    def command(self, *words: str, python: Iterable[str] = (), **variables: str) -> subprocess.Popen[bytes]:
        """Start the keeper's command line as a process of its own."""
        return self.program(*python, "-m", "keeper", *words, **variables)

    def program(self, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        """Start a Python that knows this home."""
        file = self.root / "keeper.json"
        file.write_text(self.settings.model_dump_json())
        environment = {**os.environ, "KEEPER_SETTINGS": str(file), "PYTHONPATH": str(PROJECT), **variables}
        return subprocess.Popen(
            [sys.executable, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def at_work(self) -> dict[str, str]:
        """Return the restics and rclones that still work on something of this home: process id → name."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                environment = (process / "environ").read_bytes()
                if b"RCLONE_CONFIG=" in environment and os.fsencode(self.root) in environment:
                    found[process.name] = (process / "comm").read_text().strip()
        return found


@dataclass
class _At:
    library: Path


def digest(file: bytes) -> str:
    """Return the SHA-256 of a file."""
    with open(file, "rb") as stream:  # noqa: PTH123 - bytes
        return hashlib.file_digest(stream, "sha256").hexdigest()
