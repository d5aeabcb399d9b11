"""Turn what pydantic says about a stack file into findings that a person can act on."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components.fields import kinds
from components.messages import Message, Said, described, either, message
from stacks.findings import Finding, error

# What pydantic itself finds, by its own codes → what is wrong and what to write instead, in words without types of Python.
WRONG_KIND = {
    said.code: said
    for said in (
        message("bool_type", "valid boolean expected. Write true or false, without quotes"),
        message("int_type", "valid integer expected. Write a whole number, without quotes"),
        message("string_type", 'valid string expected. Write text, in quotes, e.g. "abc"'),
        message("list_type", "not a list. Write one `- item` per line"),
        message("dict_type", "not a section. Write a section, one `name: value` per line"),
        message("model_type", "not a section. Write a section, one `name: value` per line"),
        message("uuid_parsing", "not an id. Leave the key out: ./photos writes it"),
        message("too_short", "empty. Write at least one"),
    )
}
# The same where nothing stands at all.
EMPTY = {
    "bool_type": message("empty_bool", "empty. Write true or false, without quotes"),
    "int_type": message("empty_int", "empty. Write a whole number, without quotes"),
    "string_type": message("empty_string", 'empty. Write text, in quotes, e.g. "abc"'),
    "list_type": message("empty_list", "empty. Write one `- item` per line"),
    "dict_type": message("empty_section", "empty. Write a section, one `name: value` per line"),
    "model_type": message("empty_section", "empty. Write a section, one `name: value` per line"),
}


class ConfigError(Exception):
    """The stack file cannot be used. `problems` say all that is wrong with it.

    `rest` is what the checks of the host can go on with, so that a person learns of everything at once: a
    `StackConfig` of what is right in the file. None where too little of it is.
    """

    def __init__(self, problems: list[Finding], rest: Any = None) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
        self.rest = rest


def problem(path: str, said: Said) -> Finding:
    """Return one problem at `path` below `photos:`."""
    return error(f"config photos:{path}", said)


def problems(invalid: ValidationError, model: type[BaseModel]) -> list[Finding]:
    """Return what is wrong with a document of `model`: where, what, and what to write instead."""
    return [
        # pydantic's own mark of a name that is wrong itself.
        problem(".".join(str(part) for part in detail["loc"] if part != "[key]"), _said(detail, model))
        for detail in invalid.errors()
    ]


def _said(detail: ErrorDetails, model: type[BaseModel]) -> Said:
    context = detail.get("ctx", {})
    if "said" in context:
        refusal: Message = context["said"]
        return refusal
    *parents, key = detail["loc"] or ("",)
    kind = detail["type"]
    if kind in WRONG_KIND:
        return EMPTY.get(kind, WRONG_KIND[kind]) if detail["input"] is None else WRONG_KIND[kind]
    if kind == "missing":
        return _missing(_fields(model, parents).get(str(key)))
    if kind == "extra_forbidden":
        return message("extra_forbidden", "unknown. {meant}", meant=nearest(str(key), list(_fields(model, parents))))
    return _out_of_bounds(kind, context) or message(
        "other_kind", "{said}. See the tables in docs/configuration.md", said=detail["msg"]
    )


def _out_of_bounds(kind: str, context: dict[str, Any]) -> Message | None:
    if kind == "greater_than_equal":
        return message(
            "greater_than_equal",
            "Input should be greater than or equal to {ge}. Write a larger number",
            ge=context["ge"],
        )
    if kind == "less_than_equal":
        return message(
            "less_than_equal", "Input should be less than or equal to {le}. Write a smaller number", le=context["le"]
        )
    if kind == "string_too_long":
        return message(
            "string_too_long",
            "String should have at most {max_length} characters. Write a shorter text",
            max_length=context["max_length"],
        )
    if kind == "literal_error":
        return message("literal_error", "{expected} expected", expected=either(context["expected"].split(" or ")))
    return None


def _missing(field: FieldInfo | None) -> Message:
    if field is None:
        return message("missing_without_description", "required")
    return message("missing", "required. Write {key}", key=_with_article(field.description or ""))


def _with_article(description: str) -> Message:
    """Return the description of a key as the object of "Write"; one that lists what may be written as it is."""
    ready = description.startswith(("a ", "an ", "the ")) or re.match(r"\w+(:| \()", description)
    return described(description, english=description if ready else f"the {description}")


def nearest(key: str, known: list[str]) -> Message:
    """Name the known key that is meant, whatever its case and dashes, or all of them."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower().replace("-", "_").replace(" ", "_")
    if near := get_close_matches(snake, known, 1):
        return message("did_you_mean", "Did you mean {near}?", near=near[0])
    return message("known_here", "Known here: {known}", known=", ".join(known))


def _fields(model: type[BaseModel], path: list[int | str]) -> dict[str, FieldInfo]:
    """Return the keys of the section at `path`."""
    section = _section(model, path)
    return {field.alias or name: field for name, field in section.model_fields.items()} if section else {}


def _section(model: type[BaseModel], path: list[int | str]) -> type[BaseModel] | None:
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
