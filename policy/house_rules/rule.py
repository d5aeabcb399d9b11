"""What a rule is: a function that yields what is wrong with a resource, with its sentence as docstring.

Nothing here knows Pulumi's policy SDK: `pack.py` hands the rules to it, tests call them as they are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class NotKnownYet(Exception):  # noqa: N818 - no error: `preview` cannot know it, `up` asks again
    """A rule asked for a value that only exists after `up`."""


class Unknown:
    """Stands where `preview` does not know a value yet."""


UNKNOWN = Unknown()


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource of a program: its inputs as the provider spells them, and the options that a policy can see."""

    type: str
    name: str
    urn: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    delete_before_replace: bool = False
    ignore_changes: Sequence[str] = ()

    def __getitem__(self, key: str) -> Any:
        """Return an input, None where it is not set."""
        return known(self.inputs.get(key))

    def items(self, key: str) -> list[Any]:
        """Return what is known of an input that is a list."""
        return [item for item in self[key] or () if item is not UNKNOWN]

    def texts(self, key: str) -> list[str]:
        """Return what is known of an input that is a list of texts."""
        return [item for item in self.items(key) if isinstance(item, str)]


Settings = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule by its name in `pulumi preview`; `settings` are what `--policy-pack-config` may change, with defaults."""

    name: str
    sentence: str
    settings: Settings


@dataclass(frozen=True, kw_only=True)
class ResourceRule(Rule):
    """A rule about each resource of some types."""

    types: tuple[str, ...]
    check: Callable[..., Iterator[str]]

    def violations(self, resource: Declared, settings: Settings | None = None) -> list[str]:
        """Return what is wrong with `resource`; nothing where `preview` cannot know."""
        if resource.type not in self.types:
            return []
        try:
            return list(self.check(resource, **{**self.settings, **(settings or {})}))
        except NotKnownYet:
            return []


@dataclass(frozen=True, kw_only=True)
class StackRule(Rule):
    """A rule about how the resources of a stack fit together."""

    check: Callable[..., Iterator[tuple[Declared, str]]]

    def violations(self, resources: Sequence[Declared], settings: Settings | None = None) -> list[tuple[Declared, str]]:
        """Return the resources that are wrong, with what is wrong; nothing where `preview` cannot know."""
        try:
            return list(self.check(resources, **{**self.settings, **(settings or {})}))
        except NotKnownYet:
            return []


def resource_rule(*types: str) -> Callable[[Callable[..., Iterator[str]]], ResourceRule]:
    """Make a rule of a function; its docstring is the sentence, its keyword-only arguments are the settings."""
    return lambda check: ResourceRule(types=types, check=check, **_described(check))


def stack_rule(check: Callable[..., Iterator[tuple[Declared, str]]]) -> StackRule:
    """Make a rule of a function that sees all resources."""
    return StackRule(check=check, **_described(check))


def known(value: Any) -> Any:
    """Return `value`.

    Raises:
        NotKnownYet: it exists only after `up`.
    """
    if value is UNKNOWN:
        raise NotKnownYet
    return value


def _described(check: Callable[..., object]) -> dict[str, Any]:
    parameters = inspect.signature(check).parameters.values()
    return {
        "name": check.__name__.replace("_", "-"),
        "sentence": (check.__doc__ or "").strip(),
        "settings": {item.name: item.default for item in parameters if item.kind is item.KEYWORD_ONLY},
    }
