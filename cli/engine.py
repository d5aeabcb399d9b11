"""Run the Pulumi command in the foreground, with this project's state, passphrase and tools.

Not through the Automation API, whose `up` never asks, shows no progress on a terminal, and gives Ctrl-C to itself.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable

from cli import database_version, paths, stackfile
from cli.console import fail
from components.messages import message
from stacks.names import DATABASE_WRITTEN

NO_PULUMI = message(
    "no_pulumi",
    "Missing: the pulumi command. ./photos setup installs it. Without a network: ./photos plan shows what would be "
    "created, and ./photos demo starts a whole album on this machine.",
)


def environment(stack: str) -> dict[str, str]:
    """Return the environment in which `pulumi` knows the stack: state, passphrase, PATH."""
    return {
        **os.environ,
        "PATH": f"{paths.tools_folder()}:{os.environ.get('PATH', '')}",
        "PULUMI_BACKEND_URL": f"file://{paths.state_folder()}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(paths.passphrase_file(stack)),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        DATABASE_WRITTEN: database_version.written(stack),
        # setup installed exactly what the stack uses; the CLI would ask for every package in .venv.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def export_lines(stack: str) -> list[str]:
    """Return the two lines after which plain `pulumi up` works in the project folder; a third with PHOTOS_DATA."""
    backend = shlex.quote(f"file://{paths.state_folder()}")
    moved = [f"export PULUMI_BACKEND_URL={backend}"] if os.environ.get("PHOTOS_DATA") else []
    return [
        *moved,
        f'export PATH={shlex.quote(str(paths.tools_folder()))}:"$PATH"',
        f"export PULUMI_CONFIG_PASSPHRASE_FILE={shlex.quote(str(paths.passphrase_file(stack)))}",
    ]


def run(
    stack: str, *arguments: str, extra: dict[str, str] | None = None, meanwhile: Callable[[], None] = lambda: None
) -> int:
    """Run `pulumi` in the foreground and return its exit code. The stack file is copied before and after.

    `meanwhile` is called every second.
    """
    stackfile.keep_copy(stack)
    try:
        with subprocess.Popen(
            ["pulumi", *arguments], cwd=paths.PROJECT, env=environment(stack) | (extra or {})
        ) as pulumi:
            try:
                return _wait(pulumi, meanwhile)
            except KeyboardInterrupt:
                # The terminal has told pulumi, too: it ends what it is doing, and only then writes its state.
                pulumi.wait()
                return 130
    except FileNotFoundError:
        fail(NO_PULUMI)
    finally:
        stackfile.keep_copy(stack)


def _wait(pulumi: subprocess.Popen[bytes], meanwhile: Callable[[], None]) -> int:
    while True:
        try:
            return pulumi.wait(timeout=1)
        except subprocess.TimeoutExpired:
            meanwhile()


def set_secret(stack: str, key: str, value: str) -> None:
    """Write one secret into the stack file, encrypted; end the program when that fails.

    Through standard input: an argument, as the Automation API hands it over, could be read by any process of this
    machine.
    """
    command = ["pulumi", "config", "set", "--secret", key, "--stack", stack, "--non-interactive"]
    try:
        done = subprocess.run(
            command, cwd=paths.PROJECT, env=environment(stack), input=value, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        fail(NO_PULUMI)
    if done.returncode:
        fail(
            message(
                "secret_not_set",
                "pulumi config set --secret {key} failed:\n{said}",
                key=key,
                said=done.stderr.strip() or done.stdout.strip(),
            )
        )
