"""The stand-ins' way to root: asked for once, and nothing runs as root without a yes."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import typer

from cli import console, docker_host
from demo import stand_ins
from demo.images import build as images
from demo.progress import Stages

SUDO = '#!/bin/sh\necho "sudo $*" >> "$LOG"\n[ -z "$REFUSED" ] || exit 1\n[ "$1" = true ] || exec "$@"\n'
LOGS = '#!/bin/sh\necho "${0##*/} $*" >> "$LOG"\n'


class Machine:
    """A machine without a base image; `log` is what ran as root on it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs, self.log_file = root / "bin", root / "log"
        self.programs.mkdir()
        monkeypatch.setenv("PATH", str(self.programs))
        monkeypatch.setenv("LOG", str(self.log_file))
        monkeypatch.setenv("REFUSED", "")
        monkeypatch.setattr(stand_ins, "lacks_base", lambda *_: True)
        monkeypatch.setattr(docker_host, "connect", lambda **_: nullcontext(self))
        monkeypatch.setattr(stand_ins, "KEYRING", self.programs / "mmdebstrap")
        self._set = monkeypatch
        self.has("apt-get")

    def has(self, name: str, text: str = LOGS) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def user(self, number: int) -> None:
        self._set.setattr(os, "geteuid", lambda: number)

    @property
    def log(self) -> list[str]:
        return self.log_file.read_text().splitlines() if self.log_file.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo_folder: Path) -> Machine:
    assert demo_folder
    return Machine(tmp_path, monkeypatch)


INSTALL = "apt-get install -qq -y --no-install-recommends mmdebstrap debian-archive-keyring"


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize(
    ("user", "there", "ran", "before"),
    [
        (0, True, [], ()),
        (0, False, ["apt-get update -qq", INSTALL], ()),
        (1000, True, ["sudo true"], ("sudo",)),
        (
            1000,
            False,
            ["sudo true", "sudo apt-get update -qq", "apt-get update -qq", f"sudo {INSTALL}", INSTALL, "sudo true"],
            ("sudo",),
        ),
    ],
)
def test_root_is_asked_for_once_and_the_lists_are_fetched_first(
    machine: Machine, user: int, there: bool, ran: list[str], before: tuple[str, ...]
) -> None:
    machine.has("sudo", SUDO)
    machine.user(user)
    if there:
        machine.has("mmdebstrap")

    assert stand_ins.root_for_the_base() == before
    assert machine.log == ran


def test_with_a_base_nobody_becomes_root(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_ins, "lacks_base", lambda *_: False)
    machine.user(1000)

    assert stand_ins.root_for_the_base() == ()
    assert machine.log == []


def test_the_images_are_looked_for_and_built_on_the_docker_that_the_demo_runs_on(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(stand_ins, "lacks_base", lambda client, _: asked.append(client))
    monkeypatch.setattr(stand_ins, "build", lambda *_, client, **__: asked.append(client))
    stand_ins.root_for_the_base()
    with Stages() as stages:
        stand_ins.build_images("registry", stages, ())

    assert asked == [machine, machine]


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(typer.Exit) as ended:
        stand_ins.root_for_the_base()
    assert ended.value.exit_code == 1
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("there", [True, False])
def test_a_user_without_sudo_gets_one_message(
    machine: Machine, capsys: pytest.CaptureFixture[str], there: bool
) -> None:
    machine.user(1000)
    if there:
        machine.has("mmdebstrap")

    assert refused(capsys).count("Run ./photos demo as root.") == 1
    assert machine.log == []


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("there", [True, False])
def test_a_user_whom_sudo_refuses_gets_one_message(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    machine.has("sudo", SUDO)
    machine.user(1000)
    monkeypatch.setenv("REFUSED", "yes")
    if there:
        machine.has("mmdebstrap")

    assert "sudo does not let you in" in refused(capsys)
    assert machine.log == ["sudo true"]


@pytest.mark.parametrize("there", [True, False])
def test_without_a_yes_nothing_runs_as_root(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(console, "confirm", lambda _: False)
    machine.has("sudo", SUDO)
    machine.user(1000)
    if there:
        machine.has("mmdebstrap")

    assert "Nothing was created." in refused(capsys)
    assert machine.log == []


MMDEBSTRAP = """#!/bin/sh
echo "$@" > "$LOG"
for line in "I: one" "I: two"; do echo "$line" >&2; done
printf tar
exit "${FAILS:-0}"
"""


@pytest.fixture
def mmdebstrap(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine.has("mmdebstrap", MMDEBSTRAP)
    machine.has("apt-config")
    machine.has("sudo", SUDO)
    monkeypatch.setattr(images, "KEYRING", machine.programs / "mmdebstrap")
    return machine


def test_mmdebstrap_is_followed_and_its_archive_is_the_users_own(mmdebstrap: Machine, tmp_path: Path) -> None:
    told: list[str] = []
    images._bootstrap(tmp_path / "base.tar", lambda _: None, told.append, ("sudo",))

    assert (tmp_path / "base.tar").read_bytes() == b"tar"
    assert [line.strip() for line in told] == ["I: one", "I: two"]
    assert mmdebstrap.log[0].split()[-2] == "-", "it writes into our file, so that root leaves none"


def test_a_failed_mmdebstrap_leaves_nothing_and_says_its_last_lines(
    mmdebstrap: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILS", "3")
    with pytest.raises(images.ImagesError, match="I: two"):
        images._bootstrap(tmp_path / "base.tar", lambda _: None, lambda _: None, ())

    assert mmdebstrap
    assert list(tmp_path.glob("base*")) == []
