"""Runs that are killed, run twice at once, or run at a wrong time (F40-F42)."""

from __future__ import annotations

import datetime as dt
import random
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from keeper import preflight
from keeper import report as report_module
from keeper.errors import Code, KeeperError
from keeper.run import backup
from tests.keeper.home import PROJECT, Home

POINTS, ROUNDS = 5, 10
RUN = """
import os, signal, sys, threading, time
from keeper.settings import load
from keeper.run import backup

steps, last, linger = 0, int(sys.argv[1]), float(sys.argv[2])

def end():
    time.sleep(linger)
    os.killpg(0, signal.SIGKILL)

def step(event, _):
    global steps
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.listdir", "os.scandir", "subprocess.Popen"):
        steps += 1
        if steps == last:
            threading.Thread(target=end, daemon=True).start() if linger else end()

sys.addaudithook(step)
code = backup(load()).code
print(steps)
sys.exit(code)
"""
"""A run that kills its whole process group at its step number `last`, or a moment later: what it does is counted, not
timed, so that a busy machine changes nothing."""


def start(home: Home, last: int = 0, linger: float = 0) -> subprocess.Popen[bytes]:
    """Start a run as a process group of its own, so that its rclone dies with it; it ends at its step number `last`."""
    file = home.root / "keeper.json"
    file.write_text(home.settings.model_dump_json())
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(last), str(linger)],
        env={"KEEPER_SETTINGS": str(file), "PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin:/usr/sbin"},
        start_new_session=True,
        stdout=subprocess.PIPE,
    )


@pytest.mark.parametrize("point", range(POINTS))
def test_a_run_killed_at_any_point_is_finished_by_the_next(home: Home, point: int) -> None:
    """Each point is a fifth of a run's steps; within it the step is random, and every other time it dies in between."""
    for number in range(200):
        home.write(f"{number}.jpg", number.to_bytes(2, "big") * 20_000)
    home.good_backup()
    usual = steps(home)
    killed = 0
    for number in range(ROUNDS):
        seed = random.randrange(10**6)  # noqa: S311 - chooses a moment
        chance = random.Random(seed)  # noqa: S311
        before, whole = home.hashes(), home.runs()
        for photo in range(number, 200, 20):
            home.write(f"{photo}.jpg", f"edit {number}".encode() + photo.to_bytes(2, "big") * 20_000)
        last = 1 + int(usual * (point + chance.random()) / POINTS)
        process = start(home, last, chance.random() * 0.1 if number % 2 else 0)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        offered, told = home.runs(), f"seed {seed}, round {number}, step {last} of {usual}"
        report = home.good_backup()

        assert offered[: len(whole)] == whole, told
        assert home.runs() == [*offered, report.run], f"{told}: what was killed is not offered"
        assert home.lost(before) == set(), told
        assert set(home.hashes().values()) <= home.kept(), told
    assert home.good_backup().remotes["disk"].sent_files == 0
    assert killed >= ROUNDS // 2, "it was killed, not late"


def steps(home: Home) -> int:
    """Return how many steps a run takes that nobody kills."""
    for photo in range(0, 200, 20):
        home.write(f"{photo}.jpg", b"warm" + photo.to_bytes(2, "big") * 20_000)
    run = start(home)
    output, _ = run.communicate()
    assert run.returncode == Code.OK
    return int(output)


def test_a_second_run_at_the_same_time_is_refused_with_the_name_of_the_first(home: Home) -> None:
    home.fill(3)
    with (
        preflight.only_run(home.settings, "the first"),
        pytest.raises(KeeperError, match="locked by the first") as caught,
    ):
        home.backup()

    assert caught.value.code == Code.LOCKED
    assert home.good_backup().files == 3


def shifted(by: dt.timedelta) -> Callable[[], dt.datetime]:
    real = report_module.now
    return lambda: real() + by


@pytest.mark.parametrize(
    ("by", "meaning"),
    [
        (dt.timedelta(days=-20_000), "Set the clock"),
        (dt.timedelta(hours=-18), "Set the clock"),
        (dt.timedelta(days=3650), "--trust-clock"),
    ],
)
def test_a_clock_that_jumped_stops_the_run_and_forgets_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch, by: dt.timedelta, meaning: str
) -> None:
    home.fill(3)
    home.good_backup()
    there = home.raw()
    clock = shifted(by)
    for module in ("keeper.preflight", "keeper.run", "keeper.runs", "keeper.delivery"):
        monkeypatch.setattr(f"{module}.now", clock)
    report = home.backup()

    assert report.code == Code.PREFLIGHT
    assert meaning in report.problems[0]
    assert home.raw() == there


def test_a_family_back_after_a_year_confirms_the_date(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(3)
    home.good_backup()
    clock = shifted(dt.timedelta(days=365))
    for module in ("keeper.preflight", "keeper.run", "keeper.runs", "keeper.delivery"):
        monkeypatch.setattr(f"{module}.now", clock)

    assert backup(home.settings, trust_clock=True).code == Code.OK


def test_a_lost_state_does_not_hide_that_the_clock_went_back(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(3)
    home.good_backup()
    for file in home.state.rglob("*"):
        if file.is_file():
            file.unlink()
    clock = shifted(dt.timedelta(hours=-18))
    for module in ("keeper.preflight", "keeper.run", "keeper.runs", "keeper.delivery"):
        monkeypatch.setattr(f"{module}.now", clock)
    report = home.backup()

    assert report.remotes["disk"].code == Code.PREFLIGHT
    assert "Set the clock" in report.problems[0]
