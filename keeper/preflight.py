"""What must be true before a run touches anything: the right disk, a sane clock, one run at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from keeper.errors import Code, KeeperError
from keeper.remotes import RUN
from keeper.report import now
from keeper.retention import moment_of
from keeper.settings import MARKER, Settings

LONGEST_PAUSE = timedelta(days=45)
BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No run was before: an earlier clock is wrong."""
TOLERANCE = timedelta(minutes=5)


@contextmanager
def only_run(settings: Settings, run: str) -> Iterator[None]:
    """Hold the lock of this machine. The kernel frees it when the process dies.

    Raises:
        KeeperError: with `Code.LOCKED`, naming who holds it.
    """
    with (settings.state / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another run"
            raise KeeperError(Code.LOCKED, f"locked by {holder}. Wait until it is done") from None
        lock.truncate(0)
        lock.write(f"{run} (process {os.getpid()})")
        lock.flush()
        yield


def check_library(settings: Settings) -> None:
    """Check that each root is there and that the marked ones are this stack's.

    Raises:
        KeeperError: with `Code.PREFLIGHT`.
    """
    for name, folder in settings.roots.items():
        if not folder.is_dir():
            raise KeeperError(Code.PREFLIGHT, f"{name}: {folder} is not there. Is the drive mounted?")
    for name in settings.marked:
        try:
            marker = (settings.roots[name] / MARKER).read_text("utf-8").strip()
        except OSError as error:
            raise KeeperError(
                Code.PREFLIGHT,
                f"{name}: no marker ({error.strerror}): another disk, or none. Nothing was backed up or restored",
            ) from error
        if marker != settings.id:
            raise KeeperError(
                Code.PREFLIGHT,
                f"{name}: this disk belongs to another stack (id {marker}). Nothing was backed up or restored",
            )


def check_clock(known_runs: list[str], *, trust: bool = False) -> None:
    """Compare the clock with the newest run that is known. A wrong clock would make retention forget too much.

    Raises:
        KeeperError: with `Code.PREFLIGHT`.
    """
    runs = [run for run in known_runs if RUN.fullmatch(run)]
    newest = max([BUILT, *map(moment_of, runs)])
    if now() < newest - TOLERANCE:
        raise KeeperError(
            Code.PREFLIGHT,
            f"the clock says {now():%Y-%m-%d %H:%M}, but there is a run of {newest:%Y-%m-%d %H:%M}. Set the clock",
        )
    if runs and now() > newest + LONGEST_PAUSE and not trust:
        raise KeeperError(
            Code.PREFLIGHT,
            f"the last run was {(now() - newest).days} days ago, or the clock is wrong. If the date {now():%Y-%m-%d} "
            "is right: ./photos keeper backup --trust-clock",
        )
