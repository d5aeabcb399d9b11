"""The loop that makes backups, test restores and the reading of the library happen, and says every minute that it is alive.

Every copy has a job of its own, and so its own time: one that takes nine days holds up nobody. A job is a process of its
own, e.g. `keeper backup --copy disk`: one that crashes, hangs or eats all memory takes neither the loop nor the page with
it, and it dies with the loop, whatever ends that.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import IO

from croniter import croniter

from keeper.copies.drives import has_drives
from keeper.errors import Exit
from keeper.releases.asking import time_of_day
from keeper.service.alerts import Alerts
from keeper.service.limits import longest_gap
from keeper.service.night import Night
from keeper.service.outcomes import Outcomes
from keeper.settings import Settings
from keeper.state import LONG_AGO, DrivesState, SchedulerState, State, UpdatesState, now

HEARTBEAT_SECONDS = 60.0
FRESH = timedelta(minutes=5)
"""A heartbeat that is older means that the loop hangs."""
SETTLE = timedelta(minutes=2)
"""After a start of the machine the database needs a while."""
LAST_TRY = timedelta(hours=1)
"""So soon after a failure a restart of the container does not try again."""
LOCKED_RETRY = timedelta(minutes=30)
"""Somebody is at work at that copy by hand: a weekly copy must not wait a week for it."""
SCRUB = "0 1 * * *"
DRIVES = "40 */3 * * *"
UPDATES = "updates"
COMMAND = ("setpriv", "--pdeathsig", "TERM", sys.executable, "-m", "keeper")
"""Should the loop be killed, its jobs are told to end."""
STOP_SECONDS = 60
"""restic has half of it to put its lock away; Docker gives the container two minutes."""
log = logging.getLogger("keeper.scheduler")


@dataclass(frozen=True)
class Job:
    """Something to be done again and again. `copy` is empty where it is not about one, or is chosen when it begins."""

    name: str
    words: tuple[str, ...]
    schedule: str
    copy: str = ""


@dataclass
class Child:
    """A job at work at a copy, or at none; its report comes from `output`."""

    job: Job
    copy: str
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    began: datetime


def jobs_of(settings: Settings) -> list[Job]:
    """Return everything that has a time of its own."""
    jobs = [
        Job(f"backup {copy.name}", ("backup", "--copy", copy.name, "--json"), copy.schedule, copy.name)
        for copy in settings.copies
    ]
    jobs += [Job("drill", ("drill", "--json"), settings.drill_schedule)] if settings.repositories else []
    jobs += [Job("drives", ("drives", "--json"), DRIVES)] if has_drives(settings) else []
    jobs += [Job("import", ("import", "--json"), settings.import_schedule)] if settings.import_schedule else []
    if settings.updates.check == "daily" and settings.updates.images:
        jobs.append(Job(UPDATES, ("updates", "--json"), time_of_day(settings.id)))
    return [*jobs, Job("scrub", ("scrub", "--json"), SCRUB)]


class Scheduler:
    """Starts the jobs when they are due: at a copy one at a time, at different copies side by side."""

    def __init__(self, settings: Settings, alerts: Alerts, *, command: Sequence[str] = COMMAND) -> None:
        self._settings, self._alerts, self._command = settings, alerts, command
        self._state = State(settings.state)
        self._jobs = {job.name: job for job in jobs_of(settings)}
        self._children: dict[str, Child] = {}
        self._due: dict[str, datetime] = {}
        self._night, self._outcomes = Night(settings, alerts), Outcomes(settings, alerts)
        self._started = now()
        self._beat: float | None = None

    def run(self, stop: threading.Event, *, tick: float = 5, settle: timedelta = SETTLE) -> None:
        """Go round until told to stop; `tick` is in seconds."""
        before = SchedulerState.read(self._state.scheduler_file)
        self._due = {job.name: self._first(job, before, settle) for job in self._jobs.values()}
        for name, due in self._due.items():
            log.info("next %s: %s", name, due)
        while not stop.is_set():
            # Each for itself: that one fails, say for a full disk, must not keep the next from being done.
            for step in (self._conclude, self._begin, self._look_at_the_night, self._say_alive):
                _guarded(step)
            stop.wait(tick)
        self._end_children()

    def _first(self, job: Job, before: SchedulerState, settle: timedelta) -> datetime:
        """Return when a job is due first: soon when it was missed while this was off, else at its time."""
        planned, tried, good = before.due.get(job.name), None, None
        if job.copy:
            known = self._state.copy(job.copy)
            tried, good = known.run and known.run.ended, known.last_good
        elif job.name == "drives" and DrivesState.read(self._state.drives_file).looked is None:
            return now() + settle  # a look costs nothing, and a person who just set a drive up waits for it
        elif job.name == "drill":
            tried = max(filter(None, (self._state.copy(name).drilled for name in self._repositories)), default=None)
        gap = longest_gap(job.schedule, self._settings.zone, self._started)
        missed = (planned is not None and planned <= now()) or (good is not None and now() - good > gap)
        missed = missed or (job.name == UPDATES and UpdatesState.read(self._state.updates_file).looked is None)
        if missed and not (tried and now() - tried < LAST_TRY):
            log.info("%s was missed: it comes soon", job.name)
            return now() + settle
        return self._next(job)

    @property
    def _repositories(self) -> list[str]:
        return [copy.name for copy in self._settings.repositories]

    def _next(self, job: Job) -> datetime:
        moment: datetime = croniter(job.schedule, now().astimezone(self._settings.zone)).get_next(datetime)
        return moment

    def _begin(self) -> None:
        """Start what is due, unless it or something else is at work at its copy."""
        for job in self._jobs.values():
            # Never later than its next time: the clock may have been far ahead when that was worked out.
            self._due[job.name] = min(self._due[job.name], self._next(job))
            if job.name in self._children or now() < self._due[job.name]:
                continue
            copy = job.copy or (self._in_turn() if job.name == "drill" else "")
            if copy is None:
                self._due[job.name] = self._next(job)
            elif copy in self._busy() or (job.name == "drill" and not copy):
                continue
            else:
                self._start(job, copy)

    def _busy(self) -> set[str]:
        return {child.copy for child in self._children.values() if child.copy}

    def _in_turn(self) -> str | None:
        """Return the copy whose test restore is longest ago; empty when they are all busy, None when none holds anything."""
        known = {name: self._state.copy(name) for name in self._repositories}
        fit = [name for name, copy in known.items() if any(each.whole for each in copy.snapshots)]
        if not fit:
            return None
        busy = self._busy()
        free = (name for name in fit if name not in busy)
        return min(free, key=lambda name: known[name].drilled or LONG_AGO, default="")

    def _start(self, job: Job, copy: str) -> None:
        log.info("%s begins", job.name)
        words = job.words if job.copy or not copy else (*job.words, "--copy", copy)
        # In memory: a full disk must not swallow what a job tells.
        output = os.fdopen(os.memfd_create(job.name), "w+b")
        process = subprocess.Popen(
            [*self._command, *words], stdout=output, stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._children[job.name] = Child(job, copy, process, output, now())
        self._beat = None
        if job.copy:
            self._night.begins()

    def _conclude(self) -> None:
        for child in list(self._children.values()):
            if child.process.poll() is None:
                continue
            _kill_group(child)
            del self._children[child.job.name]
            self._beat = None
            job, code = child.job, child.process.returncode
            log.info("%s ended with %s", job.name, code)
            # Not before: a run that the machine's end cut off is still due after the next start.
            self._due[job.name] = self._next(job)
            if code == Exit.LOCKED:
                self._due[job.name] = min(self._due[job.name], now() + LOCKED_RETRY)
            with child.output as output:
                output.seek(0)
                text = output.read()
            if job.copy and code != Exit.LOCKED:
                _guarded(lambda name=job.copy, code=code: self._night.ended(name, code))  # type: ignore[misc]
            self._outcomes.tell(job.name.partition(" ")[0], child.copy, code, text)

    def _look_at_the_night(self) -> None:
        unfinished = {
            job.copy
            for job in self._jobs.values()
            if job.copy and (job.name in self._children or self._due[job.name] <= now())
        }
        self._night.look(unfinished)

    def _say_alive(self) -> None:
        # Not by the clock: one that was set back would keep the loop silent until it is where it was.
        if self._beat is not None and monotonic() - self._beat < HEARTBEAT_SECONDS:
            return
        self._beat = monotonic()
        self._alerts.send_waiting()
        running = {name: child.began for name, child in self._children.items()}
        SchedulerState(heartbeat=now(), started=self._started, due=self._due, running=running).write(
            self._state.scheduler_file
        )

    def _end_children(self) -> None:
        """Stop the jobs with the loop. The next run carries on where they were."""
        for child in self._children.values():
            child.process.terminate()
        end = monotonic() + STOP_SECONDS
        for child in self._children.values():
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0, end - monotonic()))
            _kill_group(child)
            child.process.wait()
            child.output.close()


def is_fresh(state: SchedulerState) -> bool:
    """Whether the scheduler came round lately: its health check."""
    return state.heartbeat is not None and now() - state.heartbeat < FRESH


def _kill_group(child: Child) -> None:
    """Leave nothing behind of a job: it is the leader of its own group."""
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)


def _guarded(step: Callable[[], None]) -> None:
    try:
        step()
    except Exception:  # whatever it is, the next step must come
        log.exception("this round failed")
