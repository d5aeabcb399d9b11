"""The images out of which the keeper's image takes restic and rclone, made from the programs that the tests run."""

from __future__ import annotations

import pytest

from demo.images.build import Recipe, build, push
from tests.found import DEVELOPMENT, PINNED_RCLONE, PROJECT
from tests.keeper import restic

NAMES = {"restic": f"restic/restic:{restic.VERSION}", "rclone": "rclone/rclone:1.75.2"}


def build_args(registry: str) -> dict[str, str]:
    """Return what a build of the keeper's image is told of them."""
    return {name.upper(): f"{registry}/{image}" for name, image in NAMES.items()}


def lacking() -> str | None:
    """Return what this machine lacks for them."""
    if not PINNED_RCLONE.exists():
        return f"keeper tier: rclone is missing: {DEVELOPMENT}"
    return restic.lacking()


def provide(registry: str, *, pushed: bool = False) -> None:
    """Make both images under a registry's name, and push them there; skip the test where a program is missing."""
    if reason := lacking():
        pytest.skip(reason)
    recipes = (
        Recipe("restic", NAMES["restic"], restic.restic()),
        Recipe("rclone", NAMES["rclone"], PINNED_RCLONE),
    )
    build(registry, cache=PROJECT / ".cache" / "images", echo=print, recipes=recipes)
    if pushed:
        push(registry, recipes)
