"""Everything that the stack finds about a set of copies has a text of the keeper, in both languages and with the same values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.messages import PLACEHOLDER
from stacks.host import disks
from stacks.sections.backup import shortcomings

texts = pytest.importorskip("keeper.texts")
MAKERS = {"message": 1, "advice": 2}
OTHERS = {"text_with_fix", "copies"}
"""Messages of these files that reach no keeper."""


def told() -> Iterator[tuple[str, set[str]]]:
    """Yield the code and the values of what the keeper is told."""
    yield "and", {"one", "other"}
    whole = ast.parse(Path(shortcomings.__file__).read_text("utf-8"))
    (of_disks,) = (
        node
        for node in ast.parse(Path(disks.__file__).read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "on_one_disk"
    )
    for call in (call for tree in (whole, of_disks) for call in ast.walk(tree) if isinstance(call, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id in MAKERS:
            code, *english = (str(word.value) for word in call.args if isinstance(word, ast.Constant))
            yield code, {name for text in english for name in PLACEHOLDER.findall(text)}


@pytest.mark.parametrize(("code", "values"), [(code, values) for code, values in told() if code not in OTHERS])
def test_a_finding_has_a_text_in_both_languages(code: str, values: set[str]) -> None:
    text = texts.TEXTS[f"finding.{code}"]

    for said in (text.en, text.zh):
        assert set(PLACEHOLDER.findall(said)) == values
