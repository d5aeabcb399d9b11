"""The test restore: take the newest snapshot from a copy as if this machine were gone, and see whether it is whole.

A backup that nobody restored is a hope. The verdict is PASS or FAIL with its reason, never an exception.
"""

from __future__ import annotations

import filecmp
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from keeper.backup import dump
from keeper.copies.repository import Repository, newest
from keeper.copies.restic import Node
from keeper.errors import Exit, KeeperError, Problem
from keeper.restore import throwaway
from keeper.restore.exchange import prove_rows
from keeper.restore.names import NO_TEXT, escaped, nanoseconds
from keeper.restore.scratch import scratch
from keeper.restore.snapshots import Contents, Source
from keeper.settings import DATABASE, Settings
from keeper.state import LONG_AGO, CopyState, DrillReport, State, Tell, now

SAMPLE_FILES, SAMPLE_BYTES = 200, 1 << 30
ROOTS = {"/": "originals", "import": "import", "sidecar": "photoprism/sidecar"}
"""PhotoPrism's `file_root` → where those files lie in a snapshot: internal/entity/file.go."""
LOADED = 3
"""So many times larger a database may be as its dump: rows and their indexes."""
SPARE_BYTES = 256 << 20


def in_turn(settings: Settings) -> str:
    """Return the copy whose last test restore is the oldest; one that never had any comes first."""
    state = State(settings.state)
    return min((copy.name for copy in settings.repositories), key=lambda name: state.copy(name).drilled or LONG_AGO)


def drill(settings: Settings, repository: Repository, *, progress: Tell | None = None) -> DrillReport:
    """Test-restore the newest whole snapshot of a copy and note the verdict in its state.

    Raises:
        KeeperError: with `Exit.LOCKED` when a job is at it; that is no verdict.
    """
    report = DrillReport(copy_name=repository.name, started=now(), ended=now(), passed=False)
    with repository.alone("drill"):
        try:
            _restore(settings, repository, report, progress or (lambda _phase, _done, _of: None))
            report.passed = True
        except KeeperError as error:
            code = "drill.not_reached" if error.exit == Exit.COPY else ""
            report.reason = Problem.of(code, reason=error.problem) if code else error.problem
        except OSError as error:
            report.reason = Problem.of("drill.broken_off", said=error)
        report.ended = now()
        with suppress(OSError):  # a full disk: the verdict goes to whoever asked for it
            repository.state.change_copy(repository.name, lambda state: _note(state, report))
    return report


def _restore(settings: Settings, repository: Repository, report: DrillReport, tell: Tell) -> None:
    repository.open()
    snapshot = newest(repository.snapshots(), now())
    if snapshot is None:
        raise KeeperError(Exit.VERIFY, "drill.nothing", copy=repository.name)
    source, report.snapshot = Source(repository, snapshot), snapshot.id
    with scratch(settings, "drill") as folder:
        tell("database", 0, 0)
        bring_dump(source, folder / dump.FILE)
        paths, sample = _listed(settings, source)
        paths |= {hash(f"/{path}") for path in _left_out(repository, snapshot.id)}
        with loaded(settings, folder / dump.FILE) as (server, rows):
            report.tables, report.rows = len(rows), sum(rows.values())
            if "files" in rows:
                _prove_names(server, paths)
        (folder / dump.FILE).unlink()
        tell("files", 0, 0)
        report.files_checked = _prove_files(settings, source, sample, folder, tell)


def bring_dump(source: Source, file: Path) -> None:
    """Write the dump of a snapshot into `file`.

    Raises:
        KeeperError: with `Exit.VERIFY` when it has none or it is damaged, `Exit.FAILED` when there is no room for it.
    """
    found = Contents(source).named(f"{DATABASE}/{dump.FILE}")
    if not found:
        raise KeeperError(Exit.VERIFY, "drill.no_dump", **source.values())
    _has_room(file.parent, found[0].size)
    with file.open("wb") as stream:
        source.repository.restic.dump(source.snapshot.id, found[0].path, stream)


