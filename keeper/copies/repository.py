"""One copy as a restic repository: where it is, what opens it, whether it is really ours, and who is at work there."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from keeper.copies import openlist
from keeper.copies.rclone import Rclone, program, write_config
from keeper.copies.restic import Restic
from keeper.copies.transport import transport
from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import LOCAL, OPENLIST, PASSWORD, CopySettings, Settings
from keeper.state import Snapshot, State

TOLERANCE = timedelta(hours=1)
"""A snapshot that is further ahead comes from a clock that was wrong."""
APPEND_ONLY = "serve restic --stdio --append-only"
"""A seat belt: a bug of ours deletes nothing in a vault. The wall must be at the provider."""
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


class Repository:
    """A copy of the stack. `rclone` speaks to the same place: it reads packs back, whose names are their hashes."""

    def __init__(self, settings: Settings, copy: CopySettings) -> None:
        self.settings, self.copy, self.name = settings, copy, copy.name
        self.state = State(settings.state)
        self.told: list[Problem] = []
        """What a person should know of the place though a run can go on."""
        self._folder = self.state.copy_folder(copy.name)
        way = transport(copy)
        config = self._folder / "rclone.conf"
        write_config(copy, _secrets(settings, copy), config)
        self.place = copy.path if copy.type == LOCAL else f"{copy.name}:{copy.path}"
        self.rclone = Rclone(config, way.environment)
        self.restic = Restic(self._environment(config) | way.environment, self._options() + way.options, self.scratch)

    @property
    def is_vault(self) -> bool:
        """Whether nothing is ever deleted there."""
        return self.copy.kind == "vault"

    @property
    def scratch(self) -> Path:
        """A folder of this copy for what is needed only for a while."""
        folder = self._folder / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Hold this copy for one job. restic and rclone inherit the lock: it is free when the last of them is dead.

        Raises:
            KeeperError: with `Exit.LOCKED`, naming who holds it.
        """
        with (self._folder / "lock").open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise KeeperError(
                    Exit.LOCKED, "copy.locked", copy=self.name, holder=lock.read().strip() or "?"
                ) from None
            with suppress(OSError):  # a full disk must not stop what frees it
                lock.truncate(0)
                lock.write(f"{what} ({os.getpid()})")
                lock.flush()
            for left in self.scratch.iterdir():
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
            self.restic.held = self.rclone.held = (lock.fileno(),)
            try:
                yield
            finally:
                self.restic.held = self.rclone.held = ()

    def open(self, *, may_begin: bool = False) -> str:
        """Check that this is our repository and our key, and return its id; begin it where nothing lies and `may_begin`.

        Raises:
            KeeperError: with `Exit.PREFLIGHT` when it is gone, is another one, or the key does not open it.
        """
        if self.copy.type == OPENLIST:
            self.told = openlist.prepare(self.settings, self.copy)
        if self.copy.type == LOCAL and not Path(self.copy.path).is_dir():
            raise KeeperError(Exit.PREFLIGHT, "copy.no_folder", copy=self.name, folder=self.copy.place)
        known, there = self.state.copy(self.name).repository, self.restic.repository_id()
        if there is None:
            if known or not may_begin:
                raise KeeperError(Exit.PREFLIGHT, "copy.gone" if known else "copy.nothing", copy=self.name)
            if not self.rclone.is_empty(self.place):
                raise KeeperError(Exit.PREFLIGHT, "copy.not_empty", copy=self.name, folder=self.copy.path)
            there = self.restic.init()
        if known and there != known:
            raise KeeperError(Exit.PREFLIGHT, "copy.another", copy=self.name)
        return there

    def snapshots(self) -> list[Snapshot]:
        """Return the snapshots, in the order in which they were made."""
        return self.restic.snapshots()

    def indexes(self) -> set[str]:
        """Return the ids of all index files: their names, so that no key has to be made for it."""
        return set(self.rclone.names(f"{self.place}/index"))

    def _environment(self, config: Path) -> dict[str, str]:
        secret = self.settings.secrets / self.copy.secret_name(PASSWORD)
        if not self.settings.secret(secret.name):
            raise KeeperError(Exit.PREFLIGHT, "copy.no_key", copy=self.name, key=secret.name)
        return {
            "RESTIC_REPOSITORY": self.place if self.copy.type == LOCAL else f"rclone:{self.place}",
            "RESTIC_PASSWORD_FILE": str(secret),
            "RESTIC_CACHE_DIR": str(self._folder / "cache"),
            "RCLONE_CONFIG": str(config),
            **_memory_limit(self.settings),
        }

    def _options(self) -> list[str]:
        if self.copy.type == LOCAL:
            return []
        options = ["-o", f"rclone.program={program()}"]
        return [*options, *(["-o", f"rclone.args={APPEND_ONLY}"] if self.is_vault else [])]


def open_repositories(settings: Settings, name: str = "") -> list[Repository]:
    """Return the copies that are repositories, or the one of that name.

    Raises:
        KeeperError: there is none of that name.
    """
    chosen = [copy for copy in settings.repositories if name in ("", copy.name)]
    if not chosen:
        known = ", ".join(copy.name for copy in settings.repositories)
        raise KeeperError(Exit.FAILED, "copy.unknown", copy=name, known=known or "-")
    return [Repository(settings, copy) for copy in chosen]


def newest(snapshots: Sequence[Snapshot], now: datetime, *, whole: bool = True) -> Snapshot | None:
    """Return the snapshot that was made last; one that a wrong clock put into the future only when there is no other."""
    fit = [snapshot for snapshot in snapshots if snapshot.whole or not whole]
    past = [snapshot for snapshot in fit if snapshot.time <= now + TOLERANCE]
    return past[-1] if past else fit[-1] if fit else None


def _secrets(settings: Settings, copy: CopySettings) -> dict[str, str]:
    """Return rclone's options that nobody else may read, in clear."""
    secrets = {option: settings.secret(copy.secret_name(option)) for option in copy.secrets}
    if copy.type == OPENLIST:
        made = openlist.webdav(copy.options["url"], settings.secret(openlist.ADMIN_PASSWORD))
        secrets = {"type": "webdav", **made}
    return secrets


def _memory_limit(settings: Settings) -> dict[str, str]:
    """Let Go tidy up before the container's limit: the jobs of all copies may run at the same time."""
    limit = settings.memory_mb * 8 // 10 // max(1, len(settings.repositories))
    return {"GOMEMLIMIT": f"{max(limit, 128)}MiB", "GOGC": "50"}
