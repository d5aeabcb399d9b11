"""A family's home for the keeper's tests: a library, a state folder, remotes on loopback, and a real keeper over them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keeper.dump import PASSWORD
from keeper.report import RunReport, Status, read_status
from keeper.run import backup, open_remotes
from keeper.settings import MARKER, Settings
from tests.keeper.server import Server

PROJECT = Path(__file__).resolve().parents[2]
ID = "11111111-2222-4333-8444-555555555555"
ROOTS = ("originals", "import", "photoprism", "syncthing")


@dataclass
class Home:
    """Everything of one stack below `root`; `remotes` are as the stack file would give them."""

    root: Path
    server: Server
    remotes: list[dict[str, Any]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    id: str = ID

    def __post_init__(self) -> None:
        for name in (*ROOTS, "import"):
            (self.library / name).mkdir(parents=True, exist_ok=True)
        for name in ("originals", "import"):
            (self.library / name / MARKER).write_text(self.id)
        for folder in (self.state, self.secrets):
            folder.mkdir(exist_ok=True)
        self.secret(PASSWORD, "reads-only")
        if not self.remotes:
            self.remotes = [self.local("disk")]

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
        """Return a remote in a folder of this machine, encrypted unless told otherwise."""
        folder = self.root / f"remote-{name}"
        folder.mkdir(exist_ok=True)
        return self.remote(name, kind, type="local", path=str(folder), **more)

    def remote(self, name: str, kind: str, **more: Any) -> dict[str, Any]:
        """Return a remote with keys of its own."""
        self.secret(f"backup_{name}_crypt_password", f"key of {name}")
        self.secret(f"backup_{name}_crypt_salt", f"salt of {name}")
        return {"name": name, "kind": kind, **more}

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(
            {
                "stack": "test",
                "id": self.id,
                "roots": {name: self.library / name for name in ROOTS},
                "marked": ["originals", "import"],
                "database": {"host": "127.0.0.1", "port": self.server.port},
                "remotes": self.remotes,
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
        """Write `count` different photos and return their paths in a backup."""
        names = [f"{folder}/IMG_{number:05}.jpg" for number in range(count)]
        for name in names:
            self.write(name, f"photo {name} ".encode() * 20)
        return [f"originals/{name}" for name in names]

    def backup(self, **options: Any) -> RunReport:
        return backup(self.settings, **options)

    def good_backup(self, **options: Any) -> RunReport:
        report = self.backup(**options)
        assert report.code == 0, report.problems
        return report

    def status(self) -> Status:
        return read_status(self.state)

    def command(self, *words: str, python: Iterable[str] = (), **variables: str) -> subprocess.Popen[bytes]:
        """Start the keeper's command line as a process of its own."""
        file = self.root / "keeper.json"
        file.write_text(self.settings.model_dump_json())
        environment = os.environ | {"KEEPER_SETTINGS": str(file), "PYTHONPATH": str(PROJECT)} | variables
        return subprocess.Popen([*(python or (sys.executable,)), "-m", "keeper", *words], env=environment)

    def hashes(self) -> dict[str, str]:
        """Return path → SHA-256 of the whole library, markers aside."""
        return tree(self.library)

    def kept(self) -> set[str]:
        """Return the SHA-256 of everything that any remote holds, current, old or put aside."""
        found: set[str] = set()
        for remote in open_remotes(self.settings):
            files = [name for name in remote.rclone.sizes(remote.at()) if not name.startswith("runs/")]
            found |= set(remote.rclone.hashes(remote.at(), files).values())
        return found

    def lost(self, before: dict[str, str]) -> set[str]:
        """Return the photos of `before` that are neither in the library nor at any remote."""
        return set(before.values()) - set(self.hashes().values()) - self.kept()

    def runs(self, name: str = "disk") -> list[str]:
        remote = next(r for r in open_remotes(self.settings) if r.name == name)
        return remote.runs()

    def raw(self, name: str = "disk") -> dict[str, str]:
        """Return what really lies in a local remote: path → SHA-256."""
        return tree(self.root / f"remote-{name}")


def tree(folder: Path) -> dict[str, str]:
    """Return path → SHA-256 of each file below a folder, the stack's own markers aside."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.is_symlink() and file.name != MARKER
    }


def read_json(file: Path) -> Any:
    return json.loads(file.read_text())
