"""An old Docker without the rule is a finding that stops `up`; how that the rule is set is known."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from stacks.host import neighbours, wsl
from stacks.host.machine import HERE
from stacks.host.neighbours import check_neighbours, is_open


@pytest.fixture(autouse=True)
def a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person without root, on a machine where nothing was set."""
    monkeypatch.setattr(neighbours, "NOTE", tmp_path / "note")
    monkeypatch.setattr(neighbours, "SCRIPT", tmp_path / "script")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(wsl, "in_wsl", lambda _: False)
    return tmp_path


def level(version: str = "20.10.24+dfsg1", *, trusted: bool = False, **info: Any) -> list[str]:
    return [found.level for found in check_neighbours(HERE, {"ServerVersion": version, **info}, trusted=trusted)]


@pytest.mark.parametrize(
    ("version", "is_old"),
    [
        ("20.10.24+dfsg1", True),
        ("26.1.5+dfsg1", True),
        ("27.5.1", True),
        ("28.0.0", False),
        ("28.2.2-0ubuntu1~24.04", False),
        ("29.1.0-rc.1", False),
        ("dev", False),
        ("master-3", False),
    ],
)
def test_only_a_docker_that_says_that_it_is_old_is_taken_for_one(version: str, is_old: bool) -> None:
    assert is_open(version) is is_old
    assert level(version) == (["error"] if is_old else [])


def test_the_finding_says_what_is_open_and_what_closes_it() -> None:
    (found,) = check_neighbours(HERE, {"ServerVersion": "20.10.24"}, trusted=False)

    assert "Docker 20.10.24 lets whoever is on your LAN reach pages" in str(found)
    assert "./photos firewall --set" in str(found)
    assert "photos:neighbours: trusted" in str(found)


def test_who_trusts_the_lan_is_told_and_not_stopped() -> None:
    assert level(trusted=True) == ["ok"]


@pytest.mark.parametrize(("note", "expected"), [("1\n", "ok"), ("0\n", "error"), ("", "error")])
def test_without_root_the_note_of_this_boot_and_this_rule_is_believed(
    a_machine: Path, note: str, expected: str
) -> None:
    (a_machine / "note").write_text(note)

    assert level() == [expected]


@pytest.mark.parametrize(("code", "expected"), [(0, "ok"), (1, "error")])
def test_root_looks_at_the_rules_whatever_the_note_says(
    a_machine: Path, monkeypatch: pytest.MonkeyPatch, code: int, expected: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (a_machine / "note").write_text("1\n")
    (a_machine / "script").write_text(f'#!/bin/sh\n[ "$1" = check ] && exit {code}\nexit 3\n')
    (a_machine / "script").chmod(0o755)

    assert level() == [expected]


@pytest.mark.parametrize(("interfaces", "expected"), [(["lo", "eth0"], []), (["lo", "eth0", "loopback0"], ["error"])])
def test_a_wsl_behind_windows_has_no_neighbours_on_the_lan_a_mirrored_one_has(
    monkeypatch: pytest.MonkeyPatch, interfaces: list[str], expected: list[str]
) -> None:
    monkeypatch.setattr(wsl, "in_wsl", lambda _: True)
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {name: [SimpleNamespace(address="::1")] for name in interfaces})

    assert level() == expected


def test_docker_desktop_has_a_machine_of_its_own() -> None:
    assert level(OperatingSystem="Docker Desktop") == []
