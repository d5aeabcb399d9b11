"""Folders below the state for what is needed only for a while. What a killed process left there goes the next time."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keeper.settings import Settings


@contextmanager
def scratch(settings: Settings, prefix: str) -> Iterator[Path]:
    """Yield a new folder that is gone afterwards. While its owner lives, a lock says so."""
    parent = settings.state / "scratch"
    parent.mkdir(exist_ok=True)
    lock = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _remove_what_nobody_holds(parent)
        folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=parent))
        holder = os.open(folder, os.O_RDONLY)
        fcntl.flock(holder, fcntl.LOCK_SH)
    finally:
        os.close(lock)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        os.close(holder)


def _remove_what_nobody_holds(parent: Path) -> None:
    for folder in parent.iterdir():
        probe = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        except BlockingIOError:
            continue
        finally:
            os.close(probe)
