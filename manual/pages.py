"""Where the pages are, and the parts of them that are written from the code."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).parents[1]
LANGUAGES = ("en", "zh")


def page(name: str, language: str) -> Path:
    """Return the file of a page of docs/ in a language."""
    return PROJECT / "docs" / ("zh" if language == "zh" else "") / f"{name}.md"


def linked(text: str) -> str:
    """Return a text of the program with the pages that it names as links of a page in the same language."""
    return re.sub(r"\bdocs/(?:zh/)?([a-z-]+)\.md", r"[\1](\1.md)", text)


def part(text: str, marker: str) -> str:
    """Return what stands between the markers of a part. Raises ValueError where they are missing."""
    return _marked(text, marker)[2]


def with_part(text: str, marker: str, content: str) -> str:
    """Return the text with another content between the markers. Raises ValueError where they are missing."""
    found = _marked(text, marker)
    return text[: found.start(2)] + content + text[found.end(2) :]


def _marked(text: str, marker: str) -> re.Match[str]:
    found = re.search(rf"(<!-- {marker} -->\n)(.*?)(<!-- /{marker} -->)", text, re.DOTALL)
    if not found:
        problem = f"the markers <!-- {marker} --> and <!-- /{marker} --> are missing"
        raise ValueError(problem)
    return found
