"""The Pulumi command and exactly the plugins that the stack uses: what of them is on this machine."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import version
from pathlib import Path

from cli import engine, paths, stackfile

PLUGINS = {"docker": "pulumi_docker", "random": "pulumi_random"}
PUBLISHING_PLUGINS = {"cloudflare": "pulumi_cloudflare"}
"""Plugin → the SDK whose version it must have; the second only for a stack that publishes something."""


def missing(stack: str) -> list[str]:
    """Return what has to be downloaded, by name; what is on PATH counts as present."""
    lacking = [] if find("pulumi", stack) else ["pulumi"]
    return lacking + [name for name, sdk in used(stack).items() if not has_plugin(name, version(sdk), stack)]


def used(stack: str) -> dict[str, str]:
    """Return the plugins that `stack` uses, each with its SDK."""
    return PLUGINS | (PUBLISHING_PLUGINS if stackfile.publishes(stack) else {})


def find(program: str, stack: str) -> str | None:
    """Return the path of `program` on PATH or in the tool folder."""
    return shutil.which(program, path=engine.environment(stack)["PATH"])


def has_plugin(name: str, release: str, stack: str) -> bool:
    """Whether the plugin is on PATH, or installed in the release version."""
    home = Path(os.environ.get("PULUMI_HOME") or paths.account_home() / ".pulumi")
    return bool(find(f"pulumi-resource-{name}", stack)) or (home / "plugins" / f"resource-{name}-v{release}").is_dir()
