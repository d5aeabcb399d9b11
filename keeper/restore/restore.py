"""Bring photos, folders, the database or everything back, from the newest snapshot that any copy has.

Always beside, read back, then moved: the dump is proven in a server of its own and the files are gathered on each mount;
only when all of it is good does anything take its place. No photo that lies there is overwritten: a newer one stays and the
restored one comes beside it, an older or rotten one moves into the staging folder.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel

from keeper.backup import library
from keeper.backup.dump import FILE
from keeper.errors import Exit, KeeperError, Problem
from keeper.locks import alone
from keeper.restore.drill import bring_dump, loaded
from keeper.restore.exchange import PASSWORD, exchange
from keeper.restore.names import nanoseconds
from keeper.restore.scratch import scratch
from keeper.restore.snapshots import (
    SHORT,
    Answer,
    Contents,
    Source,
    ask,
    differences,
    end_of,
    holding,
    learn,
    no_source,
    ranked,
)
from keeper.restore.stage import Placed, Selection, Stage
from keeper.settings import DATABASE, STAGING, Settings
from keeper.state import ScrubState, State, Stored, Tell, now

__all__ = ["PASSWORD", "Request", "RestoreReport", "restore"]

GOES_ON = timedelta(days=14)
"""So long the same command goes on with the snapshot that it began with: meanwhile there may be one of a half-empty library."""

TRIES = 5
"""So many snapshots of a copy are tried when one after the other is damaged."""


class Request(BaseModel):
    """What to bring back. `paths`: files or folders as they lie in the library, e.g. originals/2024.

    `copy_name`, `snapshot`, `day`: from where, from which, from the newest at the end of which day; by default the newest
    of all. `into`: the folder below a root in which it is to lie, e.g. import/back. `dry_run`: change nothing.
    `incomplete`: place what is good even when something is missing.
    """

    paths: list[str] = []
    everything: bool = False
    database: bool = False
    copy_name: str = ""
    snapshot: str = ""
    day: date | None = None
    into: str = ""
    dry_run: bool = False
    incomplete: bool = False

    @property
    def wants_database(self) -> bool:
        """Whether the database is to be exchanged; elsewhere its dump comes as a file."""
        return (self.database or self.everything) and not self.into


class RestoreReport(BaseModel):
    """What was done, or would be. Sizes in bytes.

    `beside`: where restored files lie beside newer ones; `replaced`: where the older ones went. `restored`: what a dry run
    would bring. `notes`: what a person should know of the choice. `left_out`: what the stack has no place for.
    """

    copy_name: str
    snapshot: str
    time: datetime
    whole: bool = True
    dry_run: bool = False
    placed: int = 0
    unchanged: int = 0
    bytes: int = 0
    restored: list[str] = []
    beside: list[str] = []
    replaced: list[str] = []
    missing: list[str] = []
    left_out: list[str] = []
    notes: list[Problem] = []
    database_rows: dict[str, int] = {}
    restore_point: str = ""


class Begun(Stored):
    """The restore that did not come to its end yet; the time names its snapshot, whose id changes with its tags."""

    request: Request | None = None
    snapshot: datetime | None = None
    copy_name: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Plan:
    """A snapshot from which all of a request can be had: what is to be fetched, and the rows of its proven dump."""

    source: Source
    stage: Stage
    selection: Selection
    rows: dict[str, int] | None
    left_out: list[str]


def restore(settings: Settings, request: Request, *, progress: Tell | None = None) -> RestoreReport:
    """Do what is asked and report.

    Raises:
        KeeperError: what is asked for was not done, or not whole; the problem says what was changed, if anything.
    """
    tell = progress or (lambda _phase, _done, _of: None)
    _refuse_nonsense(settings, request)
    library.check_ours(settings)
    with (
        alone(settings.state / "restore.lock", "restore.locked"),
        scratch(settings, "restore") as folder,
        ExitStack() as locks,
    ):
        tell("look", 0, 0)
        answers = ask(settings, request.copy_name)
        notes: list[Problem] = []
        plan = _plan(settings, request, answers, folder, notes)
        source, selection = plan.source, plan.selection
        with suppress(KeeperError):  # a first upload may hold it for days; what is complete can be restored meanwhile
            locks.enter_context(source.repository.alone("restore"))
        report = RestoreReport(
            copy_name=source.name,
            snapshot=source.snapshot.id[:SHORT],
            time=source.snapshot.time,
            whole=source.snapshot.whole,
            dry_run=request.dry_run,
            unchanged=selection.unchanged,
            bytes=selection.bytes,
            left_out=plan.left_out,
            notes=notes + differences(answers, source, selection.tops, selection.files),
        )
        if request.dry_run:
            _foresee(plan, report)
            return report
        begun = State(settings.state).folder / "restore.json"
        _remember(begun, request, source)
        if selection.tops:
            _bring(plan, request, answers, report, tell)
        if plan.rows is not None:
            tell("database", 0, 0)
            report.restore_point = str(exchange(settings, folder / FILE, plan.rows))
            report.database_rows = plan.rows
        begun.unlink(missing_ok=True)
    learn(settings, answers)
    return report


def _refuse_nonsense(settings: Settings, request: Request) -> None:
    if not (request.paths or request.everything or request.database):
        raise KeeperError(Exit.FAILED, "restore.say_what")
    parts = request.into.strip("/").split("/")
    if request.into and (parts[0] not in settings.roots or not {"", ".", "..", STAGING}.isdisjoint(parts)):
        raise KeeperError(Exit.FAILED, "restore.into", folder=request.into, roots=", ".join(settings.roots))


def _plan(settings: Settings, request: Request, answers: list[Answer], folder: Path, notes: list[Problem]) -> Plan:
    """Choose the first snapshot from which the request can be had; `notes` tells why others were passed over.

    Raises:
        KeeperError: there is none; or what is asked for is in none of them, or this machine cannot prove the database.
    """
    until = end_of(request.day, settings) if request.day else None
    sources = ranked(answers, snapshot=request.snapshot, until=until)
    sources = _pinned(settings, request, sources, notes)
    tries: Counter[str] = Counter()
    for source in sources:
        if tries[source.name] >= TRIES:
            continue
        try:
            plan = _look(settings, request, answers, source, folder)
        except KeeperError as error:
            if error.exit not in (Exit.VERIFY, Exit.COPY):
                raise
            # Where the way to it broke, no older one is to be had either.
            tries[source.name] += TRIES if error.problem.code.startswith("cause.") else 1
            notes.append(Problem.of("restore.passed_over", **source.values(), reason=error.problem))
            continue
        held = source.repository.state.copy(source.name).held.values()
        if before := next((each.snapshot.id for each in sources if each.snapshot.id in held), None):
            notes.append(Problem.of("restore.alarm", copy=source.name, snapshot=before[:SHORT]))
        return plan
    reasons = {"reason": notes[0]} if notes else None
    raise no_source(answers, snapshot=request.snapshot, day=request.day, **(reasons or {}))


def _look(settings: Settings, request: Request, answers: list[Answer], source: Source, folder: Path) -> Plan:
    contents, stage = Contents(source), Stage(settings, source.snapshot, request.into)
    lying = {node.path.lstrip("/") for node in contents.folder("/")}
    paths = list(request.paths)
    if request.everything:
        paths = sorted(lying & settings.roots.keys())
    if request.into and (request.everything or request.database):
        paths += [f"{DATABASE}/{FILE}"] if DATABASE in lying else []
    selection = Selection(busy=stage.mounted())
    rotten = ScrubState.read(State(settings.state).scrub_file).rotten.keys()
    for path in paths:
        tops = contents.named(path) if path.strip("/").split("/")[0] in {*settings.roots, DATABASE} else []
        if not tops:
            raise _not_in(answers, source, path)
        for top in tops:
            selection.tops.append(top.path)
            for node in contents.below(top):
                # A file that is asked for by its name is looked at in full: whoever asks for it has a reason.
                suspect = node is top or node.path.lstrip("/") in rotten
                selection.add(node, lacks=stage.lacks(node, suspect=suspect))
    rows = None
    if request.wants_database:
        bring_dump(source, folder / FILE)
        with loaded(settings, folder / FILE) as (_, rows):
            pass
    left_out = sorted(lying - settings.roots.keys() - {DATABASE}) if request.everything else []
    return Plan(source, stage, selection, rows, left_out)


def _not_in(answers: list[Answer], source: Source, path: str) -> KeeperError:
    """Return the error that a snapshot holds nothing of that name, with the newest one that does."""
    values = source.values() | {"path": path}
    for other, _ in holding(answers, path):
        return KeeperError(
            Exit.FAILED, "restore.elsewhere", **values, other=other.snapshot.id[:SHORT], holder=other.name
        )
    return KeeperError(Exit.FAILED, "restore.not_named", **values)


def _pinned(settings: Settings, request: Request, sources: list[Source], notes: list[Problem]) -> list[Source]:
    """Put that snapshot first with which the same command began and did not end."""
    begun = Begun.read(State(settings.state).folder / "restore.json")
    if begun.at is None or begun.request != _lasting(request) or now() - begun.at > GOES_ON:
        return sources
    first = [each for each in sources if each.snapshot.time == begun.snapshot and each.name == begun.copy_name]
    if first and first != sources[:1]:
        notes.append(Problem.of("restore.goes_on", **first[0].values()))
    return first + [each for each in sources if each not in first]


def _remember(file: Path, request: Request, source: Source) -> None:
    begun = Begun(request=_lasting(request), snapshot=source.snapshot.time, copy_name=source.name, at=now())
    with suppress(OSError):  # a full disk: a restore may be what frees it
        begun.write(file)


def _lasting(request: Request) -> Request:
    return request.model_copy(update={"dry_run": False, "incomplete": False})


def _bring(plan: Plan, request: Request, answers: list[Answer], report: RestoreReport, tell: Tell) -> None:
    stage, source = plan.stage, plan.source
    try:
        taken = plan.selection, lambda done, of: tell("fetch", done, of)
        missing = stage.gather(source, *taken, patient=request.incomplete)
    except KeeperError as error:
        if error.exit != Exit.COPY:
            raise
        raise KeeperError(error.exit, "restore.broken_off", copy=source.name, reason=error.problem) from error
    report.missing = sorted(path.lstrip("/") for path in missing)
    if missing:
        report.notes += _who_has(plan, answers, sorted(missing))
    if missing and not request.incomplete:
        values = {"count": len(missing), "path": report.missing[0], "copy": source.name}
        hint = next(
            (note for note in report.notes if note.code == "restore.has_it"), Problem.of("restore.nobody_has_it")
        )
        raise KeeperError(Exit.VERIFY, "restore.missing", **values, hint=hint)
    tell("place", 0, 0)
    placed = Placed()
    try:
        stage.place(placed)
    finally:
        report.placed, report.beside, report.replaced = placed.placed, placed.beside, placed.replaced
        report.unchanged += placed.unchanged
    stage.clear()


def _who_has(plan: Plan, answers: list[Answer], missing: list[str]) -> list[Problem]:
    """Tell in which other copy, or in which other content, the first of the missing files lies."""
    nodes = {node.path: node for node in plan.selection.lacking}
    lost = nodes[missing[0]]
    for other, node in holding(answers, lost.path):
        is_same = (node.size, node.mtime) == (lost.size, lost.mtime)
        if other.name != plan.source.name or not is_same:
            return [Problem.of("restore.has_it", **other.values(), path=lost.path.lstrip("/"))]
    return []


def _foresee(plan: Plan, report: RestoreReport) -> None:
    """Say what a restore would do; nothing is fetched."""
    for node in plan.selection.lacking:
        target, path = plan.stage.target(node.path), node.path.lstrip("/")
        if node.type == "dir":
            continue
        report.restored.append(path)
        if target.is_symlink() or target.exists():
            kept = plan.stage.stays(target, path, nanoseconds(node.mtime))
            (report.beside if kept else report.replaced).append(path)
    report.database_rows = plan.rows or {}
