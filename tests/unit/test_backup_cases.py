"""docs/backup-cases.md names tests and guards that exist: each case from the field has both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
CASES = range(27, 49)
ROWS = {
    int(found[1]): found[0].split(" | ")
    for found in re.finditer(r"^\| (\d+) .* \|$", (PROJECT / "docs/backup-cases.md").read_text("utf-8"), re.MULTILINE)
}
DEFINED = re.compile(r"^ *(?:def|class) (\w+)", re.MULTILINE)
NAMED = re.compile(r"`([\w/.]+)::(\w+)`")


def defined(file: Path) -> set[str]:
    return set(DEFINED.findall(file.read_text("utf-8")))


def file_of(test: str) -> Path:
    return PROJECT / (test if test.endswith(".py") else f"tests/keeper/test_keeper_{test}.py")


def test_every_case_has_its_row() -> None:
    assert sorted(ROWS) == list(CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_case_names_tests_and_guards_that_exist(case: int) -> None:
    _, tests, guards, red = ROWS[case]
    shown, stands_on = NAMED.findall(tests), NAMED.findall(guards)

    assert shown
    assert stands_on
    assert [name for file, name in shown if name not in defined(file_of(file))] == []
    assert [name for file, name in stands_on if name not in defined(PROJECT / file)] == []
    assert red.startswith("yes")
