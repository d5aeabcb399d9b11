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
    newer = [release.service for release in known.newer if release.newest]
    series = [release.service for release in known.newer if release.series]
    if newer:
        line = reading.say("card.upgrades.newer", names=reading.names(newer))
    elif series:
        line = reading.say("card.upgrades.series", names=reading.names(series))
    elif known.unknown:
        level, line = "note", reading.say("updates.unknown", names=reading.names(known.unknown))
    else:
        line = reading.say("card.upgrades.good", age=reading.age(known.looked))
    return Part(name="upgrades", level=level, line=line, items=_items(reading))


def _items(reading: Reading) -> list[Item]:
    newer = reading.status.updates.newer
    items = [
        _item(reading, "updates.newer", release, release.newest, release.command) for release in newer if release.newest
    ]
    # Nobody goes to another series without reading what it says.
    return items + [
        _item(reading, "updates.series", release, release.series, release.series_command, alone=False)
        for release in newer
        if release.series
    ]


def _item(reading: Reading, key: str, release: Release, newest: str, command: str, *, alone: bool = True) -> Item:
    values = {"service": release.service, "runs": release.runs, "newest": newest}
    return reading.item("note", key, command=command, alone=alone, **values)
