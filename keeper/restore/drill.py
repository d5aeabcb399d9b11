"""The test restore: take the newest run from a remote as if this machine were gone, and see whether it is whole.

A backup that nobody restored is a hope. The verdict is PASS or FAIL with its reason, never an exception.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import zstandard
from pydantic import ValidationError

from keeper import dump, manifest, preflight, rclone, throwaway, verify
from keeper.delivery import Progress
from keeper.errors import Code, KeeperError
from keeper.locate import Places
from keeper.manifest import Manifest
from keeper.remotes import Remote
from keeper.report import DrillReport, RemoteStatus, RunReport, Status, change_status, now
from keeper.runs import DATABASE, MANIFEST, REPORT, newest_run, vouched
from keeper.scratch import scratch
from keeper.settings import Settings
from keeper.upload import LIBRARY

FEWEST_FILES, SHARE = 200, 0.01
ROOTS = {"/": "originals", "import": "import", "sidecar": "photoprism/sidecar"}
"""PhotoPrism's `file_root` → where those files lie in a backup: internal/entity/file.go."""
LOADED = 3
"""So many times larger a database may be as its dump is unpacked: rows and their indexes."""
SPARE_BYTES = 256 << 20
BLOCK = 1 << 20
LONG_AGO = datetime.min.replace(tzinfo=UTC)


def in_turn(remotes: list[Remote], status: Status) -> Remote:
    """Return the remote whose last test restore is the oldest; one that never had any comes first."""

    def last(remote: Remote) -> datetime:
        drill = status.remotes.get(remote.name, RemoteStatus()).last_drill
        return drill.started if drill else LONG_AGO

    return min(remotes, key=last)


def drill(settings: Settings, remote: Remote, *, progress: Progress | None = None) -> DrillReport:
    """Test-restore the newest run of a remote and note the verdict in the status.

    Raises:
        KeeperError: with `Code.LOCKED` when a run is at it, which moves what is looked for; that is no verdict.
    """
    report = DrillReport(run="", remote=remote.name, started=now(), ended=now(), passed=False)
    with preflight.only_run(settings, f"a test restore from {remote.name}"):
        try:
            remote.greet(may_begin=False)
            report.run = newest_run(remote)
            with scratch(settings, "drill") as folder:
                _restore(settings, remote, report, folder, progress)
            report.passed = True
        except (KeeperError, OSError) as error:
            report.reason = str(error)
        report.ended = now()
        change_status(settings.state, lambda status: _note(status, report))
    return report


def _restore(settings: Settings, remote: Remote, report: DrillReport, folder: Path, progress: Progress | None) -> None:
    tell = progress or (lambda _phase, _done, _of: None)
    tell("fetch", 0, 0)
    files = fetch(remote, report.run, folder)
    tell("database", 0, 0)
    with loaded(settings, folder / DATABASE) as (server, rows):
        _prove_names(server, files.keys() | _skipped(remote, report.run), "files" in rows)
    report.tables, report.rows = len(rows), sum(rows.values())
    sample = random.sample(sorted(files), min(len(files), max(FEWEST_FILES, int(len(files) * SHARE))))
    report.files_checked = len(sample)
    _prove_files(remote, report.run, files, sample, lambda done, of: tell("files", done, of))


@contextmanager
def loaded(settings: Settings, packed: Path) -> Iterator[tuple[throwaway.Throwaway, dict[str, int]]]:
    """Yield a throw-away server with a dump in it, and table → rows.

    Raises:
        KeeperError: with `Code.VERIFY` when the dump is not whole, does not load or loads into something else, with
            `Code.FAILED` when there is no room for it.
    """
    rows = dump.inspect(packed)
    _has_room(packed.parent, LOADED * _unpacked(packed))
    with throwaway.running(settings) as server:
        server.load(packed)
        if broken := server.check():
            raise KeeperError(Code.VERIFY, f"a table is broken: {broken[0]}")
        prove_rows(rows, server.rows(list(rows)))
        yield server, rows


def fetch(remote: Remote, run: str, folder: Path) -> Manifest:
    """Bring manifest and dump of a run into `folder`, check both against its `OK`, and return the manifest.

    Raises:
        KeeperError: with `Code.VERIFY` when one of them is not what `OK` vouches for, with `Code.FAILED` when there is no
            room for them.
    """
    _has_room(folder, sum(remote.rclone.sizes(remote.at("runs", run)).values()))
    remote.rclone.copy(remote.at("runs", run), f"{LIBRARY}{folder}", [MANIFEST, DATABASE])
    hashes = vouched(remote, run)
    for name in (MANIFEST, DATABASE):
        if not (folder / name).exists() or dump.sha256_of(folder / name) != hashes.get(name):
            raise KeeperError(Code.VERIFY, f"{name} of run {run} is damaged at {remote.name}")
    try:
        return manifest.unpack((folder / MANIFEST).read_bytes())
    except ValueError as error:
        raise KeeperError(Code.VERIFY, f"the manifest of run {run} at {remote.name} cannot be read: {error}") from error


def prove_rows(dumped: dict[str, int], found: dict[str, int]) -> None:
    """Compare the rows of a dump with those that were loaded.

    Raises:
        KeeperError: with `Code.VERIFY`, naming the first table that differs.
    """
    for table, rows in dumped.items():
        if found[table] != rows:
            raise KeeperError(Code.VERIFY, f"table {table} has {found[table]} rows after loading, {rows} were dumped")


def _has_room(folder: Path, size: int) -> None:
    needed, free = size + SPARE_BYTES, shutil.disk_usage(folder).free
    if free < needed:
        raise KeeperError(
            Code.FAILED, f"no room to unpack the database: {needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free"
        )


def _unpacked(packed: Path) -> int:
    """Return how many bytes a dump has; how well it was packed says nothing of the database."""
    with packed.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
        return sum(map(len, iter(lambda: stream.read(BLOCK), b"")))


def _skipped(remote: Remote, run: str) -> set[str]:
    """Return the files of which the run itself says that it does not hold them: links, and what was just changing."""
    try:
        return set(RunReport.model_validate_json(remote.rclone.read(remote.at("runs", run, REPORT)) or b"").skipped)
    except ValidationError:
        return set()


def _prove_names(server: throwaway.Throwaway, known: set[str], has_index: bool) -> None:
    """Every file that PhotoPrism's index names must be in the same run, or be known not to be."""
    if not has_index:
        return
    for root, name in server.query("SELECT file_root, file_name FROM files WHERE file_missing = 0"):
        if root in ROOTS and f"{ROOTS[root]}/{name}" not in known:
            raise KeeperError(
                Code.VERIFY,
                f"the index names {name}, which is not in the run. Was it deleted outside of the album? Then let the "
                "album index everything once",
            )


def _prove_files(remote: Remote, run: str, files: Manifest, sample: list[str], progress: rclone.Progress) -> None:
    places = Places(remote, run)
    left, turn = sample, 0
    while left:
        where = {path: folders[turn] for path in left if turn < len(folders := places.of(path))}
        if not where:
            raise KeeperError(Code.VERIFY, f"{len(left)} of {len(sample)} files do not read back right, e.g. {left[0]}")
        left = [*verify.bad_objects(remote, where, files, progress), *(path for path in left if path not in where)]
        turn += 1


def _note(status: Status, report: DrillReport) -> None:
    status.last_drill = report
    status.remotes.setdefault(report.remote, RemoteStatus()).last_drill = report
