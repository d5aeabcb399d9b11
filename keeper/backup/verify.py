"""Read back what lies at a remote and compare it with the manifest. Sizes and dates prove nothing there.

Whatever a run sent is read back in that run, and a thirtieth of everything each day: the slice that waited longest.
A bad object is put aside and sent again from the library.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from keeper import preflight
from keeper.errors import Code, KeeperError
from keeper.library import rehash, stands
from keeper.manifest import SLICES, Manifest, slice_of
from keeper.rclone import Progress
from keeper.remotes import Remote
from keeper.report import RemoteStatus, change_status, now, read_status
from keeper.runs import new_run, newest_run, read_manifest
from keeper.settings import Settings
from keeper.upload import CURRENT, LIBRARY, QUARANTINE, VERSIONS, look

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Verdict:
    """What a reading back found.

    `repaired` were bad and are good now; `bad` still are; `moving` changed in the library again and again meanwhile.
    """

    checked: int = 0
    repaired: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    moving: list[str] = field(default_factory=list)


def due_slice(status: RemoteStatus) -> int | None:
    """Return the slice that waited longest; None when one was read back today already."""
    if any(moment.date() == now().date() for moment in status.slices.values()):
        return None
    return _longest_waiting(status)


def _longest_waiting(status: RemoteStatus) -> int:
    return min(range(SLICES), key=lambda number: (status.slices.get(number, LONG_AGO), number))


def members(files: Iterable[str], number: int) -> list[str]:
    """Return the files of one slice, sorted."""
    return sorted(path for path in files if slice_of(path) == number)


def bad_objects(
    remote: Remote, where: Mapping[str, str], wanted: Manifest, progress: Progress | None = None
) -> list[str]:
    """Read objects back; return those that are missing or differ. `where`: path → folder of the remote."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    for path, folder in where.items():
        by_folder[folder].append(path)
    bad = []
    for folder, paths in by_folder.items():
        found = remote.rclone.hashes(remote.at(folder), paths, *remote.flags, progress=progress)
        bad += [path for path in paths if found.get(path) != wanted[path].sha256]
    return sorted(bad)


def check_and_mend(
    settings: Settings,
    remote: Remote,
    where: Mapping[str, str],
    wanted: Manifest,
    *,
    run: str,
    progress: Progress | None = None,
) -> Verdict:
    """Read objects back, send the bad ones again, read those back once more.

    A file that changed in the library since the survey is no lie of the remote: its entry in `wanted` is made anew,
    and removed when the file does not keep still.
    """
    verdict = Verdict(checked=len(where))
    bad = bad_objects(remote, where, wanted, progress)
    if not bad:
        return verdict
    for path in bad:
        if not stands(settings, path, wanted[path]) and (entry := rehash(settings, path)):
            wanted[path] = entry
    folder = _clear_the_way(remote, [path for path in bad if where[path] == CURRENT], run)
    again = dict.fromkeys(bad, folder)
    remote.rclone.copy(f"{LIBRARY}{settings.library}", remote.at(folder), bad, *remote.flags)
    still = bad_objects(remote, again, wanted)
    verdict.moving = [path for path in still if not stands(settings, path, wanted[path])]
    verdict.bad = [path for path in still if path not in verdict.moving]
    verdict.repaired = [path for path in bad if path not in still]
    for path in verdict.moving:
        del wanted[path]
    return verdict


def refuse_bad(verdict: Verdict) -> None:
    """Raise for what is bad even after it was sent again.

    Raises:
        KeeperError: with `Code.VERIFY`.
    """
    if verdict.bad:
        raise KeeperError(
            Code.VERIFY,
            f"{len(verdict.bad)} objects do not read back as they were sent, even the second time, e.g. {verdict.bad[0]}. "
            "This copy cannot be trusted: check the disk or the provider",
        )


def note_whole_slices(settings: Settings, remote: str, files: Iterable[str], read_back: Collection[str]) -> None:
    """Remember which slices of `files` were read back whole, and are good."""
    open_slices = {slice_of(path) for path in files if path not in read_back}
    whole = dict.fromkeys(set(range(SLICES)) - open_slices, now())
    change_status(settings.state, lambda status: status.remotes.setdefault(remote, RemoteStatus()).slices.update(whole))


def verify(settings: Settings, remote: Remote, *, everything: bool, progress: Progress | None = None) -> Verdict:
    """Read back the slice that waited longest, or everything, outside of a run; mend what is bad.

    Raises:
        KeeperError: with `Code.PREFLIGHT` when there is no good run yet.
    """
    run = new_run()
    with preflight.only_run(settings, f"verify {run}"):
        remote.greet(may_begin=False)
        wanted, there = read_manifest(remote, newest_run(remote)), look(remote)
        status = read_status(settings.state).remotes.get(remote.name, RemoteStatus())
        numbers = range(SLICES) if everything else [_longest_waiting(status)]
        where = {path: there.folders.get(path, CURRENT) for path in wanted if slice_of(path) in numbers}
        verdict = check_and_mend(settings, remote, where, wanted, run=run, progress=progress)
        if not verdict.bad:
            note_whole_slices(settings, remote.name, wanted, where)
    return verdict


def _clear_the_way(remote: Remote, bad: list[str], run: str) -> str:
    """Put bad objects aside; return the folder that takes the good ones. In a vault that is a new one."""
    if remote.is_vault:
        return f"{VERSIONS}/{run}"
    there = remote.rclone.sizes(remote.at(CURRENT))
    remote.rclone.move(remote.at(CURRENT), remote.at(QUARANTINE, run), [path for path in bad if path in there])
    return CURRENT
