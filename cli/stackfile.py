"""The stack file of one environment: copied from an example, kept safe in the data folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli import paths, stack_yaml
from cli.console import confirm, fail, say
from components.messages import message
from stacks.host.endpoint import SSH_HOST
from stacks.host.endpoint import docker_settings as of_docker
from stacks.names import NAMESPACE
from stacks.shell import command

COPIES_KEPT = 10
ID_KEY, HOSTS_KEY = f"{NAMESPACE}id", f"{NAMESPACE}hosts"


def read(file: Path) -> dict[str, Any]:
    """Return the `config` section of a stack file."""
    try:
        document = stack_yaml.load(file)
    except stack_yaml.UnreadableError as error:
        fail(message("stack_file_unreadable", "{file} {reason}.", file=file, reason=error.said))
    config = document.get("config") or {}
    if not isinstance(config, dict):
        fail(
            message(
                "stack_file_no_section",
                "{file} is not a stack file: what stands below `config:` is no section. See stacks/examples.",
                file=file,
            )
        )
    if astray := [str(key) for key in document if str(key).startswith(NAMESPACE)]:
        fail(
            message(
                "stack_file_astray",
                "{file} has {key} beside `config:`. Move it below, two spaces in.",
                file=file,
                key=astray[0],
            )
        )
    return {str(key): value for key, value in config.items()}


def stack_id(file: Path) -> str | None:
    """Return the id in a stack file, None when it has none, does not exist or was left empty by a power cut."""
    return read(file).get(ID_KEY) if file.exists() and (not file.is_file() or file.stat().st_size) else None


def ssh_host(stack: str) -> str | None:
    """Return the machine that the stack file, or the example it will be made from, names under `photos:host`."""
    return next((str(host) for config in _configs(stack) if (host := config.get(SSH_HOST))), None)


def option(stack: str) -> str:
    """Return what a command that is told needs to mean `stack`, after a space; nothing for the one that it means anyway."""
    return "" if stack == "dev" else f" --stack {stack}"


def holds(config: Mapping[str, Any], key: str) -> bool:
    """Whether a stack file says something at `key`, a path below `photos:`, e.g. services.photoprism.image."""
    first, *rest = key.split(".")
    value: Any = config.get(NAMESPACE + first)
    for part in rest:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value is not None


def publishes(stack: str) -> bool:
    """Whether the stack file, or the example it will be made from, has the section `photos:publish`."""
    return any(f"{NAMESPACE}publish" in config for config in _configs(stack))


def _configs(stack: str) -> Iterator[dict[str, Any]]:
    """Return what the stack file says, or what it will begin with; nothing where there is neither."""
    files = (paths.stack_file(stack), newest_copy(stack), paths.EXAMPLES / paths.stack_file(stack).name)
    yield from (read(file) for file in [f for f in files if f and f.exists()][:1])


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
    identity, kept_identity = stack_id(file), stack_id(copy) if copy else None
    if kept_identity and identity and identity != kept_identity:
        fail(
            message(
                "stack_file_of_other_checkout",
                'Another checkout owns the stack "{stack}": its id is {kept}, the file here says {ours}.\nUse that checkout, choose another name, or put its file back: {command}',
                stack=stack,
                kept=kept_identity,
                ours=identity,
                command=command("cp", copy, file),
            )
        )
    if copy and kept_identity and not identity:
        if not confirm(
            message(
                "stack_file_copy",
                'This checkout lacks the identity of the stack "{stack}". Take the kept stack file {copy}?',
                stack=stack,
                copy=copy,
            )
        ):
            fail(
                message(
                    "stack_file_copy_needed",
                    "Without it the stack cannot be used: logins and identity are in {copy}",
                    copy=copy,
                )
            )
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
                message(
                    "stack_file_made",
                    "Made stacks/{file} from the example. Edit it whenever you like; {command} shows what would change.",
                    file=file.name,
                    command=command("./photos", "preview", stack),
                )
            )
        else:
            say(message("stack_file_taken", "Took stacks/{file} from {chosen}.", file=file.name, chosen=chosen))
    keep_copy(stack)


def _example(stack: str, file: Path) -> Path:
    example = paths.EXAMPLES / file.name
    if not example.exists():
        names = ", ".join(sorted(example.name.split(".")[1] for example in paths.EXAMPLES.glob("Pulumi.*.yaml")))
        fail(
            message(
                "no_example",
                'There is no example for a stack "{stack}" (there are: {names}).\nCopy the nearest: {command}',
                stack=stack,
                names=names,
                command=command("cp", "stacks/examples/Pulumi.dev.yaml", f"stacks/{file.name}"),
            )
        )
    return example


def docker_hosts(stack: str) -> dict[str, str | None]:
    """Return host → where its Docker listens, as they stand below `photos:hosts`; nothing where there is one host."""
    hosts = next((config.get(HOSTS_KEY) for config in _configs(stack)), None)
    if not isinstance(hosts, dict):
        return {}  # what is wrong with it, the checks say
    return {str(name): host.get("docker") if isinstance(host, dict) else None for name, host in hosts.items()}


def docker_settings(stack: str) -> dict[str, object]:
    """Return what the stack file, or its example, says about the Docker host; nothing where there is neither."""
    files = (paths.stack_file(stack), paths.EXAMPLES / paths.stack_file(stack).name)
    return next((of_docker(read(file)) for file in files if file.exists()), {})
