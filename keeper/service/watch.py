"""The dead-man switch: a container of its own that reads the keeper's state and raises the alarm when it goes silent.

It writes nothing but its own small folder, and needs no room even there. That the whole machine is off it cannot see: that
is what the ping of `photos:backup_ping_url` is for.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import Field

from keeper.service import limits
from keeper.service.alerts import Alerts
from keeper.service.limits import Movement
from keeper.service.messages import message
from keeper.service.waiting import waiting_alarms
from keeper.settings import CopySettings, Settings
from keeper.state import CopyState, NamedDates, SchedulerState, State, Stored, is_ahead, now
from keeper.texts import clock, say

HEARTBEAT = "heartbeat"
STATE = Path("/var/lib/watch")
log = logging.getLogger("keeper.watch")


class Seen(Stored):
    """When the watch first saw a copy, an alarm, or the stack itself: a new one is given its time."""

    first: NamedDates = Field({})


@dataclass(frozen=True)
class Verdict:
    """Whether something is overdue. `key` names its texts, `since` is when it last was well."""

    topic: str
    key: str
    overdue: bool
    since: datetime | None
    values: dict[str, str] = field(default_factory=dict)


class Watch:
    """Looks at the state again and again."""

    def __init__(self, settings: Settings, folder: Path, alerts: Alerts) -> None:
        self._settings, self._folder, self._alerts = settings, folder, alerts
        self._state = State(settings.state)
        self._seen_file = folder / "seen.json"
        self._first = Seen.read(self._seen_file).first
        self._movement = Movement()

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
        language = self._settings.language
        known = {copy.name: self._state.copy(copy.name) for copy in self._settings.copies}
        waiting = [alarm.id for alarm in waiting_alarms(self._settings.state, known.values())]
        for verdict in self._verdicts(known, waiting):
            if verdict.overdue:
                since = clock(verdict.since, self._settings.zone) if verdict.since else say(language, "watch.never")
                told = message(language, verdict.key, since=since, **verdict.values)
                self._alerts.problem(verdict.topic, told)
            else:
                self._alerts.all_well(verdict.topic)
        self._answered(set(waiting))
        self._alerts.send_waiting()
        self._remember()

    def _verdicts(self, known: dict[str, CopyState], waiting: list[str]) -> Iterator[Verdict]:
        settings = self._settings
        beat = SchedulerState.read(self._state.scheduler_file).heartbeat
        yield self._verdict("heartbeat", "alert.watch.heartbeat", beat, limits.HEARTBEAT)
        for copy in settings.copies:
            yield from self._of_copy(copy, known[copy.name])
        if settings.repositories:
            passed = [state.last_passed for state in known.values() if state.last_passed]
            yield self._verdict("drill", "alert.watch.drill", max(passed, default=None), limits.of_drill(settings))
        for alarm in waiting:
            since = self._first_seen(f"gate {alarm}")
            if now() - since > limits.GATE:  # before, it is not well either
                yield Verdict(f"gate {alarm}", "alert.watch.gate", overdue=True, since=since, values={"alarm": alarm})

    def _of_copy(self, copy: CopySettings, known: CopyState) -> Iterator[Verdict]:
        topic, values = f"good {copy.name}", {"copy": copy.name}
        moves = self._movement.of(copy.name, self._state.progress(copy.name))
        if moves and limits.in_first_upload(known):
            yield Verdict(topic, "alert.watch.good", overdue=False, since=None)
        else:
            yield self._verdict(
                topic, "alert.watch.good", known.last_good, limits.of_backup(self._settings, copy), **values
            )
        if limits.in_first_upload(known):
            self._first.pop(f"whole {copy.name}", None)
        elif copy.is_repository:
            # What was never read back counts from when the watch first saw that there was something to read.
            begun = self._first_seen(f"whole {copy.name}")
            read = [known.slices.get(number, begun) for number in range(known.slices_of)]
            limit = limits.of_verify(self._settings, copy)
            yield self._verdict(f"verify {copy.name}", "alert.watch.verify", min(read, default=begun), limit, **values)

    def _verdict(self, topic: str, key: str, since: datetime | None, limit: timedelta, **values: str) -> Verdict:
        # A new stack or copy is given its time; a stack whose watch is new has had it.
        if since:
            self._first.pop(topic, None)
        return Verdict(topic, key, now() - (since or self._first_seen(topic)) > limit, since, values)

    def _first_seen(self, what: str) -> datetime:
        first = self._first.get(what)
        if first is None or is_ahead(first):
            first = self._first[what] = now()
        return first

    def _answered(self, waiting: set[str]) -> None:
        """Tell what was answered, and forget when it was first seen."""
        for topic in self._alerts.topics():
            if topic.startswith("gate ") and topic.removeprefix("gate ") not in waiting:
                self._alerts.all_well(topic)
        for what in [what for what in self._first if what.startswith("gate ")]:
            if what.removeprefix("gate ") not in waiting:
                del self._first[what]

    def _remember(self) -> None:
        with suppress(OSError):
            (self._folder / HEARTBEAT).touch()
            if Seen.read(self._seen_file).first != self._first:
                Seen(first=self._first).write(self._seen_file)
