"""How old things may be before somebody is told: what the schedules promise, with room for a run to end.

A copy that is made weekly is not late after a day, nor is one whose first upload takes nine days and gets on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from croniter import croniter

from keeper.settings import CopySettings, Settings
from keeper.state import CopyState, Progress, now

HEARTBEAT = timedelta(hours=1)
GATE = timedelta(hours=6)
"""The keeper itself tells at once; this is the reminder at breakfast."""
STALL = timedelta(hours=3)
"""A job of which nothing was done for so long does not get on: restic itself gives up after a quarter of an hour."""
HORIZON, MOST_FIRINGS = timedelta(days=400), 20_000
LEAST_MARGIN, MOST_MARGIN = timedelta(hours=2), timedelta(hours=24)


@lru_cache
def longest_gap(schedule: str, zone: ZoneInfo, start: datetime) -> timedelta:
    """Return the longest time between two firings after `start`, over a year and more: months, leap days, summer time."""
    fires = croniter(schedule, start.astimezone(zone))
    moments = [fires.get_next(datetime).astimezone(UTC) for _ in range(2)]
    while moments[-1] - start < HORIZON and len(moments) < MOST_FIRINGS:
        moments.append(fires.get_next(datetime).astimezone(UTC))
    return max(after - before for before, after in pairwise(moments))


def limit(schedule: str, zone: ZoneInfo) -> timedelta:
    """Return how old what a schedule brings may become."""
    gap = longest_gap(schedule, zone, now().replace(day=1, hour=0, minute=0, second=0, microsecond=0))
    return gap + min(max(gap / 4, LEAST_MARGIN), MOST_MARGIN)


def of_backup(settings: Settings, copy: CopySettings) -> timedelta:
    """Return how old the last good backup at a copy may become."""
    return limit(copy.schedule, settings.zone)


def of_drill(settings: Settings) -> timedelta:
    """Return how old the last test restore that passed may become."""
    return limit(settings.drill_schedule, settings.zone)


def of_verify(settings: Settings, copy: CopySettings) -> timedelta:
    """Return how old the reading back of any part of a copy may become."""
    return timedelta(days=copy.verify_days) + limit(copy.schedule, settings.zone)


def in_first_upload(known: CopyState) -> bool:
    """Whether a copy never held everything."""
    return known.last_good is None and not any(snapshot.whole for snapshot in known.snapshots)


def verified_share(copy: CopySettings, known: CopyState) -> float:
    """Return how much of a copy was read back within the days that the stack promises, 0 to 1."""
    fresh = [n for n, read in known.slices.items() if now() - read <= timedelta(days=copy.verify_days)]
    return len({n for n in fresh if 0 <= n < known.slices_of}) / max(known.slices_of, 1)


class Movement:
    """Whether the jobs get on: remembers when what a job had done last grew."""

    def __init__(self, stall: timedelta = STALL) -> None:
        self._stall = stall
        self._seen: dict[str, tuple[tuple[str, int, int], datetime]] = {}

    def of(self, name: str, progress: Progress | None) -> bool:
        """Whether the job that tells this progress of a copy does something."""
        if progress is None:
            self._seen.pop(name, None)
            return False
        at = (progress.phase, progress.done, progress.total)
        seen, since = self._seen.get(name, (None, now()))
        if seen != at or since > now():
            # Of a job that is met half way it is known when it last told, not when it last did something.
            since = now() if seen else min(progress.at, now())
        self._seen[name] = (at, since)
        return now() - since < self._stall
