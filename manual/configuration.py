"""The tables of docs/configuration.md: every key of the stack file, from the model that checks it."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import AfterValidator, BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from components.fields import _memory, memory_text
from manual.pages import linked
from stacks.chinese import keys
from stacks.sections import Settings

HEADER = {
    "en": "| key | type | default | meaning |\n|---|---|---|---|\n",
    "zh": "| 键 | 类型 | 默认值 | 含义 |\n|---|---|---|---|\n",
}
REQUIRED = {"en": "required", "zh": "必填"}
REQUIRED_INSIDE = {"en": "required in its section", "zh": "写了该节就必填"}
NONE = {"en": "none", "zh": "无"}

# Python type, or the check that makes it a type of its own → how the tables call it.
TYPES: dict[object, dict[str, str]] = {
    kind: {"en": english, "zh": chinese}
    for kind, english, chinese in (
        (str, "text", "文本"),
        (int, "number", "数字"),
        (bool, "true or false", "true 或 false"),
        ("UUID", "UUID", "UUID"),
        ("host_path", "folder", "文件夹"),
        ("_image", "image:tag", "镜像:标签"),
        ("_time_zone", "time zone", "时区"),
        ("_memory", "memory", "内存量"),
        ("_port", "port", "端口"),
        ("_any_port", "port", "端口"),
        ("bind_addresses", "address", "地址"),
        ("any_address", "address", "地址"),
        ("home_name", "name", "名称"),
        ("_login_server", "URL", "网址"),
        ("site_url", "URL", "网址"),
        ("_registry", "registry", "镜像仓库"),
        ("_ssh_host", "ssh://user@host", "ssh://user@host"),
        ("_network", "network", "网络"),
        ("_digest", "digest", "摘要"),
        ("_date", "date", "日期"),
        ("index_schedule", "schedule", "时间表"),
        ("import_pattern", "pattern", "格式"),
        ("_clients", "list", "列表"),
        ("_people", "list", "列表"),
        ("_locale", "language", "语言"),
        ("device_id", "text", "文本"),
        ("_folder_id", "text", "文本"),
        ("_text", "text", "文本"),
        ("_device", "text", "文本"),
        ("_mirror", "text", "文本"),
        ("_hostname", "hostname", "主机名"),
        ("_docker", "URL", "网址"),
        ("_private", "address", "地址"),
        ("_hex_id", "32 hex digits", "32 位十六进制"),
        ("_uuid", "id", "ID"),
        ("_email", "mail address", "邮箱地址"),
        ("_email_domain", "mail domain", "邮箱域名"),
        ("_token_name", "name", "名称"),
        ("_team", "name", "名称"),
        ("_duration", "duration", "时长"),
        ("_path", "path", "路径"),
        ("_cron", "cron", "cron"),
        ("_cron_or_never", "cron", "cron"),
        ("_type", "type", "类型"),
        ("_remote_path", "path", "路径"),
        ("_option_name", "option", "选项"),
        ("_bandwidth", "bandwidth", "带宽"),
        ("_mount", "path", "路径"),
        ("_folder", "path", "路径"),
        ("_option", "option", "选项"),
        ("_percent", "number 1-50", "数字 1-50"),
    )
}
SEVERAL: dict[object, dict[str, str]] = {
    list: {"en": "list: ", "zh": "列表: "},
    dict: {"en": "name: ", "zh": "名称: "},
}


@dataclass(frozen=True)
class Chapter:
    """A table of its own: the keys that begin so, its title, and a sentence above it."""

    prefix: str
    title: dict[str, str]
    said: dict[str, str] | None = None


CHAPTERS = (
    Chapter("", {"en": "The whole stack", "zh": "整个 stack"}),
    Chapter("library.", {"en": "The photos", "zh": "照片"}),
    Chapter("services.photoprism.", {"en": "PhotoPrism", "zh": "PhotoPrism"}),
    Chapter("services.syncthing.", {"en": "Syncthing", "zh": "Syncthing"}),
    Chapter("services.drive.", {"en": "OpenList", "zh": "OpenList"}),
    Chapter("services.https.", {"en": "HTTPS at home", "zh": "家里的 HTTPS"}),
    Chapter("services.tailscale.", {"en": "Tailscale", "zh": "Tailscale"}),
    Chapter("database.", {"en": "MariaDB", "zh": "MariaDB"}),
    Chapter(
        "publish.",
        {"en": "Remote access", "zh": "外网访问"},
        {"en": "`[]` stands for each item of a list.", "zh": "`[]` 表示列表里的每一项。"},
    ),
    Chapter(
        "backup.",
        {"en": "Backup", "zh": "备份"},
        {"en": "`NAME` stands for the name that you give a copy.", "zh": "`NAME` 代表你给一份备份取的名字。"},
    ),
    Chapter(
        "hosts.",
        {"en": "Several hosts", "zh": "几台主机"},
        {"en": "`NAME` stands for the name that you give a host.", "zh": "`NAME` 代表你给一台主机取的名字。"},
    ),
    Chapter("updates.", {"en": "Newer releases", "zh": "新版本"}),
    Chapter(
        "pins.",
        {"en": "Pinned images", "zh": "固定的镜像"},
        {
            "en": "`NAME` stands for an image with its tag. `./photos pin` writes these: see [supply chain](supply-chain.md).",
            "zh": "`NAME` 代表带标签的镜像。由 `./photos pin` 写入：见[供应链](supply-chain.md)。",
        },
    ),
    Chapter("data.", {"en": "Teardown", "zh": "拆除"}),
)


@dataclass(frozen=True)
class Row:
    """A key, and what a person may write there."""

    key: str
    type: str
    default: str
    meaning: str

    def line(self) -> str:
        """Return the row as Markdown; pages are named in it as in a message, and linked here."""
        meaning = self.meaning.replace("<", "&lt;").replace("|", "\\|")
        return f"| `{self.key}` | {self.type} | {self.default} | {linked(meaning)} |"


def tables(language: str) -> str:
    """Return all tables, a chapter each."""
    written = []
    for chapter, of_chapter in _by_chapter(list(rows(language))):
        said = f"{chapter.said[language]}\n\n" if chapter.said else ""
        lines = "\n".join(row.line() for row in of_chapter)
        written.append(f"\n## {chapter.title[language]}\n\n{said}{HEADER[language]}{lines}\n")
    return "".join(written) + "\n"


def rows(
    language: str, model: type[BaseModel] = Settings, prefix: str = "", *, optional: bool = False
) -> Iterator[Row]:
    """Yield every key a person may write, in the model's order."""
    for name, field in model.model_fields.items():
        many = _mark_of_many(field)
        path = f"{prefix}{field.alias or name}{many}"
        if section := section_of(field):
            inner = optional or type(None) in get_args(field.annotation) or bool(many)
            yield from rows(language, section, f"{path}.", optional=inner)
            continue
        default = _default(field, language)
        if optional and field.is_required():
            default = REQUIRED_INSIDE[language]
        english = field.description or ""
        meaning = english if language == "en" else keys.TEXTS[english]
        yield Row(path, _type(field.annotation, tuple(field.metadata), language), default, meaning)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a key that is a section."""
    candidates = (field.annotation, *get_args(field.annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _by_chapter(found: list[Row]) -> list[tuple[Chapter, list[Row]]]:
    """Sort the rows into chapters: the longest beginning counts. A service or section without one gets its name as title."""
    chapters = list(CHAPTERS)
    for row in found:
        first = re.match(r"(services\.)?[a-z_]+\.", row.key)
        if first and first[0] != "owner." and not any(first[0] == c.prefix for c in chapters):
            name = first[0].removeprefix("services.").rstrip(".")
            chapters.insert(-1, Chapter(first[0], dict.fromkeys(("en", "zh"), name)))
    sorted_in: dict[int, list[Row]] = {index: [] for index in range(len(chapters))}
    for row in found:
        matches = [(len(c.prefix), i) for i, c in enumerate(chapters) if row.key.startswith(c.prefix)]
        sorted_in[max(matches)[1]].append(row)
    return [(chapters[index], of_chapter) for index, of_chapter in sorted_in.items() if of_chapter]


def _type(annotation: Any, metadata: tuple[object, ...], language: str) -> str:
    for item in metadata:
        if isinstance(item, AfterValidator | BeforeValidator):
            return _named(getattr(item.func, "__name__", ""), language)
    if hasattr(annotation, "__metadata__"):
        return _type(get_args(annotation)[0], annotation.__metadata__, language)
    arguments = get_args(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return _type(next(a for a in arguments if a is not type(None)), metadata, language)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if several := SEVERAL.get(get_origin(annotation)):
        return several[language] + _type(arguments[-1], (), language)
    return _named(annotation if annotation in TYPES else annotation.__name__, language) + _limits(metadata)


def _named(kind: object, language: str) -> str:
    if kind not in TYPES:
        problem = f"how do the tables call the type {kind}? Write it into TYPES of manual/configuration.py"
        raise KeyError(problem)
    return TYPES[kind][language]


def _limits(metadata: tuple[object, ...]) -> str:
    low = next((item.ge for item in metadata if isinstance(item, annotated_types.Ge)), None)
    high = next((item.le for item in metadata if isinstance(item, annotated_types.Le)), None)
    if low is None:
        return ""
    return f" {low}-{high}" if high is not None else f" ≥ {low}"


def _default(field: FieldInfo, language: str) -> str:
    """Write the default of a key as a person would write it."""
    if field.is_required():
        return REQUIRED[language]
    value = field.get_default(call_default_factory=True)
    if isinstance(value, tuple):  # one is written as it is
        value = ", ".join(value)
    if value in (None, {}, [], ""):
        return NONE[language]
    if any(isinstance(item, BeforeValidator) and item.func is _memory for item in field.metadata):  # in megabytes
        return f"`{memory_text(value)}`"
    if isinstance(value, dict):
        return f"`{{{', '.join(f'{key}: {item}' for key, item in value.items())}}}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _mark_of_many(field: FieldInfo) -> str:
    """Return how the tables write that there are several such sections: in a list, or by name."""
    marks: dict[object, str] = {list: "[]", dict: ".NAME"}
    return marks.get(get_origin(field.annotation), "") if section_of(field) else ""
