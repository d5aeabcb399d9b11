"""The JSON schema of a stack file, made from the model: an editor completes keys, shows their meaning and marks what is wrong.

It never refuses what the program accepts. What only the program can judge (two keys together, this host) it lets pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from components.fields import Section, memory_text
from components.messages import described
from stacks.languages import text
from stacks.names import NAMESPACE
from stacks.sections import Settings
from stacks.sections.backup.secrets import ALERT_KEYS
from stacks.sections.flat_secrets import flat_secrets, services_with_inner_secrets

DIALECT = "http://json-schema.org/draft-07/schema#"
"""What yaml-language-server reads best."""
SECRET = {
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}
"""An encrypted value, as `./photos config set --secret` writes it."""


def schema(say: Callable[[str], str] = lambda description: text(described(description))) -> dict[str, Any]:
    """Return the schema; `say` puts the description of a key into the reader's language."""
    model = Settings.model_json_schema(schema_generator=_AsAPersonWrites)
    definitions = model.pop("$defs")
    _put(say, [model, definitions])
    keys = {f"{NAMESPACE}{name}": kind for name, kind in model["properties"].items()}
    fixed = {f"{NAMESPACE}{key}": SECRET for key in sorted({*flat_secrets(), *ALERT_KEYS})}
    inner = "|".join(sorted((*services_with_inner_secrets(), "backup")))
    config = {
        "type": "object",
        "properties": keys | fixed,
        "required": [f"{NAMESPACE}{name}" for name in model["required"]],
        # Secrets of what a person names himself, and the keys of Pulumi's providers.
        "patternProperties": {f"^{NAMESPACE}({inner})_.+$": SECRET, f"^(?!{NAMESPACE})": {}},
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "title": "photos",
        "type": "object",
        "properties": {"config": config, "encryptionsalt": {"type": "string"}},
        "patternProperties": {f"^{NAMESPACE}": False},
        "required": ["config"],
        "$defs": definitions,
    }


def schema_text(say: Callable[[str], str] = lambda description: text(described(description))) -> str:
    """Return the schema as it is committed and printed."""
    return json.dumps(schema(say), indent=1, ensure_ascii=False) + "\n"


def _put(say: Callable[[str], str], part: Any) -> None:
    """Put every description below `part` into the reader's language."""
    for item in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        if isinstance(item, dict) and isinstance(item.get("description"), str):
            item["description"] = say(item["description"])
        _put(say, item)


class _AsAPersonWrites(GenerateJsonSchema):
    """The schema of what stands in the file: pydantic's is of the values that the program works with."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A section may stand there with nothing after its colon; its keys say what it is about."""
        made = super().model_schema(schema)
        if issubclass(schema["cls"], Section) and made.get("type") == "object":
            made["type"] = ["object", "null"]
        return {key: value for key, value in made.items() if key not in ("title", "description")}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """A key that may be left out: empty it is refused."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A default as a person would write it; that there is none need not be said."""
        made = super().default_schema(schema)
        default = made.get("default")
        if default is None or default in ({}, []):
            made.pop("default", None)
        elif isinstance(default, int) and not isinstance(default, bool) and made.get("type") == "string":
            made["default"] = memory_text(default)
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        """A title would repeat the key."""
        del schema
        return False
