"""Scrub: a share of the photos at home is read each day, and compared with what they were when they were read before.

Content that changed though the time did not is rot, or an edit that hid itself; both are told, and old snapshots hold what
was. The catalogue knows path, size, time and SHA-256. Nothing hangs on it: absent or damaged it is made anew.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from time import monotonic, time_ns
from typing import NamedTuple

from keeper.backup import library
from keeper.errors import Exit, KeeperError, Problem
from keeper.locks import alone
from keeper.settings import Settings
from keeper.state import ScrubState, State, now

SLICES = 30
CATCH_UP = 3
"""So many slices a day at most, after days on which the machine was off."""
HOURS = 6.0
"""How long a day's reading may take. What is left is read on the next day."""
CATALOGUE, LOCK = "scrub.sqlite", "scrub.lock"
BLOCK = 1 << 20
COMMIT_SECONDS = 5
LOCKED_SECONDS = 2.0
GRAIN_NS = 2 * 10**9
"""FAT keeps times to two seconds, others to one: what was written looks older once the kernel has forgotten the rest."""
FRESH_NS = 3600 * 10**9
"""What was written within the last hour waits, so that no later edit can have a time that differs by a grain only."""
MINUTE_NS, QUARTER = 60 * 10**9, 15
"""FAT keeps local times: another time zone moves all of them by the same quarters of an hour."""
UNKNOWN = -1
"""The size of a file of which nothing is known but that something is wrong with it."""
SHIFTED = 3
"""So many files whose content stayed must have moved by the same span before it is believed of a time zone."""
RECHECKED = 500
"""Of what was found wrong before so many files are looked at again on every day, the rest when their turn comes."""
KEPT_DAYS = 60
"""So long a file that is gone is remembered: a disk of its own may come back."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 BLOB, day INTEGER,
  rotten INTEGER, error TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slices (slice INTEGER PRIMARY KEY, since INTEGER, done INTEGER);
CREATE INDEX IF NOT EXISTS troubled ON files (path) WHERE rotten IS NOT NULL OR error IS NOT NULL;
"""

Progress = Callable[[int, int], None]


class _Row(NamedTuple):
    """What is known of a file. `sha256` is None where the right content is not known; days as `date.toordinal`."""

    size: int
    mtime_ns: int
    sha256: bytes | None
    day: int
    rotten: int | None = None
    error: str | None = None


