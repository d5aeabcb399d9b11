"""Write docs/backup-performance.md from what was measured."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import BaseModel
from pydantic.dataclasses import dataclass

MOMENTS = ("first run", "unchanged run", "read back")
RCLONE = "rclone"
PARTS = ("large", "small", "requests", "million")


@dataclass(frozen=True)
class Figure:
    """What a command took: seconds, the most bytes that it and its children held at once, and what the remote saw."""

    seconds: float
    memory: int
    requests: int = 0
    sent: int = 0
    received: int = 0


Table = dict[str, dict[str, Figure]]
"""Contender → moment → figure."""


class Compared(BaseModel):
    """Everybody on one library; `objects`: contender → how many lay at the copy after the first run."""

    table: Table
    objects: dict[str, int]


class Results(BaseModel):
    """All that was measured: title of the library → what it took. `commits`: part → at which commit.

    `note`: what a reader should know of the machine while it measured.
    """

    compared: dict[str, Compared] = {}
    counted: dict[str, Table] = {}
    million: dict[str, Figure] = {}
    commits: dict[str, str] = {}
    scale: int = 1
    date: str = ""
    note: str = ""


def page(results: Results) -> str:
    """Return the page."""
    commits = sorted(set(results.commits.values()))
    lacking = [part for part in PARTS if part not in results.commits]
    lines = [
        "# The backup's performance",
        "",
        "<!-- written by `python -m bench.backup`; change bench/backup_page.py, not this file -->",
        "",
        f"Measured on {results.date}, commit {', '.join(commits)}, {os.cpu_count()} cores, one after the other, copies in a folder",
        "of this machine's memory. Only the ratios within a table can be compared: the machine has other work.",
        *([results.note] if results.note else []),
        *([f"**Every library was {results.scale} times smaller than its title says.**"] if results.scale > 1 else []),
        "`rclone`: `rclone sync` into crypt, and for the first run `rclone check --download` after it, since the keeper reads back",
        "what it sent, too; its reading back is that check. `keeper before`: the engine of our own, over rclone crypt, of commit b2645d7.",
        *(
            [f"**Not measured yet: {', '.join(lacking)}** (`python -m bench.backup --only {' '.join(lacking)}`)."]
            if lacking
            else []
        ),
        "Memory is the most that all processes held together at each of the three moments.",
    ]
    for title, everybody in results.compared.items():
        head = "| | first run | unchanged run | read back | memory | objects at the copy |"
        lines += ["", f"## {title}", "", head, "|---|---|---|---|---|---|"]
        for name, moments in everybody.table.items():
            times = " | ".join(_time(moments, everybody.table[RCLONE], moment) for moment in MOMENTS)
            most = " / ".join(f"{moments[moment].memory / 1e6:,.0f}" for moment in MOMENTS)
            lines.append(f"| {name} | {times} | {most} MB | {everybody.objects[name]:,} |")
    if results.counted:
        lines += [
            "",
            "## A WebDAV server: seconds and requests",
            "",
            "Counted by a proxy before it; bodies only, in MB sent / received. This is what a copy somewhere else is like. In a",
            "folder of memory, above, the processor is the limit, and what restic does with it: hashes, ciphers, reading back.",
        ]
    for title, table in results.counted.items():
        lines += ["", f"{title}:", "", "| | first run | unchanged run | read back |", "|---|---|---|---|"]
        for name, moments in table.items():
            cells = (f"{_time(moments, table[RCLONE], each)}, {_traffic(moments[each])}" for each in MOMENTS)
            lines.append(f"| {name} | {' | '.join(cells)} |")
    if results.million:
        lines += ["", "## 1,000,000 files within the memory that a stack gives its keeper (a cgroup of 1 GiB)", ""]
        lines += [f"| {' | '.join(results.million)} |", "|---" * len(results.million) + "|"]
        told = (f"{figure.seconds:.1f} s, {figure.memory / 1e6:,.0f} MB" for figure in results.million.values())
        lines.append(f"| {' | '.join(told)} |")
    return "\n".join([*lines, ""])


def _time(moments: Mapping[str, Figure], bare: Mapping[str, Figure], moment: str) -> str:
    return f"{moments[moment].seconds:.1f} s ({moments[moment].seconds / bare[moment].seconds:.2f} x)"


def _traffic(figure: Figure) -> str:
    return f"{figure.requests:,} ({figure.sent / 1e6:,.1f} / {figure.received / 1e6:,.1f})"
