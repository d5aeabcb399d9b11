"""The flat program of the bench declares what the photo system declares: no resource, value or option more or less."""

from __future__ import annotations

from typing import Any

import pytest
from example_stack import EXAMPLES, OWNER, example, secret_keys

from bench.flat import OPTIONS, flat_program, is_provided
from bench.trace import Tracer, with_references
from stacks.config import load
from stacks.program import declare
from stacks.recording import Recorded, config_text, is_secret, plain, record


def traced(stack: str) -> list[Recorded]:
    config = example(stack)
    program = lambda: declare(load(), OWNER)  # noqa: E731
    keys = secret_keys(config)
    return record(program, stack=stack, config=config_text(config), secret_keys=keys, recorder=Tracer()).resources


def comparable(resources: list[Recorded]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return (type, name) → inputs, options and what is secret, with names in place of numbers."""

    def named(number: int, output: str) -> str:
        return f"<{resources[number].type}/{resources[number].name}.{output}>"

    return {
        (item.type, item.name): {
            "inputs": with_references(plain(item.inputs), named),
            "secrets": {key for key, value in item.inputs.items() if is_secret(value)},
            "options": {key: item.options[key] for key in OPTIONS},
        }
        for item in resources
        if is_provided(item)
    }


@pytest.mark.parametrize("stack", EXAMPLES)
def test_the_flat_program_declares_the_same_resources(stack: str) -> None:
    ours = traced(stack)
    text = flat_program(ours)
    flat = record(lambda: exec(text, {}), stack=stack, recorder=Tracer()).resources  # noqa: S102

    assert comparable(flat) == comparable(ours)
    assert len(comparable(ours)) > 15


@pytest.mark.parametrize("stack", EXAMPLES)
def test_the_flat_program_waits_for_the_same_resources(stack: str) -> None:
    ours = traced(stack)
    flat = record(lambda: exec(flat_program(ours), {}), stack=stack, recorder=Tracer()).resources  # noqa: S102

    assert after(flat) == after(ours)


def after(resources: list[Recorded]) -> dict[tuple[str, str], set[str]]:
    by_urn = {item.urn: (item.type, item.name) for item in resources if is_provided(item)}
    return {
        key: {
            str(by_urn[other])
            for item in resources
            if item.urn == urn
            for other in item.options["depends_on"]
            if other in by_urn
        }
        for urn, key in by_urn.items()
    }
