"""The text of a stack file as Pulumi will read it, or one line that says why it cannot be read.

Pulumi reads YAML with Go's yaml.v3, which PyYAML differs from: `yes` is a text and 12:30 too, a key that stands twice is
an error, and a date becomes a text that nobody wrote. No message holds more of the file than keys: values may be secret.
"""

from __future__ import annotations

import codecs
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import yaml

from components.messages import Message, Said, message

SAVE = message("save_as_utf8", "Save it as UTF-8")
NEW_LINE = b"\n"
LARGEST = 1_000_000
"""Bytes; a stack file has a few thousand."""
MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
# Share of NUL bytes at each of four places → what puts them there in a text that is mostly ASCII.
ZEROS: dict[tuple[int, ...], str] = {
    (0, 1, 1, 1): "UTF-32",
    (1, 1, 1, 0): "UTF-32",
    (0, 1, 0, 1): "UTF-16",
    (1, 0, 1, 0): "UTF-16",
}
MOSTLY = 0.6
LATIN_LETTERS, LATIN_SIGNS = 0xC0, 0xA0
# Name, Python's name, and the first bytes of everyday characters (the first level of each); the first wins a tie.
CHINESE = (("GBK (GB18030)", "gb18030", range(0xB0, 0xD8)), ("Big5", "big5", range(0xA4, 0xC7)))
TRAILS = {"gb18030": 0xA1, "big5": 0x40}
# Letters that look like a space or like nothing; elsewhere than in an indentation they may be meant.
INVISIBLE = "\ufeff\u200b\u2060"


class UnreadableError(Exception):
    """The file cannot be used; what is said is one line without the file's name."""

    def __init__(self, said: Message) -> None:
        super().__init__(str(said))
        self.said = said


def load(file: Path) -> dict[Any, Any]:
    """Return the sections of a stack file at their top: `config`, `encryptionsalt`.

    Raises:
        UnreadableError: with what is wrong and what to do.
    """
    document = _parsed(text_of(file))
    if document is None:
        raise UnreadableError(
            message(
                "yaml_without_settings",
                "holds no settings. Put its kept copy back, or begin with an example: see stacks/examples",
            )
        )
    if not isinstance(document, dict):
        raise UnreadableError(
            message(
                "yaml_no_stack_file",
                "is not a stack file. Its first line without a comment is `config:`; see stacks/examples",
            )
        )
    return document


def text_of(file: Path) -> str:
    """Return the text of a stack file, a mark of UTF-8 at its begin taken off, as Pulumi does.

    Raises:
        UnreadableError: it is no file, no text, or not in UTF-8.
    """
    try:
        if not file.is_file():
            no_file = message("yaml_no_file", "is a folder or a device, not a file. Move it away")
            raise UnreadableError(no_file if file.exists() else message("yaml_absent", "does not exist"))
        raw = file.read_bytes()
    except OSError as error:
        raise UnreadableError(
            message(
                "yaml_not_readable",
                "cannot be read: {said}. Run ./photos as the user who owns it",
                said=error.strerror,
            )
        ) from None
    if len(raw) > LARGEST:
        raise UnreadableError(
            message("yaml_too_large", "has {size} bytes: that is not a stack file", size=f"{len(raw):,}")
        )
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = _not_utf8(encoding_of(raw))
        mixed = raw.decode("utf-8", "replace")
        if sum(not letter.isascii() for letter in mixed) > 2 * mixed.count("\ufffd"):
            reason = message(
                "yaml_line_damaged",
                "is in UTF-8, but line {line} is damaged. Write that line anew",
                line=raw[: error.start].count(NEW_LINE) + 1,
            )
        raise UnreadableError(reason) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        damaged = message(
            "yaml_nul", "holds a NUL byte in line {line}: it is damaged, or no text. Put its kept copy back", line=line
        )
        looks = _from_zeros(raw)
        raise UnreadableError(_not_utf8(looks) if looks else damaged)
    _check_letters(text)
    return text


def _not_utf8(encoding: Said) -> Message:
    return message("yaml_not_utf8", "is not in UTF-8; it looks like {encoding}. {save}", encoding=encoding, save=SAVE)


def encoding_of(raw: bytes) -> Said:
    """Name the encoding that a text which is not UTF-8 was most likely saved in."""
    if marked := next((name for mark, name in MARKS if raw.startswith(mark)), None):
        return marked
    if looks := _from_zeros(raw):
        return looks
    high = re.findall(rb"[\x80-\xff]+", raw)
    # Western letters stand alone between ASCII ones; in Chinese a byte of ASCII may follow, after one that is no letter.
    if all(len(run) == 1 and (run[0] >= LATIN_LETTERS or run[0] < LATIN_SIGNS) for run in high):
        return message("yaml_latin", "Latin-1 or Windows-1252")
    shares = {name: _common(raw, encoding, leads) for name, encoding, leads in CHINESE}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= 0 else message("yaml_old_encoding", "an encoding of older systems")


def _common(raw: bytes, encoding: str, leads: range) -> float:
    """Return the share of characters that are everyday ones if this is the encoding; -1 when it cannot be."""
    try:
        letters = [letter for letter in raw.decode(encoding) if not letter.isascii()]
    except UnicodeDecodeError:
        return -1
    written = [letter.encode(encoding) for letter in letters]
    everyday = [pair for pair in written if len(pair) == 2 and pair[0] in leads and pair[1] >= TRAILS[encoding]]  # noqa: PLR2004
    return len(everyday) / len(letters)


