"""Forgetting: restic's own policy, within limits that a wrong clock, a held alarm or damage cannot get around."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from keeper.copies.repository import Repository
from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import KeepSettings
from keeper.state import CopyState, Snapshot, now

NEWEST_KEPT = 3
SHARE = 0.2
FEW = 3
"""At most a fifth of the snapshots go in a night, but always so many may."""
LONGEST_PAUSE, SET_BACK = timedelta(days=45), timedelta(hours=1)
NIGHTS_OF_DOUBT = 7
PRUNE_EVERY = timedelta(days=6, hours=12)
PRUNE = ("--max-repack-size", "2G")


def clock_doubt(snapshots: Sequence[Snapshot], moment: datetime, *, nights: int = NIGHTS_OF_DOUBT) -> Problem | None:
    """Say whether the clock jumped, now or within the last runs: it decides what is too old to keep.

    What jumps ahead by more than a pause between two runs may be a machine that was off, or a clock that is wrong; what
    jumps back was wrong then or is now.
    """
    times = [*[snapshot.time for snapshot in snapshots if snapshot.whole][-nights:], moment]
    for before, after in pairwise(times):
        if after < before - SET_BACK:
            return Problem.of("clock.back", now=f"{after:%Y-%m-%d %H:%M}", newest=f"{before:%Y-%m-%d %H:%M}")
        if after > before + LONGEST_PAUSE:
            return Problem.of("clock.ahead", now=f"{after:%Y-%m-%d}", days=(after - before).days)
    return None


def too_old(repository: Repository, snapshots: Sequence[Snapshot], keep: KeepSettings) -> list[str]:
    """Return the snapshots that may be forgotten now: those that the policy drops, and what a first upload left."""
    whole = [snapshot for snapshot in snapshots if snapshot.whole]
    parts = [s.id for s in snapshots if not s.whole and whole and s.number < whole[-1].number]
    policy = ["--keep-within", f"{keep.all_days}d", "--keep-within-weekly", f"{keep.weekly_days}d"]
    policy += ["--keep-within-monthly", f"{keep.monthly_days}d"]
    newest = {snapshot.id for snapshot in whole[-NEWEST_KEPT:]}
    young = now() - timedelta(days=keep.all_days)
    may_go = len(whole) > NEWEST_KEPT and any(snapshot.time < young for snapshot in whole)
    old = set(repository.restic.to_forget(*policy)) - newest if may_go else set()
    oldest_first = [snapshot.id for snapshot in whole if snapshot.id in old and not snapshot.held]
    return oldest_first[: max(FEW, int(len(whole) * SHARE))] + parts


def forget(repository: Repository, snapshots: Sequence[Snapshot], going: Sequence[str]) -> list[Snapshot]:
    """Forget snapshots and return those that stay, after seeing that these are all that went.

    Raises:
        KeeperError: with `Exit.VERIFY`: afterwards the copy does not hold what it should.
    """
    repository.restic.forget(going)
    stayed = repository.snapshots()
    left, expected = {s.id for s in stayed}, {s.id for s in snapshots} - set(going)
    if left != expected:
        raise KeeperError(Exit.VERIFY, "retention.differs", missing=len(expected - left), stayed=len(left - expected))
    return stayed


def prune_when_due(repository: Repository, state: CopyState, snapshots: Sequence[Snapshot]) -> datetime | None:
    """Remove weekly what no snapshot names any more; return when that was done last."""
    if state.pruned and now() - state.pruned < PRUNE_EVERY:
        return state.pruned
    repository.prune(snapshots, *PRUNE)
    return now()
