"""What a person sees of something long: a moving line on a terminal, signs of life in a log."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from cli import console
from demo import progress
from demo.progress import Stages


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    return on(monkeypatch, terminal=False)


def on(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> io.StringIO:
    screen = io.StringIO()
    out = Console(file=screen, force_terminal=terminal, soft_wrap=True, highlight=False, width=100)
    monkeypatch.setattr(console, "out", out)
    monkeypatch.setattr(progress, "out", out)
    return screen


def test_a_log_has_a_line_per_stage(shown: io.StringIO) -> None:
    with Stages() as stages:
        stages.stage("Demo: one")
        stages.stage("Demo: two [1]")

    assert shown.getvalue() == "Demo: one ...\nDemo: two [1] ...\n"


def test_a_log_shows_life_with_the_newest_line(shown: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SIGN_OF_LIFE_S", 0.01)
    seen = threading.Event()

    def say(text: str) -> None:
        console.say(text)
        if "still" in str(text):
            seen.set()

    monkeypatch.setattr(progress, "say", say)
    with Stages() as stages:
        stages.stage("Demo: one")
        stages.detail("I: installing mariadb-server\n")
        assert seen.wait(60)
    text = shown.getvalue()
    threads = [thread.name for thread in threading.enumerate()]

    assert "still at it after 0 s: Demo: one: I: installing mariadb-server\n" in text
    assert "progress" not in threads


def test_a_terminal_shows_seconds_and_keeps_a_line_of_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on(monkeypatch, terminal=True)
    with Stages() as stages:
        stages.stage("Demo: one")
        stages.detail("newest line")
        stages._bar.refresh()
        stages.stage("Demo: two")
    text = screen.getvalue()

    assert "0:00:00" in text
    assert "newest line" in text
    assert "Demo: one: 0 s\n" in text
    assert "Demo: two: 0 s\n" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_a_failure_ends_the_line_and_counts_as_no_stage_done(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    screen = on(monkeypatch, terminal=terminal)
    stages = Stages()

    def fail() -> None:
        with stages:
            stages.stage("Demo: one")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert "one: 0 s" not in screen.getvalue()
    assert not stages._bar.live.is_started


def test_threads_that_begin_something_at_once_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, terminal=True)
    with Stages() as stages, ThreadPoolExecutor(8) as pool:
        done = [pool.submit(stages.stage, f"Demo: {number}") for number in range(400)]

    assert [task.exception() for task in done if task.exception()] == []
    assert len(stages._bar.tasks) == 1
