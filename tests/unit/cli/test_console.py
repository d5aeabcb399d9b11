"""How `./photos` speaks to whoever reads Chinese."""

from __future__ import annotations

import pytest
import typer
from rich.table import Table

from cli import console
from components.messages import message


def test_messages_are_printed_in_the_language_of_the_reader(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PHOTOS_LANGUAGE", "zh")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    console.say(message("album", "The album: {url}", url="http://localhost:1/"))
    assert not console.confirm(message("nothing_destroyed", "Nothing was destroyed."))
    with pytest.raises(typer.Exit):
        console.fail(message("nothing_changed", "Nothing was changed."))

    out, err = capsys.readouterr()
    assert out == "相册：http://localhost:1/\n"
    assert err.splitlines() == ["什么都没有拆除。 这里没有人能回答：加上 --yes 表示同意。", "什么都没有改动。"]


def test_what_is_printed_is_not_read_as_emoji_or_style(capsys: pytest.CaptureFixture[str]) -> None:
    line = "SHA-256 AB:CD:EF of [red]photo[/red] :heart:.jpg"
    table = Table("name")
    table.add_row(line)

    console.say(message("album", "The album: {url}", url=line))
    console.out.print(table)

    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"The album: {line}"
    assert any(line in row for row in said[1:])


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("one two three four", ["  one two", "  three", "  four"]),
        (
            "“baidu”：rclone 没有这种类型。请写 `type: openlist`",
            ["  “baidu”：rclone 没有这种类型。请写 `type: openlist`"],
        ),
    ],
    ids=["words", "Chinese"],
)
def test_lines_are_wrapped_between_words_and_chinese_is_left_to_the_terminal(line: str, lines: list[str]) -> None:
    assert console.wrapped(line, 9, first="  ", then="  ").split("\n") == lines
