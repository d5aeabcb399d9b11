"""What a start that was killed or failed leaves behind is used by the next one, or removed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer

from demo import library, start
from demo.removal import down
from demo.samples import SAMPLES


@pytest.fixture
def own_data(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what stands for another process: the first one has moved its data folder."""
    before = os.environ.get("PHOTOS_DATA", "")
    return lambda: monkeypatch.setenv("PHOTOS_DATA", before)


STEPS = ("described", "lay_out", "through_docker")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("late", [False, True])
def test_a_start_that_was_killed_anywhere_is_started_again_or_removed(
    empty_docker: Path, monkeypatch: pytest.MonkeyPatch, own_data: Callable[[], None], step: str, late: bool
) -> None:
    real = getattr(start, step)

    def killed(*arguments: Any) -> None:
        if late and step != "through_docker":
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(start, step, killed)
        own_data()
        with pytest.raises(KeyboardInterrupt):
            start.start(with_pulumi=False)
    own_data()
    with monkeypatch.context() as patched:
        done: list[str] = []
        patched.setattr(start, "through_docker", lambda *_: done.append("created"))
        patched.setattr(start, "_index", lambda: done.append("indexed"))
        start.start(with_pulumi=False)
        assert done == ["created", "indexed"]
        assert (empty_docker / "password").read_text()
        (empty_docker / "password").unlink()
        own_data()
        down()

    assert not empty_docker.exists()


@pytest.mark.parametrize("step", STEPS)
def test_what_a_killed_start_left_can_be_removed(
    empty_docker: Path, monkeypatch: pytest.MonkeyPatch, own_data: Callable[[], None], step: str
) -> None:
    monkeypatch.setattr(start, step, interrupt)
    own_data()
    with pytest.raises(KeyboardInterrupt):
        start.start(with_pulumi=False)
    own_data()
    assert empty_docker.exists()
    down()

    assert not empty_docker.exists()


def test_a_first_start_that_was_cut_short_begins_anew_and_a_later_one_goes_on(
    empty_docker: Path, monkeypatch: pytest.MonkeyPatch, own_data: Callable[[], None]
) -> None:
    """A database that was stopped in its first start is refused for ever."""
    removed: list[str] = []
    monkeypatch.setattr(start, "remove_all", lambda _, identity: removed.append(identity))
    monkeypatch.setattr(start, "_index", lambda: None)
    counts = []
    for killed in (True, True, False, True, False):
        with monkeypatch.context() as patched:
            patched.setattr(start, "through_docker", interrupt if killed else lambda *_: None)
            own_data()
            with suppress(KeyboardInterrupt):
                start.start(with_pulumi=False)
        counts.append(len(removed))

    assert counts == [0, 1, 2, 2, 2]
    assert empty_docker.exists()


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_samples_that_were_half_written_are_the_demos_own(
    empty_docker: Path, monkeypatch: pytest.MonkeyPatch, own_data: Callable[[], None]
) -> None:
    written: list[Path] = []

    def cut_short(self: Path, target: Path) -> Path:
        if self.suffix == ".partial" and self.name.startswith(".") and self.name.endswith(".jpg.partial"):
            written.append(target)
            if len(written) == len(SAMPLES) // 2:
                raise KeyboardInterrupt
        os.rename(self, target)  # noqa: PTH104 - what the real one does
        return target

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut_short)
        own_data()
        with pytest.raises(KeyboardInterrupt):
            start.start(with_pulumi=False)
    assert json.loads((empty_docker / "made.json").read_text()).keys() >= {str(file) for file in written}
    own_data()
    down()

    assert not empty_docker.exists()


def test_a_creation_that_fails_says_how_to_go_on(empty_docker: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        start.start(with_pulumi=False)

    said = capsys.readouterr()
    assert "./photos demo --down" in said.err
    assert "This is the demo" in said.out
    assert "stand-ins" in said.out
    assert empty_docker.exists()


def test_the_services_run_as_whoever_the_samples_belong_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "originals").mkdir()
    real = os.stat_result
    for number, owner in ((1001, 1001), (70000, 1000), (0, 1000)):
        monkeypatch.setattr(Path, "stat", lambda _, number=number: real((0o755, 0, 0, 0, number, number, 0, 0, 0, 0)))
        assert library.owner(tmp_path).uid == owner
