"""The program's messages, read from its source: where a code stands, and what it says in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.app import COMMANDS
from manual.pages import PROJECT, linked
from stacks.chinese import TEXTS

ROOMS = ("components", "stacks", "cli", "demo")
MAKERS = {"message": 1, "refusal": 1, "advice": 2}
"""What makes messages, and how many texts stand behind its code."""

COMMAND = re.compile(
    rf"\./photos(?: (?:keeper [a-z-]+|phone [a-z]+|logs [a-z]+|config set --secret photos:\w+|state delete|{'|'.join(COMMANDS)})"
    r"(?: (?:--[a-z-]+|[A-Z]{2,}))*)?"
)
"""A command in a sentence, which a page shows as one."""
IN_CAPITALS = frozenset(
    {"account", "address", "alarm", "archive", "copy", "count", "docker", "drive", "file", "folder", "host", "hostname"}
    | {"id", "image", "key", "kind", "letter", "library", "marker", "name", "owner", "path", "phone", "port", "program"}
    | {"registry", "root", "server", "service", "since", "stack", "zone"}
)
"""What is filled in under a name that says it in both languages."""
FILLED = {
    "adopt": "`./photos adopt FOLDER`",
    "chown": "`sudo chown -R 1000:1000 FOLDER`",
    "command": "`docker login HOST`",
    "look": "`sudo ss -tlnp`",
    "reason": "…",
    "state": "…",
}
"""Commands that findings print, as examples."""


@dataclass(frozen=True)
class Said:
    """A message: what is said, and of a finding what to do about it, by language."""

    file: str
    code: str
    text: Mapping[str, str]
    fix: Mapping[str, str] | None = None


def messages() -> Iterator[Said]:
    """Yield every message once, in the order of files and lines."""
    seen = set()
    for file, call in _calls():
        written = [str(part.value) for part in call.args if isinstance(part, ast.Constant)]
        code, *english = written
        if code in seen:
            continue
        seen.add(code)
        texts = [{"en": text, "zh": TEXTS[name]} for name, text in zip((code, f"{code}_fix"), english, strict=False)]
        yield Said(file, code, *texts)


def endings() -> set[str]:
    """Return the codes of the messages with which a command ends without having done what it was told."""
    ends = set()
    for file in _files("cli"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "fail":
                inner = [argument for argument in node.args if isinstance(argument, ast.Call)]
                ends |= {
                    str(call.args[0].value) for call in inner if call.args and isinstance(call.args[0], ast.Constant)
                }
    return ends


def as_seen(text: str) -> str:
    """Return a text as a cell of a table, with a word in capitals, an example or … for what it fills in."""
    seen = re.sub(r"\{([a-z_]+)\}", lambda found: _filled(found[1]), text)
    seen = " ".join(seen.split()).replace("|", "\\|").replace("<", "&lt;")
    outside = seen.split("`")
    outside[::2] = [COMMAND.sub(r"`\g<0>`", words) for words in outside[::2]]
    return linked("`".join(outside))


def _filled(name: str) -> str:
    return FILLED.get(name) or (name.upper() if name in IN_CAPITALS else "…")


def _files(room: str) -> list[Path]:
    return sorted((PROJECT / room).rglob("*.py"))


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for room in ROOMS:
        for file in _files(room):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS):
                    continue
                if node.args and isinstance(node.args[0], ast.Constant):
                    yield str(file.relative_to(PROJECT)), node
