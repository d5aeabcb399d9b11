"""The stack file of one environment: copied from an example, kept safe in the data folder, read without the engine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli import paths, stack_yaml
from cli.console import confirm, fail, say
from components.messages import Said
from stacks.config import NAMESPACE, StackConfig, parse
from stacks.config import docker_settings as of_docker
from stacks.languages import text
from stacks.problems import ConfigError, command
from stacks.recording import config_text
from stacks.sections.backup.rules import PREFIX
from stacks.sections.backup.secrets import ALERT_KEYS, CRYPT_KEYS
from stacks.sections.flat_secrets import PEM_SECRETS, flat_secrets
from stacks.sections.publish.token import TOKEN_KEY, token_in_clear, token_problem

COPIES_KEPT = 10
ID_KEY = f"{NAMESPACE}id"


def read(file: Path) -> dict[str, Any]:
    """Return the `config` section of a stack file."""
    try:
        document = stack_yaml.load(file)
    except stack_yaml.UnreadableError as error:
        fail(f"{file} {error}.")
    config = document.get("config") or {}
    if not isinstance(config, dict):
        fail(f"{file} is not a stack file: what stands below `config:` is no section. See stacks/examples.")
    if astray := [str(key) for key in document if str(key).startswith(NAMESPACE)]:
        fail(f"{file} has {astray[0]} beside `config:`. Move it below, two spaces in.")
    return {str(key): value for key, value in config.items()}


def stack_id(file: Path) -> str | None:
    """Return the id in a stack file, None when it has none, does not exist or was left empty by a power cut."""
    return read(file).get(ID_KEY) if file.exists() and (not file.is_file() or file.stat().st_size) else None


def publishes(stack: str) -> bool:
    """Whether the stack file, or the example it will be made from, has the section `photos:publish`."""
    files = (paths.stack_file(stack), newest_copy(stack), paths.EXAMPLES / paths.stack_file(stack).name)
    return any(f"{NAMESPACE}publish" in read(file) for file in [f for f in files if f and f.exists()][:1])


def newest_copy(stack: str) -> Path | None:
    """Return the newest copy in the data folder."""
    return max(paths.copies_folder(stack).glob("*.yaml"), default=None)


def keep_copy(stack: str) -> None:
    """Copy the stack file to the data folder if it changed; keep the last ten."""
    file, newest = paths.stack_file(stack), newest_copy(stack)
    if not file.exists() or (newest and newest.read_bytes() == file.read_bytes()):
        return
    if newest and (kept := stack_id(newest)) and stack_id(file) != kept:
        return  # only `ensure` may decide about another identity
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    read(file)  # only what can be read is worth a place among the ten
    paths.write_private(paths.copies_folder(stack) / f"{stamp}.yaml", file.read_text("utf-8"))
    for old in sorted(paths.copies_folder(stack).glob("*.yaml"))[:-COPIES_KEPT]:
        old.unlink()


def choose(stack: str) -> Path:
    """Return the file that `stack` begins with: its own, the kept copy after asking, or the example. Writes nothing."""
    file, copy = paths.stack_file(stack), newest_copy(stack)
    ours, kept = stack_id(file), stack_id(copy) if copy else None
    if kept and ours and ours != kept:
        fail(
            f'Another checkout owns the stack "{stack}": its id is {kept}, the file here says {ours}.\n'
            f"Use that checkout, choose another name, or put its file back: {command('cp', copy, file)}"
        )
    if copy and kept and not ours:
        if not confirm(f'This checkout lacks the identity of the stack "{stack}". Take the kept stack file {copy}?'):
            fail(f"Without it the stack cannot be used: logins and identity are in {copy}")
        return copy
    return file if file.exists() else _example(stack, file)


def ensure(stack: str, chosen: Path | None = None) -> None:
    """Make sure that this checkout has the stack file; `chosen` is what `choose` returned."""
    file = paths.stack_file(stack)
    chosen = chosen or choose(stack)
    if chosen != file:
        shutil.copyfile(chosen, file)
        file.chmod(0o600)
        if chosen.parent == paths.EXAMPLES:
            say(
                f"Made stacks/{file.name} from the example. Edit it whenever you like; "
                f"{command('./photos', 'preview', stack)} shows what would change."
            )
        else:
            say(f"Took stacks/{file.name} from {chosen}.")
    keep_copy(stack)


def _example(stack: str, file: Path) -> Path:
    example = paths.EXAMPLES / file.name
    if not example.exists():
        names = ", ".join(sorted(found.name.split(".")[1] for found in paths.EXAMPLES.glob("Pulumi.*.yaml")))
        fail(
            f'There is no example for a stack "{stack}" (there are: {names}).\n'
            f"Copy the nearest: {command('cp', 'stacks/examples/Pulumi.dev.yaml', f'stacks/{file.name}')}"
        )
    return example


def docker_settings(stack: str) -> dict[str, object]:
    """Return what the stack file, or its example, says about the Docker host; nothing where there is neither."""
    files = (paths.stack_file(stack), paths.EXAMPLES / paths.stack_file(stack).name)
    return next((of_docker(read(file)) for file in files if file.exists()), {})


def offline(stack: str) -> StackConfig:
    """Read the stack file, or its example, without the engine: secrets stay unread, missing ones are made up."""
    try:
        return load(stack)
    except ConfigError as error:
        fail("\n".join(text(problem.line, stack=stack) for problem in error.problems))


def load(stack: str, file: Path | None = None, revealed: Mapping[str, str] | None = None) -> StackConfig:
    """Read `file`, by default the stack file or its example, as the program will once `./photos up` has prepared it.

    `revealed` are the secrets in clear, as far as they are known, by their full keys.

    Raises:
        ConfigError: with all problems at once.
    """
    file = file or _file_or_example(stack)
    values, secret_keys = offline_values(stack, file)
    known = {key: value for key, value in (revealed or {}).items() if key in values}
    plain = {key.removeprefix(NAMESPACE): value for key, value in {**values, **known}.items()}
    config = parse(
        stack,
        plain,
        secret_keys={key.removeprefix(NAMESPACE) for key in secret_keys},
        dry_run=True,
        docker=of_docker(read(file)),
    )
    return replace(config, token_problem=_token_problem(file))


def _token_problem(file: Path) -> Said | None:
    """Say what is wrong with Cloudflare's API token; an encrypted one is taken to be good."""
    token = read(file).get(TOKEN_KEY)
    if _is_encrypted(token):
        return None
    return token_in_clear().line if token else token_problem({})


