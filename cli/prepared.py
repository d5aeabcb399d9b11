"""Whether a stack is as `setup.prepare` leaves it, so that a preview can begin at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cli import docker_host, paths, private_state, stackfile, tools
from stacks.host.endpoint import SSH_HOST
from stacks.names import NAMESPACE

DEMO = "demo"


def is_prepared(stack: str) -> bool:
    """Whether nothing is left to make, to fetch or to ask.

    The program checks the stack file and the host itself, all of it, before it declares anything. To check both here as
    well takes longer than all the rest of a preview's begin.
    """
    file, copy = paths.stack_file(stack), stackfile.newest_copy(stack)
    if stack == DEMO or git_around(paths.data_folder()) or not file.is_file():
        return False
    config = stackfile.read(file)
    identity = config.get(stackfile.ID_KEY)
    return (
        bool(identity)
        and f"{NAMESPACE}owner" in config
        and names_its_images(config)
        and (copy is None or _same_place(stackfile.read(copy), config))
        and paths.passphrase_file(stack).exists()
        and private_state.exists(stack)
        and not tools.missing(stack)
        and docker_host.answers(stack)
    )


def _same_place(before: dict[str, Any], config: dict[str, Any]) -> bool:
    """Whether the last run was of this stack, on the machine that it is on now."""
    return all(before.get(key) == config.get(key) for key in (stackfile.ID_KEY, SSH_HOST))


def names_its_images(config: dict[str, Any]) -> bool:
    """Whether every image stands in the stack file: else those that run are written into it first."""
    services, publish = config.get(f"{NAMESPACE}services"), config.get(f"{NAMESPACE}publish")
    keys = ["database.image", *(f"services.{name}.image" for name in services or ())]
    if isinstance(publish, dict) and not stackfile.holds(config, "publish.adopt.tunnel"):
        keys.append("publish.cloudflared.image")
    if f"{NAMESPACE}backup" in config:
        keys += ["backup.restic_image", "backup.rclone_image"]
    return all(stackfile.holds(config, key) for key in keys)


def git_around(folder: Path) -> Path | None:
    """Return the git work tree that holds `folder`, where a commit could take it along."""
    real = folder.resolve()
    return next(
        (parent for parent in (folder, *folder.parents, real, *real.parents) if (parent / ".git").exists()), None
    )
