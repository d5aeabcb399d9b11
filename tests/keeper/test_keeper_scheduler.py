"""The scheduler with jobs that are small scripts instead of backups, and what the watcher outside is told."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keeper.errors import Exit, Problem
from keeper.service import scheduler
from keeper.service.alerts import Alerts
from keeper.service.scheduler import COMMAND, Scheduler, is_fresh
from keeper.settings import Settings
from keeper.state import CopyState, DrillReport, Progress, RunReport, SchedulerState, Snapshot, State, now
from tests.keeper.service import Sink, service_settings, sink
from tests.waiting import PATIENCE, Rounds, until

NEVER = "0 0 29 2 *"
AT_WORK = "time.sleep(3600)"
EVERY_SECOND = "* * * * * *"
HOUR = timedelta(hours=1)


def copy_of(name: str, schedule: str = NEVER, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "disk", "type": "local", "path": f"/{name}", "schedule": schedule, **more}


@pytest.fixture(autouse=True)
def no_scrub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "SCRUB", NEVER)


def settings_of(folder: Path, *copies: dict[str, Any], **changes: Any) -> Settings:
    return service_settings(folder, **{"copies": list(copies) or [copy_of("disk")], "drill_schedule": NEVER, **changes})


def script(folder: Path, text: str) -> tuple[str, ...]:
    """Return a command that notes its arguments in `calls` and then runs `text`; `copy` is the one that it is about."""
    file = folder / "job.py"
    file.write_text(
        "import os, signal, sys, time, pathlib\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "words = sys.argv[1:]\n"
        "copy = words[words.index('--copy') + 1] if '--copy' in words else ''\n"
        f"with open({str(folder / 'calls')!r}, 'a') as f: print(*words, file=f)\n{text}\n"
    )
    return (sys.executable, str(file))


def calls(folder: Path) -> list[str]:
    file = folder / "calls"
    return file.read_text().splitlines() if file.exists() else []


def prints(report: RunReport | DrillReport, code: int = 0) -> str:
    return f"print({report.model_dump_json()!r})\nsys.exit({code})"


@contextmanager
def running(settings: Settings, command: tuple[str, ...]) -> Iterator[Rounds]:
    stop = Rounds()
    loop = Scheduler(settings, Alerts(settings, settings.state), command=command)
    thread = threading.Thread(target=loop.run, args=(stop,), kwargs={"tick": 0.05, "settle": timedelta()})
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def report(copy: str = "disk", end: Exit = Exit.OK, *problems: Problem, ago: timedelta = timedelta()) -> RunReport:
    moment = now() - ago
    return RunReport(copy_name=copy, started=moment, ended=moment, exit=end, problems=list(problems))


def state_of(settings: Settings) -> SchedulerState:
    return SchedulerState.read(State(settings.state).scheduler_file)


def plan(settings: Settings, *jobs: str, ago: timedelta = HOUR) -> None:
    """Have the state say for when jobs were planned before this start."""
    SchedulerState(due=dict.fromkeys(jobs, now() - ago)).write(State(settings.state).scheduler_file)


def write(settings: Settings, name: str = "disk", **values: Any) -> None:
    CopyState(**values).write(State(settings.state).copy_file(name))


def whole(settings: Settings, name: str = "disk", **values: Any) -> None:
    """Have a copy hold a whole snapshot."""
    write(settings, name, snapshots=[Snapshot(id="abc", time=now())], **values)


def is_planned(settings: Settings, job: str) -> bool:
    due = state_of(settings).due.get(job)
    return due is not None and due > now() and job not in state_of(settings).running


def test_each_schedule_is_read_in_the_familys_zone(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("disk", "30 3 * * *"), copy_of("net", "15 22 * * *"))
    with running(settings, script(tmp_path, "")):
        until(lambda: state_of(settings).due)
    due = {job: f"{moment.astimezone(settings.zone):%H:%M}" for job, moment in state_of(settings).due.items()}

    assert (due["backup disk"], due["backup net"]) == ("03:30", "22:15")
    assert set(due) == {"backup disk", "backup net", "drill", "scrub"}


def test_a_job_runs_when_its_time_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "SCRUB", EVERY_SECOND)
    settings = settings_of(tmp_path, copy_of("disk", EVERY_SECOND))
    with running(settings, script(tmp_path, prints(report()))):
        until(lambda: {"backup --copy disk --json", "scrub --json"} <= set(calls(tmp_path)))


def test_a_new_stack_waits_for_its_time(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with running(settings, script(tmp_path, prints(report()))) as rounds:
        until(lambda: state_of(settings).heartbeat)
        rounds.some_more()

    assert calls(tmp_path) == []


def test_what_was_missed_while_the_machine_was_off_comes_soon_and_once(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("disk"), copy_of("net"))
    plan(settings, "backup disk", ago=5 * HOUR)
    with running(settings, script(tmp_path, prints(report()))) as rounds:
        until(lambda: is_planned(settings, "backup disk"))
        rounds.some_more(10)

    assert calls(tmp_path) == ["backup --copy disk --json"]


def test_a_last_good_run_older_than_a_period_is_caught_up_though_the_plan_is_lost(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("disk", "30 3 * * *"), copy_of("net", "30 3 * * 0"))
    for name in ("disk", "net"):
        write(settings, name, last_good=now() - 30 * HOUR)
    with running(settings, script(tmp_path, prints(report()))):
        until(lambda: calls(tmp_path))

    assert calls(tmp_path) == ["backup --copy disk --json"], "the other one is weekly"


def test_a_restart_right_after_a_failure_does_not_try_again(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("disk", "30 3 * * *"))
    write(settings, last_good=now() - 30 * HOUR, run=report("disk", Exit.COPY))
    with running(settings, script(tmp_path, prints(report()))) as rounds:
        until(lambda: state_of(settings).heartbeat)
        rounds.some_more()

    assert calls(tmp_path) == []


def test_a_run_that_the_machines_end_cut_off_is_still_planned(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    plan(settings, "backup disk", ago=timedelta(minutes=1))
    with running(settings, script(tmp_path, AT_WORK)) as rounds:
        until(lambda: calls(tmp_path))
        rounds.some_more()

    assert state_of(settings).due["backup disk"] < now()


def test_a_plan_of_a_clock_that_was_years_ahead_is_made_anew(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("disk", EVERY_SECOND))
    loop = Scheduler(settings, Alerts(settings, settings.state), command=script(tmp_path, prints(report())))
    loop._due = dict.fromkeys(loop._jobs, now() + timedelta(days=3650))
    loop._begin()

    assert loop._due["backup disk"] < now() + 2 * HOUR


def test_a_slow_copy_holds_up_nobody_and_never_runs_twice(tmp_path: Path) -> None:
    """Case 38: nine days of a first upload, while the other copy is made again and again."""
    settings = settings_of(tmp_path, copy_of("slow", EVERY_SECOND), copy_of("disk", EVERY_SECOND))
    text = f"if copy == 'slow': {AT_WORK}\n{prints(report())}"
    with running(settings, script(tmp_path, text)):
        until(lambda: calls(tmp_path).count("backup --copy disk --json") >= 3)

    assert calls(tmp_path).count("backup --copy slow --json") == 1
    assert state_of(settings).running.keys() >= {"backup slow"}


def test_a_test_restore_waits_until_there_is_something_to_restore(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    plan(settings, "drill")
    with running(settings, script(tmp_path, "")) as rounds:
        until(lambda: state_of(settings).heartbeat)
        rounds.some_more()
    before = calls(tmp_path)
    whole(settings)
    plan(settings, "drill")
    with running(settings, script(tmp_path, "")):
        until(lambda: calls(tmp_path))

    assert before == []
    assert calls(tmp_path) == ["drill --json --copy disk"]


def test_the_test_restore_takes_the_copy_whose_turn_it_is_and_that_nobody_works_at(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("a"), copy_of("b"), copy_of("c"), copy_of("d"))
    ends = {"a": now() - 9 * HOUR, "b": now() - 5 * HOUR, "c": now() - 2 * HOUR}
    for name, ended in ends.items():
        whole(settings, name, drill=DrillReport(copy_name=name, started=ended, ended=ended, passed=True))
    write(settings, "d", snapshots=[Snapshot(id="abc", time=now(), whole=False)])
    plan(settings, "drill", "backup a")
    with running(settings, script(tmp_path, AT_WORK)):
        until(lambda: len(calls(tmp_path)) == 2)

    assert set(calls(tmp_path)) == {"backup --copy a --json", "drill --json --copy b"}


def test_two_jobs_of_one_copy_never_run_at_once(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    whole(settings)
    plan(settings, "drill", "backup disk")
    text = "busy = folder / 'busy'\nif busy.exists(): (folder / 'clash').touch()\nbusy.touch(); time.sleep(0.5); busy.unlink()"
    with running(settings, script(tmp_path, text)):
        until(lambda: len(calls(tmp_path)) == 2 and not (tmp_path / "busy").exists())

    assert sorted(calls(tmp_path)) == ["backup --copy disk --json", "drill --json --copy disk"]
    assert not (tmp_path / "clash").exists()


def test_what_somebody_holds_by_hand_is_tried_again_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A weekly copy must not wait another week for it, and nobody is alarmed."""
    monkeypatch.setattr(scheduler, "LOCKED_RETRY", timedelta(seconds=0.2))
    settings = settings_of(tmp_path)
    plan(settings, "backup disk")
    text = f"if len(open(folder / 'calls').readlines()) < 3: sys.exit({int(Exit.LOCKED)})\n{prints(report())}"
    with watcher(settings) as taken, running(settings, script(tmp_path, text)):
        until(lambda: len(calls(tmp_path)) == 3 and is_planned(settings, "backup disk") and len(pings(taken)) > 1)

    assert pings(taken) == ["/ping/start", "/ping"]
    assert taken.titles == []


