"""A clock that was far ahead for a night: what it noted keeps nothing from its turn for years."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from keeper import state as keeper_state
from keeper.backup import scrub as scrubbing
from keeper.backup.scrub import scrub
from keeper.backup.verify import due_slice
from keeper.restore.drill import in_turn
from keeper.service.alerts import Alerts
from keeper.service.scheduler import Scheduler
from keeper.state import CopyState, DrillReport, Snapshot, State, now
from tests.keeper.home import Home
from tests.keeper.test_keeper_scrub import LONG_AGO, age

YEARS = timedelta(days=4000)


def test_a_share_of_a_copy_that_was_read_in_the_future_is_read_again() -> None:
    known = CopyState(
        slices_of=3, slices={0: now() - timedelta(days=1), 1: now() + YEARS, 2: now() - timedelta(days=2)}
    )

    assert due_slice(known, 3) == 1


def test_a_copy_whose_test_restore_was_in_the_future_has_its_turn(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.copies = [home.local("disk"), home.local("second")]
    for name, ended in (("disk", now() - timedelta(days=1)), ("second", now() + YEARS)):
        report = DrillReport(copy_name=name, started=ended, ended=ended, passed=True)
        CopyState(drill=report, snapshots=[Snapshot(id="a", time=now())]).write(State(home.state).copy_file(name))

    assert in_turn(home.settings) == "second"
    assert Scheduler(home.settings, Alerts(home.settings, home.state))._in_turn() == "second"


def test_files_that_were_read_in_the_future_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    for name in home.fill(40):
        age(home.library / name.strip("/"), LONG_AGO)
    monkeypatch.setattr(scrubbing, "now", lambda: keeper_state.now() + YEARS)
    scrub(home.settings, everything=True)
    read = 0
    for days in range(30):
        monkeypatch.setattr(scrubbing, "now", lambda days=days: keeper_state.now() + timedelta(days=days))
        read += scrub(home.settings).read_files

    assert read == 40
