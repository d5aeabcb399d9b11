"""Both languages say the same; every text that the code asks for exists, with what it fills in, and none is left over."""

from __future__ import annotations

import ast
import errno
import inspect
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from string import Formatter

import pytest

import keeper
from keeper import texts
from keeper.errors import Exit, Problem
from keeper.page.view import ORDER
from keeper.service.messages import message
from keeper.texts import COMMAND, LANGUAGES, TEXTS, Language, kernel_text, problem_text, say
from tests.keeper.service import english_in

KEEPER = Path(keeper.__file__).parent
ROOM_FILES = {file for file in (KEEPER / "texts").glob("*.py") if file.name != "__init__.py"}
SOURCES = sorted(set(KEEPER.rglob("*.py")) - ROOM_FILES)
TREES = {file: ast.parse(file.read_text("utf-8")) for file in SOURCES}
FINDINGS = {"stacks/sections/backup/shortcomings.py": True, "stacks/host/disks.py": False}
"""Where shortcomings of the set of copies are made, and whether a file says nothing else."""
ROOMS = {key.partition(".")[0] for key in TEXTS}
KEY = re.compile(r"[a-z]+(\.[A-Za-z_]+)+")
FILES = re.compile(r"\.(json|html|css|sql|sqlite|lock|conf|py|progress)$")
ALERT = (".safe", ".do", ".well")
# A problem's code and what it is told with, where both are arguments of one call.
MAKERS = {"Problem.of": 0, "KeeperError": 1, "say": 1, "text": 0}


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def asked(tree: ast.AST) -> Iterator[re.Pattern[str]]:
    """Yield what a source asks for: keys as they stand, and as patterns where a part of one is filled in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
            yield re.compile(re.escape(node.value))
        elif isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else None for part in node.values]
            fixed = "".join(part for part in parts if part)
            if parts[0] and re.match(r"[a-z]+\.", parts[0]) and re.fullmatch("[A-Za-z_.]+", fixed):
                yield re.compile("".join("[A-Za-z_]+" if part is None else re.escape(part) for part in parts))


def findings() -> set[str]:
    """Return the codes of what the stack's checks say about the set of copies."""
    codes = {"and"}
    for file, everything in FINDINGS.items():
        tree = ast.parse((KEEPER.parent / file).read_text("utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        places = [tree] if everything else [call for call in calls if ast.unparse(call.func) == "Shortcoming"]
        for call in (node for place in places for node in ast.walk(place) if isinstance(node, ast.Call)):
            if ast.unparse(call.func) in ("advice", "message"):
                first = call.args[0]
                assert isinstance(first, ast.Constant)
                codes.add(str(first.value))
    return {f"finding.{code}" for code in codes - {"text_with_fix"}}


ASKED = {pattern for tree in TREES.values() for pattern in asked(tree)}
TEMPLATES = "\n".join(file.read_text("utf-8") for file in KEEPER.rglob("*.html"))
IN_TEMPLATES = set(re.findall(r'text\("([a-z.]+[a-z])"', TEMPLATES)) | {
    f"{start}{level}" for start in re.findall(r'text\("([a-z.]+[.])" ~ \w+[.]level\)', TEMPLATES) for level in ORDER
}


def test_every_text_that_is_asked_for_exists() -> None:
    plain = {pattern.pattern.replace("\\", "") for pattern in ASKED if "[A-Z" not in pattern.pattern}
    wanted = {key for key in plain if key.partition(".")[0] in ROOMS and not FILES.search(key)}
    filled_in = [
        pattern for pattern in ASKED if "[A-Z" in pattern.pattern and pattern.pattern.partition("\\")[0] in ROOMS
    ]

    assert sorted((wanted | IN_TEMPLATES | findings()) - TEXTS.keys()) == []
    assert [p.pattern for p in filled_in if not any(p.fullmatch(key) for key in TEXTS)] == []


def test_every_problem_that_is_raised_has_a_text() -> None:
    """Also those of a room that has no text at all."""
    raised = {
        first.value
        for tree in TREES.values()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and (place := MAKERS.get(ast.unparse(call.func))) is not None
        for first in call.args[place : place + 1]
        if isinstance(first, ast.Constant) and isinstance(first.value, str)
    }

    assert len(raised) > 50, "or the sources were not read"
    assert sorted(raised - TEXTS.keys()) == []


def test_no_text_is_left_over() -> None:
    alerts = {key.removesuffix(end) for key in TEXTS for end in ALERT}
    used = {key for key in TEXTS if any(pattern.fullmatch(key) for pattern in ASKED)} | IN_TEMPLATES | findings()
    used |= {f"{key}{end}" for key in used & alerts for end in ALERT}

    assert sorted(TEXTS.keys() - used) == []


def phases() -> set[str]:
    """Return the names of what jobs say they are at."""
    named: set[str] = set()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and re.search(r"\b(tell|progress|_phase)$", ast.unparse(node.func)):
                named |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)}
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "phase":
                named |= {str(each.value) for each in ast.walk(node.value) if isinstance(each, ast.Constant)} - {""}
    return named


