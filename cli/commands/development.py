"""`./photos test` and `./photos check`, for who changes the project."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from cli import paths
from cli.console import Unattended

THREE_FILES_AT_A_TIME = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
"""The upper tiers wait more than they compute; a file's tests build on each other, so files stay whole.

In their order, since by number of tests the longest files would come last, one after the other.
"""


def run_tests(
    context: typer.Context, *, yes: Annotated[bool, typer.Option("--yes", help="let ./photos install Python")] = False
) -> None:
    """Run the tests that this machine can run, and name the others. What follows goes to pytest, e.g. tests/unit -k name."""
    Unattended.yes = yes
    raise typer.Exit(_python("pytest", *(context.args or THREE_FILES_AT_A_TIME)))


def check() -> None:
    """Check style and types of the code (needs requirements-dev.lock)."""
    steps = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"])
    raise typer.Exit(max(_python(*step) for step in steps))


def _python(module: str, *arguments: str) -> int:
    # With the usual umask: the tests share folders with containers of other users.
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=paths.PROJECT, umask=0o022, check=False).returncode
