"""The pages of docs/ as the tests read them: links, headings, commands, keys, blocks of YAML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from manual.pages import LANGUAGES, PROJECT, page

READMES = {"en": PROJECT / "README.md", "zh": PROJECT / "README.zh-CN.md"}
ONLY_ENGLISH = {"performance", "backup-performance", "backup-cases"}
"""Measured, or of interest to whoever changes the code."""
NAMES = sorted({file.stem for file in (PROJECT / "docs").glob("*.md")} - ONLY_ENGLISH)
FOR_PEOPLE = [
    file
    for file in (*READMES.values(), *(page(name, language) for name in NAMES for language in LANGUAGES))
    if file.exists()
]
ALL = [file for place in ("*.md", "docs/**/*.md") for file in sorted(PROJECT.glob(place))]

CODE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)


def shown(file: Path) -> str:
    """Return how a test calls a page."""
    return str(file.relative_to(PROJECT))


def text_of(language: str) -> str:
    """Return README and all pages of a language, one after the other."""
    files = (READMES[language], *(page(name, language) for name in NAMES))
    return "\n".join(file.read_text("utf-8") for file in files)


def headings(file: Path) -> list[tuple[str, str]]:
    """Return marks and text of each heading."""
    return re.findall(r"^(#+) (.+)$", CODE.sub("", file.read_text("utf-8")), re.MULTILINE)


def anchors(file: Path) -> set[str]:
    """Return what a link to this page may have after its #: GitHub's way of making it from a heading."""
    found: set[str] = set()
    for _, heading in headings(file):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading).lower()).replace(" ", "-")
        same = sum(1 for other in found if re.fullmatch(rf"{re.escape(words)}(-\d+)?", other))
        found.add(f"{words}-{same}" if same else words)
    return found


@dataclass(frozen=True)
class Link:
    """A link that leads to a file of this project."""

    to: Path
    anchor: str
    written: str


def links(file: Path) -> list[Link]:
    """Return the links of a page that stay in this project."""
    found = re.findall(r"\]\(([^)\s]+)\)", CODE.sub("", file.read_text("utf-8")))
    inside = [link for link in found if not re.match(r"[a-z]+:", link)]
    return [
        Link((file.parent / path).resolve() if path else file, anchor, link)
        for link in inside
        for path, _, anchor in [link.partition("#")]
    ]


def blocks(file: Path, kind: str) -> list[str]:
    """Return the blocks of code of a kind ("yaml", "sh")."""
    return re.findall(rf"^ *```{kind}\n(.*?)^ *```", file.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def command_lines(text: str) -> list[list[str]]:
    """Return the words of each command of ./photos that a text names, up to what ends it in prose or shell."""
    ends = r"\n`|<;&#（）()，。；：、,"
    found = re.findall(rf"\./photos ([a-z](?:(?!\. |\.\n|: )[^{ends}])*)", text)
    return [[word.rstrip(".:") for word in line.split()] for line in found]
