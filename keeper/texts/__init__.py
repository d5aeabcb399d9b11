"""What the keeper says to a person, in its two languages side by side; one file of texts per room.

A `Problem` becomes a sentence here and nowhere else. What is filled in is never read as a text, whatever it holds.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
from datetime import datetime, timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from keeper.errors import Problem

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT_STACK = "dev"
"""The stack that `./photos` means when none is named."""
PROGRAM = "./photos "
COMMAND = re.compile(
    r"\./photos (?:keeper [a-z-]+|phone list|status|logs [a-z]+|config set|config rm|upgrade(?: [a-z]+)?+)\b(?! --stack)"
    r"|\./photos up\b"
)
QUOTED = frozenset({"said", "reason"})
"""Values in which another program or the kernel speaks: its usual words are told in the reader's language, too."""
MANY = 10_000
"""A count from here on is told with separators."""


class Text(NamedTuple):
    """One text in both languages; {names} are filled in."""

    en: str
    zh: str


TEXTS: dict[str, Text] = {}
for _room in iter_modules(__path__):
    TEXTS |= import_module(f"{__name__}.{_room.name}").TEXTS

# What the kernel says of a file or a disk; in English it is said as it stands.
KERNEL = {
    os.strerror(number): chinese
    for number, chinese in {
        errno.EACCES: "没有权限",
        errno.EPERM: "不允许操作",
        errno.ENOENT: "找不到文件",
        errno.EIO: "读写出错",
        errno.ENOSPC: "空间已满",
        errno.EDQUOT: "超出配额",
        errno.EROFS: "只读",
        errno.ENOTCONN: "连接已断开",
        errno.ENODEV: "设备不在了",
        errno.ENAMETOOLONG: "名字太长",
        errno.ENOTDIR: "不是文件夹",
        errno.EISDIR: "是一个文件夹",
        errno.ESTALE: "网络文件夹已断开",
        errno.ETIMEDOUT: "连接超时",
        errno.ECONNREFUSED: "连接被拒绝",
    }.items()
}
# Go's programs write the same words in small letters.
KERNEL_SAYS = re.compile(rf"\b(?:{'|'.join(map(re.escape, KERNEL))})\b", re.IGNORECASE)
BY_LETTERS = {words.lower(): chinese for words, chinese in KERNEL.items()}


def say(language: Language, key: str, /, **values: object) -> str:
    """Return a text with its values."""
    template: str = getattr(TEXTS[key], language)
    return template.format(**{name: _told(language, name, value) for name, value in values.items()})


def problem_text(language: Language, problem: Problem) -> str:
    """Return a problem as a sentence; one that has no text here, of another version's state, as its code and values."""
    try:
        return say(language, problem.code, **problem.values)
    except (KeyError, IndexError, ValueError):
        told = [f"{name}: {_told(language, name, value)}" for name, value in problem.values.items()]
        return " ".join([problem.code, *([f"({', '.join(told)})"] if told else [])])


def kernel_text(language: Language, words: str) -> str:
    """Return what the kernel or another program said, with the kernel's usual words in the reader's language."""
    return words if language == "en" else KERNEL_SAYS.sub(lambda found: BY_LETTERS[found[0].lower()], words)


def _told(language: Language, name: str, value: object) -> object:
    if isinstance(value, Problem):
        return problem_text(language, value)
    if isinstance(value, str):
        return kernel_text(language, value) if name in QUOTED else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if name.endswith("bytes"):
            return size(value)
        return f"{value:,}" if isinstance(value, int) and value >= MANY else value
    return value


def for_stack(text: str, stack: str) -> str:
    """Return a text whose commands name the stack, so that they can be typed as they stand."""
    if stack == DEFAULT_STACK:
        return text
    return COMMAND.sub(
        lambda found: f"{found[0]} {stack}" if found[0].endswith(" up") else f"{found[0]} --stack {stack}", text
    )


def typed(path: str) -> str:
    """Return a name in the backup as a shell reads it; of one that no terminal can show, the folder that holds it."""
    while not path.isprintable() or "\ufffd" in path:
        path = path.rpartition("/")[0]
    return shlex.quote(path)


def ago(language: Language, past: timedelta) -> str:
    """Say how long ago something was."""
    minutes = int(past.total_seconds() // 60)
    if minutes < 2:  # noqa: PLR2004 - "1 minutes"
        return say(language, "ago.moment")
    if minutes < 120:  # noqa: PLR2004 - "1 hours"
        return say(language, "ago.minutes", n=minutes)
    hours = minutes // 60
    return say(language, "ago.hours", n=hours) if hours < 48 else say(language, "ago.days", n=hours // 24)  # noqa: PLR2004 - "1 days"


def span(language: Language, length: timedelta) -> str:
    """Say how long something takes, roughly."""
    minutes = round(length.total_seconds() / 60)
    if minutes < 5:  # noqa: PLR2004 - more exact it is not known
        return say(language, "span.soon")
    if minutes < 120:  # noqa: PLR2004 - "1 hours"
        return say(language, "span.minutes", n=minutes)
    hours = round(minutes / 60)
    return say(language, "span.hours", n=hours) if hours < 48 else say(language, "span.days", n=round(hours / 24))  # noqa: PLR2004 - "1 days"


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as the family's clock shows it."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def size(count: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004 - decimal units, as on the disk's box
            return f"{count:.0f} {unit}" if count >= 10 or unit == "bytes" else f"{count:.1f} {unit}"  # noqa: PLR2004
        count /= 1000
    return f"{count:.1f} TB"