def test_every_phase_of_a_job_has_a_text_and_no_other() -> None:
    known = {key.removeprefix("phase.") for key in TEXTS if key.startswith("phase.")}

    assert known ^ phases() == set()


def test_a_text_gets_what_it_fills_in() -> None:
    lacking = []
    for file, tree in TREES.items():
        for call in ast.walk(tree):
            place = MAKERS.get(ast.unparse(call.func)) if isinstance(call, ast.Call) else None
            if not isinstance(call, ast.Call) or place is None or len(call.args) <= place:
                continue
            key, given = call.args[place], {keyword.arg for keyword in call.keywords}
            text = TEXTS.get(str(key.value)) if isinstance(key, ast.Constant) else None
            if text and None not in given and (missing := gaps(text.en) - given):
                lacking.append(f"{file.name}:{call.lineno} {ast.unparse(key)}: {sorted(missing)}")

    assert lacking == []


def test_no_room_takes_the_text_of_another() -> None:
    rooms = [import_module(f"keeper.texts.{file.stem}").TEXTS for file in ROOM_FILES]

    assert sum(map(len, rooms)) == len(TEXTS)


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_says_the_same_in_both_languages(key: str) -> None:
    text = TEXTS[key]

    assert text.en
    assert text.zh
    assert gaps(text.en) == gaps(text.zh)
    assert COMMAND.findall(text.en) == COMMAND.findall(text.zh), "a command can be typed as it stands"
    assert english_in(text.zh) == []
    if key != "page.language":
        assert not re.search("[\u4e00-\u9fff]", text.en)
    if "{said}" in text.zh:
        assert "原文：{said}" in text.zh, "what is not ours is marked as quoted"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_problem_within_a_problem_is_told_too_and_nothing_filled_in_is_read_as_a_text(language: Language) -> None:
    evil = "{0} {copy.name} {language} %s 'alert.safe'"
    inner = Problem.of("app.answers", app=evil, status=500, path="/x")
    told = problem_text(language, Problem.of("phone.unshown", reason=inner))

    assert evil in told
    assert say(language, "app.answers", app=evil, status=500, path="/x") in told


def test_a_value_may_be_called_like_an_argument() -> None:
    assert "backup_disk_x" in problem_text("en", Problem.of("copy.no_key", copy="disk", key="backup_disk_x"))


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (Problem(code="of.another.version", values={"path": "a b", "n": 3}), "of.another.version (path: a b, n: 3)"),
        (Problem(code="of.another.version"), "of.another.version"),
        (Problem(code="copy.gone"), "copy.gone"),
    ],
    ids=["unknown", "unknown and bare", "without its values"],
)
def test_a_problem_of_another_version_is_told_as_it_is(problem: Problem, told: str) -> None:
    assert problem_text("zh", problem) == told


def test_the_words_of_the_kernel_are_told_in_the_readers_language() -> None:
    full = os.strerror(errno.ENOSPC)
    problem = Problem.of("dump.failed", said=OSError(errno.ENOSPC, full, "/var/x"))
    named = Problem.of("alert.file.reason", path=full, reason=full)

    assert problem_text("zh", problem) == "数据库没能导出（原文：[Errno 28] 空间已满: '/var/x'）"
    assert problem_text("en", problem) == "the database dump failed ([Errno 28] No space left on device: '/var/x')"
    assert problem_text("zh", named) == f"{full}：空间已满", "a file that is called so keeps its name"
    assert kernel_text("zh", "open /x: permission denied") == "open /x: 没有权限"
    assert kernel_text("en", full) == full


