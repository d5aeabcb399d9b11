"""The commands of the service: what runs on its own, and what tells how things stand."""

from __future__ import annotations

import logging
import signal
import threading
import time
from contextlib import suppress
from typing import Annotated

import typer
from rich.table import Table

from keeper.backup.scrub import scrub as read_through
from keeper.commands.terminal import Json, bars, out, reporting, tell, tell_problem
from keeper.copies.drives import PAUSE_SECONDS
from keeper.copies.drives import look as look_at_drives
from keeper.errors import Exit, Problem
from keeper.page import page
from keeper.page.learning import Learning
from keeper.page.status import read_status
from keeper.page.view import View, view_of
from keeper.releases.asking import ask
from keeper.service import importing, phones, scheduler, sync_index
from keeper.service import watch as switch
from keeper.service.album import Album
from keeper.service.album_health import AlbumHealth
from keeper.service.alerts import Alerts
from keeper.settings import Settings, load
from keeper.state import DrivesState, SchedulerState, State, UpdatesState
from keeper.texts import LANGUAGES, Language, say

WATCH_FRESH_SECONDS = 300
COLOURS = {"good": "green", "note": "", "warn": "yellow", "bad": "red"}


def serve() -> None:
    """Run the schedule, the page and the index after sync, until stopped."""
    settings, stop = _start()
    alerts = Alerts(settings, settings.state)
    page.serve(settings, knowledge=Learning(settings))
    if settings.syncthing_url and settings.photoprism_url:
        index = sync_index.SyncIndex(settings, Album(settings), alerts)
        threading.Thread(target=index.run, args=(stop,), name="index", daemon=True).start()
    if settings.syncthing_url:
        watched = phones.Phones(settings, alerts)
        threading.Thread(target=watched.run, args=(stop,), name="phones", daemon=True).start()
    if settings.photoprism_url:
        threading.Thread(target=AlbumHealth(settings).run, args=(stop,), name="album", daemon=True).start()
    scheduler.Scheduler(settings, alerts).run(stop)


def watch() -> None:
    """Raise the alarm when the keeper goes silent, until stopped."""
    settings, stop = _start()
    switch.Watch(settings, switch.STATE, Alerts(settings, switch.STATE)).run(stop)


def health(of_watch: Annotated[bool, typer.Option("--watch", help="Of the watch, not of the keeper.")] = False) -> None:
    """Say by the exit code whether the service in this container is alive."""
    alive = False
    if of_watch:
        with suppress(FileNotFoundError):
            alive = time.time() - (switch.STATE / switch.HEARTBEAT).stat().st_mtime < WATCH_FRESH_SECONDS
    else:
        alive = scheduler.is_fresh(SchedulerState.read(State(load().state).scheduler_file))
    raise typer.Exit(Exit.OK if alive else Exit.FAILED)


def status(
    as_json: Json = False,
    brief: Annotated[bool, typer.Option("--brief", help="Without the table of the copies.")] = False,
    language: Annotated[str, typer.Option(help="en or zh; else the family's language.")] = "",
) -> None:
    """Show whether everything is safe, in the words of the page."""
    with reporting(as_json):
        settings = load()
        known = read_status(settings)
        if as_json:
            print(known.model_dump_json(indent=1))
            return
        spoken = next((each for each in LANGUAGES if each == language), settings.language)
        view = view_of(settings, known, spoken)
        _show(view, spoken)
        if view.copies and not brief:
            out.print(_table(view, spoken))


def scrub(
    everything: Annotated[bool, typer.Option("--all", help="All of it, not only the share whose turn it is.")] = False,
    as_json: Json = False,
) -> None:
    """Read the photos at home, and say which changed by themselves or can no longer be read."""
    with reporting(as_json):
        settings = load()
        with bars(hidden=as_json) as progress:
            found = read_through(settings, everything=everything, progress=lambda done, of: progress("scrub", done, of))
        if as_json:
            print(found.model_dump_json(indent=1))
        else:
            count = len(found.rotten) + len(found.unreadable)
            tell(say(settings.language, "done.scrub", files=found.read_files, count=count), "red" if count else "green")
            for problem in found.problems:
                tell_problem(problem)
    raise typer.Exit(Exit.VERIFY if found.rotten or found.unreadable else Exit.OK)


