"""What one of OpenList's drivers can be told: /api/admin/driver/info, made of internal/op/driver.go and drivers/*/meta.go.

What a driver needs beyond what is declared is filled with its own defaults, as OpenList's page does: over the API they
would be empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

TRUE = "true"
NUMBERS = ("number", "float")
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Of the 93 drivers of 4.2.5; run together as some write them, e.g. `sharepassword`.
SECRET = re.compile(r".*(pass(word|wd|phrase)|pwd|secret|token|cookies?|authorization|credentials?|salt|(^|_)pass|key)")
RENEWED = re.compile(r".*(token|cookies?|authorization)")
SHORTEST_SECRET = 4


@dataclass(frozen=True)
class Driver:
    """A driver's options as it describes them: name → type and default; `required` cannot be left empty."""

    name: str
    types: Mapping[str, str]
    defaults: Mapping[str, Any]
    required: tuple[str, ...]
    common: Mapping[str, Any]
    """Defaults of what every storage has."""

    @classmethod
    def read(cls, name: str, info: Mapping[str, Any]) -> Driver:
        """Read a driver's description."""
        items = list(info["additional"] or [])
        return cls(
            name=name,
            types={item["name"]: item["type"] for item in items},
            defaults={item["name"]: _default(item) for item in items},
            required=tuple(item["name"] for item in items if item["required"] and item["type"] != "bool"),
            common={item["name"]: _default(item) for item in info["common"] or []},
        )

    def problems(self, options: Mapping[str, Any], secrets: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Return what is wrong with a declaration: the option, and why it cannot be."""
        for option in (*options, *secrets):
            if option not in self.types:
                yield option, f"{self.name} has no option {option}. {nearest(option, self.types)}"
        for option, value in options.items():
            kind = self.types.get(option)
            if kind == "bool" and not isinstance(value, bool):
                yield option, f"{option} is true or false, without quotes"
            elif kind in NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
                yield option, f"{option} is a number, without quotes"
        for option in self.required:
            if option not in options and option not in secrets and self.defaults[option] in ("", 0):
                how = f"secrets: [{option}]" if is_secret(option) else f"options: {{{option}: …}}"
                yield option, f"{self.name} needs {option}. Write {how}"

    def value(self, option: str, value: Any) -> Any:
        """Return a value as this driver takes it: some want numbers as text."""
        if self.types[option] in ("bool", *NUMBERS):
            return value
        return str(value).lower() if isinstance(value, bool) else str(value)


def nearest(name: str, known: Iterable[str]) -> str:
    """Name the known ones: the close matches where there are some, else all."""
    # OpenList lists its drivers in another order each time.
    plain = {re.sub(r"[^a-z0-9]", "", each.lower()): each for each in sorted(known)}
    asked = re.sub(r"[^a-z0-9]", "", name.lower())
    begin = [each for short, each in plain.items() if asked and (short.startswith(asked) or asked.startswith(short))]
    near = list(dict.fromkeys([*begin, *(plain[match] for match in get_close_matches(asked, plain, 5))]))
    return f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(plain.values())}"


def is_secret(option: str) -> bool:
    """Whether an option opens something, by its name."""
    return SECRET.fullmatch(_snake(option)) is not None


def is_renewed(option: str) -> bool:
    """Whether a driver writes a newer value of an option into its storage, and the old one is worth nothing then.

    E.g. `refreshToken` in drivers/baidu_netdisk/util.go, which ends in `MustSaveDriverStorage`.
    """
    return RENEWED.fullmatch(_snake(option)) is not None


def seen_option(found: Any, wanted: Any) -> Any:
    """Return an option as it is wanted where the driver holds the same, else as it is."""
    same = found == wanted or (not isinstance(found, bool) and str(found) == str(wanted))
    return wanted if same else found


def told_without(said: str, addition: Mapping[str, Any], secrets: Mapping[str, Any]) -> str:
    """Return what a driver said without what opens the drive: it repeats addresses with tokens in them."""
    hidden = [*secrets.values(), *(value for option, value in addition.items() if is_secret(option))]
    for value in sorted({str(value) for value in hidden}, key=len, reverse=True):
        if len(value) >= SHORTEST_SECRET:
            said = said.replace(value, "…")
    return re.sub(r"\?[^\s\"']*", "?…", said)[:300]


def _default(item: Mapping[str, Any]) -> Any:
    text = str(item["default"])
    if item["type"] == "bool":
        return text == TRUE
    if item["type"] in NUMBERS:
        return float(text) if "." in text else int(text or 0)
    return text


def _snake(option: str) -> str:
    return CAMEL.sub("_", option).lower()
