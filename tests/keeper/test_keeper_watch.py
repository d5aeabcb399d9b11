"""The dead-man switch, with a clock that the tests put on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keeper.alerts import Alerts
from keeper.report import DrillReport, RemoteStatus, Status, change_status, now
from keeper.settings import Settings
from keeper.watch import HEARTBEAT, Limits, Watch
from tests.keeper.service import Sink, service_settings, sink
from tests.waiting import Rounds, until

LONG = timedelta(hours=1)
LIMITS = Limits(good=LONG, verify=LONG, drill=LONG, heartbeat=LONG, gate=LONG)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return service_settings(tmp_path)


@pytest.fixture
def family(settings: Settings) -> Iterator[Sink]:
    """What the family is told."""
    with sink() as taken:
        (settings.secrets / "backup_alert_urls").write_text(taken.channel)
        yield taken


def watch_of(settings: Settings, limits: Limits = LIMITS) -> Watch:
    state = settings.secrets.parent / "watch"
    state.mkdir(exist_ok=True)
    return Watch(settings, state, Alerts(settings, state), limits)


def set_status(settings: Settings, moment: datetime, *, passed: bool = True, waiting: str = "") -> None:
    """Write a status in which everything happened last at `moment`."""
    drill = DrillReport(run="r", remote="disk", started=moment, ended=moment, passed=passed)

    def change(status: Status) -> None:
        status.heartbeat = status.last_good = status.last_verify = moment
        status.remotes = {"disk": RemoteStatus(last_drill=drill)}
        status.waiting = waiting

    change_status(settings.state, change)


def test_all_is_quiet_while_all_is_well(settings: Settings, family: Sink) -> None:
    set_status(settings, now())
    watch_of(settings).look()

    assert family.titles == []


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("good", "No good backup since"),
        ("verify", "The copies were not checked since"),
        ("drill", "No test restore passed since"),
        ("heartbeat", "The backup keeper has been silent since"),
    ],
)
def test_each_limit_has_its_alarm(settings: Settings, family: Sink, limit: str, told: str) -> None:
    set_status(settings, now() - timedelta(minutes=30))
    watch_of(settings, Limits(**{**vars(LIMITS), limit: timedelta(minutes=20)})).look()

    assert len(family.titles) == 1
    assert told in family.titles[0]
    assert "Safe: " in family.bodies
    assert "To do: " in family.bodies


def test_a_scheduler_that_never_fires_is_noticed_told_once_and_so_is_its_return(
    settings: Settings, family: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F46: time passes because the watch's clock is put on."""
    years = timedelta(days=1000)
    watch = watch_of(settings, Limits(good=LONG, verify=years, drill=years, heartbeat=years, gate=years))
    set_status(settings, now())
    stop = Rounds()
    thread = threading.Thread(target=watch.run, args=(stop, 0.02))
    thread.start()
    try:
        stop.some_more()
        early = list(family.titles)
        later = now() + LONG * 2
        monkeypatch.setattr("keeper.watch.now", lambda: later)
        until(lambda: family.titles)
        stop.some_more()
        alarm = list(family.titles)
        set_status(settings, later)
        until(lambda: len(family.titles) > len(alarm))
        stop.some_more()
    finally:
        stop.set()
        thread.join()

    assert early == []
    assert len(alarm) == 1
    assert alarm[0].startswith("home: No good backup since 20")
    assert family.titles[1:] == ["home: All is well again: there is a good backup"]


def test_a_test_restore_that_failed_is_none(settings: Settings, family: Sink) -> None:
    set_status(settings, now(), passed=False)
    watch = watch_of(settings, Limits(**{**vars(LIMITS), "drill": timedelta()}))
    watch.look()
    watch.look()

    assert family.titles == ["home: No test restore passed since the start"]


def test_a_new_stack_is_given_its_time(settings: Settings, family: Sink) -> None:
    watch_of(settings).look()

    assert family.titles == []


def test_a_stack_that_never_began_is_noticed_after_its_time(settings: Settings, family: Sink) -> None:
    watch = watch_of(settings)
    watch.look()
    (settings.secrets.parent / "watch" / "since").write_text((now() - 2 * LONG).isoformat())
    # As after a restart: the time since the first look counts, not since the last start.
    watch_of(settings).look()

    assert len(family.titles) == 4


def test_a_new_watch_gives_no_time_to_a_stack_that_went_silent_long_ago(settings: Settings, family: Sink) -> None:
    set_status(settings, now() - 2 * LONG)
    watch_of(settings).look()

    assert len(family.titles) == 4


def test_a_status_that_cannot_be_read_is_silence(settings: Settings, family: Sink) -> None:
    set_status(settings, now())
    watch = watch_of(settings, Limits(**{**vars(LIMITS), "heartbeat": timedelta()}))
    (settings.state / "status.json").write_text("{")
    watch.look()
    watch.look()

    assert "silent" in family.titles[0]


def test_a_waiting_gate_is_recalled_with_its_command_and_forgotten_when_answered(
    settings: Settings, family: Sink
) -> None:
    set_status(settings, now(), waiting="20261122T030000Z-abcdef")
    watch = watch_of(settings, Limits(**{**vars(LIMITS), "gate": timedelta()}))
    watch.look()
    watch.look()
    watch.look()
    # A new process does not know since when the gate waits: that is no answer.
    watch_of(settings).look()
    told = list(family.titles)
    set_status(settings, now())
    watch.look()

    assert told == ["home: The backup still waits for your answer"]
    assert "./photos keeper accept --stack home 20261122T030000Z-abcdef" in family.bodies
    assert family.titles[1:] == ["home: All is well again: the backup waits for nothing"]


def test_a_bad_round_does_not_end_the_watch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = []

    def fail(self: Watch) -> None:
        rounds.append(self)
        raise OSError

    monkeypatch.setattr(Watch, "look", fail)
    stop = Rounds()
    thread = threading.Thread(target=watch_of(settings).run, args=(stop, 0.01))
    thread.start()
    try:
        until(lambda: len(rounds) > 1)
    finally:
        stop.set()
        thread.join()


def test_each_round_leaves_a_sign_of_life(settings: Settings) -> None:
    watch_of(settings).look()

    assert (settings.secrets.parent / "watch" / HEARTBEAT).exists()
