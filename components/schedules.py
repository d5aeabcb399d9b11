"""Times of what the keeper does, as its scheduler reads them: by croniter."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Annotated

from croniter import CroniterBadDateError, croniter
from pydantic import AfterValidator

from components.refusals import refusal

SAMPLE_START = datetime(2026, 1, 1, tzinfo=UTC)
SHORTEST_INTERVAL = timedelta(hours=1)


def _cron(value: str) -> str:
    if len(value.split()) != 5 or not croniter.is_valid(value):  # noqa: PLR2004 - minute, hour, day, month, weekday
        raise refusal(
            "cron_unreadable",
            '"{value}" is not a cron schedule. Write minute, hour, day, month and weekday, e.g. "30 3 * * *" for 3:30 every day',
            value=value,
        )
    if re.search(r"(^|[\s,])r([\s,(/]|$)", value.lower()):
        raise refusal(
            "cron_random",
            '"{value}" is another time whenever it is asked for. Write a fixed one, e.g. "30 3 * * *" for 3:30 every day',
            value=value,
        )
    moments = firings(value)
    if len(moments) < 2 or moments[0] - SAMPLE_START > timedelta(days=366):  # noqa: PLR2004 - one is no schedule
        raise refusal(
            "cron_never",
            '"{value}" never fires within a year. Write a day that comes, e.g. "30 3 * * *" for 3:30 every day',
            value=value,
        )
    if any(after - before < SHORTEST_INTERVAL for before, after in pairwise(moments)):
        raise refusal(
            "cron_too_often",
            '"{value}" fires more often than a run lasts. Write at most one time an hour, e.g. "0 * * * *"',
            value=value,
        )
    return value


def firings(schedule: str) -> list[datetime]:
    """Return the next moments of a cron schedule, from a fixed day on; fewer than two when it hardly ever fires."""
    moments = croniter(schedule, SAMPLE_START, max_years_between_matches=2).all_next(datetime)
    try:
        return list(islice(moments, 100))
    except CroniterBadDateError:
        return []


def longest_interval(schedule: str) -> timedelta:
    """Return the longest time between two moments of a schedule."""
    return max(after - before for before, after in pairwise(firings(schedule)))


def _cron_or_never(value: str) -> str:
    return value and _cron(value)


Cron = Annotated[str, AfterValidator(_cron)]
CronOrNever = Annotated[str, AfterValidator(_cron_or_never)]
