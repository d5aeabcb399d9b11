"""Whoever reads Chinese is told the same: each line at the same place, with the same values, commands and paths."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fake_host import FakeHost
from test_checks import ONE_FINDING, serious

from components.messages import Message
from stacks.findings import Finding
from stacks.languages import text

HAN = re.compile(r"[\u4e00-\u9fff]")
# What stays as it is in a sentence: what is quoted, a command, a path, an address, a key.
KEPT = re.compile(
    r"\"[^\"]*\"|`[^`]*`|\(mount \| [^)]*\)|sudo [^.;,]*|\./photos [a-z]+|[\w.%~-]*[/\\:=_][^\s,;。，；（）：]+"
)
SENTENCE = re.compile(r"(?:\b[A-Za-z]{2,}\b[ ,]+){3,}\b[A-Za-z]{2,}\b")


def values(said: object) -> Iterator[str]:
    """Yield what is filled in, and in the messages that are filled in themselves."""
    for value in said.values.values() if isinstance(said, Message) else ():
        if isinstance(value, Message):
            yield from values(value)
        else:
            yield str(value)


def is_told_alike(finding: Finding, monkeypatch: pytest.MonkeyPatch) -> None:
    english = text(finding.line)
    monkeypatch.setenv("PHOTOS_LANGUAGE", "zh")
    chinese = text(finding.line)

    assert HAN.search(chinese), "it is not Chinese"
    for value in values(finding.line):
        assert value in chinese, "a value is missing"
    for part in KEPT.findall(english):
        assert part.strip("().':") in chinese, "a command or key is missing"
    assert not re.findall(r"\{[a-z_]+\}", chinese), "a value was not filled in"
    rest = chinese
    for value in sorted(values(finding.line), key=len, reverse=True):
        rest = rest.replace(value, "")
    assert not SENTENCE.search(KEPT.sub("", rest)), "a sentence was left in English"


# The checks of Docker follow.
TOLD = [name for name, (_, _, place, _) in ONE_FINDING.items() if place.startswith(("config photos:library", "wsl"))]


@pytest.mark.parametrize("name", TOLD)
def test_a_check_of_the_host_says_it_in_chinese(name: str, host: FakeHost) -> None:
    breaks, *_ = ONE_FINDING[name]
    breaks(host)

    (found,) = serious(host)
    is_told_alike(found, host.monkeypatch)
