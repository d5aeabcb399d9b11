"""The command line `keeper`: the services, and what a person asks for through `./photos keeper …`."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table

from keeper import drill, gate, page, restore, scheduler, sync_index, verify, watch
from keeper.alerts import Alerts
from keeper.delivery import Progress
from keeper.errors import Code, KeeperError
from keeper.remotes import Remote
from keeper.report import RunReport, change_status, now, read_status
from keeper.run import backup, open_remotes
from keeper.settings import Settings, load
from keeper.texts import for_stack, say, size
from keeper.view import View, view_of

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
out, err = Console(highlight=False), Console(stderr=True, highlight=False)
Json = Annotated[bool, typer.Option("--json", help="Print a report for machines instead.")]
WATCH_FRESH_SECONDS = 300
COLOURS = {"good": "green", "note": "", "warn": "yellow", "bad": "red"}


@app.command()
def serve() -> None:
    """Run the schedule, the page and the index after sync, until stopped."""
    settings, stop = _start()
    page.serve(settings)
    if settings.syncthing_url and settings.photoprism_url:
        index = sync_index.SyncIndex(settings, sync_index.Album(settings))
        threading.Thread(target=index.run, args=(stop,), name="index", daemon=True).start()
    scheduler.Scheduler(settings, Alerts(settings, settings.state)).run(stop)


@app.command("watch")
def watch_() -> None:
    """Raise the alarm when the keeper goes silent, until stopped."""
    settings, stop = _start()
    watch.Watch(settings, watch.STATE, Alerts(settings, watch.STATE)).run(stop)


@app.command()
def health(
    of_watch: Annotated[bool, typer.Option("--watch", help="Of the watch, not of the keeper.")] = False,
) -> None:
    """Say by the exit code whether the service in this container is alive."""
    alive = False
    if of_watch:
        with suppress(FileNotFoundError):
            alive = time.time() - (watch.STATE / watch.HEARTBEAT).stat().st_mtime < WATCH_FRESH_SECONDS
    else:
        alive = scheduler.is_fresh(read_status(load().state))
    raise typer.Exit(Code.OK if alive else Code.FAILED)


@app.command("backup")
def backup_(
    trust_clock: Annotated[
        bool, typer.Option("--trust-clock", help="Today's date is right, though the last run is long ago.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Back everything up now."""
    with _reporting(as_json):
        with _bars(hidden=as_json) as progress:
            report = backup(load(), trust_clock=trust_clock, progress=progress)
        if as_json:
            print(report.model_dump_json(indent=1))
        else:
            _tell_run(report)
    raise typer.Exit(report.code)


@app.command("verify")
def verify_(
    everything: Annotated[bool, typer.Option("--all", help="Every file, not only the part whose turn it is.")] = False,
    remote: Annotated[str, typer.Option(help="Only this copy.")] = "",
    as_json: Json = False,
) -> None:
    """Read the copies back and compare them with what was sent; mend what is bad."""
    results = {}
    code = Code.OK
    with _reporting(as_json):
        settings = load()
        for place in _chosen(settings, remote):
            with _bars(hidden=as_json) as progress:
                problem, verdict = _verify_one(settings, place, everything, progress)
            results[place.name] = {"problem": str(problem or ""), **vars(verdict)}
            code = problem.code if problem else code
            if not as_json:
                _tell(f"{place.name}: {problem or f'{verdict.checked:,} files read back, all good'}")
    if as_json:
        print(json.dumps({"code": code, "remotes": results}, indent=1))
    raise typer.Exit(code)


def _verify_one(
    settings: Settings, place: Remote, everything: bool, progress: Progress
) -> tuple[KeeperError | None, verify.Verdict]:
    verdict = verify.Verdict()
    try:
        verdict = verify.verify(
            settings,
            place,
            everything=everything,
            progress=lambda done, of: progress(f"{place.name}: read back", done, of),
        )
        verify.refuse_bad(verdict)
    except KeeperError as error:
        return error, verdict
    return None, verdict


