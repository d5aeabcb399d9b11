"""Bring photos, folders, the database or everything back from a remote.

Always beside, verified, then swapped: the dump is proven in a server of its own and the files are gathered and checked
against the run's hashes; only when all of it is good does anything take its place. No photo that lies there is
overwritten: a newer one stays and the restored one comes beside it, an older or rotten one moves into the staging folder.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from keeper import preflight
from keeper.delivery import Progress
from keeper.drill import fetch, loaded
from keeper.errors import Code, KeeperError
from keeper.exchange import PASSWORD, exchange
from keeper.manifest import Manifest
from keeper.rclone import RcloneError
from keeper.remotes import Remote
from keeper.run import open_remotes
from keeper.runs import DATABASE, new_run, read_manifest
from keeper.scratch import scratch
from keeper.settings import STAGING, Settings
from keeper.stage import Stage

__all__ = ["PASSWORD", "Listing", "Request", "RestoreReport", "find", "restore"]


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

    @property
    def wants_database(self) -> bool:
        """Whether the database is to come back."""
        return self.database or self.everything


class RestoreReport(BaseModel):
    """What was done. `beside`: restored files that lie beside newer ones; `replaced`: where the older ones went.

    `passed_over`: why a newer run or another remote was not taken; `left_out`: roots of the run that the stack no longer
    has.
    """

    run: str
    remote: str
    placed: int = 0
    unchanged: int = 0
    beside: list[str] = []
    replaced: list[str] = []
    missing: list[str] = []
    passed_over: list[str] = []
    left_out: list[str] = []
    database_rows: dict[str, int] = {}
    restore_point: str = ""


class Found(BaseModel):
    """One file of a run: size in bytes, and when it was last changed."""

    path: str
    size: int
    changed: datetime


class Listing(BaseModel):
    """What could be restored. `runs`: remote → its good runs, newest first; `files`: of one run, where names were given."""

    runs: dict[str, list[str]] = {}
    problems: list[str] = []
    run: str = ""
    remote: str = ""
    files: list[Found] = []


@dataclass(frozen=True)
class Source:
    """A whole run at a remote that answers, with its manifest.

    `rows` of its database, as they were loaded for a proof; None when the database was not asked for.
    """

    remote: Remote
    run: str
    files: Manifest = field(repr=False)
    rows: dict[str, int] | None
    passed_over: list[str]


def restore(settings: Settings, request: Request, *, progress: Progress | None = None) -> RestoreReport:
    """Do what is asked and report.

    Raises:
        KeeperError: what is asked for was not done, or not whole; the message says what was changed, if anything.
    """
    tell = progress or (lambda _phase, _done, _of: None)
    with preflight.only_run(settings, f"a restore {new_run()}"), scratch(settings, "restore") as folder:
        tell("look", 0, 0)
        source = choose(settings, request, folder)
        report = RestoreReport(run=source.run, remote=source.remote.name, passed_over=source.passed_over)
        wanted = select(settings, source, request)
        report.left_out = sorted(_roots(source.files) - settings.roots.keys()) if request.everything else []
        if wanted:
            preflight.check_library(settings)
            _files(settings, source, wanted, report, incomplete=request.incomplete, progress=tell)
        if source.rows is not None:
            tell("database", 0, 0)
            report.restore_point = str(exchange(settings, folder / DATABASE, source.rows))
            report.database_rows = source.rows
    return report


def find(
    settings: Settings, names: list[str] | None = None, *, run: str | None = None, remote: str | None = None
) -> Listing:
    """List the good runs of each remote, and, where `names` are given, the files of one run that hold one in their path."""
    listing = Listing()
    for place in open_remotes(settings):
        if remote in (None, place.name):
            try:
                place.greet(may_begin=False)
                listing.runs[place.name] = place.runs()[::-1]
            except KeeperError as error:
                listing.problems.append(str(error))
    if names:
        source = choose(settings, Request(run=run, remote=remote))
        listing.run, listing.remote = source.run, source.remote.name
        parts = [name.strip("/").casefold() for name in names]
        listing.files = [
            Found(
                path=_shown(path),
                size=entry.size,
                changed=datetime.fromtimestamp(entry.mtime_ns / 1e9, UTC),
            )
            for path, entry in sorted(source.files.items())
            if any(part in path.casefold() for part in parts)
        ]
    return listing


def choose(settings: Settings, request: Request, folder: Path | None = None) -> Source:
    """Return the run to restore: the one asked for, else the newest whole one of the first remote that has any.

    Where the database is asked for, its dump lies in `folder` then, and was proven.

    Raises:
        KeeperError: with `Code.PREFLIGHT`, saying for each remote why not, and which run could be taken instead; with
            `Code.FAILED` when this machine cannot prove it.
    """
    problems: list[str] = []
    for remote in open_remotes(settings):
        if request.remote not in (None, remote.name):
            continue
        try:
            remote.greet(may_begin=False)
            runs = [run for run in reversed(remote.runs()) if request.run in (None, run)]
            for run in runs:
                try:
                    files, rows = _proven(settings, remote, run, folder if request.wants_database else None)
                    return Source(remote, run, files, rows, problems)
                except KeeperError as error:
                    if error.code != Code.VERIFY:
                        raise
                    problems.append(str(error))
            problems.append(f"{remote.name}: no whole run {request.run or ''}".rstrip())
        except KeeperError as error:
            if error.code == Code.FAILED:
                raise
            problems.append(str(error))
    asked = f' "{request.remote}"' if request.remote else ""
    hint = ""
    if request.run:
        with suppress(KeeperError):
            other = choose(settings, request.model_copy(update={"run": None}), folder)
            hint = f". Whole is: --run {other.run} --remote {other.remote.name}"
    raise KeeperError(Code.PREFLIGHT, f"no copy{asked} can be restored from. {'; '.join(problems)}{hint}")


def _proven(
    settings: Settings, remote: Remote, run: str, folder: Path | None
) -> tuple[Manifest, dict[str, int] | None]:
    """Return the manifest of a whole run, and the rows of its database where its dump is to lie in `folder`."""
    if folder is None:
        return read_manifest(remote, run), None
    files = fetch(remote, run, folder)
    with loaded(settings, folder / DATABASE) as (_, rows):
        return files, rows


def select(settings: Settings, source: Source, request: Request) -> Manifest:
    """Return the files that are asked for, of those roots that the stack has.

    Raises:
        KeeperError: with `Code.FAILED` when a path names nothing.
    """
    known = {path: entry for path, entry in source.files.items() if path.partition("/")[0] in settings.roots}
    if request.everything:
        return known
    wanted: Manifest = {}
    for path in request.paths:
        name = path.strip("/")
        found = {p: entry for p, entry in known.items() if p == name or p.startswith(f"{name}/")}
        if not found:
            raise KeeperError(
                Code.FAILED,
                f'run {source.run} holds nothing named "{path}". Names start with a root, e.g. originals/2024',
            )
        wanted |= found
    if not wanted and not request.database:
        raise KeeperError(Code.FAILED, "say what to restore: a file, a folder, --database or --everything")
    return wanted


def _roots(files: Manifest) -> set[str]:
    return {path.partition("/")[0] for path in files}


def _shown(name: str | Path) -> str:
    """Return a name as text that can be written down; bytes that are no text become question marks."""
    return str(name).encode("utf-8", "replace").decode()


def _files(
    settings: Settings, source: Source, wanted: Manifest, report: RestoreReport, *, incomplete: bool, progress: Progress
) -> None:
    stage, missing = Stage(settings, source.run), set[str]()
    lacking = {path: entry for path, entry in wanted.items() if stage.lacks(path, entry)}
    report.unchanged = len(wanted) - len(lacking)
    try:
        missing |= set(stage.gather(source.remote, lacking, lambda done, of: progress("fetch", done, of)))
    except RcloneError as error:
        raise KeeperError(
            error.code,
            f"{error}. Nothing was changed. What was fetched is kept in {STAGING}: the same command goes on from there",
        ) from error
    report.missing = sorted(map(_shown, missing))
    if missing and not incomplete:
        raise KeeperError(
            Code.VERIFY,
            f"{len(missing)} of {len(wanted)} files are missing or damaged at {source.remote.name}, e.g. "
            f"{report.missing[0]}. Nothing was changed. Try --remote or --run, or --incomplete for the rest",
        )
    for path in sorted(lacking.keys() - missing):
        try:
            beside, aside = stage.place(path, lacking[path])
        except OSError as error:
            raise KeeperError(
                Code.FAILED,
                f"{report.placed} files were restored, then {_shown(path)} could not be: {error.strerror}. Mend that and run the "
                "same command again: it goes on from there",
            ) from error
        report.placed += 1
        report.beside += [_shown(beside)] if beside else []
        report.replaced += [_shown(aside)] if aside else []
    stage.clear()
