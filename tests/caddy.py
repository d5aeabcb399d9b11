"""The real Caddy that tests run: what CADDY names, else the one on PATH (Debian's)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from components.services.https import HttpsConfig
from demo.images.build import Recipe, build, push
from tests.found import PROJECT

IMAGE = f"library/{HttpsConfig.model_fields['image'].default}"


def caddy() -> Path:
    """Return the program; skip the test where there is none."""
    found = os.environ.get("CADDY") or shutil.which("caddy")
    if not found:
        pytest.skip("caddy is missing: apt-get install caddy, or name one in CADDY")
    return Path(found)


def provide(registry: str, *, pushed: bool = False) -> None:
    """Make its image under a registry's name, and push it there."""
    recipes = (Recipe("caddy", IMAGE, caddy()),)
    build(registry, cache=PROJECT / ".cache" / "images", echo=print, recipes=recipes)
    if pushed:
        push(registry, recipes)
