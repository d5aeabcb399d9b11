"""The net drives that the stack declares in OpenList: whether each can be reached."""

from __future__ import annotations

from dataclasses import dataclass

from keeper.errors import Problem
from keeper.page.cards.part import Part
from keeper.page.items import Item, Level
from keeper.page.reading import Reading
from keeper.state import StorageState

GUIDE = "net-drives"


@dataclass(frozen=True, kw_only=True)
class Drive:
    """A net drive, as its place in OpenList; `told`: since when it is away, or that it is there."""

    mount: str
    told: str
    troubled: bool


def part(reading: Reading) -> Part:
    """Return the net drives' part of the page."""
    settings, drives = reading.settings, reading.status.drives
    if not settings.storages:
        return Part(name="drives", line=reading.say("card.drives.off"), guide=GUIDE)
    level: Level = "good"
    away = [storage.mount for storage in settings.storages if _state(reading, storage.name).problem]
    if drives.looked is None:
        level, line = "note", reading.say("card.unlooked")
    elif away:
        line = reading.say("card.drives.away", names=reading.names(away))
    else:
        key = "card.drives.one" if len(settings.storages) == 1 else "card.drives.many"
        names = reading.names([storage.mount for storage in settings.storages])
        line = reading.say(key, count=len(settings.storages), names=names, age=reading.age(drives.looked))
    return Part(name="drives", level=level, line=line, items=_items(reading), address=settings.drive_address)


def drives_of(reading: Reading) -> list[Drive]:
    """Return each declared net drive."""
    found = []
    for storage in reading.settings.storages:
        state = _state(reading, storage.name)
        if reading.status.drives.looked is None:
            told = reading.say("card.unlooked")
        elif state.problem:
            told = reading.say("page.drives.away", since=reading.when(state.since))
        else:
            told = reading.say("page.drives.good")
        found.append(Drive(mount=storage.mount, told=told, troubled=state.problem is not None))
    return found


def _state(reading: Reading, name: str) -> StorageState:
    return reading.status.drives.storages.get(name, StorageState())


def _items(reading: Reading) -> list[Item]:
    """Return what is wrong: an OpenList that is away is told once, not of each of its drives."""
    told: list[Problem] = []
    for storage in reading.settings.storages:
        problem = _state(reading, storage.name).problem
        if problem and problem not in told:
            told.append(problem)
    return [reading.plain("warn", problem) for problem in told]
