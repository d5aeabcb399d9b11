"""README is a page that one reads to its end: what comes first stands first, and the rest is linked."""

from __future__ import annotations

import re

import pages
import pytest

from manual.pages import LANGUAGES, PROJECT, page
from stacks import outputs

LINES = 150
BEFORE_THE_FOLD = 25
"""Lines in which a reader must have met the missing backup."""
FOLDERS = re.compile(r"<!-- folders -->\n(.*?)<!-- /folders -->", re.DOTALL)

each_language = pytest.mark.parametrize("language", LANGUAGES)


@each_language
def test_it_is_short(language: str) -> None:
    assert len(pages.READMES[language].read_text("utf-8").splitlines()) <= LINES


@each_language
def test_it_has_the_command_that_starts_everything_and_the_one_that_tests_it(language: str) -> None:
    text = pages.READMES[language].read_text("utf-8")

    assert "./photos up" in text
    assert "`./photos test`" in text


@pytest.mark.parametrize(
    ("language", "line"), [("en", str(outputs.NO_BACKUP)), ("zh", "stack 文件里没有 photos:backup 就没有任何备份")]
)
def test_that_nothing_is_backed_up_by_itself_is_said_first(language: str, line: str) -> None:
    assert line in "\n".join(pages.READMES[language].read_text("utf-8").splitlines()[:BEFORE_THE_FOLD])


@each_language
def test_every_page_is_linked(language: str) -> None:
    linked = {link.to for link in pages.links(pages.READMES[language])}
    wanted = {page(name, language) for name in pages.NAMES} | {page(name, "en") for name in pages.ONLY_ENGLISH}

    assert wanted - linked == set()


def test_the_folder_map_names_what_is_there() -> None:
    found = FOLDERS.search((PROJECT / "CONTRIBUTING.md").read_text("utf-8"))
    assert found
    paths = set(re.findall(r"^\| `([^`]+)` \|", found[1], re.MULTILINE))

    assert {path for path in paths if not (PROJECT / path).exists()} == set()
    rooms = {f"{file.parent.name}/" for file in PROJECT.glob("*/__init__.py")}
    assert rooms | {"components/services/", "stacks/examples/", "policy/", "tests/"} <= paths


def test_decisions_are_numbered_without_a_gap_and_have_their_three_parts() -> None:
    files = sorted((PROJECT / "docs" / "adr").glob("*.md"))

    assert [f"{number:04}" for number in range(1, len(files) + 1)] == [file.name[:4] for file in files]
    for file in files:
        assert re.findall(r"^## (.+)$", file.read_text("utf-8"), re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
        ]


def test_every_entry_of_the_changelog_ends_with_its_effect() -> None:
    entries = re.findall(r"^- .*(?:\n  .*)*", (PROJECT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    effect = re.compile(r"Preview: (none|update in place|\*\*replace\*\*.*|\*\*touches data\*\*.*)\.$")

    assert [entry for entry in entries if not effect.search(entry)] == []
