"""What `./photos` asks of Pulumi in silence, through its Automation API.

What a person watches runs in the foreground (`engine.py`); what the Automation API cannot tell is read of Pulumi's
files (`private_state.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pulumi.automation import (
    CommandError,
    ConfigValue,
    LocalWorkspace,
    PulumiCommand,
    create_or_select_stack,
)
from pulumi.automation import LocalWorkspaceOptions as Options

from cli import engine, paths, private_state, tools
from cli.console import fail
from components.messages import message

Answer = TypeVar("Answer")


class InstalledCommand(PulumiCommand):
    """The `pulumi` of this stack: the one on PATH, else the one that `./photos` installed.

    Pulumi's own asks it for its version each time, which is a process of its own (0.2 s).
    """

    def __init__(self, stack: str) -> None:
        self.command = tools.find("pulumi", stack) or fail(engine.NO_PULUMI)
        self.version = None


def select(stack: str) -> None:
    """Have a state of `stack`, and let plain `pulumi` in this folder mean it."""
    _asked(lambda: create_or_select_stack(stack, work_dir=str(paths.PROJECT), opts=Options(**_options(stack))))


def set_value(stack: str, key: str, value: str) -> None:
    """Write one value that is not secret into the stack file; `key` may be a path, e.g. photos:owner.uid."""
    is_path = "." in key
    _asked(lambda: _workspace(stack).set_config(stack, key, ConfigValue(value, secret=False), path=is_path))


def set_values(stack: str, values: Mapping[str, str]) -> None:
    """Write several values as `set_value` does, by one process of Pulumi."""
    config = {key: ConfigValue(value, secret=False) for key, value in values.items()}
    _asked(lambda: _workspace(stack).set_all_config(stack, config, path=True))


def remove_value(stack: str, key: str) -> None:
    """Take one value out of the stack file; `key` is a path as in `set_value`."""
    _asked(lambda: _workspace(stack).remove_config(stack, key, path=True))


def secret(stack: str, key: str) -> str:
    """Return one value of the stack file in clear."""
    return _asked(lambda: _workspace(stack).get_config(stack, key).value)


def secrets(stack: str) -> dict[str, str]:
    """Return the flat secrets of the stack file in clear, by their full keys; none where Pulumi cannot read them yet."""
    if not _readable(stack):
        return {}
    config = _asked(lambda: _workspace(stack).get_all_config(stack))
    return {key: item.value for key, item in config.items() if item.secret}


def resources(stack: str) -> list[dict[str, Any]]:
    """Return the resources of the state, their secrets in clear; none where Pulumi cannot read them yet."""
    if not _readable(stack):
        return []
    deployment = _asked(lambda: _workspace(stack).export_stack(stack)).deployment
    return list((deployment or {}).get("resources") or ())


def clear(value: str | dict[str, str]) -> str:
    """Return a text of the state, which stands as JSON inside of a wrapper where it is secret."""
    return str(json.loads(value["plaintext"])) if isinstance(value, dict) else value


def _readable(stack: str) -> bool:
    return private_state.exists(stack) and paths.passphrase_file(stack).exists() and bool(tools.find("pulumi", stack))


def _workspace(stack: str) -> LocalWorkspace:
    return LocalWorkspace(work_dir=str(paths.PROJECT), **_options(stack))


def _options(stack: str) -> dict[str, Any]:
    return {"env_vars": engine.environment(stack), "pulumi_command": InstalledCommand(stack)}


def _asked(question: Callable[[], Answer]) -> Answer:
    """Ask; end the program with Pulumi's own words where it fails."""
    try:
        return question()
    except CommandError as error:
        said = str(error).partition("stderr:")[2].strip()
        fail(message("pulumi_failed_saying", "pulumi failed: {said}", said=said))
