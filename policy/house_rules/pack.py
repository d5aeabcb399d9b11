"""Hands the house rules to Pulumi's policy SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from house_rules import RULES
from house_rules.rule import UNKNOWN, Declared, ResourceRule, Rule, StackRule

KINDS = {bool: "boolean", int: "number", str: "string", tuple: "array"}
"""The type of a setting's default → its type in the schema."""


def start() -> None:
    """Serve the rules; a stack that breaks one is refused, unless `--policy-pack-config` says `advisory`."""
    PolicyPack("photos-house-rules", [policy(rule) for rule in RULES], enforcement_level=EnforcementLevel.MANDATORY)


def policy(rule: Rule) -> ResourceValidationPolicy | StackValidationPolicy:
    """Return a rule as the SDK knows it."""
    described = {"name": rule.name, "description": rule.sentence, "config_schema": schema(rule)}
    if isinstance(rule, ResourceRule):
        return ResourceValidationPolicy(validate=partial(_check_resource, rule), **described)
    assert isinstance(rule, StackRule)
    return StackValidationPolicy(validate=partial(_check_stack, rule), **described)


def schema(rule: Rule) -> PolicyConfigSchema | None:
    """Return what `--policy-pack-config` may say to a rule, beside how strictly it is meant."""
    if not rule.settings:
        return None
    return PolicyConfigSchema({name: {"type": KINDS[type(value)]} for name, value in rule.settings.items()})


def _check_resource(rule: ResourceRule, args: ResourceValidationArgs, report: ReportViolation) -> None:
    for text in rule.violations(_declared(args), args.get_config()):
        report(text, None)


def _check_stack(rule: StackRule, args: StackValidationArgs, report: ReportViolation) -> None:
    for resource, text in rule.violations([_declared(item) for item in args.resources], args.get_config()):
        report(text, resource.urn)


def _declared(resource: ResourceValidationArgs | PolicyResource) -> Declared:
    return Declared(
        type=resource.resource_type,
        name=resource.name,
        urn=resource.urn,
        inputs=plain(resource.props),
        delete_before_replace=bool(resource.opts.delete_before_replace),
        ignore_changes=list(resource.opts.ignore_changes),
    )


def plain(value: Any) -> Any:
    """Return what the SDK hands over as plain values, UNKNOWN where it would raise."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, number) for number in range(len(value))]
    return value


def _item(values: Any, key: Any) -> Any:
    try:
        return plain(values[key])
    except UnknownValueError:
        return UNKNOWN
