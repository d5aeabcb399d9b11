"""Turn what pydantic says about a stack file into lines that a person can act on."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

WRITE_INSTEAD = {
    "bool_type": "Write true or false",
    "int_type": "Write a whole number",
    "string_type": 'Write text, in quotes, e.g. "abc"',
    "list_type": "Write a list, one `- item` per line",
    "dict_type": "Write a section, one `name: value` per line",
    "model_type": "Write a section, one `name: value` per line",
    "uuid_parsing": "Leave the key out: ./photos writes it",
    "greater_than_equal": "Write a larger number",
    "less_than_equal": "Write a smaller number",
}


class ConfigError(Exception):
    """The stack file cannot be used. `problems` are complete lines, one per problem.

    `rest` is what the checks of the host can go on with, so that a person learns of everything at once: a
    `StackConfig` of what is right in the file. None where too little of it is.
    """

    def __init__(self, problems: list[str], rest: Any = None) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.rest = rest


def problem(path: str, text: str) -> str:
    """Write one problem at `path` below `photos:`."""
    return f"config photos:{path}: {text}"


def problems(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one line per error of `model`: where, what is wrong, what to write instead."""
    return [problem(".".join(map(str, detail["loc"])), _text(detail, model)) for detail in error.errors()]


def _text(detail: ErrorDetails, model: type[BaseModel]) -> str:
    *parents, key = detail["loc"]
    kind, message = detail["type"], detail["msg"]
    section = _section(model, parents)
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind == "missing":
        field = (
            next((f for name, f in section.model_fields.items() if key in (f.alias, name)), None) if section else None
        )
        return f"required. Write the {(field.description or '').removeprefix('the ')}" if field else "required"
    if kind == "extra_forbidden":
        known = [f.alias or name for name, f in section.model_fields.items()] if section else []
        near = get_close_matches(str(key), known, 1)
        return f"unknown. Did you mean {near[0]}?" if near else f"unknown. Known here: {', '.join(known)}"
    if kind == "literal_error":
        return f"{message.removeprefix('Input should be ')} expected"
    return f"{message}. {WRITE_INSTEAD.get(kind, 'See the configuration table in README.md')}"


def _section(model: type[BaseModel], path: list[int | str]) -> type[BaseModel] | None:
    """Return the model of the section at `path`."""
    current: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int):
            continue  # the items of a list are all alike
        field = (
            next((f for name, f in current.model_fields.items() if part in (f.alias, name)), None) if current else None
        )
        current = _model_of(field.annotation) if field else None
    return current


def _model_of(annotation: Any) -> type[BaseModel] | None:
    candidates = (annotation, *get_args(annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
