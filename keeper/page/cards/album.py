"""The album: whether it answers, what came into it last, and what is wrong with the photos at home."""

from __future__ import annotations

from datetime import timedelta

from keeper.errors import Problem
from keeper.page.cards.part import Part
from keeper.page.items import Item, Level
from keeper.page.reading import Reading, problems_of
from keeper.service.outcomes import is_at_home
from keeper.state import now

GUIDE = "services"
FRESH_LOOK = timedelta(minutes=15)
"""An older look says nothing any more: who looks hangs, or is gone."""
MOMENT = timedelta(minutes=10)
"""So long a start takes, or an upgrade."""


def part(reading: Reading) -> Part:
    """Return the album's part of the page."""
    home = at_home(reading)
    if not reading.settings.photoprism_url:
        return Part(name="album", line=reading.say("card.album.off"), items=home, guide=GUIDE)
    level, line = _answer(reading)
    if home and level == "good":
        line = reading.say("card.album.home")
    return Part(
        name="album",
        line=line,
        items=[*_away(reading), *home, *_imports(reading)],
        level=level,
        address=reading.settings.album_address,
    )


def at_home(reading: Reading) -> list[Item]:
    """Return what is wrong here, whichever copy noticed it; three copies notice the same."""
    scrub, items = reading.status.scrub, []
    if rotten := sorted(scrub.rotten):
        items.append(
            reading.item("bad", "todo.rot", count=len(rotten), command=reading.restore(rotten[0]), alone=False)
        )
    if unread := sorted(scrub.unreadable):
        items.append(
            reading.item("bad", "todo.unread", count=len(unread), command=reading.restore(unread[0]), alone=False)
        )
    items += [reading.item("bad", "todo.problem", problem=problem) for problem in _reported(reading)]
    if left_out := reading.unreadable.keys() - scrub.unreadable.keys():
        items.append(reading.item("warn", "todo.unreadable", count=len(left_out)))
    return items


def _reported(reading: Reading) -> list[Problem]:
    told = [reading.status.dump.problem] if reading.status.dump.problem else []
    for known in reading.known.values():
        told += [problem for problem in problems_of(known) if is_at_home(problem) and problem not in told]
    return [problem for problem in told if problem.code != "run.unreadable"]  # they have a list of their own


def _answer(reading: Reading) -> tuple[Level, str]:
    """Return how the album itself is."""
    album = reading.status.album
    if album.looked is None:
        return "note", reading.say("card.unlooked")
    if now() - album.looked > FRESH_LOOK:
        return "warn", reading.say("card.stale", age=reading.age(album.looked))
    if album.problem:
        if _is_momentary(reading):
            return "warn", reading.say("card.album.moment")
        return "bad", reading.say("card.album.away", since=reading.when(album.since))
    return "good", _good(reading)


def _good(reading: Reading) -> str:
    """Say that it answers, and what came into it last."""
    shown, imported = max(reading.status.index.indexed.values(), default=None), reading.status.imports.ended
    if imported and (shown is None or imported > shown):
        return reading.say("card.album.imported", age=reading.age(imported))
    return reading.say("card.album.shown", age=reading.age(shown)) if shown else reading.say("card.album.good")


def _is_momentary(reading: Reading) -> bool:
    since = reading.status.album.since
    return since is not None and now() - since < MOMENT


def _away(reading: Reading) -> list[Item]:
    album = reading.status.album
    if album.problem is None or album.looked is None or now() - album.looked > FRESH_LOOK or _is_momentary(reading):
        return []
    since = reading.when(album.since)
    return [reading.item("bad", "todo.album", since=since, problem=album.problem, command="./photos up")]


def _imports(reading: Reading) -> list[Item]:
    return [reading.item("note", "todo.import", problem=problem) for problem in reading.status.imports.problems]
