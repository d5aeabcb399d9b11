"""A place for the demo: a data folder and a checkout's stack files in a temporary folder, and a Docker without anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError

from cli import console, docker_host, paths
from demo import start


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Give the process its umask back: the command line narrows it for itself."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def demo_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the demo goes."""
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path / "stacks")
    monkeypatch.setattr(console.Unattended, "yes", False)
    (tmp_path / "stacks").mkdir()
    return tmp_path / "data/demo"


@pytest.fixture
def agreed(demo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer every question with yes."""
    assert demo_folder
    monkeypatch.setattr(console.Unattended, "yes", True)


class EmptyDocker:
    """A client of a Docker host with nothing on it, which creates nothing."""

    def __getattr__(self, name: str) -> Any:
        if name in ("containers", "networks", "volumes"):
            return self
        raise APIError(name)

    def list(self, **_: object) -> list[object]:
        return []

    def close(self) -> None:
        """Say goodbye."""


@pytest.fixture
def empty_docker(demo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let Docker answer and create nothing, with all images there; return the demo's folder."""
    monkeypatch.setattr(docker_host, "ensure", lambda *_: None)
    monkeypatch.setattr(docker, "from_env", lambda **_: EmptyDocker())
    monkeypatch.setattr(start, "root_for_the_base", lambda: ())
    monkeypatch.setattr(start, "build_images", lambda *_: None)
    return demo_folder
