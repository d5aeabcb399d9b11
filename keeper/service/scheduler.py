"""The loop that makes backups and test restores happen, and says every minute that it is alive.

A job is a process of its own, `keeper backup` or `keeper drill`: one that crashes, hangs or eats all memory takes
neither the loop nor the page with it.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Literal

from croniter import croniter
from pydantic import ValidationError

from keeper import messages
from keeper.alerts import Alerts
from keeper.errors import Code
from keeper.report import DrillReport, RunReport, Status, change_status, now, read_status
from keeper.settings import Settings

HEARTBEAT = timedelta(minutes=1)
FRESH = timedelta(minutes=5)
"""A heartbeat that is older means that the loop hangs."""
SETTLE = timedelta(minutes=2)
"""After a start of the machine the database needs a while."""
LAST_TRY = timedelta(hours=1)
"""So soon after a failure a restart of the container does not try again."""
COMMAND = (sys.executable, "-m", "keeper")
STOP_SECONDS = 20

Name = Literal["backup", "drill"]
log = logging.getLogger("keeper.scheduler")


@dataclass
class Child:
    """A job at work; its report comes from `output`."""

    name: Name
    process: subprocess.Popen[bytes]
    output: IO[bytes]


class Scheduler:
    """Starts the jobs when they are due, one at a time."""

    def __init__(self, settings: Settings, alerts: Alerts, *, command: Sequence[str] = COMMAND) -> None:
        self._settings, self._alerts, self._command = settings, alerts, command
        self._child: Child | None = None
        self._due: dict[Name, datetime] = {}
        self._beat: datetime | None = None

    def run(self, stop: threading.Event, *, tick: float = 5, settle: timedelta = SETTLE) -> None:
        """Go round until told to stop; `tick` is in seconds."""
        status = read_status(self._settings.state)
        self._due = {name: self._first(name, status, settle) for name in ("backup", "drill")}
        for name, due in self._due.items():
            log.info("next %s: %s", name, due)
        while not stop.is_set():
            try:
                self._round()
            except Exception:  # whatever it is, the next round must come
                log.exception("this round failed")
            stop.wait(tick)
        self._end_child()

    def _round(self) -> None:
        if self._child and self._child.process.poll() is not None:
            child, self._child = self._child, None
            self._beat = None
            self._conclude(child)
        if self._child is None:
            self._start_what_is_due()
        if self._beat is None or now() - self._beat >= HEARTBEAT:
            self._beat = now()
            change_status(self._settings.state, self._note)
            self._alerts.send_waiting()

    def _first(self, name: Name, status: Status, settle: timedelta) -> datetime:
        """Return when a job is due first: soon when it was missed while this was off, else at its time."""
        planned, tried, good = (
            (status.next_run, status.last_run and status.last_run.started, status.last_good)
            if name == "backup"
            else (status.next_drill, status.last_drill and status.last_drill.started, None)
        )
        following = self._next(name)
        period = self._next(name, following) - following
        missed = (planned is not None and planned <= now()) or (good is not None and now() - good > period)
        if missed and not (tried and now() - tried < LAST_TRY):
            log.info("the %s was missed: it comes soon", name)
            return now() + settle
        return following

    def _next(self, name: Name, after: datetime | None = None) -> datetime:
        schedule = self._settings.schedule if name == "backup" else self._settings.drill_schedule
        moment: datetime = croniter(schedule, (after or now()).astimezone(self._settings.zone)).get_next(datetime)
        return moment

    def _start_what_is_due(self) -> None:
        for name, due in self._due.items():
            if now() < due:
                continue
            if name == "drill" and not self._has_a_run():
                self._due[name] = self._next(name)
                continue
            log.info("%s begins", name)
            if name == "backup":
                self._alerts.ping("start")
            output = tempfile.TemporaryFile()  # noqa: SIM115 - `_conclude` closes it
            command = [*self._command, name, "--json"]
            self._child = Child(name, subprocess.Popen(command, stdout=output, stdin=subprocess.DEVNULL), output)
            self._beat = None
            return

    def _has_a_run(self) -> bool:
        return any(remote.newest_run for remote in read_status(self._settings.state).remotes.values())

    def _conclude(self, child: Child) -> None:
        # Not before: a run that the machine's end cut off is still due after the next start.
        self._due[child.name] = self._next(child.name)
        code = child.process.returncode
        log.info("%s ended with %s", child.name, code)
        with child.output as output:
            output.seek(0)
            text = output.read()
        if child.name == "backup":
            self._tell_backup(text, code)
        else:
            self._tell_drill(text, code)

    def _tell_backup(self, text: bytes, code: int) -> None:
        language = self._settings.language
        self._alerts.ping(str(code) if code > 0 else "" if code == 0 else str(Code.FAILED))
        try:
            report = RunReport.model_validate_json(text)
        except ValidationError:
            if code != Code.LOCKED:  # a run that someone started by hand is at it
                self._alerts.problem("backup", messages.of_crash(language, code))
            return
        if report.code == Code.OK:
            self._alerts.all_well("backup")
        else:
            self._alerts.problem("backup", messages.of_run(language, report))

    def _tell_drill(self, text: bytes, code: int) -> None:
        language = self._settings.language
        try:
            report = DrillReport.model_validate_json(text)
        except ValidationError:
            if code != Code.LOCKED:
                self._alerts.problem("drill", messages.of_drill_crash(language, code))
            return
        if report.passed:
            self._alerts.all_well(f"drill {report.remote}")
            self._alerts.all_well("drill")
        else:
            self._alerts.problem(f"drill {report.remote}", messages.of_drill(language, report))

    def _note(self, status: Status) -> None:
        status.heartbeat = now()
        status.next_run, status.next_drill = self._due["backup"], self._due["drill"]
        status.findings = list(self._settings.findings)

    def _end_child(self) -> None:
        """Stop a job with the loop. The next run carries on where this one was."""
        if self._child and self._child.process.poll() is None:
            self._child.process.terminate()
            try:
                self._child.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._child.process.kill()
        if self._child:
            self._child.output.close()


def is_fresh(status: Status) -> bool:
    """Whether the scheduler came round lately: its health check."""
    return status.heartbeat is not None and now() - status.heartbeat < FRESH
