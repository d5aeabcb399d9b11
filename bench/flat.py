"""Write the flat program: the resources that the photo system declares, one after the other, without a component.

It is generated from what the program declares, so it cannot drift; `tests/unit/bench` compares the two.
"""

from __future__ import annotations

import re
from typing import Any

from bench.trace import REFERENCE
from stacks.recording import Recorded, is_secret, plain

PACKAGES = {"docker": "pulumi_docker", "random": "pulumi_random", "cloudflare": "pulumi_cloudflare"}
MAPS = {"logOpts", "tmpfs", "buildArgs", "keepers"}
"""Inputs whose keys are a person's and not the provider's."""
SUBNET = "{0}.ipam_configs.apply(lambda configs: next(c.subnet for c in configs if '.' in c.subnet))"
OPTIONS = ("retain_on_delete", "delete_before_replace", "ignore_changes", "replace_on_changes")


def flat_program(resources: list[Recorded]) -> str:
    """Return the program as Python's text."""
    numbers = {item.urn: number for number, item in enumerate(resources) if is_provided(item)}
    used = sorted({item.type.partition(":")[0] for item in resources if is_provided(item)})
    lines = ["import pulumi", *(f"import {PACKAGES[name]} as {name}" for name in used), ""]
    for urn, number in numbers.items():
        item = resources[number]
        package, kind = item.type.partition(":")[0], item.type.rpartition(":")[2]
        arguments = [f"{snake(key)}={_input(key, value)}" for key, value in item.inputs.items()]
        after = [f"r{numbers[other]}" for other in item.options["depends_on"] if other in numbers and other != urn]
        options = [f"{key}={item.options[key]!r}" for key in OPTIONS if item.options[key]]
        options += [f"depends_on=[{', '.join(after)}]"] if after else []
        arguments.append(f"opts=pulumi.ResourceOptions({', '.join(options)})")
        lines.append(f"r{number} = {package}.{kind}({item.name!r}, {', '.join(arguments)})")
    return "\n".join(lines) + "\n"


def is_provided(item: Recorded) -> bool:
    """Whether a provider makes it: a component and a provider itself are left out."""
    return item.custom and item.type.partition(":")[0] in PACKAGES


def snake(key: str) -> str:
    """Return the name in Python of an input.

    >>> snake("networksAdvanced")
    'networks_advanced'
    """
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", key)


def _input(key: str, value: Any) -> str:
    text = _expression(plain(value), keys_are_theirs=key in MAPS)
    return f"pulumi.Output.secret({text})" if is_secret(value) else text


def _expression(value: Any, *, keys_are_theirs: bool = False) -> str:
    if isinstance(value, dict):
        parts = [
            f"{(key if keys_are_theirs else snake(key))!r}: {_expression(item, keys_are_theirs=key in MAPS)}"
            for key, item in value.items()
        ]
        return f"{{{', '.join(parts)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_expression, value))}]"
    if isinstance(value, float) and value.is_integer():
        return repr(int(value))
    return _text(value) if isinstance(value, str) else repr(value)


def _text(value: str) -> str:
    """Return a text as an expression: as it is, one output, or outputs and texts in a row."""
    parts = []
    end = 0
    for match in REFERENCE.finditer(value):
        parts += [repr(value[end : match.start()]), _output(match[1], match[2])]
        end = match.end()
    parts = [part for part in (*parts, repr(value[end:])) if part != "''"]
    if end == 0:
        return repr(value)
    return parts[0] if len(parts) == 1 else f"pulumi.Output.concat({', '.join(parts)})"


def _output(number: str, name: str) -> str:
    return SUBNET.format(f"r{number}") if name == "subnet" else f"r{number}.{name}"
