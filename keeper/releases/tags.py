"""Which of a repository's tags is the newest release of the kind that runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NUMBER = re.compile(r"[0-9]+")
DATE_DIGITS = 6
"""From so many digits on a number is a date, e.g. 260728, and another length is another thing."""
LONG_TERM = {"mariadb": ("10.6", "10.11", "11.4", "11.8", "12.3")}
"""Last part of a repository → the series that are maintained for years; others are not offered to a family."""


@dataclass(frozen=True)
class Newer:
    """Tags that are newer than one that runs; each is empty where there is none.

    `newest` is of the same series, `series` of the newest later one, to which nobody goes without reading what it says.
    """

    newest: str = ""
    series: str = ""


def newer(repository: str, runs: str, tags: Iterable[str], series: int) -> Newer:
    """Return what is newer than the tag `runs`, among tags of its own shape.

    `series`: how many of its numbers, from the left, name the series that it stays in.

    >>> newer("mariadb", "11.8.8", ["11.8.9", "11.8.10", "11.8.11-noble", "12.1.2", "12.3.2", "lts"], 2)
    Newer(newest='11.8.10', series='12.3.2')
    >>> newer("photoprism/photoprism", "260728-ce", ["260801-ce", "260901", "20260901-ce", "latest"], 0)
    Newer(newest='260801-ce', series='')
    """
    own = numbers(runs)
    later = sorted((numbers(tag), tag) for tag in tags if shape(tag) == shape(runs) and numbers(tag) > own)
    same = [tag for found, tag in later if found[:series] == own[:series]]
    offered = LONG_TERM.get(repository.rpartition("/")[2])
    others = [tag for found, tag in later if found[:series] > own[:series] and _is_offered(found[:series], offered)]
    return Newer(newest=same[-1] if same else "", series=others[-1] if others else "")


def shape(tag: str) -> str:
    """Return what of a tag is no number, and how long its dates are.

    >>> shape("v4.2.5"), shape("260728-ce"), shape("2.1.3-rc.1")
    ('v#.#.#', '######-ce', '#.#.#-rc.#')
    """
    return NUMBER.sub(lambda found: "#" * (len(found[0]) if len(found[0]) >= DATE_DIGITS else 1), tag)


def numbers(tag: str) -> tuple[int, ...]:
    """Return the numbers of a tag."""
    return tuple(int(number) for number in NUMBER.findall(tag))


def _is_offered(series: tuple[int, ...], offered: tuple[str, ...] | None) -> bool:
    return offered is None or ".".join(map(str, series)) in offered
