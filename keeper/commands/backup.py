"""The commands of the backup: a run now, reading back, and the answer to an alarm."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from keeper.backup import gate, run, scrub, verify
from keeper.commands.terminal import Json, bars, done, reporting, tell, tell_problem
from keeper.copies.repository import open_repositories
from keeper.errors import Exit, KeeperError
from keeper.settings import load
from keeper.state import RunReport, State, now
from keeper.texts import say, size

Copy = Annotated[str, typer.Option("--copy", help="Only this copy; by default all, one after the other.")]


def backup(
    copy: Copy = "",
    trust_clock: Annotated[
        bool, typer.Option("--trust-clock", help="Today's date is right, though the last run is long ago.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Back everything up now."""
    reports: list[RunReport] = []
    with reporting(as_json):
        settings = load()
        for name in [copy] if copy else [each.name for each in settings.copies]:
            try:
                with bars(hidden=as_json) as progress:
                    report = run.backup(settings, name, trust_clock=trust_clock, progress=progress)
            except KeeperError as error:
                if copy:
                    raise
                # Another job is at this one, maybe for days: it holds up no other.
                report = RunReport(
                    copy_name=name, started=now(), ended=now(), exit=error.exit, problems=[error.problem]
                )
            reports.append(report)
            if not as_json:
                _tell_run(report)
    if as_json:
        whole = reports[0] if copy else None
        told = whole.model_dump_json(indent=1) if whole else json.dumps([r.model_dump(mode="json") for r in reports])
        print(told)
    raise typer.Exit(max(report.exit for report in reports))


def verify_(
    everything: Annotated[bool, typer.Option("--all", help="All of it, not only the share whose turn it is.")] = False,
    copy: Copy = "",
    as_json: Json = False,
) -> None:
    """Read the copies back; what is damaged is mended by the next backup, and told."""
    results: dict[str, object] = {}
    code = Exit.OK
    with reporting(as_json):
        for repository in open_repositories(load(), copy):
            with bars(hidden=as_json) as progress:
                found = verify.by_hand(repository, everything=everything, progress=progress)
            results[repository.name] = {"problem": found.model_dump() if found else None}
            code = Exit.VERIFY if found else code
            if as_json:
                continue
            if found:
                tell_problem(found)
            else:
                tell(say(load().language, "done.verify", copy=repository.name), "green")
    if as_json:
        print(json.dumps({"exit": code, "copies": results}, indent=1))
    raise typer.Exit(code)


def accept(
    alarm: Annotated[str, typer.Argument(help="As the page and the alert name it.")], as_json: Json = False
) -> None:
    """Say that what an alarm asks about is right: old snapshots may be forgotten again."""
    with reporting(as_json):
        settings = load()
        try:
            held = {name for copy in settings.copies for name in State(settings.state).copy(copy.name).held}
            gate.accept(settings.state, alarm, held)
        except KeeperError:
            # A file at home that changed by itself is named by its path.
            if not scrub.accept(settings, [alarm]):
                raise
        done(as_json, "done.accept")


def _tell_run(report: RunReport) -> None:
    language = load().language
    style = "green" if report.exit == Exit.OK else "red"
    tell(
        say(
            language,
            "done.backup",
            copy=report.copy_name,
            files=report.files,
            size=size(report.bytes),
            sent=size(report.sent_bytes),
            read=size(report.verified_bytes),
        ),
        style,
    )
    for problem in report.problems:
        tell_problem(problem)
    if report.alarm:
        tell(say(language, "alert.run.GATE.do", alarm=report.alarm), style)
