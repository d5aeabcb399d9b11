"""The gate blocks forgetting, not backing up.

After each run the snapshot is compared with the one before. A mass deletion, a mass change (ransomware looks like one), a
vanished folder, content that changed without a new time raise an alarm, and the snapshot from before is held, with all
older ones, until a person says that it is right. The same content elsewhere is none of it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath

from pydantic import Field

from keeper.copies.restic import Difference, Restic
from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import GateSettings, Settings
from keeper.state import Noted, Snapshot, Stored, now

NAMED = 3
FOLDERS_ASKED = 200
"""So many folders restic is asked for by name; more, and everything is listed."""
TOP = 3
"""`/originals/2024` has so many parts: a folder one below a root."""
SIDECARS = (".xmp", ".yml", ".yaml", ".json", ".aae", ".xml", ".thm", ".txt")
"""Notes beside photos, which programs rewrite all at once."""


Closer = Callable[[set[str]], tuple[int, set[str]]]


class Alarm(Stored):
    """What the gate raised: `paths` are hashed. It happened after `since`, the time of the snapshot that was compared.

    `accepted` is when a person said that it is right.
    """

    id: str = ""
    since: datetime | None = None
    raised: Noted = None
    copy_name: str = ""
    reasons: list[Problem] = Field(default=[])
    paths: list[str] = Field(default=[])
    accepted: datetime | None = None


def check(
    settings: Settings, restic: Restic, before: Snapshot, after: Snapshot, unreadable: Collection[str] = ()
) -> Alarm | None:
    """Compare two snapshots; return the alarm that is to be raised, if any. `unreadable`: what is there all the same."""
    found = restic.difference(before.id, after.id)
    found.rotten |= _unmoved(restic, before, after, {path for path in found.changed if _is_photo(settings, path)})
    found.changed -= found.rotten
    reasons, paths = judge(settings, found, unreadable, lambda names: _total_and_moved(restic, before, after, names))
    if not reasons:
        return None
    hashed = sorted({_hash(path) for path in paths})
    alarm = hashlib.sha256("".join(hashed).encode()).hexdigest()[:8]
    return Alarm(id=alarm, since=before.time, raised=now(), reasons=reasons, paths=hashed)


def judge(
    settings: Settings, found: Difference, unreadable: Collection[str], look_closer: Closer
) -> tuple[list[Problem], set[str]]:
    """Return why a person should be asked, and the files that it is about.

    `look_closer` is asked only when something looks bad: of the files given, it returns how many there were in all before
    and which of them lie elsewhere now.
    """
    photos = {path for path in found.removed if _is_photo(settings, path)}
    silent = {path for path in photos if _is_below(path, unreadable)}
    lost, changed = photos - silent, {path for path in found.changed if _is_photo(settings, path)}
    rotten = {path for path in found.rotten if _is_photo(settings, path)}
    gate, reasons = settings.gate, []
    folders = {path for path in found.removed_folders if len(PurePosixPath(path).parts) == TOP}
    folders = {path for path in folders if _is_photo(settings, path) and not _is_below(path, unreadable)}
    # Every file that is lost takes at least one piece of content with it; where fewer went, the others are elsewhere.
    if found.removed_blobs == 0:
        lost = set()
    if len(lost) > gate.floor or len(changed) > gate.floor or (folders and lost):
        total, moved = look_closer(lost)
        lost -= moved
        if len(lost) > found.removed_blobs:
            lost = set(sorted(lost)[: found.removed_blobs])
        reasons += _too_many(lost, total, gate, "gate.vanished")
        reasons += _too_many(changed, total, gate, "gate.changed")
        gone = sorted(path for path in folders if any(name.startswith(f"{path}/") for name in lost))
        reasons += [Problem.of("gate.folder", folder=path.lstrip("/")) for path in gone]
    if rotten:
        reasons.append(Problem.of("gate.rotten", count=len(rotten), names=_some(rotten)))
    if silent:
        reasons.append(Problem.of("gate.unreadable", count=len(silent), names=_some(silent)))
    return reasons, lost | changed | rotten | silent if reasons else set()


def raise_alarm(state: Path, alarm: Alarm) -> bool:
    """Keep an alarm; return False when a person has said already that these changes are right."""
    if _is_covered(state, alarm):
        return False
    with suppress(OSError):  # a full disk: it is written at the copy, too
        alarm.write(_file(state, alarm.id))
    return True


def keep(state: Path, copy: str, reasons: list[Problem], what: Collection[str]) -> Alarm:
    """Keep an alarm about a copy that no comparison raised; the same one is kept once."""
    alarm = hashlib.sha256(f"{copy} {sorted(what)}".encode()).hexdigest()[:8]
    known = Alarm.read(_file(state, alarm))
    if not known.id:
        known = Alarm(id=alarm, raised=now(), copy_name=copy, reasons=reasons)
        with suppress(OSError):  # a full disk stops no backup
            known.write(_file(state, alarm))
    return known


def accept(state: Path, name: str, held: Collection[str] = ()) -> Alarm:
    """Note that the changes of an alarm are right; copies let go of what they hold at their next run.

    `held`: alarms that copies tell of. What one was about is lost with the state; that a person is asked is not.

    Raises:
        KeeperError: there is no such alarm.
    """
    known = Alarm.read(_file(state, name)) if name.isalnum() else Alarm()
    known.id = known.id or (name if name in held else "")
    if not known.id:
        waiting = {alarm.id for alarm in alarms(state) if not alarm.accepted} | set(held)
        raise KeeperError(Exit.FAILED, "gate.unknown", alarm=name, waiting=", ".join(sorted(waiting)) or "-")
    known.accepted = now()
    known.write(_file(state, name))
    return known


def is_accepted(state: Path, name: str) -> bool:
    """Whether a person said that the changes of an alarm are right, or of others that cover it."""
    known = Alarm.read(_file(state, name))
    return known.accepted is not None or (bool(known.paths) and _is_covered(state, known))


def alarms(state: Path) -> list[Alarm]:
    """Return all alarms that are kept."""
    known = (Alarm.read(file) for file in sorted((state / "gate").glob("*.json")))
    return [alarm for alarm in known if alarm.id]


def _is_covered(state: Path, alarm: Alarm) -> bool:
    """Whether a person accepted these changes: not the same ones that happen once more, to files that had come back."""
    accepted = (other for other in alarms(state) if other.accepted)
    meant = (other for other in accepted if other.raised and alarm.since and alarm.since < other.raised)
    return set(alarm.paths) <= {path for other in meant for path in other.paths}


def _file(state: Path, name: str) -> Path:
    return state / "gate" / f"{name}.json"


def _total_and_moved(restic: Restic, before: Snapshot, after: Snapshot, names: set[str]) -> tuple[int, set[str]]:
    """Return how many files there were, and which of the names lie elsewhere now: with the same size and time."""
    total, gone = 0, {}
    known: Counter[tuple[int, str]] = Counter()
    for node in restic.ls(before.id):
        if node.type == "file":
            total += 1
            known[node.size, node.mtime] += 1
            if node.path in names:
                gone[node.path] = (node.size, node.mtime)
    for node in restic.ls(after.id):
        if node.type == "file":
            known[node.size, node.mtime] -= 1
    # A shape that is there as often as before was only moved.
    return total, {path for path, shape in gone.items() if known[shape] <= 0}


def _unmoved(restic: Restic, before: Snapshot, after: Snapshot, changed: set[str]) -> set[str]:
    """Return the files whose content changed though their size and time did not."""
    folders = sorted({str(PurePosixPath(path).parent) for path in changed})
    if not folders:
        return set()
    asked, deep = (folders, False) if len(folders) <= FOLDERS_ASKED else ([], True)
    shapes = [
        {
            node.path: (node.size, node.mtime)
            for node in restic.ls(snapshot.id, *asked, recursive=deep)
            if node.path in changed
        }
        for snapshot in (before, after)
    ]
    return {path for path, shape in shapes[0].items() if shapes[1].get(path) == shape}


def _too_many(paths: Collection[str], of: int, gate: GateSettings, code: str) -> list[Problem]:
    percent = gate.max_delete_percent if code == "gate.vanished" else gate.max_change_percent
    limit = max(gate.floor, of * percent // 100)
    return [Problem.of(code, count=len(paths), of=of, limit=limit, names=_some(paths))] if len(paths) > limit else []


def _is_photo(settings: Settings, path: str) -> bool:
    parts = PurePosixPath(path).parts
    return len(parts) > 1 and parts[1] in settings.marked and not path.lower().endswith(SIDECARS)


def _is_below(path: str, places: Collection[str]) -> bool:
    parts = PurePosixPath(path.lstrip("/")).parts
    return any("/".join(parts[:length]) in places for length in range(1, len(parts) + 1))


def _some(names: Iterable[str]) -> str:
    ordered = sorted(name.lstrip("/") for name in names)
    return ", ".join(ordered[:NAMED]) + (" ..." if len(ordered) > NAMED else "")


def _hash(path: str) -> str:
    return hashlib.blake2b(path.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
