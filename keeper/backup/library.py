"""What there is to keep: every file of every root with its size, time and SHA-256.

Hashing reads a file only when size, time or inode changed, or when its turn has come: a thirtieth of the library is
read again each day, so that bit rot at home is found within a month.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from keeper.manifest import PERMISSIONS, SLICES, Entry, Manifest, slice_of
from keeper.names import trouble
from keeper.report import now
from keeper.settings import MARKER, STAGING, Settings

BLOCK = 1 << 20
READERS = 2
BATCH = 1000
SMALL = 1 << 16
"""In bytes. Up to this size a file is hashed where it is met: handing it to a reader takes longer (measured)."""
ALWAYS_LEFT_OUT = (STAGING, MARKER, ".stfolder", ".stversions", ".syncthing.*.tmp", "~syncthing~*.tmp")
MEMORY = "hashes.sqlite"

Digest = str | OSError | None
"""The SHA-256 of a file in hex; the error when it cannot be read; None when it changed meanwhile."""


@dataclass
class Survey:
    """What a walk over all roots found.

    `skipped` and `refused`: path → why it is left out, this time or until someone renames it; `rotten`: files whose
    bytes changed while size and time did not, with their old hash in `files`.
    """

    files: Manifest = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    rotten: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


class _Found(NamedTuple):
    path: str
    file: str
    size: int
    mtime_ns: int
    inode: int
    mode: int

    @classmethod
    def made(cls, path: str, file: str, status: os.stat_result) -> _Found:
        return cls(path, file, status.st_size, status.st_mtime_ns, status.st_ino, status.st_mode & PERMISSIONS)

    def entry(self, sha256: str) -> Entry:
        return Entry(self.size, self.mtime_ns, sha256, self.mode)


class _Due(NamedTuple):
    """A file to read: it is new, or its turn has come again. `before`: what is known of it, if it looks unchanged."""

    found: _Found
    before: Entry | None


def survey(settings: Settings) -> Survey:
    """Walk all roots, hash what is new or due, and remember it for the next time."""
    result, known = Survey(), _Memory(settings.state / MEMORY)
    encodings = frozenset(r.name_encoding for r in settings.remotes if r.encrypt)
    due: list[_Due] = []
    try:
        for name, folder in settings.roots.items():
            for found in _walk(folder, name, settings.leave_out.get(name, ()), result):
                if problem := trouble(found.path, encodings):
                    result.refused[found.path] = problem
                    continue
                entry, is_due = known.look_up(found)
                if entry and not is_due:
                    result.files[found.path] = entry
                else:
                    due.append(_Due(found, entry))
        with ThreadPoolExecutor(READERS) as readers:
            for start in range(0, len(due), BATCH):
                batch = due[start : start + BATCH]
                known.learn(_take(batch, _digests(readers, batch), result))
        known.forget_all_but(result)
    finally:
        known.close()
    return result


def _take(batch: list[_Due], digests: Iterable[Digest], result: Survey) -> Iterator[tuple[_Found, str]]:
    """Take what was read into `result`; yield the hashes to remember."""
    for (found, before), digest in zip(batch, digests, strict=True):
        if digest is None:
            result.skipped[found.path] = "changed while it was read: the next run takes it"
        elif isinstance(digest, OSError):
            result.unreadable.append(f"{found.path}: {digest.strerror or digest}")
        elif before and before.sha256 != digest:
            result.rotten.append(found.path)
            result.files[found.path] = before
        else:
            result.files[found.path] = found.entry(digest)
            yield found, digest


def stands(settings: Settings, path: str, entry: Entry) -> bool:
    """Whether a file of the library still looks as its entry says."""
    root, _, below = path.partition("/")
    try:
        status = (settings.roots[root] / below).stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (entry.size, entry.mtime_ns)


def rehash(settings: Settings, path: str) -> Entry | None:
    """Hash one file again that changed after the survey; None when it is gone, still changing or unreadable."""
    root, _, below = path.partition("/")
    file = settings.roots[root] / below
    try:
        status = file.stat()
    except OSError:
        return None
    found = _Found.made(path, str(file), status)
    digest = _digest(found)
    return found.entry(digest) if isinstance(digest, str) else None


def _walk(folder: Path, place: str, patterns: Iterable[str], result: Survey) -> Iterator[_Found]:
    """Yield the files below `folder`; what cannot be covered goes into `result` by name."""
    never, not_here = _any_of(ALWAYS_LEFT_OUT), _any_of(patterns)
    pending = [(str(folder), place)]
    while pending:
        directory, path = pending.pop()
        try:
            entries = list(os.scandir(directory))
        except OSError as error:
            result.unreadable.append(f"{path}: {error.strerror}")
            continue
        for entry in entries:
            below = f"{path}/{entry.name}"
            if never.match(entry.name) or not_here.match(below[len(place) + 1 :]):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError as error:
                result.unreadable.append(f"{below}: {error.strerror}")
                continue
            if stat.S_ISDIR(status.st_mode):
                pending.append((entry.path, below))
            elif stat.S_ISREG(status.st_mode):
                yield _Found.made(below, entry.path, status)
            elif stat.S_ISLNK(status.st_mode):
                result.skipped[below] = "a link: links are not followed; put the file itself into the library"
            else:
                result.skipped[below] = "neither a file nor a folder"


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns) or r"(?!)")


def _digests(readers: Executor, batch: list[_Due]) -> Iterator[Digest]:
    large = readers.map(_digest, [found for found, _ in batch if found.size > SMALL])
    for found, _ in batch:
        yield next(large) if found.size > SMALL else _digest(found)


def _digest(found: _Found) -> Digest:
    digest = hashlib.sha256()
    try:
        with open(found.file, "rb", buffering=0) as stream:  # noqa: PTH123 - hundreds of thousands of them
            while block := stream.read(BLOCK):
                digest.update(block)
            after = os.fstat(stream.fileno())
    except OSError as error:
        return error
    return digest.hexdigest() if (after.st_size, after.st_mtime_ns) == (found.size, found.mtime_ns) else None


class _Memory:
    """The hashes of earlier surveys, and the day (as `date.toordinal`) on which each file was last read."""

    def __init__(self, file: Path) -> None:
        self._today = now().date().toordinal()
        self._database = sqlite3.connect(file)
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS hashes"
            " (path BLOB PRIMARY KEY, size, mtime_ns, inode, sha256 BLOB, day) WITHOUT ROWID"
        )

    def look_up(self, found: _Found) -> tuple[Entry | None, bool]:
        """Return what is known of a file that looks unchanged, and whether it is to be read again today."""
        row = self._database.execute(
            "SELECT sha256, day FROM hashes WHERE path = ? AND size = ? AND mtime_ns = ? AND inode = ?",
            (os.fsencode(found.path), found.size, found.mtime_ns, found.inode),
        ).fetchone()
        if row is None:
            return None, True
        sha256, day = row
        is_due = self._today - day >= SLICES or (day != self._today and slice_of(found.path) == self._today % SLICES)
        return found.entry(sha256.hex()), is_due

    def learn(self, hashes: Iterable[tuple[_Found, str]]) -> None:
        """Remember hashes that were just made."""
        self._database.executemany(
            "INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?)",
            (
                (os.fsencode(f.path), f.size, f.mtime_ns, f.inode, bytes.fromhex(digest), self._today)
                for f, digest in hashes
            ),
        )

    def forget_all_but(self, result: Survey) -> None:
        """Drop what is no longer there."""
        paths = [path for (path,) in self._database.execute("SELECT path FROM hashes")]
        gone = [(path,) for path in paths if os.fsdecode(path) not in result.files]
        self._database.executemany("DELETE FROM hashes WHERE path = ?", gone)

    def close(self) -> None:
        """Write it down."""
        self._database.commit()
        self._database.close()
