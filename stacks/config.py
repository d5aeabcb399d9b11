"""The only module that reads `pulumi.Config`: the stack file, checked as a whole before anything is declared."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import ValidationError

from components.backup import ALERT_KEYS, secret_key
from components.database import Database
from components.services import catalog
from stacks import backup
from stacks.problems import ConfigError, problem, problems
from stacks.publishing import TOKEN_KEY, publishing_problems, token_in_clear, token_problem
from stacks.settings import Settings

NAMESPACE = "photos:"
STACK_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
KNOWN_PASSWORDS = {"admin", "insecure", "password", "photoprism", "12345678", "changeme"}
PASSWORD_LENGTH = range(8, 73)  # what PhotoPrism accepts
PEM_SECRETS = {"syncthing_cert", "syncthing_key"}
MOST_MISTAKES = 20
"""Rounds in which wrong values are taken out of a stack file before it is given up."""
PLACEHOLDER_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """One stack, ready to declare.

    `first_run`: nothing has been written yet, only a preview may go on. `token_problem`: why Cloudflare's API token
    cannot work, which matters only where something is published. `shortcomings`: what is not good about the backup.
    `still_needed`: what a person has to supply before the first `up`; later it is a problem of the file.
    `pending_id`: what an interrupted first run wrote into markers, but not yet into the stack file.
    """

    stack: str
    settings: Settings
    first_run: bool
    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    token_problem: str | None = None
    shortcomings: tuple[backup.Shortcoming, ...] = ()
    still_needed: tuple[str, ...] = ()
    pending_id: str | None = None

    @property
    def id(self) -> str:
        """The stack's identity, or a placeholder in a preview before the first run."""
        return str(self.settings.id or PLACEHOLDER_ID)


def load() -> StackConfig:
    """Read the stack file through Pulumi.

    Raises:
        ConfigError: with all problems at once.
    """
    values = _values()
    config = parse(pulumi.get_stack(), values, secret_keys=_secret_keys(values), dry_run=pulumi.runtime.is_dry_run())
    secrets = {
        key: pulumi.Output.secret(values.get(key, "made at the first ./photos up"))
        for key in [*config.settings.secret_keys(), *(key for key in ALERT_KEYS if values.get(key))]
    }
    return replace(config, secrets=secrets, token_problem=token_problem(provider_config()))


def parse(stack: str, values: Mapping[str, str], *, secret_keys: set[str], dry_run: bool = False) -> StackConfig:
    """Check the raw values of the namespace `photos:` (keys without it, objects as JSON text); takes over no secret.

    Raises:
        ConfigError: with all problems at once.
    """
    found: list[str] = []
    if not STACK_NAME.fullmatch(stack):
        found.append(f'stack "{stack}": use at most 40 lower-case letters, digits and -, e.g. home')
    flat = flat_secrets(values)
    unknown = backup.unknown_keys(values)
    found += [backup.unknown_key_problem(key, values) for key in unknown]
    values = {key: value for key, value in values.items() if key not in unknown}
    secret_keys = secret_keys - set(unknown)
    found += _misplaced_secrets(values, secret_keys, flat)
    found += _secrets_in_clear(values, secret_keys, flat)
    settings: Settings | None = None
    document = {key: _decode(key, text) for key, text in values.items() if key not in flat}
    try:
        settings = Settings.model_validate_json(json.dumps(document))
    except ValidationError as error:
        # What stands beside a misplaced secret may be one, and these lines echo values.
        found += [
            line
            for line in problems(error, Settings)
            if not line.startswith(tuple(f"config photos:{key}{end}" for key in secret_keys - flat for end in ".:"))
        ]
    first_run = not values.get("id")
    shortcomings: list[backup.Shortcoming] = []
    still_needed: list[str] = []
    if settings:
        found += _across(stack, settings)
        found += backup.secret_problems(settings, values)
        shortcomings = backup.shortcomings(settings, values)
        still_needed = backup.missing_typed(settings, values, stack)
        if settings.backup and settings.backup.strict:
            still_needed += [problem(item.place, str(item)) for item in shortcomings]
        if not (first_run and dry_run):
            found += [*_not_made(stack, settings, values), *still_needed]
            still_needed = []
    if found or not settings:
        rest = settings or _what_is_right(document)
        raise ConfigError(found, rest and StackConfig(stack=stack, settings=rest, first_run=first_run))
    return StackConfig(
        stack=stack,
        settings=settings,
        first_run=first_run,
        shortcomings=tuple(shortcomings),
        still_needed=tuple(still_needed),
    )


def _what_is_right(document: dict[str, object]) -> Settings | None:
    """Return the settings without what is wrong in them, for the checks of the host; None where that is not enough."""
    right = deepcopy(document)
    for _ in range(MOST_MISTAKES):
        try:
            return Settings.model_validate_json(json.dumps(right))
        except ValidationError as error:
            taken_out = [_take_out(right, detail["loc"]) for detail in error.errors()]
            if not any(taken_out):
                return None
    return None


