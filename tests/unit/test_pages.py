"""The pages say what the code does: links, tables, commands, options, keys and blocks of YAML cannot drift."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pages
import pytest
import typer
import yaml
from example_stack import canary, declare_stack, example, secret_keys
from test_messages import HAN
from typer.main import get_command

from cli.app import COMMANDS
from components.cloudflared import CloudflaredConfig
from components.services import services_by_name
from manual import configuration
from manual.messages import endings, messages
from manual.pages import LANGUAGES, PROJECT, page, part
from manual.parts import PARTS
from manual.troubleshooting import ANSWERS
from stacks.sections import Settings
from stacks.sections.backup.secrets import ALERT_KEYS, OWN_KEYS, secret_key
from stacks.sections.flat_secrets import flat_secrets

each_language = pytest.mark.parametrize("language", LANGUAGES)
each_name = pytest.mark.parametrize("name", pages.NAMES)
each_page = pytest.mark.parametrize("file", pages.ALL, ids=pages.shown)
each_page_for_people = pytest.mark.parametrize("file", pages.FOR_PEOPLE, ids=pages.shown)

PULUMI_WORDS = {"config", "stack", "policy", "state"}
"""What the pages show as handed on to pulumi."""
TYPED = {"drive_STORAGE_OPTION", "drive_user_NAME_password", "tailscale_auth_key"}
"""Flat secrets that a person types, or that have a name of hers in them."""
PRODUCT = ("components", "stacks", "cli", "keeper", "demo")


def table_rows(text: str, marker: str) -> list[tuple[str, ...]]:
    """Return the cells of all table rows between the markers, without headers."""
    lines = [line for line in part(text, marker).splitlines() if line.startswith("|")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]
    return [row for row in cells if row[0].startswith("`")]


# What is written from the code, or compared with it.


@each_language
@pytest.mark.parametrize(("name", "marker", "write"), PARTS, ids=[marker for _, marker, _ in PARTS])
def test_what_is_written_from_the_code_is_as_the_code_has_it(
    name: str, marker: str, write: Callable[[str], str], language: str
) -> None:
    written = part(page(name, language).read_text("utf-8"), marker)

    assert written == write(language), "run .venv/bin/python -m manual"


# What a message has that says how to go on: a command, an imperative, a question about the cause, a choice.
STEP = re.compile(
    r"\./photos|photos:[a-z{]|`|\b(?:Write|Use|Choose|Run|Start|Put|Install|Set|Copy|Take|Stop|Make|Move|Name|Build|Mend|Destroy|Log out|log in again|Let)\b"
    r"|\bIs its drive mounted|[Rr]un this|run again|see docs/|take the service out|Say which|\{(?:lines|lacking|command|reason|meant)\}|at least \{least\}|\{least\}-\{most\}"
)
DECLINED = re.compile(r"Nothing was [a-z]+\.")
"""What is said to whoever answered no."""


def test_a_message_that_ends_a_command_says_how_to_go_on_or_the_page_does() -> None:
    english = {said.code: said.text["en"] for said in messages()}
    speechless = {
        code
        for code in endings()
        if not STEP.search(english[code]) and not DECLINED.fullmatch(english[code]) and code not in ANSWERS
    }

    assert speechless == set(), "write what to do into the message, or into ANSWERS of manual/troubleshooting.py"
    assert set(ANSWERS) <= set(english)


def test_every_key_has_a_chinese_meaning() -> None:
    assert [row.key for row in configuration.rows("zh") if not HAN.search(row.meaning)] == []


@each_language
def test_every_flat_secret_is_explained(language: str) -> None:
    of_copies = {secret_key("NAME", option) for option in (*OWN_KEYS, "OPTION")}
    known = flat_secrets() | set(ALERT_KEYS) | of_copies | TYPED

    rows = table_rows(page("secrets", language).read_text("utf-8"), "secrets")
    assert {f"`photos:{key}`" for key in known} == {row[0] for row in rows}


@each_language
def test_the_services_table_has_every_service_with_its_image(language: str) -> None:
    defaults = {"mariadb": Settings.model_fields["database"].get_default(call_default_factory=True).image}
    defaults["cloudflared"] = CloudflaredConfig.model_fields["image"].default
    defaults |= dict.fromkeys(("keeper", "watch", "restore"), "keeper/")
    defaults |= {service: kind.Config.model_fields["image"].default for service, kind in services_by_name().items()}

    rows = table_rows(page("services", language).read_text("utf-8"), "services")
    assert {row[0].strip("`"): row[1].strip("`") for row in rows} == defaults


# Commands, options, keys, variables.


@cache
def commands() -> dict[str, Any]:
    """Return each command by its words: "up", "keeper restore"."""
    found: dict[str, Any] = {}
    for name, command in COMMANDS.items():
        loaded = command.load()
        if isinstance(loaded, typer.Typer):
            group: Any = get_command(loaded)
            found |= {f"{name} {word}": inner for word, inner in group.commands.items()}
            continue
        single = typer.Typer(add_completion=False)
        single.command(name)(loaded)
        found[name] = get_command(single)
    return found


def options(command: Any) -> set[str]:
    """Return the options that a command takes."""
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}


def named(words: list[str]) -> str:
    """Return the command and the options that a line names."""
    known = commands()
    name = next((n for n in (" ".join(words[:2]), words[0]) if n in known), words[0])
    return " ".join([name, *(word for word in words if re.match(r"--?[a-z]", word))])


def strangers(text: str) -> list[str]:
    """Return each command of ./photos in a text that does not exist, or has an option that it does not take."""
    known, found = commands(), []
    for words in pages.command_lines(text):
        if words[0] in PULUMI_WORDS or words == ["test"] or words[0] == "test":
            continue
        name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        if name not in known and words not in (["keeper"], ["phone"]) and words[:2] != ["keeper", "COMMAND"]:
            found.append(" ".join(words))
            continue
        taken = options(known[name]) if name in known else set()
        found += [f"{name} {word}" for word in words if re.match(r"--?[a-z]", word) and word not in taken]
    return found


@each_page_for_people
def test_every_named_command_and_its_options_exist(file: Path) -> None:
    assert strangers(file.read_text("utf-8")) == []


@each_page_for_people
def test_an_option_that_stands_alone_is_one_of_some_command(file: Path) -> None:
    every = {option for command in commands().values() for option in options(command)}
    of_others = {"--exec", "--policy-pack-config"}
    named = set(re.findall(r"`(--[a-z][a-z-]*)[ `]", file.read_text("utf-8")))

    assert named - every - of_others == set()


@each_language
def test_every_command_is_named(language: str) -> None:
    text = pages.text_of(language)

    assert [name for name in commands() if f"./photos {name}" not in text] == []
    of_page = page("commands", language).read_text("utf-8")
    assert [name for name in COMMANDS if name != "test" and f"./photos {name}" not in of_page] == []


def known_keys() -> set[str]:
    """Return every key and every section of the stack file, without the marks of lists and names."""
    found = set()
    for row in configuration.rows("en"):
        parts = re.sub(r"\[\]|\.NAME", "", row.key).split(".")
        found |= {".".join(parts[: length + 1]) for length in range(len(parts))}
    return found


def unknown_keys(text: str) -> set[str]:
    """Return what a text calls a key of the stack file, and no key is."""
    known, flat = known_keys(), flat_secrets() | set(ALERT_KEYS) | TYPED
    tops = "|".join(sorted({key.split(".")[0] for key in known}, key=len, reverse=True))
    inside = re.findall(rf"`(?:photos:)?((?:{tops})\.[a-z_.\[\]A-Z]+?)(?::[^`]*)?`", text)
    named = {re.sub(r"\[\]|\.NAME", "", key).split(".{")[0].rstrip(".") for key in inside}
    single = set(re.findall(r"photos:([a-z][a-z0-9_]*)(?=[`:\s,，。（])", text))
    of_a_name = re.compile(r"(drive|backup)_[a-z0-9]+_[a-z_]+|drive_user_[a-z0-9]+_password")
    return {key for key in named if key not in known} | {
        key for key in single if key not in known | flat and not of_a_name.fullmatch(key)
    }


@each_page_for_people
def test_every_named_key_exists(file: Path) -> None:
    assert unknown_keys(file.read_text("utf-8")) - {"file"} == set()


def variables(text: str) -> set[str]:
    return set(re.findall(r"\b(?:PHOTOS|PIP|PULUMI|DOCKER)_[A-Z_]+\b", text))


def test_every_named_variable_of_ours_is_read_somewhere() -> None:
    sources = [
        PROJECT / "photos",
        *(p for room in ("cli", "demo", "stacks", "tests") for p in (PROJECT / room).rglob("*.py")),
    ]
    code = "\n".join(path.read_text("utf-8") for path in sources if path != Path(__file__).resolve())
    named = variables(pages.text_of("en"))

    assert [name for name in sorted(named) if name.startswith("PHOTOS_") and name not in code] == []


# Blocks of YAML.


def fragments() -> list[Any]:
    """Return every block of YAML with the page that it stands in."""
    return [
        pytest.param(block, id=f"{pages.shown(file)}-{number}")
        for file in pages.FOR_PEOPLE
        for number, block in enumerate(pages.blocks(file, "yaml"))
    ]


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return one mapping with another laid over it."""
    both = deepcopy(below)
    for key, value in above.items():
        both[key] = merged(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


@pytest.mark.parametrize("block", fragments())
def test_a_block_of_yaml_is_taken_by_the_program(block: str) -> None:
    said = yaml.safe_load(block)
    said = said.get("config", said)
    assert all(re.match(r"(photos|docker|cloudflare):", key) for key in said), (
        "write it with its whole path, from photos: on"
    )
    base = example("home")
    config = merged({key: value for key, value in base.items() if key not in secret_keys(base)}, said)
    if "photos:backup" in said:
        config["photos:backup"] = said["photos:backup"]
    config |= {key: canary(key.removeprefix("photos:")) for key in secret_keys(config)}

    declare_stack(config, "home")


# Links, languages.


@each_page
def test_every_link_leads_to_a_file_and_a_heading_of_it(file: Path) -> None:
    lost = [
        link.written
        for link in pages.links(file)
        if not link.to.exists() or (link.anchor and link.anchor not in pages.anchors(link.to))
    ]

    assert lost == []


@each_page_for_people
def test_a_page_stays_in_its_language(file: Path) -> None:
    chinese = file in (pages.READMES["zh"], *(page(name, "zh") for name in pages.NAMES))
    theirs = {page(name, "zh" if not chinese else "en") for name in pages.NAMES}
    allowed = {page(file.stem, "en" if chinese else "zh")}

    assert [link.written for link in pages.links(file) if link.to in theirs - allowed] == []


def test_both_languages_have_the_same_pages() -> None:
    assert {file.stem for file in (PROJECT / "docs" / "zh").glob("*.md")} == set(pages.NAMES)


@each_name
def test_a_page_names_the_other_language_on_top(name: str) -> None:
    for language, other, word in (("en", "zh", "中文"), ("zh", "en", "English")):
        head = page(name, language).read_text("utf-8").splitlines()[2]
        assert head.startswith(f"[{word}](")
        assert next(link.to for link in pages.links(page(name, language))) == page(name, other)


def facts(file: Path) -> dict[str, Any]:
    """Return what both languages of a page must have alike."""
    text = file.read_text("utf-8")
    return {
        "headings": [marks for marks, _ in pages.headings(file)],
        "commands": {named(words) for words in pages.command_lines(text)},
        "lines of shell": [
            [line.split("#")[0].strip() for line in block.splitlines()] for block in pages.blocks(file, "sh")
        ],
        "keys": set(
            re.findall(r"`(photos:[a-z_.]+|(?:services|library|database|data|owner|backup|publish)\.[a-z_.]+)`", text)
        ),
        "variables": variables(text),
        "links out": sorted(re.findall(r"\]\((https?:[^)]+)\)", text)),
        "pages": sorted({link.to.stem for link in pages.links(file) if link.to.suffix == ".md"}),
        "pictures": [re.sub("-(en|zh)$", "", link.to.stem) for link in pages.links(file) if link.to.suffix == ".png"],
        "rows": [len(table.splitlines()) for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)],
    }


