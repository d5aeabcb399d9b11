"""Fixtures of the unit tests: example stacks and a made-up host. Nothing here needs Docker or a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from docker_settings import DockerSettings
from fake_host import FakeHost


@pytest.fixture(autouse=True)
def docker_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> DockerSettings:
    """Return a person's settings of Docker that say nothing; those of who runs the tests are not read."""
    return DockerSettings(tmp_path_factory.mktemp("docker"), monkeypatch)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """Return a healthy machine with a marked library; the checks see nothing of the real one."""
    return FakeHost(tmp_path, monkeypatch)
