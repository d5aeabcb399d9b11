"""Which version of MariaDB wrote the data of a stack, as it was remembered beside the state. Imports little: see `engine.py`."""

from __future__ import annotations

from pathlib import Path

from cli import paths


def written(stack: str) -> str:
    """Return the version, e.g. "11.8.8-MariaDB"; "" where nothing is known."""
    try:
        return file(stack).read_text("utf-8")
    except (OSError, ValueError):
        return ""


def file(stack: str) -> Path:
    """Return where it is remembered."""
    return paths.data_folder() / "database-versions" / stack
