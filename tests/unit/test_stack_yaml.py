"""Stack files that an editor, a disk or a habit spoiled: one line says what is wrong, and no piece of a value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from cli import paths, stack_config, stack_yaml, stackfile
from cli.stack_yaml import UnreadableError, load

STACK = (
    "config:\n  photos:timezone: Asia/Shanghai\n  photos:library:\n    originals: /mnt/d/{}\n    import: /mnt/d/in\n"
)
HIDDEN = "hunter2"


def refused(file: Path, content: bytes | str) -> str:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UnreadableError) as caught:
        load(file)
    said = str(caught.value)
    assert "\n" not in said, "one line"
    assert HIDDEN not in said, "values may be secret"
    return said


@pytest.fixture(name="file")
def stack_file(tmp_path: Path) -> Path:
    return tmp_path / "Pulumi.dev.yaml"


@pytest.mark.parametrize("folder", ["照片", "家庭", "我的照片 2024", "album"])
@pytest.mark.parametrize(
    ("encoding", "looks"),
    [
        *((name, "UTF-16") for name in ("utf-16", "utf-16-le", "utf-16-be")),
        *((name, "UTF-32") for name in ("utf-32", "utf-32-le", "utf-32-be")),
    ],
)
def test_wide_encodings_are_named_with_and_without_their_mark(
    encoding: str, looks: str, folder: str, file: Path
) -> None:
    assert refused(file, STACK.format(folder).encode(encoding)) == (
        f"is not in UTF-8; it looks like {looks}. Save it as UTF-8"
    )


@pytest.mark.parametrize(
    ("encoding", "looks", "folder"),
    [
        *(("gbk", "GBK (GB18030)", folder) for folder in ("照片", "家庭相册", "我的照片", "镕基", "囍", "2024年春节")),
        *(("gb18030", "GBK (GB18030)", folder) for folder in ("照片", "㐀照片")),
        *(("big5", "Big5", folder) for folder in ("照片", "家庭", "相簿", "家庭相簿/原圖", "我的圖片")),
        *(("latin-1", "Latin-1 or Windows-1252", folder) for folder in ("Märchen", "été", "Öma für", "Straße")),
        ("cp1252", "Latin-1 or Windows-1252", "Mum’s"),  # noqa: RUF001 - what Windows writes
    ],
)
def test_older_encodings_are_told_by_their_everyday_letters(encoding: str, looks: str, folder: str, file: Path) -> None:
    assert f"it looks like {looks}. Save it as UTF-8" in refused(file, STACK.format(folder).encode(encoding))


@pytest.mark.parametrize("lines", ["\n", "\r\n"])
def test_a_mark_of_utf_8_and_windows_line_ends_are_read(lines: str, file: Path) -> None:
    """Pulumi takes the mark off: readFileStripUTF8BOM in sdk/go/common/workspace/loaders.go, and seen."""
    file.write_bytes(STACK.format("照片").replace("\n", lines).encode("utf-8-sig"))

    assert load(file)["config"]["photos:library"]["originals"] == "/mnt/d/照片"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: \0b", "holds a NUL byte in line 1: it is damaged"),
        (b"a: 1\nb:" + bytes(900), "holds a NUL byte in line 2"),
        ("a: 1\nb: x\x01y", "holds the control character U+0001 in line 2. Take it out"),
        ("a: \x1b[0m", "holds the control character U+001B in line 1"),
        ("a: x\x85b: y", "holds the control character U+0085"),
        ("a: x\u2028b", "holds the control character U+2028"),
        ("\ufeff\ufeffa: 1", "holds the invisible character U+FEFF in line 1. Take it out"),
        ("a: 1\n\ufeffb: 1", "holds the invisible character U+FEFF in line 2"),
        ("a:\n\u200b b: 1", "holds the invisible character U+200B in line 2"),
        ("a:\n\u00a0 b: 1", "is indented with U+00A0 in line 2, which only looks like a space. Write plain spaces"),
        ("a:\n\u3000b: 1", "is indented with U+3000 in line 2"),
        ("a:\n\tb: 1", "is indented with a tab in line 2. Write spaces"),
        ("a:\n  \tb: 1", "is indented with a tab in line 2. Write spaces"),
        ("照片: 相册在这里\nb: ".encode() + b"\xe9\xa0\n", "is in UTF-8, but line 2 is damaged"),
        ("", "holds no settings. Put its kept copy back"),
        ("# a comment\n", "holds no settings"),
        ("- a\n- b\n", "is not a stack file. Its first line without a comment is `config:`"),
        (HIDDEN, "is not a stack file"),
        (b"x" * 1_000_001, "has 1,000,001 bytes: that is not a stack file"),
    ],
)
def test_what_is_no_text_or_no_stack_file_is_named(content: bytes | str, says: str, file: Path) -> None:
    assert says in refused(file, content)


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (f"a: 1\nb: {HIDDEN}\na: 2", 3, "a stands twice, in line 1 and in line 3. Keep one"),
        ("x:\n  photos:id: 1\n  y: 2\n  photos:id: 1", 4, "photos:id stands twice, in line 2 and in line 4"),
        ("a: {x: 1, y: 2, x: 1}", 1, "x stands twice"),
        (f"a: [{HIDDEN}", 1, "expected ',' or ']'"),
        (f"a: '{HIDDEN}", 1, "unexpected end of stream"),
        (f"a: *{HIDDEN}", 1, "a value begins with *, which YAML takes for a reference. Put it in quotes"),
        (f"a: {HIDDEN}: c", 1, "a second colon, or a line that is indented too far"),
        ("a: @every 3h", 1, 'a value begins with @, ` or %. Put it in quotes, e.g. "@every 3h"'),
        (f"a: !{HIDDEN} x", 1, "a value begins with !, which YAML takes for a type"),
        ("a: 1\n---\nb: 2", 2, "a second document begins here (---). Keep one"),
        ("a: 1\nphotos:timezone： x\nb: 1", 3, "a key without a colon; a wide one"),
        ("a: 2024-01-01", 1, 'a date would become another text. Write it in quotes: "2024-01-01"'),
        ("a: [1, 2024-1-1 10:00:00]", 1, "a date would become another text"),
        ("a: 01000", 1, "01000 begins with 0, which YAML takes for a number to the base of 8. Write 1000"),
        ("a: 08", 1, "08 begins with 0"),
        ("? [a]\n: 1", 1, "unhashable"),
    ],
)
def test_a_mistake_in_the_yaml_is_one_short_line_with_its_place(content: str, line: int, says: str, file: Path) -> None:
    said = refused(file, content)

    assert said.startswith(f"is not valid YAML, line {line}: ")
    assert says in said
    assert len(said) < 160


@pytest.mark.parametrize("content", ["config: &a [*a]", "a: &a {b: *a}", "[" * 3000])
def test_what_cannot_be_written_down_again_is_refused(content: str, file: Path) -> None:
    assert "YAML" in refused(file, content) or "stack file" in refused(file, content)


def test_values_are_those_that_pulumi_reads(file: Path) -> None:
    """Seen with Pulumi 3.259, which reads YAML by yaml.v3."""
    values = {
        "yes": "yes", "No": "No", "on": "on", "y": "y", "True": True, "false": False, "~": None, "": None, "null": None,
        "12:30": "12:30", "1_000": 1000, "0o10": 8, "0x1F": 31, "0b11": 3, "1.0": 1, "1e3": 1000, ".5": 0.5, "-5": -5,
        "+7": 7, "0": 0, "4G": "4G", "1.2.3": "1.2.3", "'8'": "8", "09.5": 9.5, "=": "=", "1 2": "1 2",
    }  # fmt: skip
    file.write_text("config:\n" + "".join(f"  k{number}: {text}\n" for number, text in enumerate(values)), "utf-8")

    found = load(file)["config"]

    assert list(found.values()) == list(values.values())
    json.dumps(found)


def test_merged_sections_are_read_and_are_no_double_keys(file: Path) -> None:
    file.write_text("x: &x {a: 1}\ny: {<<: *x, a: 2, b: 3}\n")

    assert load(file) == {"x": {"a": 1}, "y": {"a": 2, "b": 3}}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_the_mark_tells_where_no_letter_is_ascii(encoding: str, file: Path) -> None:
    assert f"it looks like {encoding.upper()}" in refused(file, "照片相册".encode(encoding))


def test_a_folder_a_device_and_a_file_of_somebody_else_are_named(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says: dict[str, Any] = {}
    file.write_text("config: {}")

    def closed(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    for name in (".", "/dev/null", "absent"):
        with pytest.raises(UnreadableError) as caught:
            load(tmp_path / name)
        says[name] = str(caught.value)
    monkeypatch.setattr(Path, "read_bytes", closed)
    with pytest.raises(
        UnreadableError, match=r"cannot be read: Permission denied\. Run \./photos as the user who owns"
    ):
        load(file)

    assert says["."] == says["/dev/null"] == "is a folder or a device, not a file. Move it away"
    assert says["absent"] == "does not exist"


@pytest.fixture(name="home")
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path)
    return tmp_path


@pytest.mark.parametrize("content", [STACK.format("x").encode("utf-16"), b"\xff", b"a: [", b"a: 1\na: 1", b"- x"])
def test_every_reader_of_a_stack_file_says_so_in_one_line(
    content: bytes, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "Pulumi.dev.yaml"
    file.write_bytes(content)
    for reader in (
        stackfile.ensure,
        stackfile.keep_copy,
        stackfile.publishes,
        stack_config.offline,
        stack_config.offline_values,
    ):
        with pytest.raises(typer.Exit):
            reader("dev")
        said = capsys.readouterr().err

        assert said.startswith(f"{file} is not ")
        assert said.count("\n") == 1
    with pytest.raises(typer.Exit):
        stackfile.stack_id(file)


@pytest.mark.parametrize("content", ["config: [a]", "config: text"])
def test_a_config_that_is_no_section_is_refused(content: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "Pulumi.dev.yaml").write_text(content)

    with pytest.raises(typer.Exit):
        stackfile.read(home / "Pulumi.dev.yaml")
    assert "is not a stack file: what stands below `config:` is no section" in capsys.readouterr().err


def test_keys_beside_config_are_told_where_they_belong(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "Pulumi.dev.yaml").write_text("config: {}\nphotos:timezone: UTC\n")

    with pytest.raises(typer.Exit):
        stackfile.read(home / "Pulumi.dev.yaml")
    assert "has photos:timezone beside `config:`. Move it below, two spaces in." in capsys.readouterr().err


def test_an_empty_file_is_no_identity_so_that_a_kept_copy_is_offered(home: Path) -> None:
    (home / "Pulumi.dev.yaml").touch()

    assert stackfile.stack_id(home / "Pulumi.dev.yaml") is None


def test_the_examples_are_read_as_before() -> None:
    for file in paths.EXAMPLES.glob("Pulumi.*.yaml"):
        assert stack_yaml.load(file)["config"]["photos:timezone"]
