"""The stack file as the program will read it, without the engine: secrets stay unread, missing ones are made up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cli import paths, stackfile
from cli.console import fail
from components.messages import Said, message
from stacks.config import StackConfig, parse
from stacks.host.endpoint import docker_settings
from stacks.languages import text
from stacks.names import NAMESPACE
from stacks.problems import ConfigError
from stacks.recording import config_text
from stacks.sections.backup.rules import PREFIX
from stacks.sections.backup.secrets import ALERT_KEYS, OWN_KEYS
from stacks.sections.flat_secrets import PEM_SECRETS, flat_secrets
from stacks.sections.publish.token import TOKEN_KEY, token_in_clear, token_problem


def offline(stack: str) -> StackConfig:
    """Read the stack file, or its example, without the engine: secrets stay unread, missing ones are made up."""
    try:
        return load(stack)
    except ConfigError as error:
        fail("\n".join(text(problem.line, stack=stack) for problem in error.problems))


def load(
    stack: str,
    file: Path | None = None,
    revealed: Mapping[str, str] | None = None,
    place: Mapping[str, str] | None = None,
) -> StackConfig:
    """Read `file`, by default the stack file or its example, as the program will once `./photos up` has prepared it.

    `revealed` are the secrets in clear, as far as they are known, by their full keys; `place` is put over that of the file.

    Raises:
        ConfigError: with all problems at once.
    """
    file = file or _file_or_example(stack)
    values, secret_keys = offline_values(stack, file)
    known = {key: value for key, value in (revealed or {}).items() if key in values}
    plain = {key.removeprefix(NAMESPACE): value for key, value in {**values, **known}.items()}
    if place:
        plain["place"] = json.dumps({**json.loads(plain.get("place") or "{}"), **place})
    config = parse(
        stack,
        plain,
        secret_keys={key.removeprefix(NAMESPACE) for key in secret_keys},
        dry_run=True,
        docker=docker_settings(stackfile.read(file)),
    )
    return replace(config, token_problem=_token_problem(file))


def _token_problem(file: Path) -> Said | None:
    """Say what is wrong with Cloudflare's API token; an encrypted one is taken to be good."""
    token = stackfile.read(file).get(TOKEN_KEY)
    if _is_encrypted(token):
        return None
    return token_in_clear().line if token else token_problem({})


def offline_values(stack: str, file: Path | None = None) -> tuple[dict[str, str], set[str]]:
    """Return the values and the names of the secrets, as `record` takes them."""
    file = file or _file_or_example(stack)
    raw = {key: value for key, value in stackfile.read(file).items() if key.startswith(NAMESPACE)}
    clear = {key: value for key, value in raw.items() if not _is_encrypted(value)}
    secret_keys = {key for key in raw if _is_encrypted(raw[key]) or _holds_encrypted(raw[key])}
    sections = {key.removeprefix(NAMESPACE): value for key, value in config_text(clear).items()}
    encrypted = {key.removeprefix(NAMESPACE): "" for key in raw if _is_encrypted(raw[key])}
    known = {NAMESPACE + name for name in flat_secrets({**encrypted, **sections})}
    # What `./photos` makes will be there; what a person types may be missing, and is said to be.
    present = {key for key in known if key in raw or not key.startswith(NAMESPACE + PREFIX) or key.endswith(OWN_KEYS)}
    hidden = {key: _hidden(key.removeprefix(NAMESPACE)) for key in present - set(clear)}
    return config_text({**clear, **hidden}), secret_keys | set(hidden)


def _file_or_example(stack: str) -> Path:
    for file in (paths.stack_file(stack), paths.EXAMPLES / paths.stack_file(stack).name):
        if file.exists():
            return file
    return fail(
        message("no_stack_file", 'There is neither stacks/Pulumi.{stack}.yaml nor an example "{stack}".', stack=stack)
    )


def _hidden(name: str) -> str:
    if name in PEM_SECRETS:
        return "-----BEGIN HIDDEN-----"
    return f"https://hidden/{name}" if name in ALERT_KEYS else f"hidden from this command: {name}"


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _holds_encrypted(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return _is_encrypted(value) or any(_holds_encrypted(item) for item in items)
