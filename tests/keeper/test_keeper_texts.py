"""Both languages say the same, and every text that the code asks for exists."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
from datetime import timedelta
from pathlib import Path
from string import Formatter

import pytest

from cli import keeper
from cli.commands import look, up
from keeper import messages, texts
from keeper.errors import Code
from keeper.library import Survey
from keeper.report import RunReport, now
from keeper.run import _conclude
from keeper.texts import LANGUAGES, TEXTS, say

CODE = "\n".join(
    file.read_text("utf-8") for file in Path(texts.__file__).parent.rglob("*") if file.suffix in {".py", ".html"}
)


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_have_the_same_gaps_to_fill(key: str) -> None:
    text = TEXTS[key]

    assert text.en
    assert text.zh
    assert gaps(text.en) == gaps(text.zh)


def test_every_text_that_is_asked_for_exists() -> None:
    asked = set(re.findall(r'"((?:page|todo|alert|run|drill|well|watch|ago|span)\.[a-z.]+[a-z])"', CODE))

    assert asked - TEXTS.keys() - {"page.css", "page.html"} == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [code for code in Code if code != Code.OK])
def test_every_way_a_run_can_end_has_an_alert(code: Code, language: texts.Language) -> None:
    message = messages.of_run(language, RunReport(run="20261122T030000Z-abcdef", started=now(), code=code))

    assert message.title
    assert "{" not in message.title + message.body


def test_a_waiting_run_is_named_with_the_command_that_accepts_it() -> None:
    report = RunReport(run="20261122T030000Z-abcdef", started=now(), code=Code.GATE)

    assert "./photos keeper accept 20261122T030000Z-abcdef" in messages.of_run("zh", report).body


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("run: ./photos keeper accept R.", "run: ./photos keeper accept --stack home R."),
        ("./photos keeper verify --all", "./photos keeper verify --stack home --all"),
        ("./photos up - and see ./photos status", "./photos up home - and see ./photos status --stack home"),
        ("look at ./photos-old", "look at ./photos-old"),
        ("./photos config set --secret photos:x", "./photos config set --stack home --secret photos:x"),
        ("./photos config set --stack home --secret photos:x",) * 2,
    ],
)
def test_commands_name_the_stack_unless_it_is_the_one_that_is_meant_anyway(text: str, typed: str) -> None:
    assert texts.for_stack(text, "home") == typed
    assert texts.for_stack(text, texts.DEFAULT_STACK) == text


NAMES = (
    "originals/2024/a.jpg",
    "originals/Mum's birthday/IMG 1.jpg",
    "originals/我的照片/春节 (1).jpg",
    'originals/"quoted" $HOME `id` ; rm -rf ~.jpg',
    "originals/-n.jpg",
    "originals/back\\slash*.jpg",
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_command_with_a_name_in_it_can_be_pasted(name: str, language: texts.Language, tmp_path: Path) -> None:
    """Through a real shell: what the command gets is the name, whole and as one word."""
    report = RunReport(run="r", started=now(), code=Code.VERIFY)
    _conclude(report, Survey(rotten=[name]))
    body = texts.for_stack(messages.of_run(language, report).body, "home")
    command = next(line for line in body.splitlines() if "keeper restore" in line)
    command = command[command.index("./photos keeper restore") :]
    (tmp_path / "photos").write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n')
    (tmp_path / "photos").chmod(0o755)

    said = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert said.splitlines() == ["keeper", "restore", "--stack", "home", name]


@pytest.mark.parametrize("name", [f"originals/{'长' * 80}/{'名' * 84}.jpg", "originals/" + "x/" * 1900 + "y.jpg"])
def test_a_command_is_never_cut_in_the_middle_of_a_name(name: str) -> None:
    report = RunReport(run="r", started=now(), code=Code.VERIFY)
    _conclude(report, Survey(rotten=[name]))

    assert shlex.quote(name) in messages.of_run("en", report).body
    assert (
        len(messages.of_run("en", RunReport(run="r", started=now(), code=Code.VERIFY, problems=["x" * 999])).body) < 600
    )


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("originals/2024/two\nlines.jpg", "originals/2024"),
        ("originals/a\udcff/b.jpg", "originals"),
        ("originals/a b/\x1b[2J.jpg", "'originals/a b'"),
    ],
)
def test_of_a_name_that_no_terminal_shows_the_folder_is_named(name: str, typed: str) -> None:
    assert texts.typed(name) == typed


def test_the_stack_that_is_meant_is_that_of_the_command_line() -> None:
    for command in (up.up, look.status, keeper.backup):
        assert inspect.signature(command).parameters["stack"].default == texts.DEFAULT_STACK


def test_ages_and_sizes_are_said_as_people_say_them() -> None:
    assert texts.ago("en", timedelta(seconds=30)) == "a moment ago"
    assert texts.ago("en", timedelta(minutes=119)) == "119 minutes ago"
    assert texts.ago("zh", timedelta(hours=47)) == "47 小时前"
    assert texts.ago("en", timedelta(hours=49)) == "2 days ago"
    assert [texts.size(count) for count in (5, 1_500, 312_400_000_000)] == ["5 bytes", "1.5 kB", "312 GB"]
    assert say("zh", "page.passed") == "通过"
