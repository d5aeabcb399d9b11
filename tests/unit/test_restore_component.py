"""The restore in the stack: like the keeper, but it may write, and it waits for a person."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from example_stack import container, declared, uploads

from cli.restore import order
from components import keeper, restore
from stacks.names import RESTORE
from stacks.recording import Recorder

LOGIN = "/run/secrets/restore_database_password"


@pytest.fixture
def stack() -> Recorder:
    return declared("home")


def mounts(recorder: Recorder, service: str) -> dict[str, bool]:
    """Return target → whether it can be written."""
    declared_mounts: list[dict[str, Any]] = container(recorder, service)["mounts"]
    return {mount["target"]: not mount.get("readOnly") for mount in declared_mounts}


def test_it_sees_what_the_keeper_sees_and_may_write_all_of_it(stack: Recorder) -> None:
    assert mounts(stack, "restore") == dict.fromkeys(mounts(stack, "keeper"), True)


def test_it_has_the_keeper_s_files_and_the_login_of_the_album_s_own_user(stack: Recorder) -> None:
    of_keeper, of_restore = uploads(stack, "keeper"), uploads(stack, "restore")

    assert of_restore == of_keeper | {LOGIN: of_restore[LOGIN], "/photos/start": restore.START}
    assert of_restore[LOGIN] == uploads(stack, "mariadb")["/run/secrets/mariadb_password"]


def test_the_commands_find_it_by_its_name() -> None:
    assert restore.Restore.service == RESTORE


def test_it_is_declared_and_not_started_and_publishes_nothing(stack: Recorder) -> None:
    inputs = container(stack, "restore")

    assert (inputs["start"], inputs["mustRun"], inputs["restart"]) == (False, False, "no")
    assert not inputs.get("ports")
    assert inputs["user"] == container(stack, "keeper")["user"]


class Started:
    """The start script in a folder in place of the container, with a program in place of the keeper."""

    def __init__(self, folder: Path) -> None:
        self.order, self.keeper = folder / "order", folder / "bin/keeper"
        (folder / "state").mkdir()
        self.keeper.parent.mkdir()
        self.keeper.write_text('#!/bin/sh\nprintf "<%s>" "$@"\nprintf "%s" "${COLUMNS:-}"\nexit 6\n')
        self.keeper.chmod(0o755)
        script = restore.START.replace(restore.ORDER_FILE, str(self.order)).replace(keeper.STATE, str(folder / "state"))
        self.command = ["sh", "-c", script]
        self.environment = {"PATH": f"{self.keeper.parent}:/usr/bin:/bin"}

    def __call__(self) -> tuple[int, bytes]:
        done = subprocess.run(self.command, env=self.environment, capture_output=True, check=False)
        return done.returncode, done.stdout or done.stderr


WORDS = ["originals/it's $HOME\n;`id`", "--run", "originals/a\udcff", ""]


def test_an_order_reaches_the_keeper_as_it_was_typed_whatever_is_in_it(tmp_path: Path) -> None:
    started = Started(tmp_path)
    started.order.write_bytes(order(WORDS, terminal=False))

    expected_words = "".join(f"<{word}>" for word in ["restore", *WORDS])
    assert started() == (6, expected_words.encode("utf-8", "surrogateescape"))


def test_an_order_is_carried_out_once_and_another_one_too(tmp_path: Path) -> None:
    started = Started(tmp_path)
    said = b"No restore was ordered, so nothing was restored. Order one: ./photos keeper restore\n"
    assert started() == (1, said)
    started.order.write_bytes(order(["--everything"], terminal=False))
    assert started()[0] == 6

    assert started() == (1, said), "whoever starts it again has ordered nothing"
    started.order.write_bytes(order(["--everything"], terminal=False))
    assert started()[0] == 6


def test_who_sits_at_a_terminal_sees_progress_as_wide_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "123")
    started = Started(tmp_path)
    started.order.write_bytes(order([], terminal=True))

    assert started() == (6, b"<restore>123")
    assert b"TTY_COMPATIBLE=1" in started.order.read_bytes()
