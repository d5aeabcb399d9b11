"""Runs that are killed at any point: what was done is still there, and the next run needs no help."""

from __future__ import annotations

import random
import signal
import subprocess

import pytest

from keeper.copies import rclone, restic
from keeper.errors import Exit
from tests.keeper.home import Home
from tests.waiting import until

POINTS, ROUNDS = 5, 4
RUN = """
import os, signal, sys, threading, time
from keeper.settings import load
from keeper.backup.run import backup

steps, last, linger = 0, int(sys.argv[1]), float(sys.argv[2])

def end():
    time.sleep(linger)
    os.kill(os.getpid(), signal.SIGKILL)

def step(event, _):
    global steps
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.listdir", "os.scandir", "subprocess.Popen"):
        steps += 1
        if steps == last:
            threading.Thread(target=end, daemon=True).start() if linger else end()

sys.addaudithook(step)
code = backup(load(), "disk").exit
print(steps)
sys.exit(code)
"""
"""A run that kills itself at its step number `last`, or a moment later: what it does is counted, not timed, so that a busy
machine changes nothing. restic is not killed by it: it has to die by itself."""


def start(home: Home, last: int = 0, linger: float = 0) -> subprocess.Popen[bytes]:
    """Start a run that ends at its step number `last`."""
    (home.root / "run.py").write_text(RUN)
    return home.program(str(home.root / "run.py"), str(last), str(linger))


def edit(home: Home, photos: range, content: str) -> None:
    for photo in photos:
        home.write(f"{photo}.jpg", f"{content} {photo}".encode() * 2000)


@pytest.mark.parametrize("point", range(POINTS))
def test_a_run_killed_at_any_point_is_finished_by_the_next(home: Home, point: int) -> None:
    """Each point is a fifth of a run's steps; within it the step is random, and every other time it dies in between."""
    edit(home, range(200), "first")
    home.good_backup()
    edit(home, range(0, 200, 20), "warm")
    usual = start(home)
    output, _ = usual.communicate()
    assert usual.returncode == Exit.OK
    killed, steps = 0, int(output)
    seed = random.randrange(10**6)  # noqa: S311 - chooses moments
    chance = random.Random(seed)  # noqa: S311
    for number in range(ROUNDS):
        before = [snapshot.number for snapshot in home.repository().snapshots()]
        edit(home, range(number, 200, 20), f"edit {number}")
        last = 1 + int(steps * (point + chance.random()) / POINTS)
        process = start(home, last, chance.random() * 0.1 if number % 2 else 0)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        told = f"seed {seed}, round {number}, step {last} of {steps}"
        until(lambda: not home.at_work())

        offered = [snapshot.number for snapshot in home.repository().snapshots()]
        assert offered[: len(before)] == before, told
        home.good_backup()
        assert [s.number for s in home.repository().snapshots()] == [*offered, offered[-1] + 1], told
        assert home.restorable() == home.content(), told
    assert killed >= ROUNDS // 2, "it was killed, not late"
    assert home.repository().restic.check("1/1").errors == 0, f"seed {seed}"
    assert home.good_backup().sent_bytes < 10_000, "nothing is sent twice"


@pytest.mark.parametrize("variable", ["KEEPER_RESTIC", "KEEPER_RCLONE"])
def test_nothing_outlives_a_keeper_that_is_killed(home: Home, variable: str) -> None:
    home.fill(1)
    home.good_backup()
    real = restic.program() if variable == "KEEPER_RESTIC" else rclone.program()
    slow = home.root / "slow"
    slow.write_text(f'#!/bin/sh\n[ "$1" = version ] && exec {real} version\nexec sleep 600\n')
    slow.chmod(0o755)

    run = home.command("backup", "--copy", "disk", **{variable: str(slow)})
    until(lambda: "sleep" in home.at_work().values())
    run.kill()
    run.communicate()

    until(lambda: not home.at_work())
    home.good_backup()
