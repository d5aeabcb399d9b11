"""Killed runs: which lock is dead, which plugin is nobody's, and what the sweep must not even look at."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import typer
from example_stack import STACK_ID

from cli import differences, engine, paths, private_state, stackfile, workspace
from cli import locks as lockfiles
from stacks.names import PLACEHOLDER_ID

HERE = socket.gethostname()
ASK_NOTHING: Any = None
"""In the place of a Docker client: whoever asks it fails."""
GONE = 2**22 + 5


@pytest.fixture(name="locks")
def locks_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the locks on dev, in an empty data folder."""
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    folder = paths.state_folder() / ".pulumi/locks/organization/photos/dev"
    folder.mkdir(parents=True)
    return folder


@contextmanager
def running(program: Path) -> Iterator[int]:
    """Run a copy of `sleep` under another name, until the end of the test."""
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen(["sleep", "60"], executable=program) as process:
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.mark.parametrize(("name", "dead"), [("pulumi", False), ("pulumi-language-python", False), ("firefox", True)])
def test_a_lock_lives_as_long_as_a_pulumi_with_its_number(tmp_path: Path, name: str, dead: bool) -> None:
    lock = tmp_path / "lock.json"
    with running(tmp_path / name) as pid:
        lock.write_text(json.dumps({"pid": pid, "hostname": HERE}), "utf-8")
        assert lockfiles.lock_is_dead(private_state.read_lock(lock)) is dead

    assert lockfiles.lock_is_dead(private_state.read_lock(lock)) is True


def test_a_number_that_became_our_own_is_no_pulumi(tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"pid": os.getpid(), "hostname": HERE}), "utf-8")

    assert lockfiles.lock_is_dead(private_state.read_lock(lock)) is True


@pytest.mark.parametrize("text", ["", "{}", '{"pid": "x", "hostname": "h"}', f'{{"pid": {GONE}}}'])
def test_a_lock_that_says_too_little_is_left_alone(tmp_path: Path, text: str) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(text, "utf-8")

    assert lockfiles.lock_is_dead(private_state.read_lock(lock)) is False
    assert lockfiles.lock_is_dead(private_state.read_lock(tmp_path / "absent.json")) is False


@pytest.mark.parametrize("text", ["[]", "null", f'{{"pid": null, "hostname": "{HERE}"}}', f'{{"pid": -1, "hostname": "{HERE}"}}'])  # fmt: skip
def test_a_lock_of_another_shape_is_left_alone(tmp_path: Path, text: str) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(text, "utf-8")

    assert lockfiles.lock_is_dead(private_state.read_lock(lock)) is False


def test_of_two_locks_only_the_dead_one_goes_and_the_live_one_stops_the_sweep(
    locks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lockfiles, "_end_orphaned_plugins", lambda: None)
    monkeypatch.setattr(stackfile, "stack_id", lambda _: STACK_ID)
    (locks / "dead.json").write_text(json.dumps({"pid": GONE, "hostname": HERE}), "utf-8")
    (locks / "live.json").write_text(json.dumps({"pid": GONE, "hostname": "elsewhere"}), "utf-8")
    lockfiles.unlock("dev")

    assert not differences.compare(ASK_NOTHING, "dev"), "a pulumi is at work"
    assert [lock.name for lock in locks.iterdir()] == ["live.json"]
    assert "(dead.json)" in capsys.readouterr().out


@pytest.mark.usefixtures("locks")
@pytest.mark.parametrize("identity", [None, PLACEHOLDER_ID])
def test_a_stack_without_an_id_owns_nothing_and_docker_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, identity: str | None
) -> None:
    monkeypatch.setattr(stackfile, "stack_id", lambda _: identity)

    assert not differences.compare(ASK_NOTHING, "dev")


def test_a_damaged_state_ends_the_sweep_before_docker_is_asked(
    locks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stackfile, "stack_id", lambda _: STACK_ID)
    assert locks.exists()
    file = private_state._file("dev")
    file.parent.mkdir(parents=True)
    file.write_text('{"checkpoint": {"la', "utf-8")

    with pytest.raises(typer.Exit):
        differences.compare(ASK_NOTHING, "dev")  # everything would look like an orphan
    assert f"{file}.bak" in capsys.readouterr().err


class Process:
    """A process as psutil shows it."""

    def __init__(self, name: str, parent: str | None, uid: int) -> None:
        self.info = {"name": name, "uids": SimpleNamespace(real=uid)}
        self._parent = SimpleNamespace(name=lambda: parent) if parent else None
        self.ended = False

    def parent(self) -> Any:
        return self._parent

    def terminate(self) -> None:
        self.ended = True


@pytest.mark.parametrize(
    ("name", "parent", "own", "ended"),
    [
        ("pulumi-resource-docker", "systemd", True, True),
        ("pulumi-resource-docker"[:15], "sh", True, True),
        ("pulumi-language-python"[:15], None, True, True),
        ("pulumi-resource-docker", "pulumi", True, False),
        ("pulumi-resource-docker", "systemd", False, False),
        ("pulumi", "systemd", True, False),
        ("python", "systemd", True, False),
    ],
)
def test_only_our_own_plugins_without_a_pulumi_are_ended(
    monkeypatch: pytest.MonkeyPatch, name: str, parent: str | None, own: bool, ended: bool
) -> None:
    process = Process(name, parent, os.getuid() if own else os.getuid() + 1)
    waited: list[Process] = []
    monkeypatch.setattr(psutil, "process_iter", lambda _: [process])
    monkeypatch.setattr(psutil, "wait_procs", lambda orphans, **_: waited.extend(orphans))
    lockfiles._end_orphaned_plugins()

    assert process.ended is ended
    assert waited == ([process] if ended else [])


@pytest.mark.usefixtures("locks")
@pytest.mark.parametrize("call", [engine.run, workspace.secret, lambda stack, key: engine.set_secret(stack, key, "x")])
def test_without_pulumi_the_message_names_setup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], call: Any
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path)

    with pytest.raises(typer.Exit):
        call("dev", "ls")
    assert "./photos setup" in capsys.readouterr().err
