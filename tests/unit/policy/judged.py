"""Programs of the tests, judged by the house rules without the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from house_rules import RULES
from house_rules.rule import Declared, ResourceRule, Rule, StackRule

from stacks.recording import Recorded, plain, record


def declared_by(program: Callable[[], object]) -> list[Declared]:
    """Return what `program` declares, as a rule sees it."""
    return as_rules_see(record(program, stack="house").resources)


def as_rules_see(resources: Iterable[Recorded]) -> list[Declared]:
    return [
        Declared(
            type=item.type,
            name=item.name,
            urn=item.name,
            inputs=plain({**item.outputs, **item.inputs}),
            delete_before_replace=item.options["delete_before_replace"],
            ignore_changes=item.options["ignore_changes"],
        )
        for item in resources
    ]


def broken_rules(
    resources: list[Declared], settings: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[tuple[str, str], str]:
    """Return (resource, rule) → what is wrong."""
    wrong: dict[tuple[str, str], str] = {}
    for rule in RULES:
        for resource, text in violations(rule, resources, (settings or {}).get(rule.name)):
            wrong[resource.name, rule.name] = text
    return wrong


def violations(
    rule: Rule, resources: list[Declared], settings: Mapping[str, Any] | None
) -> Iterator[tuple[Declared, str]]:
    if isinstance(rule, StackRule):
        yield from rule.violations(resources, settings)
    elif isinstance(rule, ResourceRule):
        yield from ((resource, text) for resource in resources for text in rule.violations(resource, settings))
