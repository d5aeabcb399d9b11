"""One stack on several Dockers: plain Pulumi on it, its album and its rows, and what must never change."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import docker
import httpx
from docker.models.containers import Container

from tests.engine.world import World, changes

COUNT = "SELECT COUNT(*) FROM files WHERE file_missing = 0"


class Host(Protocol):
    """A host of a stack, whatever way leads there."""

    def connect(self) -> docker.DockerClient:
        """Connect to its Docker."""


@dataclass
class Stack:
    """A stack of a world. `database` is the host of its database, `album` where this machine finds the album."""

    world: World
    name: str
    hosts: Mapping[str, Host]
    database: str
    album: str = "127.0.0.1"
    figures: dict[str, float] = field(default_factory=dict)

    @cached_property
    def exports(self) -> list[str]:
        """The lines of shell that `./photos setup` prints, after which plain Pulumi works."""
        said = self.world.photos("setup", self.name, "--yes")
        return [line for line in said.splitlines() if line.startswith("export ")]

    @cached_property
    def password(self) -> str:
        """The family's password for the album."""
        return self.world.password(self.name, "photoprism")

    def pulumi(self, *words: str, code: int = 0) -> str:
        """Run plain Pulumi, which must end with `code`, and return what it wrote."""
        script = "\n".join(
            [*self.exports, f"pulumi {' '.join(words)} --non-interactive --color never --stack {self.name}"]
        )
        done = subprocess.run(
            ["sh", "-ec", script],
            cwd=self.world.project, env=self.world.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode != 0) == (code != 0), done.stdout[-6000:] + done.stderr[-6000:]
        return done.stdout + (done.stderr if code else "")

    def timed(self, step: str, *words: str) -> None:
        """Run plain Pulumi and note how many seconds it took."""
        assert self.exports
        start = time.monotonic()
        self.pulumi(*words)
        self.figures[step] = round(time.monotonic() - start, 1)
        print(step, self.figures[step], flush=True)

    def preview(self, *options: str) -> set[str]:
        """Return the names and types of what would not stay as it is."""
        return set(changes(self.pulumi("preview", "--json", *options)))

    def containers(self, *hosts: str) -> dict[str, dict[str, Any]]:
        """Return service → state of its container, of these hosts or of all."""
        found: dict[str, dict[str, Any]] = {}
        for host in hosts or self.hosts:
            with closing(self.hosts[host].connect()) as client:
                for each in client.containers.list(all=True):
                    found[str(each.name).removeprefix(f"photos-{self.name}-")] = each.attrs["State"]
        return found

    def started(self, *hosts: str) -> dict[str, str]:
        """Return service → when it was started, of those that run."""
        return {name: state["StartedAt"] for name, state in self.containers(*hosts).items() if state["Running"]}

    def healthy(self, *hosts: str) -> list[str]:
        """Return the services that run and are well."""
        states = self.containers(*hosts).items()
        return sorted(name for name, state in states if state["Running"] and state["Health"]["Status"] == "healthy")

    def rows(self) -> int:
        """Return how many photos the album's database knows."""
        login = 'exec mariadb -h127.0.0.1 -uphotoprism -p"$(cat /run/secrets/mariadb_password)" -N -B photoprism'
        with closing(self.hosts[self.database].connect()) as client:
            return int(said(client.containers.get(f"photos-{self.name}-mariadb"), "sh", "-c", f'{login} -e "{COUNT}"'))

    def index(self) -> int:
        """Have the album index its library, log in as a person does, and return how many photos it shows."""
        base = f"http://{self.album}:{self.world.port(self.name, 'photoprism')}"
        credentials = {"username": "admin", "password": self.password}
        login = httpx.post(f"{base}/api/v1/session", json=credentials, timeout=60).raise_for_status()
        with httpx.Client(base_url=base, timeout=60, headers={"X-Auth-Token": login.json()["access_token"]}) as album:
            album.post("/api/v1/index", json={"path": "/", "rescan": False}).raise_for_status()
            return len(album.get("/api/v1/photos", params={"count": 100}).json())

    def answers(self) -> bool:
        """Whether the album lets somebody in, for which it asks its database."""
        try:
            self.index()
        except httpx.HTTPError:
            return False
        return True

    def kept(self) -> dict[str, str]:
        """Return what no loss may change: each file of the library with its hash, and which volumes are on which host.

        A volume that was made anew is another folder: the time at which Docker says that one was made binds nothing.
        """
        library = self.world.root / f"library-{self.name}"
        files = {
            str(path.relative_to(library)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in library.rglob("*")
            if path.is_file()
        }
        for host, daemon in self.hosts.items():
            with closing(daemon.connect()) as client:
                for volume in client.volumes.list():
                    folder = Path(volume.attrs["Mountpoint"]).stat().st_ino
                    files[f"{host}: {volume.name}"] = f"{folder} {sorted((volume.attrs['Labels'] or {}).items())}"
        return files


def said(container: Container, *command: str) -> str:
    """Run a command in a container and return what it printed."""
    done = container.exec_run([*command], demux=True)
    written, _ = done.output
    assert done.exit_code == 0, done.output
    return written.decode() if isinstance(written, bytes) else ""
