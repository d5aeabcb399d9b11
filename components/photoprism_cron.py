"""When PhotoPrism indexes: what its reader of schedules takes, and nothing else.

`Schedule` in internal/config/schedule.go of photoprism/photoprism, which hands on to `ParseStandard` of robfig/cron v3.
It lowers the case and drops outer spaces first, and reads nothing it does not know as "never", without a word. So no
cron package for Python will do: each of them takes a weekday 7, and has no @every.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from components.messages import Message, Said, message
from components.refusals import refusal

WORDS = ("daily", "weekly", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
EVERY = "@every "
DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}


class Unit(NamedTuple):
    """One of the five fields: what it counts, from where to where, and the names that stand for numbers."""

    name: Message
    low: int
    high: int
    names: Mapping[str, int] = {}


UNITS = (
    Unit(message("minute", "minute"), 0, 59),
    Unit(message("hour", "hour"), 0, 23),
    Unit(message("day_of_month", "day of the month"), 1, 31),
    Unit(message("month", "month"), 1, 12, MONTHS),
    Unit(message("weekday", "weekday"), 0, 6, DAYS),
)
LARGEST = 2**63 - 1
STEP = Unit(message("step", "step"), 1, LARGEST)
NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
UNIT = "|".join(NANOSECONDS)
EXAMPLE = message(
    "write_schedule", 'Write five fields, e.g. "0 3 * * *" for 3:00 every day, "@every 3h", or "" for never'
)


def index_schedule(value: str) -> str:
    """Return `value` if PhotoPrism acts on it; "" is never.

    Raises:
        PydanticCustomError: it reads it as "never", or not as it is meant.
    """
    text = value.lower().strip()
    if value == "" or text in WORDS:
        return value
    if text.startswith(EVERY):
        _check_pause(value, text.removeprefix(EVERY))
        return value
    parts = text.split()
    if len(parts) != len(UNITS):
        seconds = message("schedule_seconds", ": PhotoPrism takes no field for seconds")
        _refuse(value, seconds if len(parts) == len(UNITS) + 1 else "")
    fields = [_field(value, part, unit) for part, unit in zip(parts, UNITS, strict=True)]
    minutes, hours, days, months, weekdays = (numbers for numbers, _ in fields)
    # Both days named: either will do. Otherwise both must fit, and a star always does.
    either = not fields[2][1] and not fields[4][1]
    day_comes = any(day <= monthrange(2024, month)[1] for month in months for day in days)
    if not (minutes and hours and months and ((weekdays or day_comes) if either else (weekdays and day_comes))):
        raise refusal("schedule_never", '"{value}" never comes. {example}', value=value, example=EXAMPLE)
    return value


def _refuse(value: str, reason: Said) -> NoReturn:
    raise refusal(
        "schedule_unreadable",
        '"{value}" is not a schedule that PhotoPrism reads{reason}. {example}',
        value=value,
        reason=reason,
        example=EXAMPLE,
    )


def _check_pause(value: str, text: str) -> None:
    """Read a duration as Go does: signs, decimals and several units, e.g. 1h30m."""
    if not re.fullmatch(rf"[-+]?(0|((\d+(\.\d*)?|\.\d+)({UNIT}))+)", text, re.ASCII):
        _refuse(value, message("schedule_pause", ": after @every stands a pause such as 90m or 1h30m, with its unit"))
    pairs = re.findall(rf"(\d*\.?\d*)({UNIT})", text, re.ASCII)
    total = sum(float(number) * NANOSECONDS[unit] for number, unit in pairs)
    if total > LARGEST:
        _refuse(value, message("schedule_pause_too_long", ": the pause is longer than 292 years"))
    if text.startswith("-") or total < NANOSECONDS["s"]:
        raise refusal(
            "schedule_pause_too_short",
            '"{value}" would be every second: PhotoPrism makes no shorter pause. Write a longer one, e.g. "@every 3h"',
            value=value,
        )


def _field(value: str, text: str, unit: Unit) -> tuple[set[int], bool]:
    """Return the numbers that a field names, and whether it is a star: one with steps is none."""
    numbers: set[int] = set()
    star = False
    for part in filter(None, text.split(",")):
        first, last, step = _range(value, part, unit)
        numbers.update(range(first, last + 1, step))
        star |= part[0] in "*?" and step == 1
    return numbers, star


def _range(value: str, text: str, unit: Unit) -> tuple[int, int, int]:
    span, *steps = text.split("/")
    first, *rest = span.split("-")
    if first in ("*", "?"):  # whatever follows a hyphen is not looked at
        start, end = unit.low, unit.high
    else:
        if len(rest) > 1:
            _refuse(value, message("schedule_hyphens", ": {span} holds two hyphens", span=span))
        start = _number(value, first, unit)
        end = _number(value, rest[0], unit) if rest else unit.high if steps else start
    step = _number(value, steps[0], STEP) if steps else 1
    if len(steps) > 1 or step < 1:
        _refuse(value, message("schedule_step", ": the step of {text} is wrong", text=text))
    if start < unit.low or end > unit.high or start > end:
        is_sunday = unit.names is DAYS and end > unit.high
        limits = message(
            "schedule_limits",
            ": the {unit} is {low}-{high}, from small to large{sunday}",
            unit=unit.name,
            low=unit.low,
            high=unit.high,
            sunday=message("schedule_sunday", "; Sunday is 0") if is_sunday else "",
        )
        _refuse(value, limits)
    return start, end, step


def _number(value: str, text: str, unit: Unit) -> int:
    if text in unit.names:
        return unit.names[text]
    number = int(text) if re.fullmatch(r"\+?[0-9]{1,40}", text) else LARGEST + 1
    if number > LARGEST:
        nothing = message("nothing", "nothing")
        _refuse(value, message("schedule_number", ": {text} is no {unit}", text=text or nothing, unit=unit.name))
    return number
