"""Every message has a code of its own, and a text in each language with the same values."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.messages import PLACEHOLDER, message
from components.refusals import refusal
from stacks.chinese import PARTS, TEXTS
from stacks.findings import advice, error
from stacks.languages import GETTEXT_VARIABLES, language, text

PROJECT = Path(__file__).parents[2]
MAKERS = {"message": 1, "refusal": 1, "advice": 2}
"""What makes messages, and how many texts stand behind its code."""

HAN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
"""Chinese characters and punctuation."""
COMMANDS = "adopt|config (?:set --secret|rm)|demo|doctor|keeper|password|preview|setup|status|up"
OF_OTHERS = "sudo (?:apt-get|groupadd|journalctl|snap|systemctl|usermod)|docker (?:context|login|rm|volume)"
KEPT = re.compile(
    rf"(?:{OF_OTHERS})(?: [a-z-]+)*|`[^`]*`|'[^ ']+'|\./photos (?:{COMMANDS})|[\w.%~-]*[/\\:=_](?! )[^\s,;?。，；（）：”]+"
)
"""What stays as it is in a sentence: a command, a path, an address, a key."""
SENTENCE = re.compile(r"(?:\b[A-Za-z]{2,}\b[ ,]+){3,}\b[A-Za-z]{2,}\b")


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield every place of the program where a message is made."""
    for folder in ("components", "stacks", "cli", "demo"):
        for file in sorted((PROJECT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
                    yield f"{file.relative_to(PROJECT)}:{node.lineno}", node


def texts(call: ast.Call) -> dict[str, str]:
    """Return code → English text."""
    assert isinstance(call.func, ast.Name)
    code, *english = (str(argument.value) for argument in call.args if isinstance(argument, ast.Constant))
    codes = (code, f"{code}_fix")[: MAKERS[call.func.id]]
    return dict(zip(codes, english, strict=True))


def placeholders(template: str) -> set[str]:
    return set(PLACEHOLDER.findall(template))


MESSAGES = [
    pytest.param(call, id=place)
    for place, call in calls()
    if isinstance(call.args[0], ast.Constant)  # not where the makers themselves are defined
]
VALIDATING = [
    file
    for folder in ("components", "stacks")
    for file in sorted((PROJECT / folder).rglob("*.py"))
    if re.search(r"^from (pydantic|components\.refusals) ", file.read_text("utf-8"), re.MULTILINE)
]
ENGLISH = {code: english for parameter in MESSAGES for code, english in texts(parameter.values[0]).items()}  # type: ignore[arg-type]


@pytest.mark.parametrize("call", MESSAGES)
def test_a_code_and_its_texts_are_written_out_and_use_each_value(call: ast.Call) -> None:
    english = texts(call)

    assert set().union(*map(placeholders, english.values())) == {word.arg for word in call.keywords}
    assert {code: ENGLISH[code] for code in english} == english, "the code says something else at another place"


def test_every_message_and_no_other_has_a_chinese_text() -> None:
    parts = [code for part in PARTS for code in part.TEXTS]

    assert sorted(parts) == sorted(ENGLISH), "each in one file"


@pytest.mark.parametrize("code", ENGLISH)
def test_both_languages_say_the_same_values_commands_and_keys(code: str) -> None:
    english, chinese = ENGLISH[code], TEXTS[code]

    assert placeholders(chinese) == placeholders(english)
    assert HAN.search(chinese) or not re.search(r"[a-z]", PLACEHOLDER.sub("", english)), "it is not Chinese"
    for part in KEPT.findall(english):
        kept = part.strip(".:)").replace("docs/", "docs/zh/")
        assert kept in chinese, "a command, key, page or example is missing"
    assert not SENTENCE.search(KEPT.sub("", chinese)), "a sentence was left in English"
    assert english.endswith(".") or not chinese.endswith("。"), "what follows brings it along"


def test_a_message_is_english_for_whoever_keeps_it_and_in_the_reader_s_language_at_the_edge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inner = message("folder_absent", "{folder} does not exist", folder="/srv/{x}")
    finding = error("here", inner, "mkdir '{x}'")

    monkeypatch.setenv("PHOTOS_LANGUAGE", "zh")
    assert str(finding) == "here: /srv/{x} does not exist. mkdir '{x}'"
    assert text(finding.line) == "here：/srv/{x} 不存在。mkdir '{x}'"
    assert text("as it is") == "as it is"
    monkeypatch.setenv("PHOTOS_LANGUAGE", "en")
    assert text(finding.line) == str(finding)


def test_what_has_no_text_in_a_language_is_said_in_english() -> None:
    assert message("of a later version", "Said {how}", how=message("b", "so")).text({"b": "这样"}) == "Said 这样"


def test_braces_that_a_person_shall_write_stay() -> None:
    assert str(message("braces", "Write `drive: {}` and {provider: Minio}, {n}", n=1)) == (
        "Write `drive: {}` and {provider: Minio}, 1"
    )


def test_a_refusal_carries_its_message_through_pydantic() -> None:
    refused = refusal("folder_absent", "{folder} does not exist", folder="/x")

    assert (refused.type, str(refused), refused.context) == (
        "folder_absent",
        "/x does not exist",
        {"said": message("folder_absent", "{folder} does not exist", folder="/x")},
    )


def test_advice_is_two_messages() -> None:
    what, fix = advice("x", "{a} is wrong", "Write {b}", a=1, b=2)

    assert (what.code, str(what), fix.code, str(fix)) == ("x", "1 is wrong", "x_fix", "Write 2")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LANGUAGE": "zh_CN:en", "LC_ALL": "en_US.UTF-8"}, "zh"),
        ({"LANGUAGE": "en:zh_CN", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANGUAGE": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"PHOTOS_LANGUAGE": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"PHOTOS_LANGUAGE": "ZH", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "TERM": "linux"}, "en"),
        ({"PHOTOS_LANGUAGE": "zh", "TERM": "linux"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "TERM": "xterm-256color"}, "zh"),
    ],
    ids=str,
)
def test_the_language_is_that_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in (*GETTEXT_VARIABLES, "PHOTOS_LANGUAGE", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert language() == expected


@pytest.mark.parametrize("file", VALIDATING, ids=str)
def test_a_value_is_never_refused_with_a_bare_text(file: Path) -> None:
    raised = [ast.unparse(node) for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Raise)]

    assert [line for line in raised if "ValueError(" in line] == [], "it would have no code, and stay English"