def _from_zeros(raw: bytes) -> str | None:
    """Name UTF-16 or UTF-32 without a mark: ASCII letters carry their NUL bytes always at the same places."""
    whole = raw.removesuffix(b"\n")
    shares = [whole[place::4].count(0) / max(1, len(whole[place::4])) for place in range(4)]
    return ZEROS.get(tuple(int(share > MOSTLY) for share in shares))


def _check_letters(text: str) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        body = line.removesuffix("\r")
        for letter in body:
            if letter != "\t" and unicodedata.category(letter) in ("Cc", "Zl", "Zp"):
                raise UnreadableError(
                    message(
                        "yaml_control",
                        "holds the control character {character} in line {line}. Take it out and save the file as UTF-8",
                        character=f"U+{ord(letter):04X}",
                        line=number,
                    )
                )
            if letter in INVISIBLE:
                raise UnreadableError(
                    message(
                        "yaml_invisible",
                        "holds the invisible character {character} in line {line}. Take it out",
                        character=f"U+{ord(letter):04X}",
                        line=number,
                    )
                )
        indent = body[: len(body) - len(body.lstrip())]
        if wrong := next((letter for letter in indent if letter not in " \t"), None):
            raise UnreadableError(
                message(
                    "yaml_no_space",
                    "is indented with {character} in line {line}, which only looks like a space. Write plain spaces",
                    character=f"U+{ord(wrong):04X}",
                    line=number,
                )
            )
        if "\t" in indent and body.strip() and not body.strip().startswith("#"):
            raise UnreadableError(
                message("yaml_tab", "is indented with a tab in line {line}. Write spaces", line=number)
            )


def _parsed(text: str) -> Any:
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader with Go's rules
        json.dumps(document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = message("yaml_line", "line {line}: ", line=mark.line + 1) if mark else ""
        raise UnreadableError(
            message("yaml_invalid", "is not valid YAML, {place}{reason}", place=place, reason=_reason(error))
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UnreadableError(
            message("yaml_unwritable", "is not valid YAML: it holds a character or a value that cannot be written down")
        ) from None
    return document


# What PyYAML says → the same for a person, without a piece of a value.
REASONS = {
    "undefined alias": message(
        "yaml_star", "a value begins with *, which YAML takes for a reference. Put it in quotes"
    ),
    "mapping values are not allowed": message(
        "yaml_second_colon",
        "a second colon, or a line that is indented too far. Put the value in quotes, or move the line",
    ),
    "cannot start any token": message("yaml_at", 'a value begins with @, ` or %. Put it in quotes, e.g. "@every 3h"'),
    "another document": message("yaml_second_document", "a second document begins here (---). Keep one"),
    "expected ':'": message("yaml_no_colon", "a key without a colon; a wide one (\uff1a) is none"),
    "constructor for the tag": message(
        "yaml_tag", "a value begins with !, which YAML takes for a type. Put it in quotes"
    ),
}


class _RefusedError(yaml.constructor.ConstructorError):
    """A value that Pulumi would read otherwise, at its place."""

    def __init__(self, said: Message, mark: yaml.Mark | None) -> None:
        super().__init__(None, None, str(said), mark)
        self.said = said


def _reason(error: yaml.MarkedYAMLError) -> Said:
    if isinstance(error, _RefusedError):
        return error.said
    problem = str(error.problem or error.context)
    return next((reason for said, reason in REASONS.items() if said in problem), problem)


class _Loader(yaml.SafeLoader):
    """PyYAML with the rules of yaml.v3."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own form

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that stands twice: PyYAML takes the last, Pulumi none."""
        lines: dict[Any, int] = {}
        for name, _ in node.value:
            if name.tag == "tag:yaml.org,2002:merge" or not isinstance(name, yaml.ScalarNode):
                continue
            line = name.start_mark.line + 1
            if name.value in lines:
                twice = message(
                    "yaml_twice",
                    "{key} stands twice, in line {first} and in line {second}. Keep one",
                    key=name.value,
                    first=lines[name.value],
                    second=line,
                )
                raise _RefusedError(twice, name.start_mark)
            lines[name.value] = line
        return super().construct_mapping(node, deep=deep)


def _number(loader: _Loader, node: yaml.ScalarNode) -> int:
    plain = loader.construct_scalar(node).replace("_", "")
    digits = plain.lstrip("+-")
    if re.fullmatch(r"0[0-9]+", digits):
        meant = digits.lstrip("0") or "0"
        octal = message(
            "yaml_octal",
            "{number} begins with 0, which YAML takes for a number to the base of 8. Write {meant}, or text in quotes",
            number=plain,
            meant=meant,
        )
        raise _RefusedError(octal, node.start_mark)
    return int(plain, 0)


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> float | int:
    number = float(loader.construct_scalar(node).replace("_", ""))
    return int(number) if number.is_integer() else number


def _date(_loader: _Loader, node: yaml.ScalarNode) -> str:
    date = message("yaml_date", 'a date would become another text. Write it in quotes: "{date}"', date=node.value[:10])
    raise _RefusedError(date, node.start_mark)


# resolve.go of yaml.v3, in its order.
RULES = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF", None),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""], None),
    ("merge", r"<<", "<", None),
    ("timestamp", r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?", "0123456789", _date),
    ("int", r"[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)", "-+0123456789", _number),
    ("float", r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789", _decimal),
)
for _name, _pattern, _first, _construct in RULES:
    _tag = f"tag:yaml.org,2002:{_name}"
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), list(_first))
    if _construct:
        _Loader.add_constructor(_tag, _construct)
