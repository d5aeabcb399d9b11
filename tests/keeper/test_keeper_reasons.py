"""Every reason that page or alerts can show has its Chinese: read from the code, so that nobody has to remember it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from keeper import rclone, reasons, view
from keeper.reasons import CHINESE, translate
from keeper.texts import COMMAND
from stacks.sections.backup import shortcomings
from tests.keeper.service import english_in

WORD = re.compile(r"(?<![^ ])[a-z']+(?![^ :,.;?])")
NO_SENTENCE = re.compile(r"\./photos |[A-Z]{3,} ")
"""A command, or SQL."""
KEEPER = Path(reasons.__file__).parent
# Whoever reads what they say sits at a terminal, reads a log or is a program; the last two are the translations.
OUT = {"__main__", "exchange", "restore", "stage", "sync_index", "metrics", "page", "settings", "reasons", "texts"}
# `accept` answers at the terminal; where `only_run` refuses, another run goes on and this one is not reported.
OUT_FUNCTIONS = {"accept", "only_run"}
NO_REASONS = {
    # The name of a phase, who holds the lock, what other programs say.
    "read back",
    "a test restore from {}",
    "Table is already up to date",
    "doesn't support about",
    "not support",
    # Parts of what is composed.
    *(text for pair in rclone.CAUSES for text in pair),
    view.STOPPED,
    view.IF_RIGHT,
}
# Reasons that the code does not write down as one text.
COMPOSED = {
    *(f"{cause} ({{}})" for _, cause in rclone.CAUSES),
    f"{view.STOPPED}{{}}",
    # An OSError as text.
    "[Errno {}] {}",
    "[Errno {}] {}: {}",
}


def template(node: ast.expr) -> str | None:
    """Return a text of the code with {} for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts below a node that read like words, without docstrings and logs."""
    for child in ast.iter_child_nodes(node):
        called = ast.unparse(child.func) if isinstance(child, ast.Call) else ""
        if called.startswith("log.") or (isinstance(child, ast.FunctionDef) and child.name in OUT_FUNCTIONS):
            continue
        if isinstance(child, ast.Call) and called.endswith("too_many"):
            yield str(template(child.args[-1]))
        elif isinstance(child, ast.expr) and (text := template(child)) is not None:
            if len(WORD.findall(text)) > 1 and not NO_SENTENCE.match(text):
                yield text
        elif not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield from texts(child)


def findings() -> Iterator[str]:
    """Yield what `stacks/sections/backup/shortcomings.py` finds not good, and the parts that it fills in."""
    for call in ast.walk(ast.parse(Path(shortcomings.__file__).read_text("utf-8"))):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("advice", "message"):
            code, *sentences = (str(part.value) for part in call.args if isinstance(part, ast.Constant))
            if code != "text_with_fix":
                yield ". ".join(sentences)


def bare(text: str) -> str:
    """Return a template without the names of its gaps, and without that of a copy before it."""
    return re.sub(r"\{\}( \{\})+", "{}", re.sub(r"\{\w+\}", "{}", text)).removeprefix("{}: ")


def gaps(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)


SHOWN = {
    text
    for file in sorted(KEEPER.glob("*.py"))
    if file.stem not in OUT
    for text in texts(ast.parse(file.read_text("utf-8")))
} - NO_REASONS
SOURCES = {bare(text) for text in (*SHOWN, *findings(), *COMPOSED)}
TABLE = {bare(text) for text in CHINESE}


def test_every_reason_that_can_be_shown_has_its_chinese() -> None:
    assert sorted(SOURCES - TABLE) == []


def test_the_table_holds_nothing_that_is_never_said() -> None:
    assert sorted(TABLE - SOURCES) == []


@pytest.mark.parametrize("english", CHINESE)
def test_a_reason_and_its_chinese_say_the_same(english: str) -> None:
    chinese = CHINESE[english]
    values = {name: f"<{name}>" for name in gaps(english)}

    assert gaps(chinese) == gaps(english)
    assert COMMAND.findall(chinese) == COMMAND.findall(english), "a command can be typed as it stands"
    assert english_in(chinese) == []
    assert ("原文：{said}" in chinese) is ("{said}" in english), "what is not ours is marked as quoted"
    assert translate("zh", english.format(**values)) == chinese.format(**values), "no other template takes it"
    assert translate("zh", f"disk: {english.format(**values)}") == f"disk：{chinese.format(**values)}"
    assert translate("en", english.format(**values)) == english.format(**values)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            (
                "disk: stopped, nothing was sent: 5 of 9 files would be moved away (limit 2): a.jpg, b.jpg ...; the whole "
                "folder originals/x vanished. If this is right: ./photos keeper accept R"
            ),
            (
                "disk：已停下，什么都没有发送：9 个文件里有 5 个会被移走（上限 2 个）：a.jpg, b.jpg ...；整个文件夹 originals/x "
                "不见了。如果没有问题，请运行：./photos keeper accept R"
            ),
        ),
        (
            "2 files cannot be read: originals/Tom and Ann: 1.jpg: Permission denied, originals/b.jpg: Input/output error",
            "有 2 个文件读不出来：originals/Tom and Ann: 1.jpg：没有权限, originals/b.jpg：读写出错",
        ),
        (
            "originals: no marker (No such file or directory): another disk, or none. Nothing was backed up or restored",
            "originals：没有标记文件（找不到文件）：换了硬盘，或者没有接硬盘。什么都没有备份或恢复",
        ),
        (
            "the database dump failed, so no backup was made: it lacks albums, photos",
            "数据库没能导出，所以没有备份：缺少 albums, photos",
        ),
        ("[Errno 28] No space left on device: '/var/x'", "空间已满（'/var/x'，错误 28）"),
        (
            "the dump does not load: ERROR 1064 at line 3;\nsee {0}",
            "数据库导出没能导入：ERROR 1064 at line 3;\nsee {0}",
        ),
    ],
)
def test_what_is_filled_in_is_translated_where_it_is_ours(english: str, chinese: str) -> None:
    assert translate("zh", english) == chinese


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one thing; and another and a third",
        "disk: no idea {x}",
        "已经是中文了",
        pytest.param("1 of 2 files " * 10_000, id="a name that is made to take long"),
    ],
)
def test_what_is_not_known_comes_back_as_it_is(text: str) -> None:
    assert translate("zh", text) == text
