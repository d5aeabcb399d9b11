"""A PhotoPrism that runs on loopback with SQLite: the real one where PHOTOPRISM names its program, else the double.

The real one outside its image also wants its assets (PHOTOPRISM_ASSETS_PATH) and perhaps LD_LIBRARY_PATH.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.waiting import until

PROJECT = Path(__file__).resolve().parents[1]
ADMIN = "admin"
KEPT = ("PATH", "LD_LIBRARY_PATH", "PHOTOPRISM_ASSETS_PATH")


@dataclass
class Album:
    """A running PhotoPrism and its folders."""

    url: str
    home: Path
    server: subprocess.Popen[bytes]

    @property
    def originals(self) -> Path:
        return self.home / "originals"

    @property
    def imports(self) -> Path:
        return self.home / "import"

    def stranger(self) -> httpx.Client:
        """Return a client that nobody has logged in."""
        return httpx.Client(base_url=self.url, timeout=60)

    def log_in(self, password: str) -> httpx.Response:
        with self.stranger() as client:
            return client.post("/api/v1/session", json={"username": ADMIN, "password": password})

    def owner(self, password: str) -> httpx.Client:
        """Return a client of the admin."""
        client = self.stranger()
        client.headers["X-Auth-Token"] = self.log_in(password).raise_for_status().json()["access_token"]
        return client

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the program beside the server."""
        return subprocess.run(
            [*_program(), *words], env=_environment(self.home), capture_output=True, text=True, check=False
        )


def is_real() -> bool:
    """Whether it is the upstream program."""
    return "PHOTOPRISM" in os.environ


@contextmanager
def running(home: Path, **variables: str) -> Iterator[Album]:
    """Run a PhotoPrism that keeps everything below `home`; `variables` without their prefix."""
    for folder in ("storage", "originals", "import"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = _environment(home, HTTP_HOST="127.0.0.1", HTTP_PORT=str(port), **variables)
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen([*_program(), "start"], env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            album = Album(f"http://127.0.0.1:{port}", home, server)
            until(lambda: _answers(album))
            yield album
        finally:
            server.terminate()


def _program() -> list[str]:
    real = os.environ.get("PHOTOPRISM")
    return [real] if real else [sys.executable, "-m", "photoprism_double"]


def _environment(home: Path, **variables: str) -> dict[str, str]:
    chosen: dict[str, Any] = {
        "STORAGE_PATH": home / "storage",
        "ORIGINALS_PATH": home / "originals",
        "IMPORT_PATH": home / "import",
        "DATABASE_DRIVER": "sqlite",
        "AUTH_MODE": "password",
        "DISABLE_TENSORFLOW": "true",
        "DISABLE_PLACES": "true",
        **variables,
    }
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    double = {"PYTHONPATH": str(PROJECT / "demo/images/photoprism"), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**kept, **double, "HOME": str(home), **{f"PHOTOPRISM_{name}": str(value) for name, value in chosen.items()}}


def _answers(album: Album) -> bool:
    assert album.server.poll() is None, (album.home / "log").read_text("utf-8", "replace")[-2000:]
    try:
        return httpx.get(f"{album.url}/api/v1/status").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