def offline_values(stack: str, file: Path | None = None) -> tuple[dict[str, str], set[str]]:
    """Return the values and the names of the secrets, as `record` takes them."""
    file = file or _file_or_example(stack)
    raw = {key: value for key, value in read(file).items() if key.startswith(NAMESPACE)}
    clear = {key: value for key, value in raw.items() if not _is_encrypted(value)}
    secret_keys = {key for key in raw if _is_encrypted(raw[key]) or _holds_encrypted(raw[key])}
    sections = {key.removeprefix(NAMESPACE): value for key, value in config_text(clear).items()}
    known = {NAMESPACE + name for name in flat_secrets(sections)}
    # What `./photos` makes will be there; what a person types may be missing, and is said to be.
    there = {key for key in known if key in raw or not key.startswith(NAMESPACE + PREFIX) or key.endswith(CRYPT_KEYS)}
    hidden = {key: _hidden(key.removeprefix(NAMESPACE)) for key in there - set(clear)}
    return config_text({**clear, **hidden}), secret_keys | set(hidden)


def _file_or_example(stack: str) -> Path:
    for file in (paths.stack_file(stack), paths.EXAMPLES / paths.stack_file(stack).name):
        if file.exists():
            return file
    return fail(f'There is neither stacks/Pulumi.{stack}.yaml nor an example "{stack}".')


def _hidden(name: str) -> str:
    if name in PEM_SECRETS:
        return "-----BEGIN HIDDEN-----"
    return f"https://hidden/{name}" if name in ALERT_KEYS else f"hidden from this command: {name}"


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _holds_encrypted(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return _is_encrypted(value) or any(_holds_encrypted(item) for item in items)
