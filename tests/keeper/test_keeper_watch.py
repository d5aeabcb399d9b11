"""The dead-man switch and its limits, with states that the tests write."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from keeper.backup import gate
from keeper.backup.gate import Alarm
from keeper.service import limits
from keeper.service.alerts import Alerts
from keeper.service.limits import Movement, longest_gap
from keeper.service.watch import HEARTBEAT, Seen, Watch
from keeper.settings import Settings
from keeper.state import CopyState, Progress, SchedulerState, Snapshot, State, now
from tests.keeper.service import Sink, service_settings, sink
from tests.waiting import Rounds, until

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DISK = {"name": "disk", "kind": "disk", "type": "local", "path": "/backup"}
NET = {"name": "net", "kind": "mirror", "type": "webdav", "path": "/photos"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return service_settings(tmp_path)


@pytest.fixture
def family(settings: Settings) -> Iterator[Sink]:
    """What the family is told."""
    with sink() as taken:
        (settings.secrets / "backup_alert_urls").write_text(taken.channel)
        yield taken


def watch_of(settings: Settings) -> Watch:
    folder = settings.secrets.parent / "watch"
    folder.mkdir(exist_ok=True)
    return Watch(settings, folder, Alerts(settings, folder))


def snapshot(age: timedelta = timedelta(), **more: Any) -> Snapshot:
    return Snapshot(id="abcdef0123456789", time=now() - age, **more)


def known(age: timedelta = timedelta(), **more: Any) -> CopyState:
    """Return the state of a copy at which everything happened last so long ago."""
    moment = now() - age
    values: dict[str, Any] = {"last_good": moment, "last_passed": moment, "snapshots": [snapshot(age)]}
    return CopyState(**{**values, "slices": {0: moment}, **more})


def write(settings: Settings, beat: timedelta | None = timedelta(), **copies: CopyState) -> None:
    state = State(settings.state)
    SchedulerState(heartbeat=now() - beat if beat is not None else None).write(state.scheduler_file)
    for name, copy in copies.items():
        copy.write(state.copy_file(name))


def first_seen(settings: Settings, age: timedelta) -> None:
    """Have the watch believe that it saw everything first so long ago."""
    file = settings.secrets.parent / "watch" / "seen.json"
    Seen(first={what: now() - age for what in Seen.read(file).first}).write(file)


def test_all_is_quiet_while_all_is_well(settings: Settings, family: Sink) -> None:
    write(settings, disk=known())
    watch_of(settings).look()

    assert family.titles == []


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda s: write(s, disk=known(last_good=now() - 2 * DAY)), "No good backup to “disk” since"),
        (lambda s: write(s, disk=known(slices={0: now() - 33 * DAY})), "Not all of “disk” was read back since"),
        (lambda s: write(s, disk=known(last_passed=now() - 9 * DAY)), "No test restore passed since"),
        (lambda s: write(s, beat=2 * HOUR, disk=known()), "The backup keeper has been silent since"),
    ],
    ids=["good", "verify", "drill", "heartbeat"],
)
def test_each_limit_has_its_alarm(
    settings: Settings, family: Sink, make: Callable[[Settings], None], told: str
) -> None:
    make(settings)
    watch_of(settings).look()

    assert len(family.titles) == 1
    assert told in family.titles[0]
    assert "Safe: " in family.bodies
    assert "To do: " in family.bodies


def test_a_weekly_copy_is_not_late_after_a_day_and_a_daily_one_beside_it_is(settings: Settings, family: Sink) -> None:
    """Case 40."""
    copies = [DISK | {"schedule": "30 3 * * 0"}, NET]
    weekly = Settings.model_validate(settings.model_dump() | {"copies": copies})
    write(weekly, disk=known(6 * DAY, last_passed=now()), net=known(2 * DAY))
    watch_of(weekly).look()

    assert [title.partition(" since")[0] for title in family.titles] == ["home: No good backup to “net”"]


@pytest.mark.parametrize(
    ("schedule", "zone", "gap"),
    [
        ("30 3 * * *", "Asia/Shanghai", DAY),
        ("30 3 * * *", "Europe/Berlin", DAY + HOUR),
        ("0 5 * * 0", "Asia/Shanghai", 7 * DAY),
        ("0 3 1,15 * *", "Asia/Shanghai", 17 * DAY),
        ("0 0 31 * *", "Asia/Shanghai", 61 * DAY),
        ("0 0 29 2 *", "Asia/Shanghai", 1461 * DAY),
        ("*/5 3 * * 1", "Asia/Shanghai", 7 * DAY - timedelta(minutes=55)),
        ("* * 1 * *", "Asia/Shanghai", 30 * DAY + timedelta(minutes=1)),
    ],
)
def test_the_longest_gap_of_a_schedule_is_known(schedule: str, zone: str, gap: timedelta) -> None:
    """Summer time, months, leap days, and bursts between long pauses."""
    assert longest_gap(schedule, ZoneInfo(zone), datetime(2026, 11, 1, tzinfo=UTC)) == gap


def test_a_run_that_takes_a_little_longer_than_the_last_is_not_late() -> None:
    zone = ZoneInfo("Asia/Shanghai")

    assert DAY + 2 * HOUR < limits.limit("30 3 * * *", zone) < DAY + 8 * HOUR
    assert 7 * DAY + 8 * HOUR < limits.limit("0 5 * * 0", zone) <= 8 * DAY


def test_a_copy_in_its_first_upload_that_gets_on_is_no_silence(settings: Settings, family: Sink) -> None:
    """Case 38: nine days are no alarm; a stop of them is."""
    part = known(last_good=None, snapshots=[snapshot(whole=False)], slices={}, last_passed=now())
    write(settings, disk=part)
    watch = watch_of(settings)
    watch.look()
    first_seen(settings, 5 * DAY)
    state, watch = State(settings.state), watch_of(settings)
    state.tell_progress("disk", Progress(phase="send_first", done=5, total=9, since=now() - 5 * DAY, at=now()))
    watch.look()
    moving = list(family.titles)
    state.tell_progress("disk", Progress(phase="send_first", done=5, total=9, since=now(), at=now() - 4 * HOUR))
    watch_of(settings).look()

    assert moving == []
    assert "No good backup to “disk” since the start" in family.titles[0]


def test_a_job_that_says_the_same_for_hours_does_not_get_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five times a second restic goes on telling that it waits."""
    movement, start = Movement(), now()

    def at(hours: float, done: int) -> bool:
        moment = start + timedelta(hours=hours)
        monkeypatch.setattr(limits, "now", lambda: moment)
        return movement.of("disk", Progress(phase="send", done=done, total=9, since=start, at=moment))

    assert [at(0, 1), at(2, 1), at(4, 1), at(5, 2), at(7, 2), at(9, 2)] == [True, True, False, True, True, False]
    assert not movement.of("disk", None)


