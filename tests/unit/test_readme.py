"""Both READMEs say what the code does: tables, commands, keys, variables and links cannot drift."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
import pytest
from pydantic import AfterValidator, BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from cli import keeper
from cli.app import COMMANDS
from cli.commands import phone
from components.cloudflared import CloudflaredConfig
from components.fields import _memory
from components.services import services_by_name
from stacks import outputs
from stacks.chinese import keys
from stacks.sections import Settings
from stacks.sections.backup.secrets import ALERT_KEYS, OWN_KEYS, secret_key
from stacks.sections.flat_secrets import flat_secrets

PROJECT = Path(__file__).parents[2]
ENGLISH, CHINESE = "README.md", "README.zh-CN.md"
each_language = pytest.mark.parametrize("name", [ENGLISH, CHINESE])

GROUPS = {"keeper": keeper.app, "phone": phone.app}
PULUMI_WORDS = {"config", "stack"}
"""What the READMEs show as handed on to pulumi."""

# Python type, or the check that makes it a type of its own → how the tables call it (English, Chinese).
TYPES: dict[object, tuple[str, str]] = {
    str: ("text", "文本"),
    int: ("number", "数字"),
    bool: ("true or false", "true 或 false"),
    "UUID": ("UUID", "UUID"),
    "host_path": ("folder", "文件夹"),
    "_image": ("image:tag", "镜像:标签"),
    "_time_zone": ("time zone", "时区"),
    "_memory": ("memory", "内存量"),
    "_port": ("port", "端口"),
    "bind_addresses": ("address", "地址"),
    "any_addresses": ("address", "地址"),
    "site_url": ("URL", "网址"),
    "_registry": ("registry", "镜像仓库"),
    "_network": ("network", "网络"),
    "index_schedule": ("schedule", "时间表"),
    "import_pattern": ("pattern", "格式"),
    "_clients": ("list", "列表"),
    "_people": ("list", "列表"),
    "_locale": ("language", "语言"),
    "device_id": ("text", "文本"),
    "_folder_id": ("text", "文本"),
    "_text": ("text", "文本"),
    "_device": ("text", "文本"),
    "_mirror": ("text", "文本"),
    "_hostname": ("hostname", "主机名"),
    "_hex_id": ("32 hex digits", "32 位十六进制"),
    "_uuid": ("id", "ID"),
    "_email": ("mail address", "邮箱地址"),
    "_email_domain": ("mail domain", "邮箱域名"),
    "_token_name": ("name", "名称"),
    "_team": ("name", "名称"),
    "_duration": ("duration", "时长"),
    "_path": ("path", "路径"),
    "_cron": ("cron", "cron"),
    "_cron_or_never": ("cron", "cron"),
    "_type": ("type", "类型"),
    "_remote_path": ("path", "路径"),
    "_option_name": ("option", "选项"),
    "_bandwidth": ("bandwidth", "带宽"),
    "_mount": ("path", "路径"),
    "_folder": ("path", "路径"),
    "_option": ("option", "选项"),
    "_percent": ("number 1-50", "数字 1-50"),
}
CONTAINERS: dict[object, tuple[str, str]] = {list: ("list: ", "列表: "), dict: ("name: ", "名称: ")}
BEFORE_THE_FOLD = 25
"""Lines in which a reader must have met the missing backup."""


def read(name: str) -> str:
    return (PROJECT / name).read_text("utf-8")


def type_name(annotation: Any, metadata: tuple[object, ...], language: int) -> str:
    """Name the type of a key as the tables do."""
    for item in metadata:
        if isinstance(item, AfterValidator | BeforeValidator):
            return TYPES[getattr(item.func, "__name__", "")][language]
    if hasattr(annotation, "__metadata__"):
        return type_name(get_args(annotation)[0], annotation.__metadata__, language)
    arguments = get_args(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return type_name(next(a for a in arguments if a is not type(None)), metadata, language)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if container := CONTAINERS.get(get_origin(annotation)):
        return container[language] + type_name(arguments[-1], (), language)
    known = annotation if annotation in TYPES else annotation.__name__
    return TYPES[known][language] + limits(metadata)


def limits(metadata: tuple[object, ...]) -> str:
    low = next((item.ge for item in metadata if isinstance(item, annotated_types.Ge)), None)
    high = next((item.le for item in metadata if isinstance(item, annotated_types.Le)), None)
    if low is None:
        return ""
    return f" {low}-{high}" if high is not None else f" ≥ {low}"


def default_text(field: FieldInfo, language: int) -> str:
    """Write the default of a key as a person would write it."""
    if field.is_required():
        return ("required", "必填")[language]
    value = field.get_default(call_default_factory=True)
    assert value is not PydanticUndefined
    if isinstance(value, tuple):  # one is written as it is
        value = ", ".join(value)
    if value in (None, {}, [], ""):
        return ("none", "无")[language]
    if any(isinstance(item, BeforeValidator) and item.func is _memory for item in field.metadata):  # in megabytes
        return f"`{value // 1024}g`" if value % 1024 == 0 else f"`{value}m`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a key that is a section."""
    candidates = (field.annotation, *get_args(field.annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def mark_of_many(field: FieldInfo) -> str:
    """Return how the tables write that there are several such sections: in a list, or by name."""
    marks: dict[object, str] = {list: "[]", dict: ".NAME"}
    return marks.get(get_origin(field.annotation), "") if section_of(field) else ""


def rows(
    language: int, model: type[BaseModel] = Settings, prefix: str = "", *, optional: bool = False
) -> Iterator[tuple[str, str, str, str]]:
    """Yield key, type, default and English meaning of every key a person may write."""
    for name, field in model.model_fields.items():
        many = mark_of_many(field)
        path = f"{prefix}{field.alias or name}{many}"
        if section := section_of(field):
            inner = optional or type(None) in get_args(field.annotation) or bool(many)
            yield from rows(language, section, f"{path}.", optional=inner)
            continue
        default = default_text(field, language)
        if optional and field.is_required():
            default = ("required in its section", "写了该节就必填")[language]
        yield path, type_name(field.annotation, tuple(field.metadata), language), default, field.description or ""


def expected(language: int) -> list[tuple[str, ...]]:
    return [(f"`{path}`", *rest) for path, *rest in rows(language)]


def table_rows(name: str, marker: str) -> list[tuple[str, ...]]:
    """Return the cells of all table rows between the markers, without headers."""
    text = re.search(rf"<!-- {marker} -->\n(.*?)<!-- /{marker} -->", read(name), re.DOTALL)
    assert text, f"{name} lacks the markers of {marker}"
    lines = [line for line in text[1].splitlines() if line.startswith("|")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]
    return [row for row in cells if row[0].startswith("`")]


def test_the_configuration_table_is_the_model() -> None:
    wanted = [(*row[:3], row[3].replace("<", "&lt;")) for row in expected(0)]

    assert sorted(wanted) == sorted(table_rows(ENGLISH, "configuration"))


def test_the_chinese_table_is_the_model_with_the_meanings_that_messages_name() -> None:
    wanted = [(*row[:3], keys.TEXTS[row[3]].replace("<", "&lt;")) for row in expected(1)]
    found = table_rows(CHINESE, "configuration")

    assert sorted(wanted) == sorted(found)
    assert [row[0] for row in found] == [row[0] for row in table_rows(ENGLISH, "configuration")], "in one order"
    assert [row[0] for row in found if not re.search(r"[\u4e00-\u9fff]", row[3])] == [], "a meaning is not Chinese"


@each_language
def test_every_flat_secret_is_explained(name: str) -> None:
    of_copies = {secret_key("NAME", option) for option in (*OWN_KEYS, "OPTION")}
    of_drives = {"drive_STORAGE_OPTION", "drive_user_NAME_password"}
    known = flat_secrets() | set(ALERT_KEYS) | of_copies | of_drives

    assert {f"`photos:{key}`" for key in known} == {row[0] for row in table_rows(name, "secrets")}


@each_language
def test_the_services_table_has_every_service_with_its_image(name: str) -> None:
    defaults = {"mariadb": Settings.model_fields["database"].get_default(call_default_factory=True).image}
    defaults["cloudflared"] = CloudflaredConfig.model_fields["image"].default
    defaults |= dict.fromkeys(("keeper", "watch", "restore"), "keeper/")
    defaults |= {service: kind.Config.model_fields["image"].default for service, kind in services_by_name().items()}

    found = {row[0].strip("`"): row[1].strip("`") for row in table_rows(name, "services")}

    assert defaults == found


@each_language
def test_every_command_of_a_group_is_named_and_every_named_one_exists(name: str) -> None:
    for group, app in GROUPS.items():
        named = set(re.findall(rf"\./photos {group} ([a-z-]+)", read(name)))

        assert {c.name or c.callback.__name__ for c in app.registered_commands if c.callback} == named


@each_language
def test_every_command_is_named_and_every_named_command_exists(name: str) -> None:
    named = set(re.findall(r"\./photos ([a-z]+)", read(name)))

    assert set(COMMANDS) == named - PULUMI_WORDS


@each_language
def test_every_named_option_exists(name: str) -> None:
    options = {
        option
        for line in re.findall(r"\./photos [a-z]+ [^\n`#]*", read(name))
        if line.split()[1] not in {*PULUMI_WORDS, "test"}
        for option in re.findall(r"(?<= )--?[a-z][a-z-]*", line)
    } | set(re.findall(r"`(--?[a-z][a-z-]*)`", read(name)))
    declared = {"--help"}
    of_groups = (command.callback for app in GROUPS.values() for command in app.registered_commands)
    for callback in (*(command.load() for name, command in COMMANDS.items() if name not in GROUPS), *of_groups):
        declared |= option_names(callback)

    assert options <= declared, f"{name} names an option that no command has"


def option_names(callback: Callable[..., Any] | None) -> set[str]:
    """Return the options of a command, as typer derives them."""
    names = set()
    for parameter, hint in getattr(callback, "__annotations__", {}).items():
        names |= {f"--{parameter}", *re.findall(r"'(--?[a-z][a-z-]*)'", str(hint))}
    code = "".join(read(str(file.relative_to(PROJECT))) for file in (PROJECT / "cli").rglob("*.py"))
    return names | set(re.findall(r'"(--?[a-z][a-z-]*)"', code))


def variables(name: str) -> set[str]:
    return set(re.findall(r"\b(?:PHOTOS|PIP|PULUMI|DOCKER)_[A-Z_]+\b", read(name)))


def test_every_named_variable_of_ours_is_read_somewhere() -> None:
    sources = [
        PROJECT / "photos",
        *(p for room in ("cli", "demo", "stacks", "tests") for p in (PROJECT / room).rglob("*.py")),
    ]
    code = "\n".join(path.read_text("utf-8") for path in sources if path != Path(__file__).resolve())

    assert [name for name in sorted(variables(ENGLISH)) if name.startswith("PHOTOS_") and name not in code] == []


def test_both_languages_name_the_same_commands_variables_keys_and_chapters() -> None:
    patterns = {
        "commands": r"\./photos [a-z]+(?: -[-a-z]+)*",
        "keys": r"`(photos:[a-z_.]+|(?:services|library|database|data|owner)\.[a-z_.]+)`",
        "commands of other programs": r"^(?:sudo |docker |export |wsl |mkdir )[^#\n]*",
        "links": r"\]\(([^)#]+)\)",
    }
    swapped = {ENGLISH: "the other language", CHINESE: "the other language"}

    for what, pattern in patterns.items():
        english, chinese = (
            {swapped.get(text, text.strip()) for text in re.findall(pattern, read(name), re.MULTILINE)}
            for name in (ENGLISH, CHINESE)
        )
        assert english == chinese, what
    assert variables(ENGLISH) == variables(CHINESE)
    chapters = [re.findall(r"^#+(?= )", read(name), re.MULTILINE) for name in (ENGLISH, CHINESE)]
    assert chapters[0] == chapters[1], "the same chapters in the same order"


@pytest.mark.parametrize(
    ("name", "line"), [(ENGLISH, str(outputs.NO_BACKUP)), (CHINESE, "stack 文件里没有 photos:backup 就没有任何备份")]
)
def test_that_nothing_is_backed_up_by_itself_is_said_first(name: str, line: str) -> None:
    assert line in "\n".join(read(name).splitlines()[:BEFORE_THE_FOLD])


def documents() -> list[str]:
    return [str(p.relative_to(PROJECT)) for p in (*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", documents())
def test_links_lead_somewhere(name: str) -> None:
    targets = [link for link in re.findall(r"\]\(([^)#\s]+)", read(name)) if not link.startswith("http")]

    assert [link for link in targets if not (PROJECT / name).parent.joinpath(link).exists()] == []


@each_language
def test_the_folder_map_names_what_is_there(name: str) -> None:
    paths = [row[0].strip("`") for row in table_rows(name, "folders")]

    assert [path for path in paths if not (PROJECT / path).exists()] == []
    assert {"components/", "components/services/", "stacks/", "stacks/examples/", "cli/", "tests/"} <= set(paths)


def test_decisions_are_numbered_without_a_gap_and_have_their_three_parts() -> None:
    files = sorted((PROJECT / "docs" / "adr").glob("*.md"))

    assert [f"{number:04}" for number in range(1, len(files) + 1)] == [file.name[:4] for file in files]
    for file in files:
        assert re.findall(r"^## (.+)$", file.read_text("utf-8"), re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
        ]


def test_every_entry_of_the_changelog_ends_with_its_effect() -> None:
    entries = re.findall(r"^- .*(?:\n  .*)*", read("CHANGELOG.md"), re.MULTILINE)
    effect = re.compile(r"Preview: (none|update in place|\*\*replace\*\*.*|\*\*touches data\*\*.*)\.$")

    assert [entry for entry in entries if not effect.search(entry)] == []
