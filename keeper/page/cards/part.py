"""What a card is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from keeper.page.items import Item, Level, worst

CardLevel = Level | Literal["off"]
"""Off: the stack does not declare it."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the system. `line`: what is, in one line; `address`: where people open it.

    `command` is the next step where no item names one. `guide`: the page of the documentation that says how to set it up,
    for one that the stack does not declare.
    """

    name: str
    line: str
    items: list[Item] = field(default_factory=list)
    level: Level = "good"
    address: str = ""
    command: str = ""
    guide: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """A card as it is shown: the next step is a command, or a place further down the page."""

    name: str
    title: str
    level: CardLevel
    line: str
    address: str
    command: str
    below: str
    guide: str


def card_of(part: Part, title: str, anchors: dict[int, str]) -> Card:
    """Return the card of a part; `anchors` tells where an item stands on the page, by the item's identity."""
    found = worst(item.level for item in part.items)
    first = next((item for item in part.items if item.level == found), None)
    command = (first.command if first else "") or part.command
    below = anchors.get(id(first), "") if first and not command else ""
    return Card(
        name=part.name,
        title=title,
        level="off" if part.guide and not part.items else worst([found, part.level]),
        line=part.line,
        address=part.address,
        command=command,
        below=below,
        guide=part.guide,
    )
