"""What the page shows, worked out from the states: whether all is well, the five cards, and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from keeper.page.cards import album, copies, drives, phones, upgrades
from keeper.page.cards.copies import alarm, before_the_first
from keeper.page.cards.drives import Drive, drives_of
from keeper.page.cards.part import Card, card_of
from keeper.page.cards.phones import Phone, phones_of
from keeper.page.copies import Copy, copies_of
from keeper.page.items import ORDER, Item, Level, worst
from keeper.page.learning import Knowledge
from keeper.page.reading import Reading, last_good, newest_whole
from keeper.page.status import Status
from keeper.settings import Settings
from keeper.state import now
from keeper.texts import Language, kernel_text, size

CARDS = (album, phones, drives, copies, upgrades)
SHOWN = 20
__all__ = ["ORDER", "Card", "Copy", "Item", "Level", "View", "view_of"]


@dataclass(frozen=True, kw_only=True)
class View:
    """The page's content, ready to be shown."""

    album: str
    level: Level
    headline: str
    subline: str
    cards: list[Card]
    items: list[Item]
    copies: list[Copy]
    next_drill: str
    phones: list[Phone]
    drives: list[Drive]
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unreadable_count: int = 0
    rotten: list[str] = field(default_factory=list)
    made: str


def view_of(settings: Settings, status: Status, language: Language, *, knowledge: Knowledge = "known") -> View:
    """Work out the page. `knowledge`: whether it is known what the copies hold."""
    reading = Reading(settings, status, language, knowledge)
    parts = [card.part(reading) for card in CARDS]
    items, places = _listed([item for part in parts for item in part.items])
    level, headline = _headline(reading, items)
    unreadable = sorted(reading.unreadable.items())
    return View(
        album=settings.stack,
        level=level,
        headline=headline,
        subline=_subline(reading),
        cards=[card_of(part, reading.say(f"card.{part.name}"), places) for part in parts],
        items=items,
        copies=copies_of(reading),
        next_drill=reading.next("drill") if settings.repositories else "",
        phones=phones_of(reading),
        drives=drives_of(reading),
        unreadable=[(path, kernel_text(language, why)) for path, why in unreadable[:SHOWN]],
        unreadable_count=len(unreadable),
        rotten=[reading.restore(path) for path in sorted(status.scrub.rotten)[:SHOWN]],
        made=reading.when(now()),
    )


def _listed(items: list[Item]) -> tuple[list[Item], dict[int, str]]:
    """Return what is to be done, the most pressing first and nothing twice, and where on the page each stands, by identity."""
    listed: list[Item] = []
    places: dict[int, str] = {}
    for item in sorted(items, key=lambda item: (ORDER[item.level], not item.urgent)):
        same = next((other for other in listed if item.about and other.about == item.about), None)
        if same is None:
            listed.append(item)
        places[id(item)] = places[id(same)] if same else f"todo-{len(listed)}"
    return listed, places


def _headline(reading: Reading, items: list[Item]) -> tuple[Level, str]:
    """Say whether all is well, with the gravest first."""
    level = worst(item.level for item in items)
    broken = any(item.level == "bad" and not item.finding for item in items)
    if said := alarm(reading):
        return "bad", said
    before = before_the_first(reading)
    if before and not (before[0] == "warn" and broken):
        return before
    if level == "bad" and not broken:
        return "bad", reading.say("page.head.thin")
    level = "good" if level == "note" else level
    return level, reading.say(f"page.head.{level}")


def _subline(reading: Reading) -> str:
    names = [copy.name for copy in reading.settings.repositories]
    found = [(last_good(known), newest_whole(known)) for known in (reading.known[name] for name in names)]
    made = [(moment, snapshot) for moment, snapshot in found if moment and snapshot]
    due = [reading.status.scheduler.due.get(f"backup {name}") for name in names]
    next_one = reading.moment(min((moment for moment in due if moment), default=None))
    if not made:
        return reading.say("page.sub.never", next=next_one)
    moment, snapshot = max(made, key=lambda pair: pair[0])
    files, total = f"{snapshot.files:,}", size(snapshot.bytes)
    return reading.say("page.sub.good", files=files, size=total, age=reading.age(moment), next=next_one)
