"""What the commands meet that is not theirs or not whole: they name it and leave it as it is."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
import typer

from cli import app, locks, paths, private_state, stackfile


@pytest.mark.parametrize(
    "text", ["null", "[]", '"x"', '{"pid": null, "hostname": "h"}', '{"pid": -1, "hostname": "HERE"}']
)
def test_a_lock_of_another_shape_is_not_dead(tmp_path: Path, text: str) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(text.replace("HERE", socket.gethostname()), "utf-8")

    assert locks.lock_is_dead(private_state.read_lock(lock)) is False


@pytest.mark.parametrize("text", ["just text", "- a\n- b\n", "config: text\n"])
def test_a_stack_file_of_another_shape_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(text, "utf-8")

    with pytest.raises(typer.Exit):
        stackfile.read(file)
    assert f"{file} is not a stack file" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["stack", "ls"], ["password"]])
def test_without_the_pulumi_command_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    paths.write_private(paths.passphrase_file("dev"), "of a stack that was set up")
    monkeypatch.setattr(sys, "argv", ["photos", *words])

    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == 1
    assert "./photos setup installs it" in capsys.readouterr().err
