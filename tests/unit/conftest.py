"""Fixtures of the unit tests: example stacks and a made-up host. Nothing here needs Docker or a network."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import docker.transport.unixconn
import pytest
from docker_settings import DockerSettings
from fake_host import FakeHost

from stacks.host.endpoint import DEFAULT_URL


@pytest.fixture(autouse=True)
def docker_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> DockerSettings:
    """Return a person's settings of Docker that say nothing; those of who runs the tests are not read."""
    return DockerSettings(tmp_path_factory.mktemp("docker"), monkeypatch)


@pytest.fixture(autouse=True)
def no_docker_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that asks the Docker of who runs it: what that answers, and whether, decides nothing here."""
    connection = docker.transport.unixconn.UnixHTTPConnection
    connect = connection.connect

    def only_a_made_up_one(self: docker.transport.unixconn.UnixHTTPConnection) -> None:
        if self.unix_socket == urlsplit(DEFAULT_URL).path:
            pytest.fail("a unit test asks the Docker of this machine")
        connect(self)

    monkeypatch.setattr(connection, "connect", only_a_made_up_one)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """Return a healthy machine with a marked library; the checks see nothing of the real one."""
    return FakeHost(tmp_path, monkeypatch)
