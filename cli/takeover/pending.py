"""Whether a takeover of a stack was cut short: its volumes are half-made then, and nothing may start on them."""

from __future__ import annotations

from pathlib import Path

from cli import paths


def folder() -> Path:
    """Return the private folder of takeovers."""
    return paths.data_folder() / "takeovers"


def file(stack: str) -> Path:
    """Return the file that holds the id of the stack while its volumes are being filled."""
    return folder() / stack


def identity(stack: str) -> str | None:
    """Return the id under which volumes are half-made; None where nothing is."""
    return file(stack).read_text("utf-8") if file(stack).exists() else None


def begin(stack: str, stack_id: str) -> None:
    """Remember that volumes are being filled."""
    paths.write_private(file(stack), stack_id)


def end(stack: str) -> None:
    """Forget it."""
    file(stack).unlink(missing_ok=True)
