"""The only module that reads `pulumi.Config`: the stack file, checked as a whole before anything is declared."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pulumi
from pydantic import ValidationError

from components.messages import Said, message
from components.service import Binding
from components.services import SERVICES
from stacks.findings import Finding, error
from stacks.host.endpoint import docker_settings
from stacks.host.lan import with_lan
from stacks.names import DATABASE_WRITTEN, NAMESPACE, PLACEHOLDER_ID
from stacks.problems import ConfigError, problem, problems
from stacks.sections import Settings
from stacks.sections.backup import rules as backup
from stacks.sections.backup.secret_values import missing_typed, secret_problems
from stacks.sections.backup.secrets import ALERT_KEYS
from stacks.sections.backup.shortcomings import Shortcoming, shortcomings
from stacks.sections.flat_secrets import (
    flat_secrets,
    misplaced_secrets,
    orphan_problem,
    orphaned_keys,
    secrets_in_clear,
)
from stacks.sections.home_names import home_name_problems
from stacks.sections.importing import import_problems
from stacks.sections.phones import phone_problems
from stacks.sections.places import place_problems
from stacks.sections.publish.provider import provider_options, unknown_options
from stacks.sections.publish.rules import publishing_problems
from stacks.sections.publish.token import TOKEN_KEY, token_in_clear, token_problem
from stacks.sections.salvage import what_is_right
from stacks.stack_name import stack_name_problem


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """One stack, ready to declare.

    `first_run`: nothing has been written yet, only a preview may go on. `token_problem`: why Cloudflare's API token
    cannot work, which matters only where something is published; `cloudflare` is the configuration of its provider.
    `shortcomings`: what is not good about the backup; `host_shortcomings`: what of it only a look at this host tells.
    `still_needed`: what a person has to supply before the first `up`; later it is a problem of the file.
    `pending_id`: what an interrupted first run wrote into markers, but not yet into the stack file.
    `docker`: what the stack file says about the Docker host, by its full keys ("docker:host").
    `published`: how the ports of running containers stand, where one answers on several addresses.
    `originals_on`: the type of the file system that originals is on, once this host was looked at.
    `database_written`: which version of MariaDB wrote the data, as far as `./photos` knows.
    """

    stack: str
    settings: Settings
    first_run: bool
    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    cloudflare: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    token_problem: Said | None = None
    shortcomings: tuple[Shortcoming, ...] = ()
    host_shortcomings: tuple[Shortcoming, ...] = ()
    still_needed: tuple[Finding, ...] = ()
    pending_id: str | None = None
    docker: Mapping[str, object] = field(default_factory=dict)
    originals_on: str = ""
    database_written: str = ""
    published: Mapping[str, Sequence[Binding]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The stack's identity, or a placeholder in a preview before the first run."""
        return str(self.settings.id or PLACEHOLDER_ID)


def load() -> StackConfig:
    """Read the stack file through Pulumi.

    Raises:
        ConfigError: with all problems at once.
    """
    everything = provider_config()
    values = {key.removeprefix(NAMESPACE): value for key, value in everything.items() if key.startswith(NAMESPACE)}
    secret_keys = {key.removeprefix(NAMESPACE) for key in pulumi.runtime.get_config_secret_keys_env()}
    config = parse(
        pulumi.get_stack(),
        values,
        secret_keys=secret_keys & values.keys(),
        dry_run=pulumi.runtime.is_dry_run(),
        docker=docker_settings(everything),
    )
    secrets = {
        key: pulumi.Output.secret(values.get(key, "made at the first ./photos up"))
        for key in [*config.settings.secret_keys(), *(key for key in ALERT_KEYS if values.get(key))]
    }
    options = {name: pulumi.Output.secret(value) for name, value in provider_options(everything).items()}
    return replace(
        config,
        secrets=secrets,
        cloudflare=options,
        token_problem=token_problem(everything),
        database_written=os.environ.get(DATABASE_WRITTEN, ""),
    )