@app.command("drill")
def drill_(
    remote: Annotated[str, typer.Option(help="From this copy; by default the one whose turn it is.")] = "",
    as_json: Json = False,
) -> None:
    """Restore the newest run of a copy for a test, and say whether it is whole."""
    with _reporting(as_json):
        settings = load()
        place = drill.in_turn(_chosen(settings, remote), read_status(settings.state))
        with _bars(hidden=as_json) as progress:
            report = drill.drill(settings, place, progress=progress)
    if as_json:
        print(report.model_dump_json(indent=1))
    elif report.passed:
        _tell(
            f"PASS: run {report.run} from {report.remote}: {report.files_checked:,} files read back, "
            f"{report.tables} tables with {report.rows:,} rows restored",
            "green",
        )
    else:
        _tell(f"FAIL: {report.remote}: {report.reason}", "red")
    raise typer.Exit(Code.OK if report.passed else Code.VERIFY)


@app.command("restore")
def restore_(
    paths: Annotated[list[str] | None, typer.Argument(help="Files or folders, e.g. originals/2024.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--everything", help="All files and the database.")] = False,
    database: Annotated[bool, typer.Option("--database", help="The album's database.")] = False,
    run: Annotated[str | None, typer.Option(help="From this run; by default the newest.")] = None,
    remote: Annotated[str | None, typer.Option(help="From this copy; by default the first that answers.")] = None,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="What is good, though something is missing.")
    ] = False,
    only_list: Annotated[
        bool, typer.Option("--list", help="Change nothing: list the runs, and the files that hold one of the names.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring files or the database back. Nothing newer is overwritten."""
    if only_list:
        with _reporting(as_json):
            listing = restore.find(load(), paths, run=run, remote=remote)
        if as_json:
            print(listing.model_dump_json(indent=1))
        else:
            _tell_listing(listing)
        raise typer.Exit(Code.OK if any(listing.runs.values()) else Code.REMOTE)
    request = restore.Request(
        paths=paths or [], everything=everything, database=database, run=run, remote=remote, incomplete=incomplete
    )
    with _reporting(as_json), _bars(hidden=as_json) as progress:
        report = restore.restore(load(), request, progress=progress)
    if as_json:
        print(report.model_dump_json(indent=1))
    else:
        _tell_restore(report)
    raise typer.Exit(Code.VERIFY if report.missing else Code.OK)


def _tell_listing(listing: restore.Listing) -> None:
    for problem in listing.problems:
        _tell(problem, "red")
    for name, runs in listing.runs.items():
        out.print(f"{name}: {', '.join(runs) or 'no good run'}", markup=False)
    for found in listing.files:
        out.print(f"  {found.path}  {size(found.size)}", markup=False)


def _tell_restore(report: restore.RestoreReport) -> None:
    _tell(f"from {report.remote}, run {report.run}: {report.placed:,} files restored, {report.unchanged:,} were there")
    if report.database_rows:
        _tell(f"database: {sum(report.database_rows.values()):,} rows in {len(report.database_rows)} tables")
    if report.restore_point:
        _tell(f"  as it was before: {report.restore_point}")
    for title, names in (
        ("newer there, restored beside", report.beside),
        ("replaced, the old one is", report.replaced),
        ("missing or damaged", report.missing),
        ("not taken", report.passed_over),
        ("this stack has no place for", report.left_out),
    ):
        for name in names:
            _tell(f"  {title}: {name}")


@app.command()
def accept(run: str, as_json: Json = False) -> None:
    """Let the changes through that stopped a run; once."""
    with _reporting(as_json):
        gate.accept(load().state, run)
        _done(as_json, "Accepted. The next run lets these changes through; to run now: ./photos keeper backup")


@app.command("kit-is-safe")
def kit_is_safe(as_json: Json = False) -> None:
    """Note that the recovery kit lies outside of the house, so that the page stops asking for it."""
    with _reporting(as_json):
        change_status(load().state, lambda status: setattr(status, "kit_confirmed", now()))
        _done(as_json, "Noted: the recovery kit lies in a safe place.")


@app.command("import")
def import_(as_json: Json = False) -> None:
    """Have the album take over copies of what lies in the import folder."""
    with _reporting(as_json):
        sync_index.import_now(load())
        _done(as_json, "The album imported copies of what lies in the import folder.")


@app.command()
def status(as_json: Json = False) -> None:
    """Show whether everything is safe, as the page does."""
    with _reporting(as_json):
        settings = load()
        known = read_status(settings.state)
        if as_json:
            print(known.model_dump_json(indent=1))
        else:
            _show(settings, view_of(settings, known, settings.language))


def _show(settings: Settings, view: View) -> None:
    def text(key: str) -> str:
        return say(settings.language, key)

    out.print(view.headline, style=f"bold {COLOURS[view.level]}")
    out.print(view.subline, markup=False, soft_wrap=True)
    for item in view.items:
        detail = f" ({item.detail})" if item.detail else ""
        out.print(f"- {item.text.striptags()}{detail}", style=COLOURS[item.level], markup=False, soft_wrap=True)
    table = Table("", text("page.newest"), text("page.verified"), text("page.drill"))
    for copy in view.copies:
        share = text("page.none") if copy.percent is None else f"{copy.percent} %"
        table.add_row(
            copy.name, f"{copy.newest} {copy.newest_age}".strip(), share, copy.drill, style=COLOURS[copy.level]
        )
    if view.copies:
        out.print(table)


def _tell_run(report: RunReport) -> None:
    _tell(
        f"run {report.run}: {report.files:,} files, {size(report.bytes)}, ended with {report.code} {report.code.name}",
        "green" if report.code == Code.OK else "red",
    )
    for name, remote in report.remotes.items():
        sent = f"sent {remote.sent_files:,} files, {size(remote.sent_bytes)}; read back {remote.verified_files:,}"
        _tell(f"  {name}: {remote.problem or sent}")
    for problem in report.problems:
        _tell(f"  {problem}")


def _tell(text: str, style: str = "") -> None:
    """Say something to the person at the terminal; standard output is for reports."""
    err.print(for_stack(text, load().stack), style=style, markup=False, soft_wrap=True)


def _chosen(settings: Settings, name: str) -> list[Remote]:
    """Return the copy of that name, or all.

    Raises:
        KeeperError: there is none.
    """
    chosen = [remote for remote in open_remotes(settings) if name in ("", remote.name)]
    if not chosen:
        known = ", ".join(remote.name for remote in settings.remotes) or "none"
        raise KeeperError(Code.FAILED, f'there is no copy "{name}". Known: {known}')
    return chosen


def _start() -> tuple[Settings, threading.Event]:
    """Read the settings, log to stderr, and return an event that a signal sets."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return load(), stop


@contextmanager
def _reporting(as_json: bool) -> Iterator[None]:
    """Turn an error into its message and exit code; a request to end lets everything be put away."""
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    except KeeperError as error:
        if as_json:
            print(json.dumps({"code": error.code, "problem": str(error)}))
        else:
            _tell(str(error), "red")
        raise typer.Exit(error.code) from error


def _end(*_: object) -> NoReturn:
    sys.exit(Code.FAILED)


def _done(as_json: bool, text: str) -> None:
    if as_json:
        print(json.dumps({"code": Code.OK, "problem": ""}))
    else:
        _tell(text)


@contextmanager
def _bars(*, hidden: bool) -> Iterator[Progress]:
    """Yield what takes progress: one bar per phase, on a terminal only."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Bars(*columns, console=err, disable=hidden or not err.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(phase: str, done: int, of: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=None)
            bars.update(tasks[phase], completed=done, total=of or None)

        yield progress


if __name__ == "__main__":
    app(prog_name="keeper")
