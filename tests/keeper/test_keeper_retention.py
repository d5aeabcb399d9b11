"""Retention forgets what has had its time, and can never empty a set (F52)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keeper import retention
from keeper.report import now
from keeper.restore import Request, restore
from keeper.retention import kept, moment_of, to_forget, unneeded
from keeper.run import open_remotes
from keeper.settings import KeepSettings
from tests.keeper.home import Home

TODAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEEP = KeepSettings()


def run_of(days: float) -> str:
    return f"{TODAY - timedelta(days=days):%Y%m%dT%H%M%SZ}-abcdef"


def test_all_runs_of_a_month_one_a_week_for_half_a_year_one_a_month_for_two() -> None:
    runs = [run_of(days) for days in range(1000)]
    stay = sorted(kept(runs, KEEP, TODAY), reverse=True)
    ages = [(TODAY - moment_of(run)).days for run in stay]

    assert ages[:31] == list(range(31))
    assert 20 <= len([age for age in ages if 30 < age <= 180]) <= 28
    assert 17 <= len([age for age in ages if 180 < age <= 730]) <= 20
    assert max(ages) <= 730


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_the_newest_three_stay_however_old_they_are(count: int) -> None:
    runs = [run_of(2000 + days) for days in range(count)]
    left = set(runs)
    for _ in range(50):
        left -= set(to_forget(left, KEEP, TODAY))

    assert left == set(sorted(runs)[-3:])


def test_no_more_than_a_fifth_goes_at_once() -> None:
    runs = [run_of(1000 + days) for days in range(100)]

    assert to_forget(runs, KEEP, TODAY) == sorted(runs)[:20]


def test_an_old_version_stays_as_long_as_a_kept_run_needs_it() -> None:
    versions = {"r2": ["a", "b"], "r5": ["a"], "r9": ["a"]}

    assert unneeded(versions, ["r1", "r6"]) == ["r5/a"]
    assert unneeded(versions, ["r3", "r6"]) == ["r2/a", "r2/b"]
    assert unneeded(versions, ["r9"]) == ["r2/a", "r2/b", "r5/a", "r9/a"]


def test_after_years_every_kept_run_can_still_be_restored_whole(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(3)
    home.changes = {"keep": {"all_days": 3, "weekly_days": 14, "monthly_days": 40}}
    states = {}
    begin = now()
    for day in range(0, 60, 6):
        clock = begin + timedelta(days=day)
        for module in ("report", "runs", "run", "delivery", "preflight", "verify", "library", "remotes"):
            monkeypatch.setattr(f"keeper.{module}.now", lambda clock=clock: clock)
        home.write("2024/IMG_00000.jpg", f"day {day}".encode())
        states[home.good_backup().run] = home.hashes()
    (remote,) = open_remotes(home.settings)
    runs = remote.runs()
    versions = {name.split("/")[0] for name in remote.rclone.sizes(remote.at("versions"))}

    assert 3 <= len(runs) < len(states), "some are forgotten, and never all"
    assert len(versions) < len(states) - 1
    for run in runs:
        (home.originals / "2024/IMG_00000.jpg").unlink()
        restore(home.settings, Request(paths=["originals"], run=run))
        assert home.hashes() == states[run]


def test_a_vault_forgets_nothing(home: Home) -> None:
    home.fill(2)
    home.remotes = [home.local("vault", "vault")]
    home.changes = {"keep": {"all_days": 1, "weekly_days": 1, "monthly_days": 1}}
    for _ in range(6):
        home.good_backup()
    (remote,) = open_remotes(home.settings)

    assert retention.prune(remote, remote.runs(), home.settings.keep, now() + timedelta(days=4000)) == 0
    assert len(remote.runs()) == 6


def test_a_run_that_could_not_be_proven_forgets_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(2)
    home.changes = {"keep": {"all_days": 0, "weekly_days": 0, "monthly_days": 0}}
    for _ in range(5):
        home.good_backup()
    before = home.runs()
    monkeypatch.setattr("keeper.verify.bad_objects", lambda _remote, where, *_: sorted(where))
    home.write("new.jpg", b"x")
    home.backup()
    monkeypatch.undo()

    assert home.runs() == before
