"""Reading back: what was sent tonight, and of the rest a share that comes round; and mending what is damaged.

A broken connection is never a verdict about what lies there. What looks damaged is looked at a second time, since a
listing can lie; and only then mended, where the photos at home still are what they were.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from croniter import croniter

from keeper.copies.repository import Repository
from keeper.copies.restic import Check
from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import LOCAL, CopySettings
from keeper.state import LONG_AGO, CopyState, Tell, now

MOST_SLICES = 256
"""restic tells the slices of a repository by the first byte of a pack's name."""
SECOND_LOOK_SECONDS = 60.0
MISSING = re.compile(r"pack ([0-9a-f]{64}): does not exist")


@dataclass(frozen=True)
class Verdict:
    """What reading back found. `mended`: packs that were damaged and are whole again; `damage`: what is not mended.

    `broken`: packs that lie there as they are, and are read back every night until they are whole or gone.
    """

    mended: int = 0
    damage: Problem | None = None
    broken: tuple[str, ...] = ()


def slices(copy: CopySettings) -> int:
    """Return in how many runs a copy is read back as a whole."""
    firings = list(_firings(copy.schedule, 32))
    gap = max(after - before for before, after in pairwise(firings))
    return min(MOST_SLICES, max(1, timedelta(days=copy.verify_days) // gap))


def due_slice(state: CopyState, count: int) -> int:
    """Return the slice that waited longest."""
    known = state.slices if state.slices_of == count else {}
    return min(range(count), key=lambda number: (known.get(number, LONG_AGO), number))


def note_slice(known: CopyState, number: int, count: int) -> None:
    """Note that a slice was read back whole; of how many it is one may have changed."""
    known.slices = {**(known.slices if known.slices_of == count else {}), number: now()}
    known.slices_of = count


def bad_packs(repository: Repository, packs: Collection[str]) -> list[str]:
    """Read packs back, a second time those that look bad; return those that are.

    Raises:
        KeeperError: the way to the copy broke.
    """
    return _bad(repository, {f"data/{pack[:2]}/{pack}": pack for pack in packs})


def still_bad(repository: Repository, packs: Collection[str]) -> list[str]:
    """Of packs that were bad, return those that lie there and still are: their turn may come in a month only.

    Raises:
        KeeperError: the way to the copy broke.
    """
    names = {f"data/{pack[:2]}/{pack}": pack for pack in packs}
    digests = repository.rclone.hashes(repository.place, names) if names else {}
    return sorted(pack for name, pack in names.items() if digests.get(name, pack) != pack)


def clear_the_way(repository: Repository, share: tuple[int, int] = (0, 1)) -> bool:
    """Read snapshots, indexes and keys back, past restic's cache: put aside what cannot be read, make an index anew.

    `share`: number and count, of which only that many are looked at. Return whether anything was done.

    Raises:
        KeeperError: with `Exit.VERIFY`: something is damaged that cannot be made anew from here.
    """
    rclone, place = repository.rclone, repository.place
    snapshots = _bad(repository, _of_share(repository, "snapshots", share))
    indexes = _bad(repository, _of_share(repository, "index", share))
    keys = _bad(repository, _of_share(repository, "keys", share))
    if keys or (repository.is_vault and (snapshots or indexes)):
        raise KeeperError(Exit.VERIFY, "copy.damaged_there", names=", ".join(n[:8] for n in keys + snapshots + indexes))
    for name in snapshots:
        rclone.run("moveto", f"{place}/snapshots/{name}", f"{place}/damaged/{name}")
    if indexes:
        repository.restic.repair_index()
    return bool(snapshots or indexes)


def _of_share(repository: Repository, kind: str, share: tuple[int, int]) -> dict[str, str]:
    number, count = share
    names = repository.rclone.names(f"{repository.place}/{kind}")
    return {f"{kind}/{name}": name for name in names if int(name[:2], 16) % count == number}


def _bad(repository: Repository, names: dict[str, str]) -> list[str]:
    """Return the ids of the objects that are not what they should be: each is named by its own SHA-256."""
    for _ in range(2):
        digests = repository.rclone.hashes(repository.place, names) if names else {}
        names = {name: digest for name, digest in names.items() if digests.get(name) != digest}
    return sorted(names.values())


def read_back(repository: Repository, number: int, count: int) -> Check:
    """Check the repository and read the share `number` of `count`; when something is wrong, once more after a pause.

    Raises:
        KeeperError: the way to the copy broke.
    """
    share = f"{number + 1}/{count}"
    found = repository.restic.check(share)
    if found.errors and not found.broken_packs:
        time.sleep(SECOND_LOOK_SECONDS)
        found = repository.restic.check(share)
    return replace(found, broken_packs=[*found.broken_packs, *_cached_and_bad(repository, number, count)])


def _cached_and_bad(repository: Repository, number: int, count: int) -> list[str]:
    """Of a share of the packs, as restic counts it, return those that restic read from its cache, and that rotted there.

    One that is not there is not among them: it may have been pruned, and otherwise restic's own check tells.
    """
    cached = [pack for pack in repository.cached_packs() if int(pack[:2], 16) % count == number]
    return bad_packs(repository, still_bad(repository, cached))


def by_hand(repository: Repository, *, everything: bool, progress: Tell) -> Problem | None:
    """Read a copy back outside of a run, all of it or the share whose turn it is; return what is damaged.

    Raises:
        KeeperError: another job is at it, or the way to the copy broke.
    """
    with repository.alone("verify"):
        repository.open()
        repository.unlock()
        progress("read_back", 0, 0)
        count = 1 if everything else slices(repository.copy)
        number = 0 if everything else due_slice(repository.state.copy(repository.name), count)
        found = read_back(repository, number, count)
        known_bad = still_bad(repository, repository.state.copy(repository.name).broken)
        broken = sorted({*found.broken_packs, *known_bad})
        damage = _damage(found, broken) if found.errors or broken else None

        def note(known: CopyState) -> None:
            known.damage, known.broken = damage, broken
            if damage is None and everything:
                known.slices = dict.fromkeys(range(known.slices_of), now())
            elif damage is None:
                note_slice(known, number, count)

        repository.state.change_copy(repository.name, note)
    return damage


def mend(repository: Repository, found: Check, broken: Collection[str], again: Callable[[], object]) -> Verdict:
    """Mend a damaged repository as far as the photos at home can; `again` backs them up once more.

    Raises:
        KeeperError: the way to the copy broke.
    """
    packs = sorted({*found.broken_packs, *broken})
    damage = _damage(found, packs)
    if repository.is_vault:
        return Verdict(damage=damage, broken=tuple(packs))
    missing = {pack for line in found.said for pack in MISSING.findall(line)}
    if missing and not packs and not bad_packs(repository, missing):
        # The packs are there, only the listing leaves them out: an index made of it would lose them.
        raise KeeperError(Exit.COPY, "copy.listing", count=len(missing))
    try:
        before = repository.packs()
        if packs:
            _repair_packs(repository, packs)
        else:
            repository.restic.repair_index()
        again()
        left = repository.restic.check()
        # What broke the first ones may have broken these.
        bad = bad_packs(repository, repository.packs() - before)
    except KeeperError as error:
        if error.exit == Exit.COPY:
            raise
        return Verdict(damage=damage, broken=tuple(packs))
    if bad:
        return Verdict(damage=_damage(left, bad), broken=tuple(bad))
    if left.errors:
        return Verdict(damage=Problem.of("copy.damage_stays", count=left.errors, said=next(iter(left.said), "")))
    return Verdict(mended=max(len(packs), 1))


def _damage(found: Check, packs: Collection[str]) -> Problem:
    said = found.said[0] if found.said else ", ".join(sorted(packs)[:3])
    return Problem.of("copy.damage", count=max(len(packs), found.errors), said=said)


def _repair_packs(repository: Repository, packs: list[str]) -> None:
    # It puts the damaged packs into the folder that it runs in, and stops where one lies there already.
    folder = repository.scratch / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if repository.copy.type != LOCAL:
        _lengthen(repository, packs)
    repository.restic.repair_packs(packs, folder)
    shutil.rmtree(folder, ignore_errors=True)


def _lengthen(repository: Repository, packs: list[str]) -> None:
    """Make packs that were cut as long as they should be, with nothing in the rest.

    Over rclone restic asks five times, for a quarter of a minute, for everything beyond the end of a pack (HasFlakyErrors
    in its internal/backend): a pack of a thousand small photos took four hours, in which that copy got no backup.
    """
    ends: dict[str, int] = {}
    for index in repository.indexes():
        ends |= {pack: end for pack, end in repository.restic.packs(index).items() if pack in packs}
    for pack, end in ends.items():
        file = f"{repository.place}/data/{pack[:2]}/{pack}"
        content = repository.rclone.read(file) or b""
        if len(content) < end:
            repository.rclone.write(file, content.ljust(end, b"\0"))


def _firings(schedule: str, count: int) -> list[datetime]:
    clock = croniter(schedule, now())
    return [clock.get_next(datetime) for _ in range(count)]
