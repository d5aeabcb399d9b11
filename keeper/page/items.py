"""What there is to do, and how pressing it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

Level = Literal["good", "note", "warn", "bad"]
"""A note is worth knowing and changes nothing about how safe the photos are."""
ORDER: dict[Level, int] = {"bad": 0, "warn": 1, "note": 2, "good": 3}


@dataclass(frozen=True)
class Item:
    """Something to do.

    `command`: what to type, where it may be typed without reading the text. `about`: what it is about, if others may tell
    the same of it. `urgent`: it comes before all of its level. `finding`: the set of copies is too thin, nothing broke.
    """

    level: Level
    text: Markup
    detail: str = ""
    command: str = ""
    about: str = ""
    urgent: bool = False
    finding: bool = False


def worst(levels: Iterable[Level]) -> Level:
    """Return the most pressing level; good for none."""
    return min(levels, key=lambda level: ORDER[level], default="good")
