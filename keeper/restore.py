"""Bring photos, folders, the database or everything back from a remote.

Always beside, verified, then swapped: files are gathered in a staging folder of their root, checked against the
run's hashes, and only when all of them are good do they take their places. Nothing that lies there is overwritten: a
newer file stays and the restored one comes beside it, an older or rotten one moves into the staging folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from keeper import dump, preflight, throwaway
from keeper.delivery import Progress
from keeper.drill import fetch, prove_rows
from keeper.errors import Code, KeeperError
from keeper.locate import Places
from keeper.manifest import Entry, Manifest
from keeper.remotes import Remote
from keeper.run import open_remotes
from keeper.runs import DATABASE, new_run, read_manifest
from keeper.settings import STAGING, DatabaseSettings, Settings
from keeper.upload import LIBRARY

PASSWORD = "restore_database_password"  # noqa: S105 - a file's name
RESTORE_POINTS = "restore-points"
SPARE_BYTES = 256 << 20


class Request(BaseModel):
    """What to bring back. `paths`: files or folders as they are named in a backup, e.g. originals/2024.

    `run` and `remote`: from which; by default the newest whole run of the first remote that answers. `incomplete`:
    place what is good even when something is missing.
    """

    paths: list[str] = []
    everything: bool = False
    database: bool = False
    run: str | None = None
    remote: str | None = None
    incomplete: bool = False


class RestoreReport(BaseModel):
    """What was done. `beside`: restored files that lie beside newer ones; `replaced`: where the older ones went."""

    run: str
    remote: str
    placed: int = 0
    unchanged: int = 0
    beside: list[str] = []
    replaced: list[str] = []
    missing: list[str] = []
    database_rows: dict[str, int] = {}
    restore_point: str = ""


@dataclass(frozen=True)
class Source:
    """A whole run at a remote that answers, with its manifest."""

    remote: Remote
    run: str
    files: Manifest = field(repr=False)


def restore(settings: Settings, request: Request, *, progress: Progress | None = None) -> RestoreReport:
    """Do what is asked and report.

    Raises:
        KeeperError: nothing was changed then, or it was changed back.
    """
    tell = progress or (lambda _phase, _done, _of: None)
    with preflight.only_run(settings, f"a restore {new_run()}"):
        tell("look", 0, 0)
        source = choose(settings, request)
        report = RestoreReport(run=source.run, remote=source.remote.name)
        wanted = select(source, request)
        if wanted:
            _files(settings, source, wanted, report, incomplete=request.incomplete, progress=tell)
        if request.database or request.everything:
            tell("database", 0, 0)
            _database(settings, source, report)
    return report


def choose(settings: Settings, request: Request) -> Source:
    """Return the run to restore: the one asked for, else the newest whole one of the first remote that has any.

    Raises:
        KeeperError: with `Code.PREFLIGHT`, saying for each remote why not.
    """
    problems: list[str] = []
    for remote in open_remotes(settings):
        if request.remote not in (None, remote.name):
            continue
        try:
            remote.greet(may_begin=False)
            for run in reversed(remote.runs()):
                if request.run in (None, run) and (files := _whole(remote, run, problems)) is not None:
                    return Source(remote, run, files)
            problems.append(f"{remote.name}: no whole run {request.run or ''}".rstrip())
        except KeeperError as error:
            problems.append(str(error))
    asked = f' "{request.remote}"' if request.remote else ""
    raise KeeperError(Code.PREFLIGHT, f"no copy{asked} can be restored from. {'; '.join(problems)}")


def _whole(remote: Remote, run: str, problems: list[str]) -> Manifest | None:
    """Return the manifest of a run; None, with the reason noted, when the run is damaged."""
    try:
        return read_manifest(remote, run)
    except KeeperError as error:
        problems.append(str(error))
        return None


def select(source: Source, request: Request) -> Manifest:
    """Return the files that are asked for.

    Raises:
        KeeperError: with `Code.FAILED` when a path names nothing.
    """
    if request.everything:
        return source.files
    wanted: Manifest = {}
    for path in request.paths:
        name = path.strip("/")
        found = {p: entry for p, entry in source.files.items() if p == name or p.startswith(f"{name}/")}
        if not found:
            raise KeeperError(
                Code.FAILED,
                f'run {source.run} holds nothing named "{path}". Names start with a root, e.g. originals/2024',
            )
        wanted |= found
    if not wanted and not request.database:
        raise KeeperError(Code.FAILED, "say what to restore: a file, a folder, --database or --everything")
    return wanted


def _files(
    settings: Settings, source: Source, wanted: Manifest, report: RestoreReport, *, incomplete: bool, progress: Progress
) -> None:
    lacking = {path: entry for path, entry in wanted.items() if not _is_there(_target(settings, path), entry)}
    report.unchanged = len(wanted) - len(lacking)
    _room(settings, lacking)
    stage = _Stage(settings, source.run)
    try:
        report.missing = stage.gather(source, lacking, progress)
        if report.missing and not incomplete:
            raise KeeperError(
                Code.VERIFY,
                f"{len(report.missing)} of {len(wanted)} files are missing or damaged at {source.remote.name}, e.g. "
                f"{report.missing[0]}. Nothing was changed. Try --remote or --run, or --incomplete for the rest",
            )
        for path in sorted(lacking.keys() - set(report.missing)):
            stage.place(path, lacking[path], report)
    finally:
        stage.clear()


def _target(settings: Settings, path: str) -> Path:
    root, _, below = path.partition("/")
    return settings.roots[root] / below


def _is_there(file: Path, entry: Entry) -> bool:
    try:
        return file.stat().st_size == entry.size and dump.sha256_of(file) == entry.sha256
    except OSError:
        return False


def _room(settings: Settings, files: Manifest) -> None:
    needed: dict[str, int] = defaultdict(int)
    for path, entry in files.items():
        needed[path.partition("/")[0]] += entry.size
    for root, size in needed.items():
        free = shutil.disk_usage(settings.roots[root]).free
        if free < size + SPARE_BYTES:
            raise KeeperError(
                Code.FAILED, f"{root}: {size / 1e9:.1f} GB to restore, {free / 1e9:.1f} GB free. Free some space first"
            )


class _Stage:
    """The staging folders, one in each root: a rename from there to its place is whole or not done."""

    def __init__(self, settings: Settings, run: str) -> None:
        self._settings, self._run = settings, run

    def gather(self, source: Source, files: Manifest, progress: Progress) -> list[str]:
        """Fetch files into the staging folders; return those that no place of the remote holds unharmed."""
        places, left, turn = Places(source.remote, source.run), sorted(files), 0
        while left:
            by_folder: dict[tuple[str, str], list[str]] = defaultdict(list)
            for path in left:
                if turn < len(folders := places.of(path)):
                    root, _, below = path.partition("/")
                    by_folder[folders[turn], root].append(below)
            if not by_folder:
                return left
            for (folder, root), names in by_folder.items():
                origin, target = source.remote.at(folder, root), f"{LIBRARY}{self._folder(root)}"
                source.remote.rclone.copy(
                    origin, target, names, *source.remote.flags, progress=lambda done, of: progress("fetch", done, of)
                )
            left = [path for path in left if not _is_there(self._staged(path), files[path])]
            turn += 1
        return []

    def place(self, path: str, entry: Entry, report: RestoreReport) -> None:
        """Put one gathered file where it belongs, with its old time."""
        staged, target = self._staged(path), _target(self._settings, path)
        os.utime(staged, ns=(entry.mtime_ns, entry.mtime_ns))
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.stat().st_mtime_ns > entry.mtime_ns:
            target = target.with_name(f"{target.stem}.restored-{self._run}{target.suffix}")
            report.beside.append(str(target))
        elif target.exists():
            aside = self._settings.roots[path.partition("/")[0]] / STAGING / f"replaced-{self._run}" / path
            aside.parent.mkdir(parents=True, exist_ok=True)
            target.rename(aside)
            report.replaced.append(str(aside))
        staged.rename(target)
        report.placed += 1

    def clear(self) -> None:
        """Remove what was gathered and not placed; what was replaced stays."""
        for root in self._settings.roots.values():
            shutil.rmtree(root / STAGING / self._run, ignore_errors=True)
            if (root / STAGING).is_dir() and not any((root / STAGING).iterdir()):
                (root / STAGING).rmdir()

    def _folder(self, root: str) -> Path:
        return self._settings.roots[root] / STAGING / self._run

    def _staged(self, path: str) -> Path:
        root, _, below = path.partition("/")
        return self._folder(root) / below


def _database(settings: Settings, source: Source, report: RestoreReport) -> None:
    """Prove the dump in a throw-away server, keep a restore point, then exchange the tables; back to it on failure."""
    with tempfile.TemporaryDirectory(prefix="restore-", dir=_made(settings.state / "scratch")) as name:
        folder = Path(name)
        fetch(source.remote, source.run, folder)
        rows = dump.inspect(folder / DATABASE)
        with throwaway.running(settings) as server:
            server.load(folder / DATABASE)
            prove_rows(rows, server.rows(list(rows)))
        owner = settings.model_copy(update={"database": _as_owner(settings.database)})
        point = _made(settings.state / RESTORE_POINTS) / f"{new_run()}.sql.zst"
        dump.dump(owner, point, password=PASSWORD)
        report.restore_point = str(point)
        try:
            _exchange(owner, folder / DATABASE)
            prove_rows(rows, dump.count_rows(owner, list(rows), password=PASSWORD))
        except KeeperError as error:
            _exchange(owner, point)
            raise KeeperError(Code.FAILED, f"{error}. The database is what it was before") from error
    report.database_rows = rows


def _as_owner(database: DatabaseSettings) -> DatabaseSettings:
    """The album's own user may change its database; the one who dumps may only read."""
    return database.model_copy(update={"user": database.name})


def _exchange(settings: Settings, packed: Path) -> None:
    with dump.client_options(settings, PASSWORD) as options:
        client = ["mariadb", options, *dump.CONNECT, settings.database.name]
        drops = "".join(f"DROP TABLE IF EXISTS `{name}`;\n" for name in sorted(dump.tables(settings.database, options)))
        script = f"SET FOREIGN_KEY_CHECKS=0;\n{drops}"
        done = subprocess.run(client, input=script, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KeeperError(Code.FAILED, f"the old tables cannot be removed: {done.stderr.strip()}")
        throwaway.load(packed, client)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
