"""The only module that reads `pulumi.Config`: the stack file, checked as a whole before anything is declared."""

from __future__ import annotations

import json
import os
import re
import shlex
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
from stacks.names import NAMESPACE, PLACEHOLDER_ID
from stacks.problems import ConfigError, for_stack, problem, problems
from stacks.publishing import TOKEN_KEY, publishing_problems, token_in_clear, token_problem
from stacks.settings import Settings

NAME_LENGTH = 40
KNOWN_PASSWORDS = {"admin", "insecure", "password", "photoprism", "12345678", "changeme"}
# PhotoPrism and Syncthing keep a bcrypt hash, which is made of 72 bytes at most: with more, nobody could log in.
SHORTEST_PASSWORD, PASSWORD_BYTES = 8, 72
BCRYPT_HASH = re.compile(r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}")
PEM_SECRETS = {"syncthing_cert", "syncthing_key"}
MOST_MISTAKES = 20
"""Rounds in which wrong values are taken out of a stack file before it is given up."""
STAND_INS: dict[tuple[int | str, ...], Any] = {
    ("timezone",): "UTC",
    ("library",): {"originals": "/nowhere/originals", "import": "/nowhere/import"},
    ("library", "originals"): "/nowhere/originals",
    ("library", "import"): "/nowhere/import",
    ("services",): {},
}
"""What stands for a required value that is wrong, so that the host can be looked at all the same."""


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
    if reason := stack_name_problem(stack):
        found.append(f'stack "{stack}": {reason}')
    # A key with nothing after its colon: Pulumi 3 makes it an empty text and writes that into the file, later ones null.
    values = {key: "" if text == "null" else text for key, text in values.items()}
    flat = flat_secrets(values)
    unknown = backup.unknown_keys(values)
    found += [backup.unknown_key_problem(key, values) for key in unknown]
    values = {key: value for key, value in values.items() if key not in unknown}
    secret_keys = secret_keys - set(unknown)
    found += _misplaced_secrets(values, secret_keys, flat)
    found += _secrets_in_clear(values, secret_keys, flat)
    settings: Settings | None = None
    document = {key: _decode(key, text) for key, text in values.items() if key not in flat and (text or key != "id")}
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
    right = settings or _what_is_right(document)
    if right:
        found += backup.secret_problems(right, values)
        still_needed = backup.missing_typed(right, values, stack)
    if settings:
        found += _across(stack, settings)
        shortcomings = backup.shortcomings(settings, values)
        if settings.backup and settings.backup.strict:
            still_needed += [problem(item.place, str(item)) for item in shortcomings]
        if not (first_run and dry_run):
            found += [*_not_made(stack, settings, values), *still_needed]
            still_needed = []
    if found or not settings:
        raise ConfigError(
            [for_stack(line, stack) for line in (*found, *still_needed)],
            right and StackConfig(stack=stack, settings=right, first_run=first_run),
        )
    return StackConfig(
        stack=stack,
        settings=settings,
        first_run=first_run,
        shortcomings=tuple(shortcomings),
        still_needed=tuple(for_stack(line, stack) for line in still_needed),
    )


def _what_is_right(document: dict[str, Any]) -> Settings | None:
    """Return the settings without what is wrong in them, for the checks of the host; None where that is not enough."""
    right = deepcopy(document)
    for _ in range(MOST_MISTAKES):
        try:
            return Settings.model_validate_json(json.dumps(right))
        except ValidationError as error:
            places = [detail["loc"] for detail in error.errors()]
            changed = [_take_out(right, p) or _stand_in(right, p) or _take_out(right, p[:-1]) for p in places]
            if not any(changed):
                return None
    return None


def _stand_in(document: dict[str, Any], place: tuple[int | str, ...]) -> bool:
    """Put something in the place of a value that must be there; tell whether there is one."""
    if place not in STAND_INS:
        return False
    *parents, last = place
    inner = document
    for key in parents:
        if not isinstance(inner.get(str(key)), dict):
            inner[str(key)] = {}
        inner = inner[str(key)]
    inner[str(last)] = STAND_INS[place]
    return True