def test_the_heartbeat_goes_on_while_a_job_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "HEARTBEAT_SECONDS", 0.1)
    settings = settings_of(tmp_path)
    plan(settings, "backup disk")
    with running(settings, script(tmp_path, AT_WORK)):
        until(lambda: calls(tmp_path))
        first = state_of(settings).heartbeat or now()
        until(lambda: (state_of(settings).heartbeat or first) > first)
        at_work = state_of(settings).running

    assert calls(tmp_path) == ["backup --copy disk --json"], "still the same job"
    assert at_work["backup disk"] <= now()


def test_the_end_of_the_loop_ends_the_jobs(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("disk"), copy_of("net"))
    plan(settings, "backup disk", "backup net")
    text = "signal.signal(15, lambda *_: ((folder / f'ended-{copy}').touch(), sys.exit()))\n(folder / f'ready-{copy}').touch()\n"
    with running(settings, script(tmp_path, text + AT_WORK)):
        until(lambda: len(list(tmp_path.glob("ready-*"))) == 2)

    assert {file.name for file in tmp_path.glob("ended-*")} == {"ended-disk", "ended-net"}


STUBBORN = (
    "signal.signal(15, signal.SIG_IGN)\n"
    "child = os.fork()\n"
    "(folder / ('pid-of-child' if child == 0 else 'pid-of-parent')).write_text(str(os.getpid()))\n"
)


