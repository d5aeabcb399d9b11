"""The commands that bring things back or look for them: restore, snapshots, find, diff, drill, forget, keys."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import date, datetime
from getpass import getpass
from typing import Annotated

import typer

from keeper.commands.terminal import Json, bars, done, out, reporting, tell, tell_problem
from keeper.copies.repository import open_repositories
from keeper.copies.restic import Difference
from keeper.errors import Exit, KeeperError, Problem
from keeper.restore import drill as drilling
from keeper.restore import forgetting, restore, snapshots
from keeper.restore import keys as keyring
from keeper.restore.snapshots import SHORT, Listing, Source
from keeper.settings import Settings, load
from keeper.texts import say

SHOWN = 20
"""So many names of each kind are said at a terminal."""
Copy = Annotated[str, typer.Option("--copy", help="Only this copy.")]


def restore_(
    paths: Annotated[list[str] | None, typer.Argument(help="Files or folders, e.g. originals/2024.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--everything", help="All files and the database.")] = False,
    database: Annotated[bool, typer.Option("--database", help="The album's database.")] = False,
    copy: Annotated[str, typer.Option("--copy", help="From this copy; by default the one with the newest state.")] = "",
    snapshot: Annotated[str, typer.Option("--snapshot", help="From this snapshot; by default the newest.")] = "",
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="As it was at the end of this day.")
    ] = None,
    into: Annotated[str, typer.Option("--into", help="To this folder below a root, e.g. import/back.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing: say what would be done.")] = False,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="What is good, though something is missing.")
    ] = False,
    only_list: Annotated[
        bool, typer.Option("--list", help="Change nothing: list the snapshots, and what the names fit.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring files or the database back. Nothing newer is overwritten."""
    if only_list:
        _list(paths or [], copy, as_json)
    request = restore.Request(
        paths=paths or [],
        everything=everything,
        database=database,
        copy_name=copy,
        snapshot=snapshot,
        day=day.date() if day else None,
        into=into,
        dry_run=dry_run,
        incomplete=incomplete,
    )
    with reporting(as_json), bars(hidden=as_json) as progress:
        settings = load()
        report = restore.restore(settings, request, progress=progress)
    if as_json:
        print(report.model_dump_json(indent=1))
    else:
        _tell_restore(settings, report)
    raise typer.Exit(Exit.VERIFY if report.missing else Exit.OK)


def snapshots_(copy: Copy = "", as_json: Json = False) -> None:
    """List the snapshots of each copy."""
    _list([], copy, as_json)


def find(
    names: Annotated[list[str], typer.Argument(help="A name or a part of it, as you would type it.")],
    copy: Copy = "",
    as_json: Json = False,
) -> None:
    """Look for a file in all snapshots: every version of it, with its dates."""
    _list(names, copy, as_json)


def diff(old: str, new: str, copy: Copy = "", as_json: Json = False) -> None:
    """Compare two snapshots of a copy."""
    with reporting(as_json):
        settings = load()
        first, second, found = snapshots.diff(settings, old, new, copy=copy)
        sets = {name: sorted(getattr(found, name)) for name in ("added", "removed", "changed", "rotten")}
        if as_json:
            print(json.dumps({"copy": first.name, "old": first.snapshot.id, "new": second.snapshot.id, **sets}))
        else:
            _tell_diff(settings, first, second, found)
    raise typer.Exit(Exit.OK)


def drill(
    copy: Annotated[str, typer.Option("--copy", help="From this copy; by default the one whose turn it is.")] = "",
    as_json: Json = False,
) -> None:
    """Restore the newest snapshot of a copy for a test, and say whether it is whole."""
    with reporting(as_json):
        settings = load()
        (repository,) = open_repositories(settings, copy or drilling.in_turn(settings))
        with bars(hidden=as_json) as progress:
            report = drilling.drill(settings, repository, progress=progress)
    if as_json:
        print(report.model_dump_json(indent=1))
    elif report.passed:
        values = {"files": report.files_checked, "tables": report.tables, "rows": report.rows}
        _say(settings, "drill.pass", "green", copy=report.copy_name, snapshot=report.snapshot[:SHORT], **values)
    else:
        _say(settings, "drill.fail", "red", copy=report.copy_name, reason=report.reason or "")
    raise typer.Exit(Exit.OK if report.passed else Exit.VERIFY)


def forget(
    photo: Annotated[str, typer.Argument(help="The photo, e.g. originals/2024/a.jpg.")],
    yes: Annotated[bool, typer.Option("--yes", help="It is meant: take it out for good.")] = False,
    as_json: Json = False,
) -> None:
    """Take one photo, which the library has no more, out of all snapshots of all copies that allow it."""
    with reporting(as_json):
        settings = load()
        result = forgetting.forget(settings, photo, sure=yes)
    if as_json:
        print(result.model_dump_json(indent=1))
    else:
        for name, count in result.snapshots.items():
            if name in result.gone:
                _say(settings, "forget.gone", "green", copy=name, path=result.paths[0])
            elif not yes:
                _say(settings, "forget.would", copy=name, path=result.paths[0], count=count)
        for problem in result.kept:
            tell_problem(problem, "yellow")
    raise typer.Exit(Exit.OK if yes and not result.kept else Exit.FAILED)


def keys(copy: Copy = "", as_json: Json = False) -> None:
    """List the keys that open each copy."""
    with reporting(as_json):
        found = {each.name: keyring.keys(each) for each in open_repositories(load(), copy)}
        if as_json:
            print(json.dumps({name: [key.model_dump() for key in held] for name, held in found.items()}, indent=1))
        for name, held in found.items() if not as_json else ():
            for key in held:
                mark = "*" if key.current else " "
                out.print(f"{name} {mark} {key.id}  {key.created}  {key.user}@{key.host}")
    raise typer.Exit(Exit.OK)


