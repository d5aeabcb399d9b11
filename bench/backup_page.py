"""Write docs/backup-performance.md from what was measured."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol

MOMENTS = ("first run", "unchanged run", "read back")
OURS, RCLONE = "keeper", "rclone"


class Figure(Protocol):
    """What a command took."""

    seconds: float
    memory: int
    requests: int
    sent: int
    received: int


Table = Mapping[str, Mapping[str, Figure]]


def page(
    results: Mapping[str, tuple[Table, Mapping[str, int]]],
    requests: Mapping[str, Table],
    million: Mapping[str, Figure],
    date: str,
    commit: str,
    scale: int,
) -> str:
    """Return the page."""
    lines = [
        "# The backup's performance",
        "",
        "<!-- written by `python -m bench.backup`; change bench/backup_page.py, not this file -->",
        "",
        f"Measured on {date}, commit {commit}, {os.cpu_count()} cores, one after the other, copies in a folder of this machine.",
        *([f"**Every library was {scale} times smaller than its title says.**"] if scale > 1 else []),
        "`rclone`: `rclone sync` into crypt, and for the first run `rclone check --download` after it, since the keeper reads back",
        "what it sent, too. `keeper before`: the engine that rclone crypt was under. Memory is what all processes held together.",
    ]
    for title, (table, objects) in results.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| | first run | unchanged run | read back | memory at most | objects at the copy |",
        ]
        lines += ["|---|---|---|---|---|---|"]
        for name, moments in table.items():
            times = " | ".join(_time(moments, table[RCLONE], moment) for moment in MOMENTS)
            most = " / ".join(f"{moments[moment].memory / 1e6:,.0f}" for moment in MOMENTS)
            lines.append(f"| {name} | {times} | {most} MB | {objects[name]:,} |")
    lines += [
        "",
        "## Requests to a WebDAV server",
        "",
        "Counted by a proxy before it; bodies only, in MB sent / received.",
    ]
    for title, table in requests.items():
        lines += ["", f"{title}:", "", "| | first run | unchanged run | read back |", "|---|---|---|---|"]
        lines += [
            f"| {name} | {' | '.join(_traffic(moments[each]) for each in MOMENTS)} |" for name, moments in table.items()
        ]
    lines += ["", "## 1,000,000 files within the memory that a stack gives its keeper (1 GiB)", ""]
    lines += ["| first run | unchanged run |", "|---|---|"]
    told = (f"{figure.seconds:.1f} s, {figure.memory / 1e6:,.0f} MB" for figure in million.values())
    return "\n".join([*lines, f"| {' | '.join(told)} |", ""])


def _time(moments: Mapping[str, Figure], bare: Mapping[str, Figure], moment: str) -> str:
    return f"{moments[moment].seconds:.1f} s ({moments[moment].seconds / bare[moment].seconds:.2f} x)"


def _traffic(figure: Figure) -> str:
    return f"{figure.requests:,} ({figure.sent / 1e6:,.1f} / {figure.received / 1e6:,.1f})"
