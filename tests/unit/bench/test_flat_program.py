"""The flat program of the bench declares what the photo system declares: no resource, value or option more or less."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from example_stack import EXAMPLES
from traced_stack import traced

from bench.flat import OPTIONS, flat_program, is_provided
from bench.trace import trace, with_references
from stacks.recording import Recorded, is_secret, plain

each_stack = pytest.mark.parametrize("stack", EXAMPLES)


@cache
def flat(stack: str) -> list[Recorded]:
    text = flat_program(traced(stack))
    return trace(lambda: exec(text, {}), stack)  # noqa: S102 - what is tested


def described(resources: list[Recorded]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return (type, name) → inputs, secrets, options, and what is waited for, with names in place of numbers."""

    def named(number: int, output: str) -> str:
        return f"<{resources[number].type}/{resources[number].name}.{output}>"

    provided = {item.urn: item for item in resources if is_provided(item)}
    return {
        (item.type, item.name): {
            "inputs": with_references(plain(item.inputs), named),
            "secrets": {key for key, value in item.inputs.items() if is_secret(value)},
            "options": {key: item.options[key] for key in OPTIONS},
            "after": {provided[urn].name for urn in item.options["depends_on"] if urn in provided and urn != item.urn},
        }
        for item in provided.values()
    }


@each_stack
def test_it_declares_the_same_resources(stack: str) -> None:
    assert described(flat(stack)) == described(traced(stack))


@each_stack
def test_it_has_no_component_and_no_provider_of_its_own(stack: str) -> None:
    kinds = {item.type for item in flat(stack)} - {"pulumi:pulumi:Stack"}

    assert all(is_provided(item) for item in flat(stack) if item.type in kinds)
    assert len(flat(stack)) > 15


def test_outputs_are_handed_on_as_outputs() -> None:
    text = flat_program(traced("dev"))

    assert "«" not in text
    assert "pulumi.Output.concat('MARIADB" not in text, "no password in an environment"
    assert ".image_id" in text
    assert ".result" in text
