"""The gate: a run that would carry a disaster to the copies stops here and asks a person.

An empty library, a mass deletion, a mass change (ransomware looks like one), a whole folder gone, unreadable files.
Old versions would survive all of these, but a family should hear of them the same day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from keeper.errors import Code, KeeperError
from keeper.library import Survey
from keeper.manifest import Manifest
from keeper.report import write_whole
from keeper.settings import GateSettings

ACCEPTED = "accepted.json"
NAMED = 3
FEWEST_SHARE = 0.9


@dataclass(frozen=True)
class Difference:
    """What changed since the last good run, as sets of paths."""

    added: frozenset[str]
    changed: frozenset[str]
    deleted: frozenset[str]

    @property
    def fingerprint(self) -> str:
        """Return what a person accepts: exactly these losses and changes."""
        text = json.dumps([sorted(self.deleted), sorted(self.changed)])
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def difference(before: Manifest, after: Manifest, there: Collection[str] = ()) -> Difference:
    """Compare two manifests. `there`: files that `after` leaves out though they exist; they did not vanish."""
    return Difference(
        added=frozenset(after.keys() - before.keys()),
        changed=frozenset(p for p in before.keys() & after.keys() if before[p].sha256 != after[p].sha256),
        deleted=frozenset(before.keys() - after.keys() - set(there)),
    )


def check(before: Manifest | None, found: Survey, settings: GateSettings) -> list[str]:
    """Return why this run must not go on; empty when it may. `before` is None at the very first run."""
    reasons = []
    if not found.files:
        reasons.append("there is not a single file: is the drive mounted?")
    if found.unreadable:
        reasons.append(f"{len(found.unreadable)} files cannot be read: {_some(found.unreadable)}")
    if before:
        seen = found.files.keys() | found.skipped.keys() | found.refused.keys()
        changes = difference(before, found.files, seen)
        reasons += too_many(changes.deleted, len(before), settings.max_delete_percent, settings.floor, "vanished")
        reasons += too_many(changes.changed, len(before), settings.max_change_percent, settings.floor, "changed")
        if len(seen) < FEWEST_SHARE * len(before) and len(before) - len(seen) > settings.floor:
            reasons.append(f"only {len(seen)} of {len(before)} files are left")
        reasons += [
            f"the whole folder {folder} vanished" for folder in sorted(_top_folders(before) - _top_folders(seen))
        ]
    return reasons


def too_many(paths: Collection[str], of: int, percent: int, floor: int, what: str) -> list[str]:
    """Say that more than `percent` of the files, and more than `floor`, did what they should not."""
    limit = max(floor, of * percent // 100)
    return [f"{len(paths)} of {of} files {what} (limit {limit}): {_some(sorted(paths))}"] if len(paths) > limit else []


def _some(names: Collection[str]) -> str:
    shown = [name.encode("utf-8", "replace").decode() for name in list(names)[:NAMED]]
    return ", ".join(shown) + (" ..." if len(names) > NAMED else "")


def _top_folders(files: Collection[str]) -> set[str]:
    """Return the folders one below a root; files that lie there directly are none."""
    return {"/".join(path.split("/")[:2]) for path in files if path.count("/") > 1}


def stop(state: Path, run: str, reasons: list[str], changes: Difference) -> None:
    """Stop a run, and remember for which changes, so that a person can accept just these.

    Raises:
        KeeperError: always, with `Code.GATE`.
    """
    _write(state, _read(state) | {run: {"fingerprint": changes.fingerprint, "accepted": False}})
    raise KeeperError(
        Code.GATE, f"stopped, nothing was sent: {'; '.join(reasons)}. If this is right: ./photos keeper accept {run}"
    )


def accept(state: Path, run: str) -> None:
    """Let the changes that stopped `run` through, once.

    Raises:
        KeeperError: no such run was stopped.
    """
    known = _read(state)
    if run not in known:
        waiting = ", ".join(sorted(known)) or "none is waiting"
        raise KeeperError(Code.FAILED, f"the gate did not stop a run {run}. Waiting: {waiting}")
    known[run]["accepted"] = True
    _write(state, known)


def is_accepted(state: Path, changes: Difference) -> bool:
    """Whether a person accepted exactly these changes."""
    return any(item["accepted"] and item["fingerprint"] == changes.fingerprint for item in _read(state).values())


def spend(state: Path) -> None:
    """Forget what was stopped and accepted: a run went through."""
    (state / ACCEPTED).unlink(missing_ok=True)


def _read(state: Path) -> dict[str, dict[str, object]]:
    try:
        return dict(json.loads((state / ACCEPTED).read_text("utf-8")))
    except FileNotFoundError:
        return {}


def _write(state: Path, known: dict[str, dict[str, object]]) -> None:
    write_whole(state / ACCEPTED, json.dumps(known, indent=1).encode())