def pids(folder: Path) -> list[int]:
    files = list(folder.glob("pid-of-*"))
    return [int(text) for file in files if (text := file.read_text())]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_a_job_that_ignores_its_end_is_killed_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "STOP_SECONDS", 0.5)
    settings = settings_of(tmp_path)
    plan(settings, "backup disk")
    with running(settings, script(tmp_path, STUBBORN + AT_WORK)):
        until(lambda: len(pids(tmp_path)) == 2)
        both = pids(tmp_path)

    until(lambda: not any(is_alive(pid) for pid in both))


def test_what_a_job_leaves_behind_when_it_ends_is_killed(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    plan(settings, "backup disk")
    with running(settings, script(tmp_path, f"{STUBBORN}if child == 0: {AT_WORK}\n{prints(report())}")):
        until(lambda: is_planned(settings, "backup disk"))
        until(lambda: not any(is_alive(pid) for pid in pids(tmp_path)))

    assert len(pids(tmp_path)) == 2


def test_the_jobs_of_a_loop_that_is_killed_are_told_to_end(tmp_path: Path) -> None:
    """Case 41: nothing works on beside the next run."""
    settings = settings_of(tmp_path)
    plan(settings, "backup disk")
    (tmp_path / "settings.json").write_text(settings.model_dump_json())
    job = script(tmp_path, f"(folder / 'pid-of-job').write_text(str(os.getpid()))\n{AT_WORK}")
    program = (
        "import sys, threading, datetime\n"
        "from keeper.service.alerts import Alerts\nfrom keeper.service.scheduler import COMMAND, Scheduler\n"
        "from keeper.settings import load\nfrom pathlib import Path\n"
        "settings = load(Path(sys.argv[1]))\n"
        "loop = Scheduler(settings, Alerts(settings, settings.state), command=[*COMMAND[:3], *sys.argv[2:]])\n"
        "loop.run(threading.Event(), tick=0.05, settle=datetime.timedelta())\n"
    )
    loop = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "settings.json"), *job])
    try:
        until(lambda: pids(tmp_path))
    finally:
        loop.send_signal(signal.SIGKILL)
        loop.wait(PATIENCE)

    assert COMMAND[0] == "setpriv"
    until(lambda: not any(is_alive(pid) for pid in pids(tmp_path)))