@contextmanager
def loaded(settings: Settings, file: Path) -> Iterator[tuple[throwaway.Throwaway, dict[str, int]]]:
    """Yield a throw-away server with a dump in it, and table → rows.

    Raises:
        KeeperError: with `Exit.VERIFY` when the dump is not whole, does not load or loads into something else, with
            `Exit.FAILED` when there is no room for it.
    """
    rows = dump.inspect(file)
    _has_room(file.parent, LOADED * file.stat().st_size)
    with throwaway.running(settings) as server:
        server.load(file)
        if broken := server.check():
            raise KeeperError(Exit.VERIFY, "drill.table", said=broken[0])
        prove_rows(rows, server.rows(list(rows)))
        yield server, rows


def _has_room(folder: Path, size: int) -> None:
    needed, free = size + SPARE_BYTES, shutil.disk_usage(folder).free
    if free < needed:
        raise KeeperError(Exit.FAILED, "drill.no_room", needed_bytes=needed, free_bytes=free)


def _listed(settings: Settings, source: Source) -> tuple[set[int], list[Node]]:
    """Return the hashes of all paths of a snapshot, and some files by chance."""
    paths, sample, count = set[int](), list[Node](), 0
    for node in source.repository.restic.ls(source.snapshot.id):
        paths.add(hash(node.path))
        if node.type == "file" and node.path.split("/")[1] in settings.roots and NO_TEXT not in node.path:
            count += 1
            place = random.randrange(count)  # noqa: S311 - which files are looked at is no secret
            if len(sample) < SAMPLE_FILES:
                sample.insert(place, node)
            elif place < SAMPLE_FILES:
                sample[place] = node
    return paths, sample


def _left_out(repository: Repository, snapshot: str) -> Sequence[str]:
    """Return the files of which the run itself said that it could not read them."""
    run = repository.state.copy(repository.name).run
    return list(run.unreadable) if run and run.snapshot == snapshot else []


def _prove_names(server: throwaway.Throwaway, paths: set[int]) -> None:
    """Every file that PhotoPrism's index names must be in the same snapshot, or be known not to be."""
    for root, name in server.query("SELECT file_root, file_name FROM files WHERE file_missing = 0"):
        if root in ROOTS and hash(f"/{ROOTS[root]}/{name}") not in paths:
            raise KeeperError(Exit.VERIFY, "drill.not_there", path=name)


def _prove_files(settings: Settings, source: Source, sample: list[Node], folder: Path, tell: Tell) -> int:
    """Bring some files, read them back, and compare them with the library where that says that they are the same."""
    room = min(SAMPLE_BYTES, shutil.disk_usage(folder).free - SPARE_BYTES)
    wanted = list[Node]()
    for node in sample:
        if node.size <= room:
            wanted.append(node)
            room -= node.size
    if not wanted:
        return 0
    patterns = [escaped(node.path) for node in wanted]
    restored = source.repository.restic.restore(
        source.snapshot.id, folder, patterns=patterns, progress=lambda done, of: tell("files", done, of)
    )
    bad = sorted(node.path.lstrip("/") for node in wanted if not _is_whole(node, folder, restored.failed))
    if bad:
        raise KeeperError(Exit.VERIFY, "drill.files", count=len(bad), of=len(wanted), path=bad[0])
    for node in wanted:
        at_home = settings.library / node.path.lstrip("/")
        if _looks_the_same(node, at_home) and not filecmp.cmp(folder / node.path.lstrip("/"), at_home, shallow=False):
            raise KeeperError(Exit.VERIFY, "drill.differs", path=node.path.lstrip("/"))
    return len(wanted)


def _is_whole(node: Node, folder: Path, failed: dict[str, str]) -> bool:
    file = folder / node.path.lstrip("/")
    told = {node.path, str(file)}
    return told.isdisjoint(failed) and file.is_file() and file.stat().st_size == node.size


def _looks_the_same(node: Node, file: Path) -> bool:
    try:
        there = file.lstat()
    except OSError:
        return False
    return file.is_file() and (there.st_size, there.st_mtime_ns) == (node.size, nanoseconds(node.mtime))


def _note(state: CopyState, report: DrillReport) -> None:
    state.drill = report
    if report.passed:
        state.last_passed = report.ended
