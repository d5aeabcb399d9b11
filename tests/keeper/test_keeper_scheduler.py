"""The scheduler with jobs that are small scripts instead of backups."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keeper import scheduler
from keeper.alerts import Alerts
from keeper.errors import Code
from keeper.report import DrillReport, RemoteReport, RemoteStatus, RunReport, Status, change_status, now, read_status
from keeper.scheduler import Scheduler
from keeper.settings import Settings
from tests.keeper.service import service_settings, sink
from tests.waiting import PATIENCE, Rounds, until

NEVER = "0 0 29 2 *"
AT_WORK = "time.sleep(3600)"
EVERY_SECOND = "* * * * * *"


def settings_of(folder: Path, **changes: object) -> Settings:
    return service_settings(folder, **{"schedule": NEVER, "drill_schedule": NEVER, **changes})


def script(folder: Path, text: str) -> tuple[str, ...]:
    """Return a command that notes its arguments in `calls` and then runs `text`."""
    file = folder / "job.py"
    file.write_text(
        f"import sys, time, pathlib\nwith open({str(folder / 'calls')!r}, 'a') as f: print(*sys.argv[1:], file=f)\n{text}\n"
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


def report(code: Code = Code.OK, **more: object) -> RunReport:
    moment = now()
    return RunReport.model_validate(
        {"run": "20261122T030000Z-abcdef", "started": moment, "ended": moment, "code": code, **more}
    )


def set_status(settings: Settings, change: Callable[[Status], None]) -> None:
    change_status(settings.state, change)


def plan(settings: Settings, run: datetime | None = None, drill: datetime | None = None) -> None:
    """Have the status say for when a job was planned before this start."""

    def change(status: Status) -> None:
        status.next_run, status.next_drill = run, drill

    set_status(settings, change)


def test_the_schedule_is_read_in_the_familys_zone(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, schedule="30 3 * * *", timezone="Asia/Shanghai")
    with running(settings, script(tmp_path, "")):
        until(lambda: read_status(settings.state).next_run)
    moment = read_status(settings.state).next_run
    assert moment

    assert moment.astimezone(settings.zone).strftime("%H:%M") == "03:30"
    assert now() < moment < now() + timedelta(days=1)


def test_a_job_runs_when_its_time_comes(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, schedule=EVERY_SECOND)
    with running(settings, script(tmp_path, prints(report()))):
        until(lambda: len(calls(tmp_path)) >= 2)

    assert set(calls(tmp_path)) == {"backup --json"}


def test_a_new_stack_waits_for_its_time(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with running(settings, script(tmp_path, prints(report()))) as rounds:
        until(lambda: read_status(settings.state).heartbeat)
        rounds.some_more()

    assert calls(tmp_path) == []


def test_a_run_that_was_missed_while_the_machine_was_off_comes_soon_and_once(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    plan(settings, run=now() - timedelta(hours=5))
    with running(settings, script(tmp_path, prints(report()))) as rounds:
        until(lambda: (read_status(settings.state).next_run or now()) > now())
        rounds.some_more(10)

    assert calls(tmp_path) == ["backup --json"]
    planned = read_status(settings.state).next_run
    assert planned
    assert planned > now()


def test_a_last_good_run_older_than_a_period_is_caught_up(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, schedule="30 3 * * *")

    def change(status: Status) -> None:
        status.last_good, status.next_run = now() - timedelta(hours=30), now() + timedelta(hours=1)

    set_status(settings, change)
    with running(settings, script(tmp_path, prints(report()))):
        until(lambda: calls(tmp_path))


def test_a_restart_right_after_a_failure_does_not_try_again(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, schedule="30 3 * * *")

    def change(status: Status) -> None:
        status.last_good, status.last_run = now() - timedelta(hours=30), report(Code.REMOTE)

    set_status(settings, change)
    with running(settings, script(tmp_path, prints(report()))) as rounds:
        until(lambda: read_status(settings.state).heartbeat)
        rounds.some_more()

    assert calls(tmp_path) == []


def test_a_run_that_the_machines_end_cut_off_is_still_planned(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    plan(settings, run=now() - timedelta(minutes=1))
    with running(settings, script(tmp_path, AT_WORK)) as rounds:
        until(lambda: calls(tmp_path))
        rounds.some_more()
    planned = read_status(settings.state).next_run
    assert planned

    assert planned < now()


def test_a_test_restore_waits_until_there_is_something_to_restore(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    plan(settings, drill=now() - timedelta(hours=1))
    with running(settings, script(tmp_path, "")) as rounds:
        until(lambda: read_status(settings.state).heartbeat)
        rounds.some_more()
    before = calls(tmp_path)

    def change(status: Status) -> None:
        status.remotes = {"disk": RemoteStatus(newest_run="20261122T030000Z-abcdef")}
        status.next_drill = now() - timedelta(hours=1)

    set_status(settings, change)
    with running(settings, script(tmp_path, "")):
        until(lambda: calls(tmp_path))

    assert before == []
    assert calls(tmp_path) == ["drill --json"]


def test_two_jobs_never_run_at_once(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)

    def change(status: Status) -> None:
        status.remotes = {"disk": RemoteStatus(newest_run="20261122T030000Z-abcdef")}
        status.next_run = status.next_drill = now() - timedelta(hours=1)

    set_status(settings, change)
    busy = tmp_path / "busy"
    text = f"p = pathlib.Path({str(busy)!r})\nif p.exists(): p.with_name('clash').touch()\np.touch(); time.sleep(0.5); p.unlink()"
    with running(settings, script(tmp_path, text)):
        until(lambda: len(calls(tmp_path)) == 2 and not busy.exists())

    assert calls(tmp_path) == ["backup --json", "drill --json"]
    assert not (tmp_path / "clash").exists()


def test_the_heartbeat_goes_on_while_a_job_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "HEARTBEAT", timedelta(milliseconds=100))
    settings = settings_of(tmp_path)
    plan(settings, run=now() - timedelta(hours=1))
    with running(settings, script(tmp_path, AT_WORK)):
        until(lambda: calls(tmp_path))
        first = read_status(settings.state).heartbeat or now()
        until(lambda: (read_status(settings.state).heartbeat or first) > first)

    assert calls(tmp_path) == ["backup --json"], "still the same job"


def test_the_end_of_the_loop_ends_the_job(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    plan(settings, run=now() - timedelta(hours=1))
    ready, ended = tmp_path / "ready", tmp_path / "ended"
    text = f"import signal\nsignal.signal(15, lambda *_: (pathlib.Path({str(ended)!r}).touch(), sys.exit()))\n"
    with running(settings, script(tmp_path, f"{text}pathlib.Path({str(ready)!r}).touch()\n{AT_WORK}")):
        until(ready.exists)

    assert ended.exists()


def test_a_failure_is_told_pinged_and_over_when_a_run_is_good(tmp_path: Path) -> None:
    remotes = {"netdrive": RemoteReport(code=Code.REMOTE, problem="full")}
    bad = report(Code.REMOTE, remotes=remotes, problems=["netdrive: full: no space is left there"])
    with sink() as taken:
        settings = settings_of(tmp_path)
        (settings.secrets / "backup_alert_urls").write_text(taken.channel)
        (settings.secrets / "backup_ping_url").write_text(f"http://127.0.0.1:{taken.port}/ping")
        for job in (prints(bad, 5), prints(report())):
            plan(settings, run=now() - timedelta(hours=1))
            with running(settings, script(tmp_path, job)):
                until(lambda: (read_status(settings.state).next_run or now()) > now())

    assert [path for path, body in taken.got if body is None] == ["/ping/start", "/ping/5", "/ping/start", "/ping"]
    assert taken.titles == [
        "home: Not every copy could be brought up to date (netdrive)",
        "home: All is well again: the backup worked",
    ]
    assert "- netdrive: full: no space is left there" in taken.bodies


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sys.exit(1)", ["home: The backup failed"]),
        ("print('{'); sys.exit(0)", ["home: The backup failed"]),
        ("import os; os.kill(os.getpid(), 9)", ["home: The backup failed"]),
        ('print(\'{"code": 3, "problem": "locked"}\'); sys.exit(3)', []),
    ],
    ids=["no report", "half a report", "killed", "locked by a run by hand"],
)
def test_a_job_without_a_report_is_told_and_ends_nothing(tmp_path: Path, text: str, told: list[str]) -> None:
    with sink() as taken:
        settings = settings_of(tmp_path, schedule=EVERY_SECOND)
        (settings.secrets / "backup_alert_urls").write_text(taken.channel)
        with running(settings, script(tmp_path, text)):
            until(lambda: len(calls(tmp_path)) >= 2)

    assert taken.titles == told


def test_alerts_that_nobody_takes_change_nothing(tmp_path: Path) -> None:
    """F47: the result of the run is the same, the schedule goes on, the alert waits."""
    settings = settings_of(tmp_path, schedule=EVERY_SECOND)
    (settings.secrets / "backup_alert_urls").write_text("json://127.0.0.1:1/")
    with running(settings, script(tmp_path, prints(report(Code.DUMP), 7))):
        until(lambda: len(calls(tmp_path)) >= 2)

    waiting = [json.loads(file.read_text()) for file in (settings.state / "alerts").glob("*.json")]
    assert [alert["title"] for alert in waiting] == ["home: The album's database could not be saved"]


@pytest.mark.parametrize("passed", [True, False])
def test_a_test_restore_is_told_only_when_it_failed(tmp_path: Path, *, passed: bool) -> None:
    moment = now()
    drill = DrillReport(
        run="r", remote="disk", started=moment, ended=moment, passed=passed, reason="2 rows are missing"
    )
    with sink() as taken:
        settings = settings_of(tmp_path)
        (settings.secrets / "backup_alert_urls").write_text(taken.channel)

        def change(status: Status) -> None:
            status.remotes = {"disk": RemoteStatus(newest_run="r")}
            status.next_drill = moment - timedelta(hours=1)

        set_status(settings, change)
        with running(settings, script(tmp_path, prints(drill, int(not passed)))):
            until(lambda: (read_status(settings.state).next_drill or now()) > now())

    assert taken.titles == ([] if passed else ["home: The test restore from “disk” failed"])
    assert passed or "2 rows are missing" in taken.bodies


def test_findings_reach_the_status(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, findings=["only one copy"])
    with running(settings, script(tmp_path, "")):
        until(lambda: read_status(settings.state).heartbeat)

    assert read_status(settings.state).findings == ["only one copy"]


def test_only_a_fresh_heartbeat_is_healthy() -> None:
    assert not scheduler.is_fresh(Status())
    assert scheduler.is_fresh(Status(heartbeat=now() - timedelta(minutes=4)))
    assert not scheduler.is_fresh(Status(heartbeat=now() - timedelta(minutes=6)))
