"""The place of one copy: how rclone reaches it, and who is at work there. What lies in it is the business of others."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import IO

from keeper.copies import openlist
from keeper.copies.rclone import Rclone, write_config
from keeper.copies.transport import transport
from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import LOCAL, OPENLIST, CopySettings, Settings
from keeper.state import State

ENDING_SECONDS = 10.0
"""So long what worked for a job that has just ended may take to go: rclone outlives the restic that it serves."""


class Place:
    """Where a copy of the stack lies; `place` is its folder as rclone names it."""

    def __init__(self, settings: Settings, copy: CopySettings) -> None:
        self.settings, self.copy, self.name = settings, copy, copy.name
        self.state = State(settings.state)
        self.told: list[Problem] = []
        """What a person should know of the place though a run can go on."""
        self.folder = self.state.copy_folder(copy.name)
        self.way = transport(copy)
        self.config = self.folder / "rclone.conf"
        write_config(copy, _secrets(settings, copy), self.config)
        self.place = copy.path if copy.type == LOCAL else f"{copy.name}:{copy.path}"
        self.rclone = Rclone(self.config, self.way.environment)

    @property
    def scratch(self) -> Path:
        """A folder of this copy for what is needed only for a while."""
        folder = self.folder / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Hold this copy for one job. restic and rclone inherit the lock: it is free when the last of them is dead.

        Raises:
            KeeperError: with `Exit.LOCKED`, naming who holds it.
        """
        with (self.folder / "lock").open("a+", encoding="utf-8") as lock:
            if not _is_taken(lock):
                lock.seek(0)
                raise KeeperError(Exit.LOCKED, "copy.locked", copy=self.name, holder=lock.read().strip() or "?")
            with suppress(OSError):  # a full disk must not stop what frees it
                lock.truncate(0)
                lock.write(f"{what} ({os.getpid()})")
                lock.flush()
            for left in self.scratch.iterdir():
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
            self.hold((lock.fileno(),))
            try:
                yield
            finally:
                self.hold(())

    def hold(self, locks: tuple[int, ...]) -> None:
        """Hand the locks on to the programs that work at this place."""
        self.rclone.held = locks

    def reach(self) -> None:
        """Make sure that something can lie there.

        Raises:
            KeeperError: with `Exit.PREFLIGHT` or `Exit.COPY`.
        """
        if self.copy.type == OPENLIST:
            self.told = openlist.prepare(self.settings, self.copy)
        if self.copy.type == LOCAL and not Path(self.copy.path).is_dir():
            raise KeeperError(Exit.PREFLIGHT, "copy.no_folder", copy=self.name, folder=self.copy.place)


def _secrets(settings: Settings, copy: CopySettings) -> dict[str, str]:
    """Return rclone's options that nobody else may read, in clear."""
    secrets = {option: settings.secret(copy.secret_name(option)) for option in copy.secrets}
    if copy.type == OPENLIST:
        made = openlist.webdav(copy.options["url"], settings.secret(openlist.PASSWORD))
        secrets = {"type": "webdav", **made}
    return secrets


def _is_taken(lock: IO[str]) -> bool:
    """Take a lock; return False where whoever has it keeps it."""
    end = monotonic() + ENDING_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() > end:
                return False
            sleep(0.1)
        else:
            return True