def test_what_is_shown_to_be_read_back_counts_from_when_there_was_something_to_read(
    settings: Settings, family: Sink
) -> None:
    """A copy of two days is not unproven after one share of thirty."""
    write(settings, disk=known(slices={0: now()}, slices_of=30))
    watch_of(settings).look()
    fresh = list(family.titles)
    first_seen(settings, 40 * DAY)
    watch_of(settings).look()

    assert fresh == []
    assert "Not all of “disk” was read back" in family.titles[0]


def test_an_album_is_no_backup_and_is_not_read_back(settings: Settings, family: Sink) -> None:
    album = {"name": "look", "kind": "album", "type": "webdav", "path": "/look"}
    both = Settings.model_validate(settings.model_dump() | {"copies": [DISK, album]})
    write(both, disk=known(), look=CopyState(last_good=now()))
    watch = watch_of(both)
    watch.look()
    first_seen(both, 40 * DAY)
    watch_of(both).look()

    assert family.titles == []


def test_a_scheduler_that_never_fires_is_noticed_told_once_and_so_is_its_return(
    settings: Settings, family: Sink
) -> None:
    write(settings, beat=2 * HOUR, disk=known())
    watch = watch_of(settings)
    watch.look()
    watch.look()
    write(settings, disk=known())
    watch.look()
    watch.look()

    assert [title.partition(" since")[0] for title in family.titles] == [
        "home: The backup keeper has been silent",
        "home: All is well again: the keeper is at work",
    ]


