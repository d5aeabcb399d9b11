"""Turn what pydantic says about a stack file into lines that a person can act on."""

from __future__ import annotations

import re
import shlex
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.fields import kinds

# What pydantic finds → what is wrong and what to write instead, in words without types of Python.
SAYS = {
    "bool_type": "valid boolean expected. Write true or false, without quotes",
    "int_type": "valid integer expected. Write a whole number, without quotes",
    "string_type": 'valid string expected. Write text, in quotes, e.g. "abc"',
    "list_type": "not a list. Write one `- item` per line",
    "dict_type": "not a section. Write a section, one `name: value` per line",
    "model_type": "not a section. Write a section, one `name: value` per line",
    "uuid_parsing": "not an id. Leave the key out: ./photos writes it",
    "too_short": "empty. Write at least one",
}
WRITE_INSTEAD = {
    "greater_than_equal": "Write a larger number",
    "less_than_equal": "Write a smaller number",
    "string_too_long": "Write a shorter text",
}
CONFIG_COMMAND = re.compile(r"\./photos config (?:set --secret|rm) [\w:-]+(?![\w:-]| --stack)")


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


def for_stack(line: str, stack: str) -> str:
    """Return a line whose commands name the stack: without it they reach the one that was used last."""
    return CONFIG_COMMAND.sub(lambda found: f"{found[0]} --stack {shlex.quote(stack)}", line)


def problems(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one line per error of `model`: where, what is wrong, what to write instead."""
    return [
        # pydantic's own mark of a name that is wrong itself.
        problem(".".join(str(part) for part in detail["loc"] if part != "[key]"), _text(detail, model))
        for detail in error.errors()
    ]


def _text(detail: ErrorDetails, model: type[BaseModel]) -> str:
    *parents, key = detail["loc"] or ("",)
    kind, message = detail["type"], detail["msg"]
    section = _section(model, parents)
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind == "missing":
        field = (
            next((f for name, f in section.model_fields.items() if key == (f.alias or name)), None) if section else None
        )
        return f"required. Write {_with_article(field.description or '')}" if field else "required"
    if kind == "extra_forbidden":
        known = [f.alias or name for name, f in section.model_fields.items()] if section else []
        return f"unknown. {nearest(str(key), known)}"
    if kind == "literal_error":
        return f"{message.removeprefix('Input should be ')} expected"
    if kind in SAYS:
        return f"empty. {SAYS[kind].partition('. ')[2]}" if detail["input"] is None else SAYS[kind]
    return f"{message}. {WRITE_INSTEAD.get(kind, 'See the configuration table in README.md')}"


def _with_article(description: str) -> str:
    """Return the description of a key as the object of "Write"; one that lists what may be written as it is."""
    ready = description.startswith(("a ", "an ", "the ")) or re.match(r"\w+(:| \()", description)
    return description if ready else f"the {description}"


def nearest(key: str, known: list[str]) -> str:
    """Name the known key that is meant, whatever its case and dashes, or all of them."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower().replace("-", "_").replace(" ", "_")
    near = get_close_matches(snake, known, 1)
    return f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}"


def _section(model: type[BaseModel], path: list[int | str]) -> type[BaseModel] | None:
    """Return the model of the section at `path`."""
    annotation: Any = model
    for part in path:
        current = _model_of(annotation)
        if current is None:
            annotation = next(
                (get_args(kind)[-1] for kind in kinds(annotation) if get_origin(kind) in (list, dict)), None
            )
        else:
            field = next((f for name, f in current.model_fields.items() if part == (f.alias or name)), None)
            annotation = field.annotation if field else None
    return _model_of(annotation)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    return next((kind for kind in kinds(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