def test_numbers_are_told_as_people_read_them() -> None:
    problem = Problem.of("gate.vanished", count=12345, of=100000, limit=2000, names="a")

    assert problem_text("en", problem).startswith("12,345 of 100,000 files vanished (limit 2000)")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "key", sorted({key.removesuffix(".safe") for key in TEXTS if key.endswith(".safe")} - {"alert"})
)
def test_every_alert_says_what_is_safe_what_to_do_and_what_is_well_again(key: str, language: Language) -> None:
    values = {name: f"<{name}>" for name in ("copy", "since", "alarm", "path", "phone", "count")}
    told = message(language, key, [Problem.of("job.crashed", number=1)], **values)

    assert told.title
    assert len(told.body.splitlines()) == 3
    assert told.well
    assert "{" not in told.title + told.body + told.well


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
    f"originals/{'长' * 80}/{'名' * 84}.jpg",
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_command_with_a_name_in_it_can_be_pasted(name: str, language: Language, tmp_path: Path) -> None:
    """Through a real shell: what the command gets is the name, whole and as one word."""
    told = message(language, "alert.rot", [], count=1, path=texts.typed(name))
    body = texts.for_stack(told.body, "home")
    command = body[body.index("./photos keeper restore") :]
    (tmp_path / "photos").write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n')
    (tmp_path / "photos").chmod(0o755)

    said = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert said.splitlines() == ["keeper", "restore", "--stack", "home", name]


def test_a_long_reason_is_cut_but_never_a_command() -> None:
    name = "originals/" + "x/" * 1900 + "y.jpg"
    cut = message("en", "alert.scrub", [Problem.of("scrub.no_room", said="x" * 999)])
    whole = message("en", "alert.scrub", [Problem.of("scrub.no_room", said=f"./photos keeper restore {name}")])

    assert len(cut.body) < 600
    assert shlex.quote(name) in whole.body


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("originals/2024/two\nlines.jpg", "originals/2024"),
        ("originals/a\udcff/b.jpg", "originals"),
        pytest.param("originals/a\ufffd/b.jpg", "originals", id="as restic tells it"),
        ("originals/a b/\x1b[2J.jpg", "'originals/a b'"),
    ],
)
def test_of_a_name_that_no_terminal_shows_the_folder_is_named(name: str, typed: str) -> None:
    assert texts.typed(name) == typed


def test_the_stack_that_is_meant_is_that_of_the_command_line() -> None:
    from cli import keeper as command_line  # noqa: PLC0415 - what a person types; the rest needs nothing of it
    from cli.commands import look, up  # noqa: PLC0415

    for command in (up.up, look.status, command_line.backup):
        assert inspect.signature(command).parameters["stack"].default == texts.DEFAULT_STACK


def test_ages_spans_and_sizes_are_said_as_people_say_them() -> None:
    assert texts.ago("en", timedelta(seconds=30)) == "a moment ago"
    assert texts.ago("en", timedelta(minutes=119)) == "119 minutes ago"
    assert texts.ago("zh", timedelta(hours=47)) == "47 小时前"
    assert texts.ago("en", timedelta(hours=49)) == "2 days ago"
    assert texts.span("en", timedelta(minutes=1)) == "a few minutes"
    assert texts.span("zh", timedelta(minutes=80)) == "80 分钟"
    assert texts.span("en", timedelta(hours=13.4)) == "13 hours"
    assert texts.span("en", timedelta(hours=210)) == "9 days"
    assert [texts.size(count) for count in (5, 1_500, 312_400_000_000)] == ["5 bytes", "1.5 kB", "312 GB"]
    assert say("zh", "page.passed") == "通过"


def test_every_exit_code_of_a_run_is_told() -> None:
    assert {f"alert.run.{code.name}" for code in (Exit.FAILED, Exit.COPY, Exit.VERIFY, Exit.PREFLIGHT)} <= TEXTS.keys()
