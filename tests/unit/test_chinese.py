"""Whoever reads Chinese is told the same: what people get wrong, and what is wrong with a machine, once more in Chinese."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fake_host import FakeHost
from pydantic import TypeAdapter, ValidationError
from test_advice import ODD, TYPES
from test_checks import ONE_FINDING, serious
from test_messages import HAN

from components.messages import Message
from stacks.chinese import TEXTS
from stacks.languages import text

# The checks of Docker follow.
TOLD = [name for name, (_, _, place, _) in ONE_FINDING.items() if place.startswith(("config photos:library", "wsl"))]
# The sections follow.
REFUSING = ("path", "image", "time zone", "memory", "bind", "sync_bind", "site_url", "registry", "index_schedule")


def messages(said: Message) -> Iterator[Message]:
    """Yield a message and those that are filled into it."""
    yield said
    for value in said.values.values():
        if isinstance(value, Message):
            yield from messages(value)


def is_told_alike(said: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOS_LANGUAGE", "zh")
    chinese = text(said)

    assert HAN.search(chinese), "it is not Chinese"
    for part in messages(said):
        assert part.code in TEXTS, "a part of it would be English"
        for value in part.values.values():
            assert isinstance(value, Message) or str(value) in chinese, "a value is missing"


@pytest.mark.parametrize("name", TOLD)
def test_a_check_of_the_host_says_it_in_chinese(name: str, host: FakeHost) -> None:
    breaks, *_ = ONE_FINDING[name]
    breaks(host)

    (found,) = serious(host)
    is_told_alike(found.line, host.monkeypatch)


@pytest.mark.parametrize("name", REFUSING)
def test_a_value_that_cannot_be_used_is_refused_in_chinese(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = TypeAdapter(TYPES[name])
    for odd in ODD:
        try:
            kind.validate_python(odd)
        except ValidationError as error:
            is_told_alike(error.errors()[0]["ctx"]["said"], monkeypatch)
