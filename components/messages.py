"""What is said to a person, before it is put into a language: a code, the values in it, and the English text.

The English text stands where the thing is noticed, so that a rule reads as one piece and a component speaks without
the rest of the program. Other languages have a text per code; the edge of the program chooses (`stacks/languages.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Message:
    """One thing to say. `str()` is English: what reaches a log, a container or the state is the same for everyone."""

    code: str
    english: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the English text."""
        return self.text({})

    def text(self, catalogue: Mapping[str, str]) -> str:
        """Return the text in the language of `catalogue` (code → text), in English where that has none."""

        def value(placeholder: re.Match[str]) -> str:
            if placeholder[1] not in self.values:
                return placeholder[0]  # braces that a person shall write, e.g. `drive: {}`
            item = self.values[placeholder[1]]
            return item.text(catalogue) if isinstance(item, Message) else str(item)

        return PLACEHOLDER.sub(value, catalogue.get(self.code, self.english))


Said = Message | str
"""A plain text is the same in every language: a command, a path, a name."""


def message(code: str, english: str, /, **values: object) -> Message:
    """Return what to say; each value stands in both texts as {name}."""
    return Message(code, english, values)


def either(alternatives: Iterable[Said]) -> Said:
    """Return "one or other"."""
    return reduce(lambda one, other: message("or", "{one} or {other}", one=one, other=other), alternatives)


def both(parts: Iterable[Said]) -> Said:
    """Return "one and other"."""
    return reduce(lambda one, other: message("and", "{one} and {other}", one=one, other=other), parts)


def listed(items: Iterable[Said]) -> Said:
    """Return "one, other"."""
    return reduce(lambda one, other: message("listed", "{one}, {other}", one=one, other=other), items)


def described(description: str, *, english: str = "") -> Message:
    """Return the description of a key. It is its own code: keys of many sections share one."""
    return Message(description, english or description)
