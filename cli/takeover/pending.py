"""Whether a takeover of a stack runs, or was cut short: its volumes are half-made then, and nothing may start on them."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli import paths
from cli.console import fail
from components.messages import message


def file(stack: str) -> Path:
    """Return the file that holds the id of the stack while its volumes are being filled."""
    return _folder() / stack


def identity(stack: str) -> str | None:
    """Return the id under which volumes are half-made; None where nothing is."""
    return file(stack).read_text("utf-8") if file(stack).exists() else None


def begin(stack: str, stack_id: str) -> None:
    """Remember that volumes are being filled."""
    paths.write_private(file(stack), stack_id)


def end(stack: str) -> None:
    """Forget it."""
    file(stack).unlink(missing_ok=True)


@contextmanager
def alone(stack: str) -> Iterator[None]:
    """Keep a second takeover of the same stack away meanwhile; it would remove what this one makes."""
    with (paths.make_private(_folder()) / f".{stack}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(message("takeover_runs", 'Another ./photos adopt for "{stack}" is at work. Wait for it.', stack=stack))
        yield


@contextmanager
def scratch(stack: str) -> Iterator[Path]:
    """Yield a private folder for a dump; it is gone afterwards, and so is one that a killed run left."""
    made = _folder() / f".{stack}.dump"
    shutil.rmtree(made, ignore_errors=True)
    paths.make_private(made)
    try:
        yield made
    finally:
        shutil.rmtree(made)


def _folder() -> Path:
    return paths.data_folder() / "takeovers"
