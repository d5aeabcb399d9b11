"""One at a time on this machine: a lock that whoever dies gives back."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keeper.errors import Exit, KeeperError


@contextmanager
def alone(file: Path, code: str) -> Iterator[None]:
    """Hold the lock on `file` for the block.

    Raises:
        KeeperError: with `Exit.LOCKED` and `code`: somebody else holds it.
    """
    with file.open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeeperError(Exit.LOCKED, code) from None
        yield