def _take_out(document: object, place: tuple[int | str, ...]) -> bool:
    """Remove the value at `place`; tell whether there was one."""
    *parents, last = place
    inner: Any = document
    try:
        for key in parents:
            inner = inner[key]
    except (KeyError, IndexError, TypeError):
        return False
    return isinstance(inner, dict) and inner.pop(last, None) is not None


def flat_secrets(values: Mapping[str, str] | None = None) -> set[str]:
    """Return every flat secret that some service knows, and those that the backup in `values` asks for."""
    known = {key for keys in [Database.secret_keys, *(s.secret_keys for s in catalog().values())] for key in keys}
    return known | backup.flat_keys(values or {})


def _values() -> dict[str, str]:
    everything = provider_config()
    return {key.removeprefix(NAMESPACE): value for key, value in everything.items() if key.startswith(NAMESPACE)}


def provider_config() -> dict[str, str]:
    """Return everything in the stack file by its full key, those of the providers among them."""
    return {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}


def _secret_keys(values: Mapping[str, str]) -> set[str]:
    return {key for key in values if _is_secret(NAMESPACE + key)}


def _is_secret(key: str) -> bool:
    return key in runtime_config.get_config_secret_keys_env() or runtime_config.is_config_secret(key)


def _decode(key: str, text: str) -> object:
    """Pulumi hands over text as it is and everything else as JSON."""
    field = Settings.model_fields.get(key)
    if field and "str" in repr(field.annotation) and "Config" not in repr(field.annotation):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _misplaced_secrets(values: Mapping[str, str], secret_keys: set[str], flat: set[str]) -> list[str]:
    return [
        problem(
            key,
            "holds a secret inside a section, which reaches the program and the state in clear. Write it as the flat "
            f"key {_flat_name(key, values.get(key, ''), flat)} with `pulumi config set --secret`, and choose a new one",
        )
        for key in sorted(secret_keys - flat)
    ]


def _flat_name(key: str, text: str, flat: set[str]) -> str:
    """Name the flat key that a secret below `key` belongs under, or say how such keys are called."""
    try:
        leaves = list(_leaves(json.loads(text), (key,)))
        if key == backup.SECTION:
            return " or ".join(f"photos:{secret_key(path[2], path[-1])}" for path in leaves if "options" in path)
        places = ["_".join(path) for path in leaves]
    except ValueError:
        places = [key]
    meant = sorted(name for name in flat if any(place == name or place.endswith(f"_{name}") for place in places))
    named = [f"photos:{name}" for name in meant] or ["photos:<section>_<name>_<field>"]
    return " or ".join(named) + ("" if meant else f" (known: {', '.join(sorted(flat))})")


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    else:
        yield path


def _secrets_in_clear(values: Mapping[str, str], secret_keys: set[str], flat: set[str]) -> list[str]:
    found = []
    for key in sorted(flat & set(values)):
        value = values[key]
        if key not in secret_keys:
            found.append(
                problem(key, f"stored in clear. Choose a new one and run `pulumi config set --secret photos:{key}`")
            )
        elif key in PEM_SECRETS:
            if not value.startswith("-----BEGIN "):
                found.append(problem(key, "is not a PEM block. Take it back from the copy of the stack file"))
        elif key.startswith(backup.PREFIX):
            continue  # keys and addresses have rules of their own
        elif len(value) not in PASSWORD_LENGTH or value.lower() in KNOWN_PASSWORDS or not value.isprintable():
            found.append(
                problem(key, "is too weak. Write 8-72 printable characters that are not a known default password")
            )
    return found


def _across(stack: str, settings: Settings) -> list[str]:
    found = []
    if settings.data.on_destroy == "delete" and settings.data.confirm != stack:
        found.append(
            problem("data.on_destroy", f'"delete" loses the index and all settings. Also write `confirm: {stack}`')
        )
    host = os.environ.get("DOCKER_HOST", "")
    provider_host = provider_config().get("docker:host", "")
    for name, value in (("DOCKER_HOST", host), ("docker:host", provider_host)):
        if value.startswith("ssh://"):
            found.append(f"{name} is {value}: a Docker host over ssh is not supported yet. Run ./photos on that host")
    if TOKEN_KEY in provider_config() and not _is_secret(TOKEN_KEY):
        found.append(token_in_clear())
    return found + publishing_problems(settings) + backup.backup_problems(settings)


def _not_made(stack: str, settings: Settings, values: Mapping[str, str]) -> list[str]:
    """Return what `./photos` has not made yet; plain `pulumi up` cannot."""
    missing = [key for key in settings.generated_secret_keys() if not values.get(key)]
    if not settings.id:
        return [
            f"config: photos:id missing: this stack is not set up yet. Run ./photos setup {stack} or ./photos up {stack}"
        ]
    if not missing:
        return []
    names = ", ".join(f"photos:{key}" for key in missing)
    return [
        f"config: {names} missing: not made yet. Run ./photos setup {stack} or ./photos up {stack}, which make them"
    ]
