"""Whoever reads Chinese is told the same: what people get wrong, and what is wrong with a machine, once more in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import test_bad_backups
import test_bad_inputs
from example_stack import CANARY, changed
from fake_host import FakeHost
from mistakes import Bad
from pydantic import BaseModel, TypeAdapter, ValidationError
from test_advice import ODD, TYPES
from test_checks import ONE_FINDING, serious
from test_empty_keys import EMPTY_KEYS, full
from test_messages import HAN

from components.messages import Message, Said
from manual.configuration import section_of
from stacks import preflight, program
from stacks.chinese import TEXTS, keys
from stacks.findings import Finding
from stacks.languages import text
from stacks.sections import Settings

COMMAND = re.compile(r"(sudo|mkdir|\./photos) ")


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Read Chinese; return what the program will find."""
    found: list[Finding] = []

    def look(*arguments: Any, **options: Any) -> preflight.Report:
        report = preflight.look(*arguments, **options)
        found.extend(report.errors)
        return report

    monkeypatch.setattr(program, "look", look)
    monkeypatch.setenv("PHOTOS_LANGUAGE", "zh")
    return found


def messages(said: Message) -> Iterator[Message]:
    """Yield a message and those that are filled into it."""
    yield said
    for value in said.values.values():
        if isinstance(value, Message):
            yield from messages(value)


def is_told_alike(said: Said) -> None:
    """Assert that all of a message is Chinese and names the values that the English one names."""
    if not isinstance(said, Message):
        assert not said or COMMAND.match(said), "a sentence that is no message stays English"
        return
    chinese = text(said)
    assert HAN.search(chinese), "it is not Chinese"
    for part in messages(said):
        assert part.code in TEXTS, "a part of it would be English"
        for value in part.values.values():
            assert isinstance(value, Message) or str(value) in chinese, "a value is missing"


@pytest.mark.parametrize("bad", [*test_bad_inputs.BAD, *test_bad_backups.BAD], ids=str)
def test_a_mistake_is_explained_in_chinese(bad: Bad, host: FakeHost, findings: list[Finding]) -> None:
    told, recorder = bad.told(host)

    first, *lines = told.split("\n")
    assert first == "没有创建或改动任何资源："
    assert lines == [text(wrong.line, stack=bad.stack) for wrong in findings]
    for wrong in findings:
        assert text(wrong.line).startswith(f"{text(wrong.check)}：")
        is_told_alike(wrong.text)
        is_told_alike(wrong.fix)
    assert bad.hides not in told, "the text ends up in terminals, logs and bug reports"
    assert CANARY not in told
    assert recorder.resources == []


@pytest.mark.parametrize(("place", "empty"), {(key.values[0], key.values[-1]): None for key in EMPTY_KEYS})
def test_an_empty_key_is_explained_in_chinese(
    place: str, empty: str | None, host: FakeHost, findings: list[Finding]
) -> None:
    host.run(changed(host.config(full()), {place: empty}))

    for wrong in findings:
        is_told_alike(wrong.text)


@pytest.mark.parametrize("name", ONE_FINDING)
def test_a_check_of_the_host_says_it_in_chinese(name: str, host: FakeHost) -> None:
    breaks, *_ = ONE_FINDING[name]
    breaks(host)

    host.monkeypatch.setenv("PHOTOS_LANGUAGE", "zh")
    (found,) = serious(host)
    is_told_alike(found.text)
    is_told_alike(found.fix)


@pytest.mark.parametrize("name", TYPES)
def test_a_value_that_cannot_be_used_is_refused_in_chinese(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOS_LANGUAGE", "zh")
    kind = TypeAdapter(TYPES[name])
    for odd in ODD:
        try:
            kind.validate_python(odd)
        except ValidationError as error:
            is_told_alike(error.errors()[0]["ctx"]["said"])


def descriptions(model: type[BaseModel] = Settings) -> Iterator[str]:
    for field in model.model_fields.values():
        yield field.description or ""
        if section := section_of(field):
            yield from descriptions(section)


def test_every_key_and_no_other_has_a_meaning_in_chinese() -> None:
    assert set(keys.TEXTS) == set(descriptions())
