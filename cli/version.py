"""Which program this is: its release, the revision of the checkout, and what it runs on."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version

from cli import paths, tools

VERSION = "0.1.0"
"""The newest release in CHANGELOG.md (tested)."""


def version_lines() -> Iterator[str]:
    """Yield what `./photos --version` prints: what a person writes into a question."""
    revision = _revision()
    yield f"photos {VERSION}{f' ({revision})' if revision else ''}"
    plugins = tools.PLUGINS | tools.PUBLISHING_PLUGINS
    yield f"Pulumi {_pulumi()}; plugins: {', '.join(f'{name} {version(sdk)}' for name, sdk in plugins.items())}"
    yield f"Python {platform.python_version()}, {platform.system()} {platform.release()} {platform.machine()}"


def _revision() -> str:
    """Return the commit of a checkout, with a word where files differ from it; "" for an archive."""
    if not (paths.PROJECT / ".git").exists() or not shutil.which("git"):
        return ""
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "describe",
        "--always",
        "--dirty=, changed",
        "--abbrev=8",
        "--exclude=*",
    ]
    done = subprocess.run(command, cwd=paths.PROJECT, capture_output=True, text=True, check=False, timeout=20)
    return done.stdout.strip() if done.returncode == 0 else ""


def _pulumi() -> str:
    """Return the version of the command that is used; the one that is wanted where there is none."""
    command = tools.find("pulumi", "dev")
    if command is None:
        return f"{version('pulumi')} (not installed yet)"
    done = subprocess.run([command, "version"], capture_output=True, text=True, check=False, timeout=20)
    return done.stdout.strip().removeprefix("v") or "?"