def parse(
    stack: str,
    values: Mapping[str, str],
    *,
    secret_keys: set[str],
    dry_run: bool = False,
    docker: Mapping[str, object] | None = None,
) -> StackConfig:
    """Check the raw values of the namespace `photos:` (keys without it, objects as JSON text); takes over no secret.

    Raises:
        ConfigError: with all problems at once.
    """
    mistakes: list[Finding] = []
    if reason := stack_name_problem(stack):
        mistakes.append(error(f'stack "{stack}"', reason))
    # A key with nothing after its colon: Pulumi 3 makes it an empty text and writes that into the file, later ones null.
    values = {key: "" if text == "null" else text for key, text in values.items()}
    flat = flat_secrets(values)
    unknown = backup.unknown_keys(values)
    mistakes += [backup.unknown_key_problem(key, values) for key in unknown]
    orphaned = orphaned_keys(values, flat)
    mistakes += [orphan_problem(key, flat) for key in orphaned]
    unknown += orphaned
    values = {key: value for key, value in values.items() if key not in unknown}
    secret_keys = secret_keys - set(unknown)
    mistakes += misplaced_secrets(values, secret_keys, flat)
    mistakes += secrets_in_clear(values, secret_keys, flat)
    settings: Settings | None = None
    document = {key: _decode(key, text) for key, text in values.items() if key not in flat and (text or key != "id")}
    try:
        settings = Settings.model_validate_json(json.dumps(document))
    except ValidationError as invalid:
        # What stands beside a misplaced secret may be one, and these lines echo values.
        misplaced = tuple(f"config photos:{key}." for key in secret_keys - flat)
        mistakes += [wrong for wrong in problems(invalid, Settings) if not f"{wrong.check}.".startswith(misplaced)]
    first_run = not values.get("id")
    not_good: list[Shortcoming] = []
    still_needed: list[Finding] = []
    right = settings or what_is_right(document)
    if right:
        mistakes += secret_problems(right, values)
        mistakes += phone_problems(right, values)
        still_needed = missing_typed(right, values, stack)
    if settings:
        mistakes += _across(stack, settings)
        not_good = shortcomings(settings, values)
        if settings.backup and settings.backup.strict:
            still_needed += [problem(item.place, item.line) for item in not_good]
        if not (first_run and dry_run):
            mistakes += [*_not_made(stack, settings, values), *still_needed]
            still_needed = []
    if mistakes or not settings:
        raise ConfigError(
            [*mistakes, *still_needed],
            right and StackConfig(stack=stack, settings=with_lan(right), first_run=first_run, docker=docker or {}),
        )
    return StackConfig(
        stack=stack,
        settings=with_lan(settings),
        first_run=first_run,
        shortcomings=tuple(not_good),
        still_needed=tuple(still_needed),
        docker=docker or {},
    )


def provider_config() -> dict[str, str]:
    """Return everything in the stack file by its full key, those of the providers among them."""
    return pulumi.runtime.get_config_env()


def _is_secret(key: str) -> bool:
    return key in pulumi.runtime.get_config_secret_keys_env()


def _decode(key: str, text: str) -> object:
    """Pulumi hands over text as it is and everything else as JSON; None is a key with nothing after its colon."""
    if not text.strip():
        return None
    field = Settings.model_fields.get(key)
    if field and "str" in repr(field.annotation) and not re.search("Config|dict", repr(field.annotation)):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _across(stack: str, settings: Settings) -> list[Finding]:
    mistakes = []
    if settings.data.on_destroy == "delete" and settings.data.confirm != stack:
        mistakes.append(
            problem(
                "data.on_destroy",
                message(
                    "delete_unconfirmed",
                    '"delete" loses the index and all settings. Also write `confirm: {stack}`',
                    stack=stack,
                ),
            )
        )
    if not settings.enabled():
        known = ", ".join(f"`{name}: {{}}`" for name in (service.service for service in SERVICES))
        mistakes.append(
            problem(
                "services",
                message(
                    "no_services", "names no service, so nothing would run. Write at least one of {known}", known=known
                ),
            )
        )
    if TOKEN_KEY in provider_config() and not _is_secret(TOKEN_KEY):
        mistakes.append(token_in_clear())
    if settings.publish:
        mistakes += unknown_options(provider_config())
    return [
        *mistakes,
        *publishing_problems(settings),
        *home_name_problems(settings),
        *backup.backup_problems(settings),
        *import_problems(settings),
        *place_problems(settings),
    ]


def _not_made(stack: str, settings: Settings, values: Mapping[str, str]) -> list[Finding]:
    """Return what `./photos` has not made yet; plain `pulumi up` cannot."""
    quoted = shlex.quote(stack)
    missing = [key for key in settings.generated_secret_keys() if not values.get(key)]
    if not settings.id:
        not_set_up = message(
            "not_set_up",
            "photos:id missing: this stack is not set up yet. Run ./photos setup {stack}, or ./photos up {stack}",
            stack=quoted,
        )
        return [error("config", not_set_up)]
    if not missing:
        return []
    not_made = message(
        "secrets_not_made",
        "{names} missing: not made yet. Run ./photos setup {stack}, or ./photos up {stack}, which make them",
        names=", ".join(f"photos:{key}" for key in missing),
        stack=quoted,
    )
    return [error("config", not_made)]