def test_a_new_stack_is_given_its_time_also_by_a_watch_that_starts_anew(settings: Settings, family: Sink) -> None:
    watch_of(settings).look()
    watch_of(settings).look()
    new = list(family.titles)
    first_seen(settings, 9 * DAY)
    watch_of(settings).look()

    assert new == []
    assert len(family.titles) == 3, "the keeper, its copy, its test restore"


def test_a_copy_that_is_added_later_is_given_its_time(settings: Settings, family: Sink) -> None:
    write(settings, disk=known())
    watch_of(settings).look()
    first_seen(settings, 90 * DAY)
    more = Settings.model_validate(settings.model_dump() | {"copies": [DISK, NET]})
    watch_of(more).look()

    assert family.titles == []


def test_a_state_that_is_lost_after_a_year_is_given_its_time(settings: Settings, family: Sink) -> None:
    """Or a repaired disk would raise every alarm at once."""
    watch_of(settings).look()
    write(settings, disk=known())
    watch_of(settings).look()
    first_seen(settings, 365 * DAY)
    for file in settings.state.rglob("*.json"):
        file.write_text("{")
    watch_of(settings).look()

    assert family.titles == []


def test_a_new_watch_gives_no_time_to_a_stack_that_went_silent_long_ago(settings: Settings, family: Sink) -> None:
    write(settings, beat=9 * DAY, disk=known(40 * DAY))
    watch_of(settings).look()

    assert len(family.titles) == 4


def test_a_state_that_cannot_be_read_is_silence(settings: Settings, family: Sink) -> None:
    write(settings, disk=known())
    watch_of(settings).look()
    State(settings.state).scheduler_file.write_text("{")
    watch_of(settings).look()
    first_seen(settings, 2 * HOUR)
    watch_of(settings).look()

    assert [title for title in family.titles if "silent" in title]


def test_an_alarm_that_waits_is_recalled_with_its_command_and_forgotten_when_answered(
    settings: Settings, family: Sink
) -> None:
    write(settings, disk=known(held={"0a1b2c3d": "abcdef"}))
    Alarm(id="0a1b2c3d", raised=now(), paths=["x"]).write(settings.state / "gate" / "0a1b2c3d.json")
    watch_of(settings).look()
    early = list(family.titles)
    first_seen(settings, 7 * HOUR)
    # A new process knows since when the alarm waits.
    watch_of(settings).look()
    watch_of(settings).look()
    told = list(family.titles)
    gate.accept(settings.state, "0a1b2c3d")
    watch_of(settings).look()

    assert early == []
    assert told == ["home: The backup still asks: did you delete or change many photos?"]
    assert "./photos keeper accept --stack home 0a1b2c3d" in family.bodies
    assert family.titles[1:] == ["home: All is well again: the backup waits for nothing"]


def test_the_watch_that_forgot_since_when_an_alarm_waits_does_not_call_it_answered(
    settings: Settings, family: Sink
) -> None:
    write(settings, disk=known(held={"0a1b2c3d": "abcdef"}))
    watch_of(settings).look()
    first_seen(settings, 7 * HOUR)
    watch_of(settings).look()
    (settings.secrets.parent / "watch" / "seen.json").write_text("{")
    watch_of(settings).look()

    assert len(family.titles) == 1


def test_a_watch_whose_disk_is_full_still_raises_the_alarm_and_says_it_once(
    settings: Settings, family: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 47: Docker's disk is full, which holds both folders."""
    write(settings, beat=2 * HOUR, disk=known())
    watch = watch_of(settings)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    for place in ("keeper.service.alerts.write_whole", "keeper.state.write_whole"):
        monkeypatch.setattr(place, full)
    watch.look()
    watch.look()

    assert [title.partition(" since")[0] for title in family.titles] == ["home: The backup keeper has been silent"]


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
