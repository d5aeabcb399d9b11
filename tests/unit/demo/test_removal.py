"""What is somebody else's, or cannot be reached, is neither used nor removed."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from example_stack import STACK_ID

from cli import docker_host, paths
from demo.creation import through_pulumi
from demo.description import Description
from demo.removal import down


def describe(folder: Path) -> Path:
    """Write what an earlier start kept."""
    file = folder / "demo.yaml"
    paths.write_private(file, f"config:\n  photos:id: {STACK_ID}\nsecrets: {{}}\n")
    return file


def test_the_demo_is_not_removed_by_halves_where_docker_is_silent(
    demo_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    about = describe(demo_folder)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{demo_folder}/no.sock")
    monkeypatch.setattr(docker_host, "answers", lambda *_: False)

    with pytest.raises(typer.Exit):
        down()
    assert "nothing answers there" in capsys.readouterr().err
    assert about.exists()


def test_a_stack_file_of_that_name_that_is_not_the_demo_s_is_neither_used_nor_removed(
    empty_docker: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = paths.stack_file("demo")
    file.write_text("config:\n  photos:id: somebody's\n")
    describe(empty_docker)

    with pytest.raises(typer.Exit):
        through_pulumi(empty_docker, Description(config={"photos:id": STACK_ID}, secrets={}))
    assert "is not the demo's. Nothing was changed" in capsys.readouterr().err
    down()
    assert not empty_docker.exists()
    assert file.exists()