def _take_out(document: object, place: tuple[int | str, ...]) -> bool:
    """Remove the value at `place`; tell whether there was one."""
    if not place:
        return False
    *parents, last = place
    inner: Any = document
    try:
        for key in parents:
            inner = inner[key]
    except (KeyError, IndexError, TypeError):
        return False
    if not isinstance(inner, dict) or last not in inner:
        return False
    del inner[last]
    return True


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
    """Pulumi hands over text as it is and everything else as JSON; None is a key with nothing after its colon."""
    if not text.strip():
        return None
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
            f"key {_flat_name(key, values.get(key, ''), flat)} with `./photos config set --secret`, and choose a new one",
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
        if not value and key not in secret_keys:
            continue  # nothing after its colon: said to be missing where it is needed
        if key not in secret_keys:
            found.append(problem(key, f"stored in clear. Choose a new one: ./photos config set --secret photos:{key}"))
        elif key in PEM_SECRETS:
            if not value.startswith("-----BEGIN "):
                found.append(problem(key, "is not a PEM block. Take it back from the copy of the stack file"))
        elif key.startswith(backup.PREFIX):
            continue  # keys and addresses have rules of their own
        elif reason := password_problem(value):
            found.append(problem(key, reason))
    return found


def password_problem(value: str) -> str | None:
    """Say why a login's password cannot be used; never a part of it."""
    size = len(value.encode("utf-8", "surrogatepass"))
    if size > PASSWORD_BYTES:
        more = f" in {len(value)} characters" if size != len(value) else ""
        return f"has {size} bytes{more}, the limit is {PASSWORD_BYTES} bytes (a Chinese character has 3). Write a shorter one"
    if len(value) < SHORTEST_PASSWORD or value.lower() in KNOWN_PASSWORDS:
        return "is too weak. Write 8 characters or more, at most 72 bytes, that are not a known default password"
    if not value.isprintable() or value != value.strip():
        return "holds a control character, or a space at its begin or end, which the login drops. Write it without"
    if BCRYPT_HASH.fullmatch(value):
        return "is the hash of a password, and would be taken for one. Write the password itself"
    return None


def stack_name_problem(name: str) -> str | None:
    """Say why a stack cannot have this name, which begins the names of its containers; None when it can."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    plain = re.sub(r"^[0-9-]+", "", plain)[:NAME_LENGTH].rstrip("-")
    meant = f"e.g. {plain or 'home'}"
    if not name:
        return f"a name is needed. Write up to {NAME_LENGTH} small letters, digits and -, {meant}"
    if re.search(r"[^a-z0-9-]", name):
        return f"only small letters a-z, digits and - can stand in it. Write {meant}"
    if not name[0].isalpha():
        return f'it begins with "{name[0]}", a name begins with a letter. Write {meant}'
    if len(name) > NAME_LENGTH:
        return f"it has {len(name)} characters, at most {NAME_LENGTH} are possible. Write {meant}"
    return None


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
    if not settings.enabled():
        known = ", ".join(f"`{name}: {{}}`" for name in catalog())
        found.append(problem("services", f"names no service, so nothing would run. Write at least one of {known}"))
    if TOKEN_KEY in provider_config() and not _is_secret(TOKEN_KEY):
        found.append(token_in_clear())
    return found + publishing_problems(settings) + backup.backup_problems(settings)


def _not_made(stack: str, settings: Settings, values: Mapping[str, str]) -> list[str]:
    """Return what `./photos` has not made yet; plain `pulumi up` cannot."""
    quoted = shlex.quote(stack)
    missing = [key for key in settings.generated_secret_keys() if not values.get(key)]
    if not settings.id:
        return [
            f"config: photos:id missing: this stack is not set up yet. Run ./photos setup {quoted}, or ./photos up {quoted}"
        ]
    if not missing:
        return []
    names = ", ".join(f"photos:{key}" for key in missing)
    return [
        f"config: {names} missing: not made yet. Run ./photos setup {quoted}, or ./photos up {quoted}, which make them"
    ]
