"""Newer releases of what runs."""

from __future__ import annotations

from keeper.page.cards.part import Part
from keeper.page.items import Item, Level
from keeper.page.reading import Reading
from keeper.state import Release

GUIDE = "upgrading"


def part(reading: Reading) -> Part:
    """Return the upgrades' part of the page."""
    known = reading.status.updates
    if reading.settings.updates.check == "never":
        return Part(name="upgrades", line=reading.say("card.upgrades.off"), guide=GUIDE)
    if known.looked is None:
        return Part(name="upgrades", level="note", line=reading.say("card.unlooked"))
    level: Level = "good"
    if newer := _newer(reading):
        names = reading.names([release.service for release in newer])
        line = reading.say("card.upgrades.newer", names=names)
    elif known.unknown:
        level, line = "note", reading.say("card.upgrades.unknown", names=reading.names(known.unknown))
    else:
        line = reading.say("card.upgrades.good", age=reading.age(known.looked))
    return Part(name="upgrades", level=level, line=line, items=_items(reading))


def _newer(reading: Reading) -> list[Release]:
    """Return what a person can have at once; that a newer series exists is no reason to do anything."""
    return [release for release in reading.status.updates.newer if release.newest]


def _items(reading: Reading) -> list[Item]:
    return [
        reading.item(
            "note",
            "updates.newer",
            service=release.service,
            runs=release.runs,
            newest=release.newest,
            command=f"./photos upgrade {release.service}",
        )
        for release in _newer(reading)
    ]
