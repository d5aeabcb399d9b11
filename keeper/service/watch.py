"""The dead-man switch: a container of its own that reads the keeper's status and raises the alarm when it goes silent.

It writes nothing but its own small folder. That the whole machine is off it cannot see: that is what the ping of
`photos:backup_ping_url` is for.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from keeper import messages
from keeper.alerts import Alerts
from keeper.report import Status, now, read_status, write_whole
from keeper.settings import Settings
from keeper.texts import clock, say

HEARTBEAT, SINCE = "heartbeat", "since"
STATE = Path("/var/lib/watch")
log = logging.getLogger("keeper.watch")


@dataclass(frozen=True)
class Limits:
    """How old things may be."""

    good: timedelta = timedelta(hours=26)
    verify: timedelta = timedelta(days=8)
    drill: timedelta = timedelta(days=15)
    heartbeat: timedelta = timedelta(hours=1)
    gate: timedelta = timedelta(hours=6)
    """The keeper itself tells at once; this is the reminder at breakfast."""


class Watch:
    """Looks at the status again and again."""

    def __init__(self, settings: Settings, state: Path, alerts: Alerts, limits: Limits | None = None) -> None:
        self._settings, self._state, self._alerts = settings, state, alerts
        self._limits = limits or Limits()
        self._waiting_since: datetime | None = None

    def run(self, stop: threading.Event, every: float = 60) -> None:
        """Look every `every` seconds until told to stop."""
        log.info("watching %s", self._settings.stack)
        while not stop.is_set():
            try:
                self.look()
            except Exception:  # the switch must not die of one bad round
                log.exception("this round failed")
            stop.wait(every)

    def look(self) -> None:
        """Look once: raise what is overdue, tell what is well again, send what waits."""
        status = read_status(self._settings.state)
        for topic, (overdue, since) in self._verdicts(status).items():
            if overdue:
                told = clock(since, self._settings.zone) if since else say(self._settings.language, "never")
                message = messages.of_watch(self._settings.language, topic, since=told, run=status.waiting)
                self._alerts.problem(topic, message)
            elif topic != "gate" or not status.waiting:
                self._alerts.all_well(topic)
        self._alerts.send_waiting()
        (self._state / HEARTBEAT).touch()

    def _verdicts(self, status: Status) -> dict[str, tuple[bool, datetime | None]]:
        """Return topic → whether it is overdue, and when it last was well."""
        drills = [remote.last_drill for remote in status.remotes.values() if remote.last_drill]
        passed = [drill.ended for drill in drills if drill.passed]
        known = {
            "heartbeat": (status.heartbeat, self._limits.heartbeat),
            "good": (status.last_good, self._limits.good),
            "verify": (status.last_verify, self._limits.verify),
            "drill": (max(passed, default=None), self._limits.drill),
        }
        # A new stack is given its time; a stack whose watch is new has had it.
        verdicts = {
            topic: (now() - (since or self._first_look()) > limit, since) for topic, (since, limit) in known.items()
        }
        self._waiting_since = (self._waiting_since or now()) if status.waiting else None
        waits = self._waiting_since
        return verdicts | {"gate": (waits is not None and now() - waits > self._limits.gate, waits)}

    def _first_look(self) -> datetime:
        file = self._state / SINCE
        if not file.exists():
            write_whole(file, now().isoformat().encode())
        return datetime.fromisoformat(file.read_text("utf-8"))
