"""What is right in a stack file that has mistakes, so that the host can be looked at all the same."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from stacks.sections import Settings

MOST_MISTAKES = 20
"""Rounds in which wrong values are taken out of a stack file before it is given up."""
STAND_INS: dict[tuple[int | str, ...], Any] = {
    ("timezone",): "UTC",
    ("library",): {"originals": "/nowhere/originals", "import": "/nowhere/import"},
    ("library", "originals"): "/nowhere/originals",
    ("library", "import"): "/nowhere/import",
    ("services",): {},
}
"""What stands for a required value that is wrong, so that the host can be looked at all the same."""


def what_is_right(document: dict[str, Any]) -> Settings | None:
    """Return the settings without what is wrong in them, for the checks of the host; None where that is not enough."""
    right = deepcopy(document)
    for _ in range(MOST_MISTAKES):
        try:
            return Settings.model_validate_json(json.dumps(right))
        except ValidationError as error:
            places = [detail["loc"] for detail in error.errors()]
            changed = [_take_out(right, p) or _stand_in(right, p) or _take_out(right, p[:-1]) for p in places]
            if not any(changed):
                return None
    return None


def _stand_in(document: dict[str, Any], place: tuple[int | str, ...]) -> bool:
    """Put something in the place of a value that must be there; tell whether there is one."""
    if place not in STAND_INS:
        return False
    *parents, last = place
    inner = document
    for key in parents:
        if not isinstance(inner.get(str(key)), dict):
            inner[str(key)] = {}
        inner = inner[str(key)]
    inner[str(last)] = STAND_INS[place]
    return True


def _take_out(document: object, place: tuple[int | str, ...]) -> bool:
    """Remove the value at `place`; tell whether there was one."""
    if not place:
        return False
    *parents, last = place
    inner: Any = document
    try:
        for key in parents:
            inner = inner[key]
    except (KeyError, IndexError, TypeError):
        return False
    if not isinstance(inner, dict) or last not in inner:
        return False
    del inner[last]
    return True