@pytest.mark.parametrize("name", ["README", *pages.NAMES])
def test_both_languages_of_a_page_say_the_same(name: str) -> None:
    english, chinese = (pages.READMES[lg] if name == "README" else page(name, lg) for lg in LANGUAGES)
    one, other = facts(english), facts(chinese)
    for said in (one, other):
        said["pages"] = [stem for stem in said["pages"] if stem not in ("README", "README.zh-CN")]

    assert other == one


# What messages say about the pages.


def test_a_message_names_a_page_that_exists_in_its_language() -> None:
    wrong = []
    for room in PRODUCT:
        for file in sorted((PROJECT / room).rglob("*.py")):
            if "images" in file.parts:
                continue
            for place, name, anchor in re.findall(r"docs/(zh/)?([a-z-]+)\.md(#[\w-]+)?", file.read_text("utf-8")):
                leads = page(name, "zh" if place else "en")
                if not leads.exists() or (anchor and anchor[1:] not in pages.anchors(leads)):
                    wrong.append(f"{pages.shown(file)}: docs/{place}{name}.md{anchor}")
    assert wrong == []


def test_a_chinese_message_names_the_chinese_page() -> None:
    for file in sorted((PROJECT / "stacks/chinese").glob("*.py")):
        values = re.findall(r'^    "[^"\n]+": "(.*)",$', file.read_text("utf-8"), re.MULTILINE)
        assert [text for text in values if re.search(r"docs/(?!zh/)|README", text)] == [], file.name