@dataclass
class _Reading:
    """One day's reading. `shifts`: minutes by which the time of unchanged files moved → how many; `moved`: changed ones.

    `late`: what cannot be read or is gone (None). It counts once it is sure that the disk was there to the end.
    """

    ends: float
    progress: Progress
    files: int = 0
    done: int = 0
    folders: dict[str, str] = field(default_factory=dict)
    shifts: Counter[int] = field(default_factory=Counter)
    moved: list[tuple[bytes, int, _Row, _Row]] = field(default_factory=list)
    late: list[tuple[bytes, _Row | None]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether the day's time is used up."""
        return monotonic() > self.ends


def scrub(
    settings: Settings, *, everything: bool = False, hours: float = HOURS, progress: Progress | None = None
) -> ScrubState:
    """Read the share of the library whose turn it is, or all of it, and return what is known; `problems` is what is new.

    Raises:
        KeeperError: with `Exit.PREFLIGHT`: the library is not there, and nothing is judged; with `Exit.LOCKED`.
    """
    library.check(settings)
    reading = _Reading(monotonic() + hours * 3600 if not everything else float("inf"), progress or _silent)
    with alone(settings.state / LOCK, "scrub.locked"):
        return _with_catalogue(settings, lambda known: _read(settings, known, reading, everything=everything))


def accept(settings: Settings, paths: Collection[str] = ()) -> list[str]:
    """Take the content of these files, or of all that were told, for right from now on; return which they were."""

    def take(known: _Catalogue) -> ScrubState:
        for path, row in list(known.troubled()):
            if row.rotten is not None and (not paths or shown(path) in paths):
                known.forget(path)
                taken.append(shown(path))
        return _remember(settings, known, _Reading(0, _silent), told=False)

    taken: list[str] = []
    with alone(settings.state / LOCK, "scrub.locked"):
        _with_catalogue(settings, take)
    return taken


def shown(path: bytes) -> str:
    r"""Return a path for a person, with bytes that are no UTF-8 as \xNN."""
    return path.decode("utf-8", "backslashreplace")


def _read(settings: Settings, known: _Catalogue, reading: _Reading, *, everything: bool) -> ScrubState:
    again = [(path, row) for path, row in known.troubled(RECHECKED) if path.split(b"/")[0] in _roots(settings)]
    for path, before in again:
        _look(settings, known, reading, path, before)
    slices = known.begin(today := now().date().toordinal(), everything=everything)
    checked = {path for path, _ in again}
    for path in _walk(settings, reading):
        since = slices.get(slice_of(path))
        if since is None or path in checked:
            continue
        if reading.is_over:
            break
        row = known.row(path)
        if row is None or row.day < since or row.day > today or everything:
            _look(settings, known, reading, path, row)
    else:
        known.finish(slices, today)
    _judge_moved(known, reading)
    library.check(settings)
    for path, unreadable in reading.late:
        known.write(path, unreadable) if unreadable else known.clear(path)
    return _remember(settings, known, reading, told=True)


def _look(settings: Settings, known: _Catalogue, reading: _Reading, path: bytes, row: _Row | None) -> None:
    """Read one file and judge it."""
    today = now().date().toordinal()
    file = os.path.join(os.fsencode(settings.library), path)  # noqa: PTH118 - bytes, and a million of them
    try:
        status = os.lstat(file)
        if not stat.S_ISREG(status.st_mode) or 0 <= time_ns() - status.st_mtime_ns < FRESH_NS:
            return
        digest = _digest(file, status, reading)
    except FileNotFoundError:
        reading.late.append((path, None))
        return
    except OSError as error:
        known_before = row or _Row(UNKNOWN, 0, None, today)
        reading.late.append((path, known_before._replace(day=today, error=error.strerror or str(error))))
        return
    if digest is None:
        return
    seen = _Row(status.st_size, status.st_mtime_ns, digest, today)
    verdict = _verdict(row, seen)
    if verdict == "rotten" and _digest(file, status, reading) != digest:
        return  # two readings, two contents: its turn comes again
    if verdict == "moved":
        assert row
        reading.moved.append((path, _minutes(row, seen), row, seen))
        return
    if verdict == "same" and row and abs(seen.mtime_ns - row.mtime_ns) > GRAIN_NS:
        reading.shifts[_minutes(row, seen)] += 1
    known.write(path, _kept(row, seen) if verdict == "rotten" else seen)


def _verdict(row: _Row | None, seen: _Row) -> str:
    """Return new, same, edited, rotten; or moved, where the time differs as it does in another time zone."""
    if row is None or (row.sha256 is None and row.rotten is None):
        return "new"
    apart = abs(seen.mtime_ns - row.mtime_ns)
    if row.sha256 is None:
        return "rotten" if row.size == UNKNOWN or (seen.size == row.size and apart <= GRAIN_NS) else "edited"
    if row.sha256 == seen.sha256:
        return "same"
    if apart <= GRAIN_NS:
        return "rotten"
    minutes = abs(_minutes(row, seen))
    is_shift = minutes % QUARTER == 0 and abs(apart - minutes * MINUTE_NS) <= GRAIN_NS
    return "moved" if is_shift else "edited"


def _judge_moved(known: _Catalogue, reading: _Reading) -> None:
    """Judge files whose time and content changed: with a time zone that moved, the new time tells of no edit."""
    for path, minutes, row, seen in reading.moved:
        known.write(path, _kept(row, seen) if reading.shifts[minutes] >= SHIFTED else seen)


def _kept(row: _Row | None, seen: _Row) -> _Row:
    """Return what is known of a rotten file: the content that it had, at the time that it has."""
    assert row
    since = row.rotten if row.rotten is not None else seen.day
    return _Row(seen.size, seen.mtime_ns, row.sha256, seen.day, since)


def _minutes(row: _Row, seen: _Row) -> int:
    return round((seen.mtime_ns - row.mtime_ns) / MINUTE_NS)


def _digest(file: bytes, status: os.stat_result, reading: _Reading) -> bytes | None:
    """Return the SHA-256 of a file; None when it changed meanwhile."""
    digest = hashlib.sha256()
    with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 - bytes
        while block := stream.read(BLOCK):
            digest.update(block)
            reading.done += len(block)
        after = os.fstat(stream.fileno())
    reading.files += 1
    reading.progress(reading.done, 0)
    return digest.digest() if (after.st_size, after.st_mtime_ns) == (status.st_size, status.st_mtime_ns) else None


def slice_of(path: bytes) -> int:
    """Return the day of the month's round on which a file is read."""
    return zlib.crc32(path) % SLICES


def _roots(settings: Settings) -> list[bytes]:
    """Return the family's own folders: databases of services change under any reader, and can be made again."""
    return [os.fsencode(name) for name in settings.marked]


def _walk(settings: Settings, reading: _Reading) -> Iterator[bytes]:
    """Yield the path of each file in the library; nothing is asked about a file but its name."""
    top = os.fsencode(settings.library)
    never = [os.fsencode(pattern) for pattern in library.NEVER]
    again = [os.fsencode(f"{root}/{each}") for root, patterns in settings.leave_out.items() for each in patterns]
    pending = _roots(settings)
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(os.path.join(top, folder)) as entries:  # noqa: PTH118 - bytes
                for entry in entries:
                    path = folder + b"/" + entry.name
                    if any(fnmatchcase(entry.name, each) for each in never) or any(fnmatchcase(path, e) for e in again):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(path)
                    elif entry.is_file(follow_symlinks=False):
                        yield path
        except FileNotFoundError:
            continue
        except OSError as error:
            reading.folders[shown(folder)] = error.strerror or str(error)


def _remember(settings: Settings, known: _Catalogue, reading: _Reading, *, told: bool) -> ScrubState:
    """Write what is known for page and alerts; `problems` is what the last reading found and was not told before."""
    file = State(settings.state).scrub_file
    state = ScrubState.read(file)
    before, troubled = state.rotten, list(known.troubled())
    rotten = [shown(path) for path, row in troubled if row.rotten is not None]
    state.rotten = {path: before.get(path, now()) for path in rotten}
    state.unreadable = {shown(path): row.error for path, row in troubled if row.error} | reading.folders
    if told:
        new = [path for path in rotten if path not in before]
        state.last, state.read_files = now(), reading.files
        state.problems = [Problem.of("scrub.rotten", count=len(new), path=new[0])] if new else []
        if known.damage:
            state.problems.append(Problem.of("scrub.catalogue", said=known.damage))
    known.commit()
    state.write(file)
    return state


def _with_catalogue(settings: Settings, work: Callable[[_Catalogue], ScrubState]) -> ScrubState:
    """Do the work with the catalogue; where that is damaged or held by nobody knows whom, at once with a new one."""
    file, damage = settings.state / CATALOGUE, ""
    for is_last in (False, True):
        try:
            with closing(_Catalogue(file, damage)) as known:
                if known.is_new:
                    _carry_over(settings, known)
                return work(known)
        except (sqlite3.Error, OSError) as error:
            if is_last or isinstance(error, OSError) or "full" in str(error):
                raise KeeperError(Exit.FAILED, "scrub.no_room", said=error) from error
            damage = str(error)
            for left in ("", "-journal", "-wal", "-shm"):
                with suppress(OSError):
                    file.with_name(file.name + left).unlink()
    raise AssertionError


def _carry_over(settings: Settings, known: _Catalogue) -> None:
    """Tell a new catalogue what is rotten, though what it was is not known any more: only an edit heals it then."""
    rotten = ScrubState.read(State(settings.state).scrub_file).rotten
    if rotten:
        for path in _walk(settings, _Reading(0, _silent)):
            if shown(path) in rotten:
                known.write(path, _Row(UNKNOWN, 0, None, 0, 0))


class _Catalogue:
    """What each file was when it was read. A kill loses the seconds since the last commit."""

    def __init__(self, file: Path, damage: str) -> None:
        self.damage = damage
        self.is_new = not file.exists()
        self._base = sqlite3.connect(file, timeout=LOCKED_SECONDS)
        try:
            self._base.executescript(SCHEMA)
        except BaseException:
            self._base.close()
            raise
        self._base.create_function("slice", 1, slice_of, deterministic=True)
        self._committed = monotonic()

    def row(self, path: bytes) -> _Row | None:
        """Return what is known of a file."""
        found = self._base.execute(f"{_SELECT} WHERE path = ?", (path,)).fetchone()
        return _Row(*found[1:]) if found else None

    def write(self, path: bytes, row: _Row) -> None:
        """Note what a file is."""
        self._base.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", (path, *row))
        if monotonic() - self._committed > COMMIT_SECONDS:
            self.commit()

    def clear(self, path: bytes) -> None:
        """Note that a file is gone: there is nothing wrong with it."""
        self._base.execute("UPDATE files SET rotten = NULL, error = NULL WHERE path = ?", (path,))

    def forget(self, path: bytes) -> None:
        """Forget a file: what it holds at its next reading is right."""
        self._base.execute("DELETE FROM files WHERE path = ?", (path,))

    def troubled(self, limit: int = -1) -> Iterator[tuple[bytes, _Row]]:
        """Return the files with which something is wrong."""
        rows = self._base.execute(f"{_SELECT} WHERE rotten IS NOT NULL OR error IS NOT NULL LIMIT ?", (limit,))
        return iter([(path, _Row(*row)) for path, *row in rows])

    def begin(self, today: int, *, everything: bool) -> dict[int, int]:
        """Return the slices to read and the day on which the reading of each began: it goes on where it was stopped."""
        noted = self._base.execute("SELECT * FROM slices")
        # What a clock noted that was ahead then would keep a slice from its turn for years.
        known = {number: (since, done) for number, since, done in noted if since <= today and done <= today}
        last = max((since for since, _ in known.values()), default=today)
        done = {number: known.get(number, (0, 0))[1] for number in range(SLICES)}
        due = sorted((day, number) for number, day in done.items() if everything or today - day >= SLICES)
        chosen = due if everything else due[: min(max(today - last, 1), CATCH_UP)]
        begun = {n: today if known.get(n, (0, 0))[0] <= day else known[n][0] for day, n in chosen}
        rows = [(number, since, done[number]) for number, since in begun.items()]
        self._base.executemany("INSERT OR REPLACE INTO slices VALUES (?, ?, ?)", rows)
        return begun

    def finish(self, slices: dict[int, int], today: int) -> None:
        """Note that these slices were read to their end, and forget what has been gone for long."""
        for number, since in slices.items():
            self._base.execute("UPDATE slices SET done = ? WHERE slice = ?", (today, number))
            self._base.execute("DELETE FROM files WHERE day < ? AND slice(path) = ?", (since - KEPT_DAYS, number))

    def commit(self) -> None:
        """Write it down."""
        self._base.commit()
        self._committed = monotonic()

    def close(self) -> None:
        """Close it; what was not committed is lost."""
        self._base.close()


_SELECT = "SELECT path, size, mtime_ns, sha256, day, rotten, error FROM files"


def _silent(done: int, of: int) -> None:
    """Take progress that nobody wants to see."""
