"""One copy as a restic repository: where it is, what opens it, whether it is really ours, and who is at work there."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from keeper.copies.place import Place
from keeper.copies.rclone import program
from keeper.copies.restic import WRONG_KEY, Restic, ResticError
from keeper.errors import Exit, KeeperError
from keeper.settings import LOCAL, PASSWORD, CopySettings, Settings
from keeper.state import TOLERANCE, Snapshot

HALF_BEGUN = {"damaged/", "data/", "index/", "keys/", "locks/", "snapshots/"}
"""The folders of a repository, and ours for what was put aside; its file `config` comes last."""
ASIDE = ("--exclude", "/keys/**", "--exclude", "/locks/**", "--exclude", "/damaged/**")
KEY = re.compile(r"[0-9a-f]{64}(-tmp-\d+)?")
APPEND_ONLY = "serve restic --stdio --append-only"
"""A seat belt: a bug of ours deletes nothing in a vault. The wall must be at the provider."""


class Repository(Place):
    """A copy of the stack. `rclone` speaks to the same place: it reads packs back, whose names are their hashes."""

    def __init__(self, settings: Settings, copy: CopySettings) -> None:
        super().__init__(settings, copy)
        self.restic = Restic(
            self._environment() | self.way.environment, self._options() + self.way.options, self.scratch
        )

    @property
    def is_vault(self) -> bool:
        """Whether nothing is ever deleted there."""
        return self.copy.kind == "vault"

    def hold(self, locks: tuple[int, ...]) -> None:
        """Hand the locks on to the programs that work at this place."""
        super().hold(locks)
        self.restic.held = locks

    def open(self, *, may_begin: bool = False) -> str:
        """Check that this is our repository and our key, and return its id; begin it where nothing lies and `may_begin`.

        Raises:
            KeeperError: with `Exit.PREFLIGHT` when it is gone, is another one, or the key does not open it; with
                `Exit.COPY` when its listing leaves out what lies there.
        """
        self.reach()
        known = self.state.copy(self.name).repository
        try:
            there = self.restic.repository_id()
        except ResticError as error:
            if error.code != WRONG_KEY:
                raise
            # restic tries the keys that are listed.
            self.prove_absent("keys", set(self.state.copy(self.name).keys) - self.keys())
            there = self.restic.repository_id()
        if there is None:
            if known or not may_begin:
                raise KeeperError(Exit.PREFLIGHT, "copy.gone" if known else "copy.nothing", copy=self.name)
            if not self.rclone.is_empty(self.place) and not self._clear_half_begun():
                raise KeeperError(Exit.PREFLIGHT, "copy.not_empty", copy=self.name, folder=self.copy.path)
            there = self.restic.init()
        if known and there != known:
            raise KeeperError(Exit.PREFLIGHT, "copy.another", copy=self.name)
        return there

    def _clear_half_begun(self) -> bool:
        """Put aside what a kill left of a beginning; return False where there is anything else.

        restic writes folders and a key before its configuration, and then refuses to begin again. No data, no index and no
        snapshot: that key never opened anything. It is not deleted all the same: a listing can lie.
        """
        top = self.rclone.run("lsf", self.place, "--max-depth", "1").decode("utf-8", "replace").splitlines()
        if not set(top) <= HALF_BEGUN:
            return False
        if self.rclone.run("lsf", self.place, "-R", "--files-only", *ASIDE):
            return False
        keys = self.rclone.names(f"{self.place}/keys")
        if not all(KEY.fullmatch(name) for name in keys):
            return False
        for name in keys:
            self.rclone.run("moveto", f"{self.place}/keys/{name}", f"{self.place}/damaged/{name}")
        return True

    def unlock(self) -> None:
        """Remove what the dead locked there, as who holds the copy's own lock may. Only then a key has to be made for it."""
        if self.rclone.names(f"{self.place}/locks"):
            self.restic.unlock()

    def snapshots(self) -> list[Snapshot]:
        """Return the snapshots, in the order in which they were made."""
        return self.restic.snapshots()

    def indexes(self) -> set[str]:
        """Return the ids of all index files: their names, so that no key has to be made for it."""
        return set(self.rclone.names(f"{self.place}/index"))

    def packs(self) -> set[str]:
        """Return the ids of all packs that lie there, whether an index names them or not."""
        lines = (
            self.rclone.run("lsf", f"{self.place}/data", "-R", "--files-only").decode("utf-8", "replace").splitlines()
        )
        return {line.rpartition("/")[2] for line in lines}

    def cached_packs(self) -> set[str]:
        """Return the ids of the packs that restic has here, too: those of folders. It reads them from here alone."""
        return {file.name for file in (self.folder / "cache").glob("*/data/*/*")}

    def keys(self) -> set[str]:
        """Return the names of all key files."""
        return set(self.rclone.names(f"{self.place}/keys"))

    def prove_absent(self, kind: str, names: Collection[str]) -> None:
        """Ask for each file of a folder that its listing leaves out by its name.

        Raises:
            KeeperError: with `Exit.COPY`: one is there, so that the listing is no verdict about anything.
        """
        if names and (there := self.rclone.hashes(self.place, [f"{kind}/{name}" for name in sorted(names)])):
            raise KeeperError(Exit.COPY, "copy.listing", count=len(there))

    def prune(self, snapshots: Collection[Snapshot], *flags: str) -> None:
        """Remove what no snapshot names any more.

        Raises:
            KeeperError: with `Exit.COPY`: not so many snapshots are listed just now, and what they name would go.
        """
        if lacking := max(0, len(snapshots) - len(self.snapshots())):
            raise KeeperError(Exit.COPY, "copy.listing", count=lacking)
        self.restic.prune(*flags)

    def _environment(self) -> dict[str, str]:
        secret = self.settings.secrets / self.copy.secret_name(PASSWORD)
        if not self.settings.secret(secret.name):
            raise KeeperError(Exit.PREFLIGHT, "copy.no_key", copy=self.name, key=secret.name)
        return {
            "RESTIC_REPOSITORY": self.place if self.copy.type == LOCAL else f"rclone:{self.place}",
            "RESTIC_PASSWORD_FILE": str(secret),
            "RESTIC_CACHE_DIR": str(self.folder / "cache"),
            "RCLONE_CONFIG": str(self.config),
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
    return [Repository(settings, copy) for copy in settings.named(name, repositories=True)]


def newest(snapshots: Sequence[Snapshot], now: datetime, *, whole: bool = True) -> Snapshot | None:
    """Return the snapshot that was made last; one that a wrong clock put into the future only when there is no other."""
    fit = [snapshot for snapshot in snapshots if snapshot.whole or not whole]
    past = [snapshot for snapshot in fit if snapshot.time <= now + TOLERANCE]
    return past[-1] if past else fit[-1] if fit else None


def _memory_limit(settings: Settings) -> dict[str, str]:
    """Let Go tidy up before the container's limit: the jobs of all copies may run at the same time."""
    limit = settings.memory_mb * 8 // 10 // max(1, len(settings.repositories))
    return {"GOMEMLIMIT": f"{max(limit, 128)}MiB", "GOGC": "50"}
