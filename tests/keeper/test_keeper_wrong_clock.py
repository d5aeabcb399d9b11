"""A clock that was far ahead for a night: what it noted keeps nothing from its turn for years."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keeper import state as keeper_state
from keeper.backup import gate
from keeper.backup import scrub as scrubbing
from keeper.backup.gate import Alarm
from keeper.backup.scrub import scrub
from keeper.backup.verify import due_slice
from keeper.errors import Problem
from keeper.restore.drill import in_turn
from keeper.service import alerts, limits, scheduler
from keeper.service.alerts import Alerts
from keeper.service.limits import Movement, verified_share
from keeper.service.messages import Message
from keeper.service.scheduler import Scheduler
from keeper.service.watch import Seen, Watch
from keeper.state import CopyState, DrillReport, Progress, SchedulerState, Snapshot, State, Stored, now
from tests.keeper.home import Home
from tests.keeper.service import service_settings, sink
from tests.keeper.test_keeper_scrub import LONG_AGO, age
from tests.waiting import until

YEARS, DAY = timedelta(days=4000), timedelta(days=1)


def noted(file: Path, content: Stored) -> None:
    """Write a file of the state as a keeper whose clock is ahead writes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content.model_dump_json())


def ahead(state: CopyState, **dates: object) -> CopyState:
    """Return the same state with dates that are not looked at."""
    return state.model_copy(update=dates)


def test_a_share_of_a_copy_that_was_read_in_the_future_is_read_again(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.copies = [home.local("disk")]
    slices = {0: now() - DAY, 1: now() + YEARS, 2: now() - 2 * DAY}
    noted(State(home.state).copy_file("disk"), ahead(CopyState(slices_of=3), slices=slices))

    known = State(home.state).copy("disk")

    assert due_slice(known, 3) == 1
    assert verified_share(home.settings.copies[0], known) == pytest.approx(2 / 3)


def test_a_copy_whose_test_restore_was_in_the_future_has_its_turn(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.copies = [home.local("disk"), home.local("second")]
    for name, ended in (("disk", now() - DAY), ("second", now() + YEARS)):
        report = DrillReport(copy_name=name, started=ended, ended=ended, passed=False)
        CopyState(drill=report, snapshots=[Snapshot(id="a", time=now())]).write(State(home.state).copy_file(name))

    assert in_turn(home.settings) == "second"
    assert Scheduler(home.settings, Alerts(home.settings, home.state))._in_turn() == "second"
    assert State(home.state).copy("second").drill, "that it failed stays known"


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


def test_a_silence_that_a_wrong_clock_dated_ahead_is_told(tmp_path: Path) -> None:
    settings = service_settings(tmp_path)
    state, folder, future = State(settings.state), tmp_path / "watch", now() + YEARS
    known = CopyState(snapshots=[Snapshot(id="a", time=now())])
    noted(state.copy_file("disk"), ahead(known, slices={0: future}, last_good=future, last_passed=future))
    noted(state.scheduler_file, SchedulerState().model_copy(update={"heartbeat": future}))
    noted(folder / "seen.json", Seen().model_copy(update={"first": {"heartbeat": future, "good disk": future}}))
    watch = Watch(settings, folder, Alerts(settings, folder))
    watch._first["verify disk"] = future
    with sink() as taken:
        (settings.secrets / "backup_alert_urls").write_text(taken.channel)
        watch.look()
        quiet = list(taken.titles)
        watch._first = {what: first - 90 * DAY for what, first in watch._first.items()}
        watch.look()

    assert quiet == []
    for words in (
        "keeper has been silent",
        "No good backup to “disk”",
        "Not all of “disk” was read back",
        "test restore",
    ):
        assert [title for title in taken.titles if words in title], (words, taken.titles)


def test_an_answer_given_while_the_clock_was_ahead_allows_nothing_that_happens_later(tmp_path: Path) -> None:
    reasons = [Problem.of("gate.folder", folder="2024")]
    then = Alarm(id="aa", raised=None, paths=["1", "2"], accepted=now()).model_copy(update={"raised": now() + YEARS})
    noted(tmp_path / "gate/aa.json", then)

    again = Alarm(id="bb", since=now() - DAY, raised=now(), reasons=reasons, paths=["1"])

    assert gate.is_accepted(tmp_path, "aa")
    assert gate.raise_alarm(tmp_path, again)
    assert not gate.is_accepted(tmp_path, "bb")


def test_what_was_told_in_the_future_is_told_again_and_what_waits_for_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, trouble = service_settings(tmp_path), Message("COPY", "the backup failed", "Look.", "all is well")
    channel = settings.secrets / "backup_alert_urls"
    channel.write_text("json://127.0.0.1:9/\n")
    monkeypatch.setattr(alerts, "now", lambda: keeper_state.now() + YEARS)
    Alerts(settings, settings.state).problem("backup", trouble)
    monkeypatch.undo()
    with sink() as taken:
        # The address changed: what waits goes to the new one only when it is told anew.
        channel.write_text(taken.channel)
        Alerts(settings, settings.state).problem("backup", trouble)

    assert taken.titles == ["home: the backup failed"]


def test_an_alert_that_waits_for_a_time_in_the_future_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = service_settings(tmp_path)
    with sink() as taken:
        (settings.secrets / "backup_alert_urls").write_text(taken.channel)
        monkeypatch.setattr(alerts, "now", lambda: keeper_state.now() + YEARS)
        monkeypatch.setattr(alerts, "_send", lambda *_: False)
        told = Alerts(settings, settings.state)
        told.problem("backup", Message("COPY", "the backup failed", "Look.", "all is well"))
        monkeypatch.undo()
        told.send_waiting()

    assert taken.titles == ["home: the backup failed"]


def test_a_loop_whose_clock_is_set_back_goes_on_to_say_that_it_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = service_settings(tmp_path)
    monkeypatch.setattr(scheduler, "HEARTBEAT_SECONDS", 0.1)
    loop, stop = Scheduler(settings, Alerts(settings, settings.state)), threading.Event()
    thread = threading.Thread(target=loop.run, args=(stop,), kwargs={"tick": 0.05})

    def beat() -> datetime | None:
        return SchedulerState.read(State(settings.state).scheduler_file).heartbeat

    thread.start()
    try:
        until(beat)
        monkeypatch.setattr(scheduler, "now", lambda: keeper_state.now() - YEARS)

        until(lambda: (moment := beat()) is not None and moment < now() - DAY)
    finally:
        stop.set()
        thread.join()


def test_a_job_that_stands_still_after_the_clock_was_set_back_does_not_get_on(monkeypatch: pytest.MonkeyPatch) -> None:
    movement, start = Movement(), now()

    def at(moment: datetime) -> bool:
        monkeypatch.setattr(limits, "now", lambda: moment)
        return movement.of("disk", Progress(phase="send", done=1, total=9, since=start, at=moment))

    assert [at(start + YEARS), at(start), at(start + timedelta(hours=4))] == [True, True, False]