@contextmanager
def watcher(settings: Settings) -> Iterator[Sink]:
    """Take alerts and pings."""
    with sink() as taken:
        (settings.secrets / "backup_alert_urls").write_text(taken.channel)
        (settings.secrets / "backup_ping_url").write_text(f"http://127.0.0.1:{taken.port}/ping")
        yield taken


def pings(taken: Sink) -> list[str]:
    return [path for path, body in taken.got if body is None]


def ends(**codes: int) -> str:
    """Return a job that ends with a code per copy."""
    return (
        f"code = {codes!r}[copy]\n"
        'print(\'{"copy_name": "%s", "started": "2026-11-22T03:00:00Z", "exit": %d, "problems": '
        '[{"code": "cause.full", "values": {"said": "507"}}]}\' % (copy, code))\nsys.exit(code)'
    )


def night(settings: Settings, folder: Path, text: str, *copies: str, more: int = 3) -> None:
    """Have these copies be due, and go on until all of them have ended."""
    plan(settings, *(f"backup {copy}" for copy in copies))
    with running(settings, script(folder, text)) as rounds:
        until(lambda: all(is_planned(settings, f"backup {copy}") for copy in copies))
        rounds.some_more(more)


def test_a_failure_is_told_pinged_and_over_when_a_run_is_good(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with watcher(settings) as taken:
        night(settings, tmp_path, ends(disk=5), "disk")
        night(settings, tmp_path, ends(disk=0), "disk")

    assert pings(taken) == ["/ping/start", "/ping/5", "/ping/start", "/ping"]
    assert taken.titles == [
        "home: “disk” could not be brought up to date",
        "home: All is well again: the backup to “disk” worked",
    ]
    assert "no space is left there" in taken.bodies


def test_a_night_begins_once_and_is_good_when_all_its_copies_are(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("a"), copy_of("b"), copy_of("c"))
    with watcher(settings) as taken:
        night(settings, tmp_path, ends(a=0, b=0), "a", "b")

    assert pings(taken) == ["/ping/start", "/ping"], "the third copy is not due and never was"


def test_one_copy_that_failed_spoils_the_night_whoever_ends_last(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("a"), copy_of("b"))
    slow = f"time.sleep(0.7 if copy == 'a' else 0)\n{ends(a=0, b=6)}"
    with watcher(settings) as taken:
        night(settings, tmp_path, slow, "a", "b")

    assert pings(taken) == ["/ping/start", "/ping/6"], "told at once, and no success after it"


def test_a_copy_that_failed_earlier_in_the_week_keeps_later_nights_from_being_called_good(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("daily"), copy_of("weekly"))
    write(settings, "weekly", run=report("weekly", Exit.COPY, ago=30 * HOUR))
    with watcher(settings) as taken:
        night(settings, tmp_path, ends(daily=0), "daily")
        spoiled = pings(taken)
        # By hand it worked meanwhile.
        write(settings, "weekly", run=report("weekly"))
        night(settings, tmp_path, ends(daily=0), "daily")

    assert spoiled == ["/ping/start"]
    assert pings(taken)[1:] == ["/ping/start", "/ping"]


def test_a_failure_whose_report_found_no_room_is_not_forgotten(tmp_path: Path) -> None:
    """The state says what was before: the loop knows better."""
    settings = settings_of(tmp_path, copy_of("a"), copy_of("b", EVERY_SECOND))
    write(settings, "a", run=report("a", ago=HOUR))
    plan(settings, "backup a")
    with watcher(settings) as taken, running(settings, script(tmp_path, ends(a=5, b=0))):
        until(lambda: calls(tmp_path).count("backup --copy b --json") >= 3)

    assert "/ping/5" in pings(taken)
    assert "/ping" not in pings(taken)[pings(taken).index("/ping/5") :]


@pytest.mark.parametrize("moves", [True, False], ids=["gets on", "stands still"])
def test_a_first_upload_holds_up_the_good_word_only_while_it_stands_still(tmp_path: Path, *, moves: bool) -> None:
    settings = settings_of(tmp_path, copy_of("disk"), copy_of("slow"))
    told = now() - timedelta(hours=0 if moves else 4)
    State(settings.state).copy_folder("slow")
    State(settings.state).tell_progress("slow", Progress(phase="send_first", done=1, total=9, since=told, at=told))
    plan(settings, "backup disk", "backup slow")
    text = f"if copy == 'slow': {AT_WORK}\n{ends(disk=0)}"
    with watcher(settings) as taken, running(settings, script(tmp_path, text)) as rounds:
        until(lambda: is_planned(settings, "backup disk"))
        rounds.some_more()
        heard = pings(taken)

    assert heard == (["/ping/start", "/ping"] if moves else ["/ping/start"])


def test_a_first_upload_alone_is_never_a_good_night(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, copy_of("slow"))
    State(settings.state).copy_folder("slow")
    State(settings.state).tell_progress("slow", Progress(phase="send_first", done=1, total=9, since=now(), at=now()))
    plan(settings, "backup slow")
    with watcher(settings) as taken, running(settings, script(tmp_path, AT_WORK)) as rounds:
        until(lambda: calls(tmp_path))
        rounds.some_more()

    assert pings(taken) == ["/ping/start"]


@pytest.mark.parametrize("text", ["os.kill(os.getpid(), 9)", "sys.exit(1)"], ids=["killed", "no report"])
def test_a_job_without_a_report_is_told_and_pinged_and_ends_nothing(tmp_path: Path, text: str) -> None:
    settings = settings_of(tmp_path, copy_of("disk", EVERY_SECOND))
    with watcher(settings) as taken, running(settings, script(tmp_path, text)):
        until(lambda: len(calls(tmp_path)) >= 2)

    assert pings(taken)[:2] == ["/ping/start", "/ping/1"]
    assert taken.titles == ["home: The backup to “disk” failed"]


def test_alerts_that_nobody_takes_change_nothing(tmp_path: Path) -> None:
    """F47: the schedule goes on, the alert waits."""
    settings = settings_of(tmp_path, copy_of("disk", EVERY_SECOND))
    (settings.secrets / "backup_alert_urls").write_text("json://127.0.0.1:1/")
    with running(settings, script(tmp_path, ends(disk=5))):
        until(lambda: len(calls(tmp_path)) >= 2)

    waiting = [file.read_text() for file in (settings.state / "alerts").glob("*.json")]
    assert len(waiting) == 1
    assert "“disk” could not be brought up to date" in waiting[0]


def test_a_full_disk_stops_neither_the_jobs_nor_their_alerts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 47, and what a job prints needs no room either."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    settings = settings_of(tmp_path, copy_of("disk", EVERY_SECOND))
    for place in ("keeper.service.alerts.write_whole", "keeper.state.write_whole", "tempfile.TemporaryFile"):
        monkeypatch.setattr(place, full)
    with watcher(settings) as taken, running(settings, script(tmp_path, ends(disk=5))):
        until(lambda: len(calls(tmp_path)) >= 3)

    assert taken.titles == ["home: “disk” could not be brought up to date"]


def test_only_a_fresh_heartbeat_is_healthy() -> None:
    assert not is_fresh(SchedulerState())
    assert is_fresh(SchedulerState(heartbeat=now() - timedelta(minutes=4)))
    assert not is_fresh(SchedulerState(heartbeat=now() - timedelta(minutes=6)))
