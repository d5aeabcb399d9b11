"""The phones: who was here last, and who has sent nothing for too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from keeper.page.cards.part import Part
from keeper.page.items import Item
from keeper.page.reading import Reading

GUIDE = "phones"


@dataclass(frozen=True, kw_only=True)
class Phone:
    """A phone's folder: when the album showed something new of it, when the phone was there, and what it deletes."""

    name: str
    shown: str
    seen: str
    deletions: str
    troubled: bool


def part(reading: Reading) -> Part:
    """Return the phones' part of the page."""
    phones = phones_of(reading)
    if not phones:
        return Part(name="phones", line=reading.say("card.phones.off"), guide=GUIDE)
    items, came = _items(reading), reading.status.index.indexed or _seen(reading)
    if not came and not items:
        line, ask = reading.say("card.phones.never"), reading.command("./photos phone list")
        return Part(name="phones", level="note", line=line, command=ask)
    return Part(name="phones", line=_line(reading, phones), items=items)


def phones_of(reading: Reading) -> list[Phone]:
    """Return the declared phones, and what else lies in their folder and was shown in the album."""
    index, known = reading.status.index, reading.status.phones.phones
    declared = {phone.name: phone.deletions for phone in reading.settings.phones}
    places = {PurePosixPath(place).name: place for place in (*index.indexed, *index.troubled)}
    return [
        Phone(
            name=name,
            shown=reading.age(index.indexed.get(places.get(name, ""))),
            seen=reading.age(known[name].seen) if name in known else "",
            deletions=reading.say(f"page.phones.{declared[name]}") if name in declared else "",
            troubled=places.get(name) in index.troubled or (name in known and known[name].quiet is not None),
        )
        for name in sorted(declared.keys() | places.keys())
    ]


def _line(reading: Reading, phones: list[Phone]) -> str:
    if troubled := [phone.name for phone in phones if phone.troubled]:
        return reading.say("card.look", names=reading.names(troubled))
    seen = _seen(reading)
    if not seen:
        return reading.say("card.phones.shown", age=reading.age(max(reading.status.index.indexed.values())))
    last = max(seen, key=lambda name: seen[name])
    key = "card.phones.one" if len(phones) == 1 else "card.phones.many"
    return reading.say(key, count=len(phones), name=last, age=reading.age(seen[last]))


def _seen(reading: Reading) -> dict[str, datetime]:
    return {name: phone.seen for name, phone in reading.status.phones.phones.items() if phone.seen}


def _items(reading: Reading) -> list[Item]:
    status = reading.status
    folders = [reading.item("bad", "todo.phone", problem=_trouble(reading, place)) for place in status.index.troubled]
    silent = [phone.quiet for phone in status.phones.phones.values() if phone.quiet]
    return folders + [reading.plain("warn", problem) for problem in silent]


def _trouble(reading: Reading, place: str) -> str:
    name, problem = PurePosixPath(place).name, reading.status.index.troubled[place]
    return f"{name}{reading.say('page.colon')}{reading.told(problem)}"
