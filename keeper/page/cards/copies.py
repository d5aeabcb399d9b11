"""The copies: whether every one of them is good and young enough, and whether there are enough of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from keeper.errors import Exit
from keeper.page.cards.part import Part
from keeper.page.items import Item, Level, worst
from keeper.page.reading import Reading, last_good, problems_of
from keeper.page.work import restorable, work_of
from keeper.service import limits
from keeper.service.outcomes import is_at_home
from keeper.settings import CopySettings
from keeper.state import CopyState, now

GRACE = timedelta(days=2)
"""So much later than the schedule promises, a copy is no longer late but missing."""
ENOUGH = 0.9


def part(reading: Reading) -> Part:
    """Return the copies' part of the page."""
    level, line = _standing(reading)
    items = [*asked(reading), *(item for copy in reading.settings.copies for item in of_copy(reading, copy))]
    items += _as_a_set(reading)
    # A person who has just set it up need not wait for the night.
    waits = line == reading.say("page.head.first")
    command = reading.command("./photos keeper backup") if waits else ""
    return Part(name="copies", line=line, level=level, items=items, command=command)


def asked(reading: Reading) -> list[Item]:
    """Return what comes before all else: a keeper that runs, a copy, an answer."""
    items = [reading.item("bad", "todo.silent", command="./photos up")] if reading.is_silent else []
    if not reading.settings.repositories:
        items.append(reading.item("bad", "todo.none"))
    for alarm in reading.waiting:
        detail = " · ".join(reading.sentence(reason) for reason in alarm.reasons)
        command = f"./photos keeper accept {alarm.id}"
        # Whoever types it should have read what it means.
        items.append(reading.item("bad", "todo.gate", detail=detail, command=command, alone=False))
    return [replace(item, urgent=True) for item in items]


def of_copy(reading: Reading, copy: CopySettings) -> list[Item]:
    """Return what is to be done about one copy."""
    name, known = copy.name, reading.known[copy.name]
    items = _reported(reading, name, known)
    if not copy.is_repository:
        return items
    if limits.in_first_upload(known):
        if work_of(reading, name) or known.snapshots:
            return [*items, reading.item("note", "todo.first", name=name, told=restorable(reading, known))]
        return items or ([reading.item("bad", "todo.copy.none", name=name)] if known.run else [])
    good = last_good(known)
    if good and (level := _lateness(reading, copy, good)) != "good":
        command = f"./photos keeper backup --copy {name}"
        items.append(reading.item(level, "todo.copy.old", name=name, age=reading.age(good), command=command))
    if _is_unread(reading, copy, known):
        percent = int(100 * limits.verified_share(copy, known))
        command = f"./photos keeper verify --all --copy {name}"
        told = reading.item("warn", "todo.verify", name=name, percent=percent, days=copy.verify_days, command=command)
        items.append(told)
    if known.drill and not known.drill.passed and known.drill.reason:
        items.append(reading.item("bad", "todo.drill", name=name, problem=known.drill.reason))
    return items


def _reported(reading: Reading, name: str, known: CopyState) -> list[Item]:
    """Return what a copy's last run said about it."""
    items = [reading.item("bad", "todo.damage", name=name, problem=known.damage)] if known.damage else []
    # A run that was good all the same only has something to say.
    level: Level = "note" if known.run and known.run.exit == Exit.OK else "bad"
    return items + [
        reading.item(level, "todo.copy", name=name, problem=problem)
        for problem in problems_of(known)
        if not is_at_home(problem) and problem != known.damage
    ]


def _lateness(reading: Reading, copy: CopySettings, good: datetime) -> Level:
    late = now() - good - limits.of_backup(reading.settings, copy)
    return "bad" if late > GRACE else "warn" if late > timedelta() else "good"


def _is_unread(reading: Reading, copy: CopySettings, known: CopyState) -> bool:
    """Whether less was read back than the stack promises; what is younger than the promise has its time."""
    begun = min((snapshot.time for snapshot in known.snapshots if snapshot.whole), default=now())
    old = now() - begun > limits.of_verify(reading.settings, copy)
    return old and limits.verified_share(copy, known) < ENOUGH


def _as_a_set(reading: Reading) -> list[Item]:
    """Return what is to be done about all of them: too few, no test restore, no kit."""
    items = [replace(reading.plain("bad", finding), finding=True) for finding in reading.status.findings]
    drills = [known.drilled for known in reading.known.values() if known.drilled]
    if drills and now() - max(drills) > limits.of_drill(reading.settings):
        length = reading.length_since(max(drills))
        items.append(reading.item("warn", "todo.drill.old", age=length, command="./photos keeper drill"))
    return items + _kit(reading)


def _kit(reading: Reading) -> list[Item]:
    status = reading.status
    if not any(known.snapshots for known in reading.known.values()):
        return []
    if status.kit.confirmed is None:
        return [reading.item("warn", "todo.kit", command="./photos keeper kit")]
    if status.kit_lacks:
        names = reading.names(status.kit_lacks)
        return [reading.item("warn", "todo.kit.stale", names=names, command="./photos keeper kit")]
    return []


def alarm(reading: Reading) -> str:
    """Return what is said before all else: no keeper, no copy, or a question; empty for none of them."""
    if reading.is_silent:
        return reading.say("page.head.silent")
    if not reading.settings.repositories:
        return reading.say("page.head.none")
    return reading.say("page.head.gate") if reading.waiting else ""


def _standing(reading: Reading) -> tuple[Level, str]:
    """Return how the copies stand, in one line; what their items say of the level comes on top."""
    copies = reading.settings.repositories
    if said := alarm(reading):
        return "bad", said
    if before := before_the_first(reading):
        return before
    of_copies = {copy.name: worst(item.level for item in of_copy(reading, copy)) for copy in copies}
    if troubled := [name for name, level in of_copies.items() if level in ("bad", "warn")]:
        return "good", reading.say("card.look", names=reading.names(troubled))
    if any(item.finding for item in _as_a_set(reading)):
        return "bad", reading.say("page.head.thin")
    if filling := [name for name in of_copies if last_good(reading.known[name]) is None]:
        return "good", reading.say("card.copies.filling", names=reading.names(filling))
    key = "card.copies.one" if len(copies) == 1 else "card.copies.many"
    return "good", reading.say(key, count=len(copies))


def before_the_first(reading: Reading) -> tuple[Level, str] | None:
    """Return how a stack without any whole backup stands; None once there is one."""
    repositories = [reading.known[copy.name] for copy in reading.settings.repositories]
    if any(last_good(known) for known in repositories):
        return None
    at_work = any(work_of(reading, copy.name) for copy in reading.settings.repositories)
    if at_work or any(known.snapshots for known in repositories):
        return "warn", reading.say("page.head.filling")
    if reading.knowledge != "known":
        return "warn", reading.say(f"page.head.{reading.knowledge}")
    if any(known.run for known in repositories):
        return "bad", reading.say("page.head.none")
    return "warn", reading.say("page.head.first")
