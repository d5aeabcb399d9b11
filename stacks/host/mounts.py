"""What is mounted where, as the kernel tells it: proc(5), /proc/self/mountinfo."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

MOUNTS = "/proc/self/mountinfo"


@dataclass(frozen=True)
class Mount:
    """One line: the device's number, where it is mounted, the file system's type, what it is on, and its options."""

    device: int
    point: str
    kind: str
    source: str
    options: dict[str, str]


def parsed(text: str) -> Iterator[Mount]:
    """Return the mounts in the order in which they were made: of two at one point, the later is seen."""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        _, _, device, _, point, *_ = before.split(" ")
        kind, source, options = after.split(" ", 2)
        pairs = (option.partition("=") for option in options.split(","))
        yield Mount(
            os.makedev(*map(int, device.split(":"))),
            _unescaped(point),
            kind,
            _unescaped(source),
            {name: _unescaped(value) for name, _, value in pairs},
        )


def _unescaped(text: str) -> str:
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, sign)
    return text
