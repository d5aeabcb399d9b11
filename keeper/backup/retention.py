"""What may be forgotten, and what never: no rule here can empty a set.

Kept are all runs of the last weeks, one a week for months, one a month for years. An old version goes when no kept
run needs it. A vault forgets nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from keeper.remotes import Remote
from keeper.settings import KeepSettings
from keeper.upload import VERSIONS

NEWEST = 3
"""So many good runs are kept whatever their age."""
SHARE_AT_ONCE = 0.2


def moment_of(run: str) -> datetime:
    """Return when a run started, from its name."""
    return datetime.strptime(run.split("-", maxsplit=1)[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def kept(runs: Collection[str], keep: KeepSettings, today: datetime) -> set[str]:
    """Return the runs that stay: by age, and the newest three in any case."""
    stay = set(sorted(runs)[-NEWEST:])
    weeks: dict[tuple[int, int], str] = {}
    months: dict[tuple[int, int], str] = {}
    for run in sorted(runs):
        moment = moment_of(run)
        age = (today - moment).days
        if age <= keep.all_days:
            stay.add(run)
        if age <= keep.weekly_days:
            weeks.setdefault(moment.isocalendar()[:2], run)
        if age <= keep.monthly_days:
            months.setdefault((moment.year, moment.month), run)
    return stay | set(weeks.values()) | set(months.values())


def to_forget(runs: Collection[str], keep: KeepSettings, today: datetime) -> list[str]:
    """Return the runs that go now: the oldest first, a fifth of all at the most."""
    leaving = sorted(set(runs) - kept(runs, keep, today))
    return leaving[: max(1, int(len(runs) * SHARE_AT_ONCE))]


def unneeded(versions: Mapping[str, Iterable[str]], runs: Collection[str]) -> list[str]:
    """Return `<run>/<path>` of each old version that none of `runs` needs. `versions`: run → paths that it moved away.

    Run R finds its content of a path in the first version after R; so a version serves the runs since the one before.
    """
    movers: dict[str, list[str]] = defaultdict(list)
    for run, paths in versions.items():
        for path in paths:
            movers[path].append(run)
    good = sorted(runs)
    found = []
    for path, moved_in in movers.items():
        before = ""
        for run in sorted(moved_in):
            if not any(before <= candidate < run for candidate in good):
                found.append(f"{run}/{path}")
            before = run
    return sorted(found)


def prune(remote: Remote, runs: Collection[str], keep: KeepSettings, today: datetime) -> int:
    """Forget what has had its time; return how many runs and old versions went. Call it only after a good, verified run.

    `runs`: all good runs of the remote. While all of them stay, so does every version, and nothing is listed for it.
    """
    leaving = to_forget(runs, keep, today)
    if remote.is_vault or not leaving:
        return 0
    files = remote.rclone.sizes(remote.at("runs"))
    # `OK` first: a run that is half deleted must not look whole.
    for last in (True, False):
        going = [path for path in files if path.split("/")[0] in leaving and path.endswith("/OK") is last]
        remote.rclone.delete(remote.at("runs"), going)
    versions: dict[str, list[str]] = defaultdict(list)
    for name in remote.rclone.sizes(remote.at(VERSIONS)):
        run, _, path = name.partition("/")
        versions[run].append(path)
    total = sum(map(len, versions.values()))
    useless = unneeded(versions, set(runs) - set(leaving))[: max(NEWEST, int(total * SHARE_AT_ONCE))]
    if useless:
        remote.rclone.delete(remote.at(VERSIONS), useless)
    return len(leaving) + len(useless)