def drives(as_json: Json = False) -> None:
    """Look whether the net drives of OpenList still answer."""
    with reporting(as_json):
        settings = load()
        found = look_at_drives(settings, pause=PAUSE_SECONDS if as_json else 0)
        if as_json:
            print(found.model_dump_json(indent=1))
        else:
            _tell_drives(settings, found)
    raise typer.Exit(Exit.COPY if found.failing or _unreachable(found) else Exit.OK)


def _tell_drives(settings: Settings, found: DrivesState) -> None:
    told = [problem for problems in found.findings.values() for problem in problems]
    for key, of, count in (
        ("done.drives", found.findings, len(found.failing)),
        ("done.storages", found.storages, len(_unreachable(found))),
    ):
        if of:
            tell(say(settings.language, key, drives=len(of), count=count), "red" if count else "green")
    # Of a drive that holds a copy both looks may say the same.
    for number, problem in enumerate(told := [*told, *_unreachable(found)]):
        if problem not in told[:number]:
            tell_problem(problem)


def _unreachable(found: DrivesState) -> list[Problem]:
    return [storage.problem for storage in found.storages.values() if storage.problem]


def updates(as_json: Json = False) -> None:
    """Ask whether there are newer releases of what runs."""
    with reporting(as_json):
        settings = load()
        found = ask(settings.updates)
        with suppress(OSError):
            found.write(State(settings.state).updates_file)
        if as_json:
            print(found.model_dump_json(indent=1))
        else:
            _tell_releases(settings, found)


def import_(as_json: Json = False) -> None:
    """Have the album take over what lies in the import folder."""
    with reporting(as_json):
        settings = load()
        pace = importing.Pace() if as_json else importing.AT_ONCE
        report = importing.take_over(settings, pace, everything=not as_json)
        if as_json:
            print(report.model_dump_json(indent=1))
        else:
            tell(say(settings.language, "done.import", count=report.taken))
            for problem in report.problems:
                tell_problem(problem, "yellow")


def _tell_releases(settings: Settings, found: UpdatesState) -> None:
    for release in found.newer:
        for key, newest, command in (
            ("updates.newer", release.newest, release.command),
            ("updates.series", release.series, release.series_command),
        ):
            if newest:
                values = {"service": release.service, "runs": release.runs, "newest": newest, "command": command}
                tell(say(settings.language, key, **values))
    if found.unknown:
        tell(say(settings.language, "updates.unknown", names=", ".join(found.unknown)), "yellow")
    if not found.newer and not found.unknown:
        tell(say(settings.language, "updates.none"))


def _start() -> tuple[Settings, threading.Event]:
    """Read the settings, log to stderr, and return an event that a signal sets."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return load(), stop


def _show(view: View, language: Language) -> None:
    """Print what the page shows first. What the stack does not declare is no news at a terminal."""
    out.print(view.headline, style=f"bold {COLOURS[view.level]}")
    out.print(view.subline, soft_wrap=True)
    colon = say(language, "page.colon")
    for card in view.cards:
        if card.level != "off":
            out.print(f"{card.title}{colon}{card.line}", style=COLOURS[card.level], soft_wrap=True)
    for item in view.items:
        detail = f" ({item.detail})" if item.detail else ""
        out.print(f"- {item.text.striptags()}{detail}", style=COLOURS[item.level], soft_wrap=True)


def _table(view: View, language: Language) -> Table:
    def text(key: str) -> str:
        return say(language, key)

    table = Table("", text("page.newest"), text("page.read"), text("page.drill"), text("page.now.column"))
    for copy in view.copies:
        share = text("page.none") if copy.percent is None else f"{copy.percent} %"
        work = f"{copy.work.phase} {copy.work.detail}".strip() if copy.work else ""
        newest = f"{copy.newest} {copy.newest_age}".strip()
        table.add_row(
            copy.name,
            newest,
            "" if copy.album else share,
            "" if copy.album else copy.drill,
            work,
            style=COLOURS[copy.level],
        )
    return table
