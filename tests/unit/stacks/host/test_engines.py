"""Which engine answers, and why the album does not run on it.

`engines.json` holds what engines say of themselves: docker, rootless, userns-remap and podman as real ones answered
(Docker 20.10.24, Podman 4.3.1; only the folders are written as on a usual machine), the others as people posted it.
"""

from __future__ import annotations

import json
import platform
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from stacks.host import machine, wsl
from stacks.host.engines import check_engine

ENGINES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("engines.json").read_text())
HERE = ENGINES["docker"]["info"]


@pytest.fixture(autouse=True)
def this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be the machine on which the engines were asked."""
    monkeypatch.setattr(platform, "release", lambda: HERE["KernelVersion"])
    monkeypatch.setattr(socket, "gethostname", lambda: HERE["Name"])
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=HERE["MemTotal"]))
    monkeypatch.setattr(wsl, "in_wsl", lambda _: False)


def test_dockers_own_daemon_on_this_machine_is_the_one_to_have() -> None:
    assert list(check_engine(machine.HERE, **ENGINES["docker"])) == []


@pytest.mark.parametrize(
    ("engine", "name", "reason", "instead"),
    [
        ("rootless", "a rootless Docker", "the photos belong to nobody", "unset DOCKER_HOST"),
        ("userns-remap", "a Docker with userns-remap", "the photos belong to nobody", "/etc/docker/daemon.json"),
        ("snap", "the Docker of snap", "no-new-privileges", "sudo snap disable docker"),
        ("podman", "Podman, which answers in Docker's place", "checks health only where", "Remove podman-docker"),
        ("desktop", "Docker Desktop outside of WSL", "in a virtual machine", "docker context use default"),
        ("windows", "Docker for Windows containers", "Linux containers", "inside WSL: ./photos setup"),
    ],
)
def test_an_engine_that_the_album_does_not_run_on_is_refused_by_its_name(
    engine: str, name: str, reason: str, instead: str
) -> None:
    (found,) = check_engine(machine.HERE, **ENGINES[engine])

    assert found.level == "error"
    assert str(found.text).startswith(f"this is {name}: ")
    assert reason in str(found.text)
    assert instead in str(found.fix)


def test_docker_desktop_in_wsl_is_told_to_be_untested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsl, "in_wsl", lambda _: True)

    (found,) = check_engine(machine.HERE, **ENGINES["desktop"])

    assert found.level == "warning"
    assert "Docker Desktop is untested here" in str(found.text)


@pytest.mark.parametrize("there", [{"KernelVersion": "6.1.0-13-arm64"}, {"Name": "nas", "MemTotal": 2**31}])
def test_a_socket_that_leads_to_another_machine_is_refused(there: dict[str, Any]) -> None:
    (found,) = check_engine(machine.HERE, HERE | there, ENGINES["docker"]["version"])

    assert str(found.text).startswith("this is a Docker on another machine: ")
    assert str(found.fix) == "Write photos:host: ssh://user@host in the stack file, or run ./photos on that machine"


def test_a_machine_that_got_another_name_since_docker_started_is_still_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "renamed")

    assert list(check_engine(machine.HERE, **ENGINES["docker"])) == []