def add_key(
    copy: Annotated[str, typer.Argument(help="The copy that another password is to open.")], as_json: Json = False
) -> None:
    """Let another password open a copy; it is asked for, or read from the standard input."""
    with reporting(as_json):
        (repository,) = open_repositories(load(), copy)
        keyring.add_key(repository, _typed())
        done(as_json, "key.added", copy=copy)


def rotate(
    copy: Copy = "",
    ask_old: Annotated[
        bool, typer.Option("--ask-old", help="Type the old password, or give it by the standard input.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the stack's secret the password of each copy, and take the old one away."""
    with reporting(as_json):
        settings, old = load(), _typed() if ask_old else ""
        results, worst = [], Exit.OK
        for repository in open_repositories(settings, copy):
            try:
                results.append(keyring.rotate(settings, repository, old))
            except KeeperError as error:
                results.append(keyring.Rotated(copy_name=repository.name, problem=error.problem))
                worst = error.exit
        if as_json:
            print(json.dumps([result.model_dump() for result in results], indent=1))
        for result in results if not as_json else ():
            if result.problem:
                tell_problem(result.problem)
            else:
                _say(settings, "key.rotated" if result.removed else "key.nothing", copy=result.copy_name)
    raise typer.Exit(worst)


def _typed() -> str:
    """Return a password that is typed without being shown, or stands on the standard input: never on a command line."""
    return getpass("") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _list(names: list[str], copy: str, as_json: bool) -> None:
    with reporting(as_json):
        settings = load()
        listing = snapshots.find(settings, names, copy=copy)
    if as_json:
        print(listing.model_dump_json(indent=1))
    else:
        _tell_listing(settings, listing, names)
    answered = bool(listing.found) if names else any(listing.copies.values())
    raise typer.Exit(Exit.OK if answered else Exit.FAILED if listing.copies else Exit.COPY)


def _tell_listing(settings: Settings, listing: Listing, names: list[str]) -> None:
    for problem in listing.problems:
        tell_problem(problem)
    if names:
        for found in listing.found:
            out.print(found.path)
            for version in found.versions:
                key = "find.folder" if found.type == "dir" else "find.version"
                days = {name: _day(settings, getattr(version, name)) for name in ("changed", "first", "last")}
                values = {"size_bytes": version.size, "copies": ", ".join(version.copies), "snapshot": version.snapshot}
                out.print(f"  {say(settings.language, key, **days, **values)}")
        for name in () if listing.found else names:
            _say(settings, "find.nothing", name=name)
        return
    for name, held in listing.copies.items():
        if not held:
            _say(settings, "find.none", copy=name)
            continue
        out.print(name)
        for each in held:
            values = {"snapshot": each.id[:SHORT], "files": each.files, "size_bytes": each.bytes}
            line = say(settings.language, "find.snapshot", time=_moment(settings, each.time), **values)
            notes = ["find.part"] * (not each.whole) + ["find.held"] * each.held
            out.print("  " + ", ".join([line, *(say(settings.language, note) for note in notes)]))


def _tell_restore(settings: Settings, report: restore.RestoreReport) -> None:
    values: dict[str, str | int] = {"copy": report.copy_name, "snapshot": report.snapshot}
    values |= {"time": _moment(settings, report.time)}
    values |= {"unchanged": report.unchanged, "placed": len(report.restored) if report.dry_run else report.placed}
    values |= {"size_bytes": report.bytes}
    _say(settings, "restore.would" if report.dry_run else "restore.from", "green", **values)
    if not report.whole:
        _say(settings, "restore.part", "yellow")
    if report.database_rows:
        _say(settings, "restore.rows", rows=sum(report.database_rows.values()), tables=len(report.database_rows))
    if report.restore_point:
        _say(settings, "restore.point", file=report.restore_point)
    for name in ("restored", "beside", "replaced", "missing", "left_out"):
        _tell_names(settings, f"restore.list.{name}", getattr(report, name))
    for problem in report.notes:
        tell_problem(problem, "yellow")


def _tell_diff(settings: Settings, first: Source, second: Source, found: Difference) -> None:
    counts = {name: len(getattr(found, name)) for name in ("added", "removed", "changed", "rotten")}
    old, new = first.snapshot.id[:SHORT], second.snapshot.id[:SHORT]
    tell(say(settings.language, "diff.head", copy=first.name, old=old, new=new, **counts))
    for sign, paths in (("+", found.added), ("-", found.removed), ("M", found.changed), ("?", found.rotten)):
        for path in sorted(paths):
            out.print(f"{sign} {path.lstrip('/')}")


def _tell_names(settings: Settings, key: str, names: Iterable[str]) -> None:
    listed = list(names)
    for name in listed[:SHOWN]:
        tell(f"  {say(settings.language, key, path=name)}")
    if len(listed) > SHOWN:
        tell(f"  {say(settings.language, 'restore.list.more', count=len(listed) - SHOWN)}")


def _say(settings: Settings, key: str, style: str = "", **values: Problem | str | int) -> None:
    tell(say(settings.language, key, **values), style)


def _moment(settings: Settings, time: datetime) -> str:
    return f"{time.astimezone(settings.zone):%Y-%m-%d %H:%M}"


def _day(settings: Settings, time: datetime) -> str:
    try:
        local: date = time.astimezone(settings.zone)
    except (OverflowError, ValueError):
        local = time
    return f"{local:%Y-%m-%d}"
