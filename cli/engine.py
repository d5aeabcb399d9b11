"""Run the Pulumi command with this project's state, passphrase and tools."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli import paths, stackfile
from cli.console import fail

NO_PULUMI = (
    "Missing: the pulumi command. ./photos setup installs it. Without a network: ./photos plan shows what would be "
    "created, and ./photos demo starts a whole album on this machine."
)


def environment(stack: str) -> dict[str, str]:
    """Return the environment in which `pulumi` knows the stack: state, passphrase, PATH."""
    return {
        **os.environ,
        "PATH": f"{paths.tools_folder()}:{os.environ.get('PATH', '')}",
        "PULUMI_BACKEND_URL": f"file://{paths.state_folder()}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(paths.passphrase_file(stack)),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
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


def ask(stack: str, *arguments: str, stdin: str | None = None) -> str:
    """Run `pulumi` silently and return what it printed; end the program when it fails."""
    try:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=paths.PROJECT,
            env=environment(stack),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        fail(NO_PULUMI)
    if done.returncode:
        fail(f"pulumi {' '.join(arguments)} failed:\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def revealed(stack: str) -> dict[str, str]:
    """Return the flat secrets of the stack file in clear, by their full keys; none where Pulumi cannot read them yet."""
    readable = state_file(stack).exists() and paths.passphrase_file(stack).exists()
    if not readable or not shutil.which("pulumi", path=environment(stack)["PATH"]):
        return {}
    document = json.loads(ask(stack, "config", "--show-secrets", "--json", "--stack", stack))
    return {key: str(item["value"]) for key, item in document.items() if item.get("secret") and "value" in item}


def state(stack: str) -> dict[str, Any]:
    """Return the deployment that the state file holds; empty when there is none.

    Read from the file: it is the same while another `pulumi` holds the lock, and needs no passphrase.
    """
    file = state_file(stack)
    if not file.exists():
        return {}
    try:
        document = json.loads(file.read_text("utf-8"))
    except ValueError:
        fail(f"{file} is damaged. Its last good copy: {file}.bak (cp it over, then run again)")
    return dict(document.get("checkpoint", {}).get("latest") or {})


def state_file(stack: str) -> Path:
    """Return Pulumi's state file of `stack` (pulumi/pulumi, pkg/backend/diy)."""
    return paths.state_folder() / ".pulumi" / "stacks" / "photos" / f"{stack}.json"


def locks(stack: str) -> list[Path]:
    """Return the lock files on `stack`."""
    return sorted((paths.state_folder() / ".pulumi" / "locks" / "organization" / "photos" / stack).glob("*.json"))
