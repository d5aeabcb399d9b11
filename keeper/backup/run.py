"""One run of one copy: lock, library, dump, snapshot, gate, read back, forget, report.

Nothing here needs what an earlier run remembered, and nothing that one left behind stops the next: what is at the copy is
asked of the copy.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from keeper.backup import album, dump, first_upload, gate, library, retention, verify
from keeper.copies import openlist, trial
from keeper.copies.place import Place
from keeper.copies.repository import Repository
from keeper.copies.restic import ALARM, HOLD, PART, WHOLE, Backup
from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import CopySettings, Settings
from keeper.state import CopyState, Progress, RunReport, Snapshot, State, Tell, now

TELL_SECONDS = 2
WORST_FIRST = (Exit.VERIFY, Exit.DUMP, Exit.GATE)
UNREADABLE_KEPT = 1000
T = TypeVar("T")


def backup(settings: Settings, name: str, *, trust_clock: bool = False, progress: Tell | None = None) -> RunReport:
    """Back everything up to one copy and return the report, whose exit code is the command's.

    Raises:
        KeeperError: with `Exit.LOCKED` when another job is at this copy, `Exit.FAILED` when there is none of that name;
            nothing is reported then.
    """
    (copy,) = settings.named(name)
    report, state = RunReport(copy_name=name, started=now()), State(settings.state)
    tell, place = _telling(state, name, progress), None
    try:
        place = Repository(settings, copy) if copy.is_repository else Place(settings, copy)
        with place.alone("backup" if copy.is_repository else "album"):
            run: _Run | album.AlbumRun
            if isinstance(place, Repository):
                run = _Run(settings, place, report, trust_clock, tell)
            else:
                run = album.AlbumRun(settings, place, report, tell)
            try:
                run.carry_out()
            except KeeperError as error:
                _end(report, settings, copy, error)
            except BaseException as error:
                # A stop from outside, too: what did not come to its end is no good run.
                report.exit = Exit.FAILED
                report.problems.append(Problem.of("run.broken_off", said=f"{type(error).__name__} {error}".strip()))
                raise
            finally:
                report.ended = now()
                state.tell_progress(name, None)
                with suppress(OSError):  # a full disk: the report itself goes to whoever started this
                    state.change_copy(name, run.note)
    except KeeperError as error:
        if place is not None:  # another job is at it
            raise
        _end(report, settings, copy, error)
        report.ended = now()
        with suppress(OSError):
            state.change_copy(name, lambda known: setattr(known, "run", report))
    return report


def _end(report: RunReport, settings: Settings, copy: CopySettings, error: KeeperError) -> None:
    report.exit = error.exit
    report.problems.append(openlist.explained(settings, copy, error.problem))


@dataclass
class _Run:
    settings: Settings
    repository: Repository
    report: RunReport
    trust_clock: bool
    tell: Tell
    verdict: verify.Verdict | None = None
    slice: tuple[int, int] | None = None
    known: CopyState = field(default_factory=CopyState)
    snapshots: list[Snapshot] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    listed: bool = False

    def carry_out(self) -> None:
        """Do all of it; what goes wrong on the way is in the report, what ends it is raised."""
        repository, report = self.repository, self.report
        library.check(self.settings)
        self.known = repository.state.copy(repository.name)
        self.tell("open", 0, 0)
        try:
            self.known.repository = repository.open(may_begin=True)
        finally:
            report.problems += repository.told
        self.known.keys = self.known.keys or sorted(repository.keys())
        with suppress(OSError):  # at once: what was begun is ours from now on
            repository.state.change_copy(repository.name, self._note_repository)
        repository.unlock()
        self.snapshots, self.held = self._surely(repository.snapshots), self.known.held
        self._miss(self.known.snapshots)
        self.listed = True
        self._make_room()
        self.tell("database", 0, 0)
        if problem := dump.ensure(self.settings).problem:
            self._complain(Exit.DUMP, problem)
        indexes = self._indexes_before()
        before = self._compared_last()
        if before is None:
            self._first_upload()
        made = self._back_up([WHOLE], library.names(self.settings))
        report.snapshot, report.files, report.bytes = made.snapshot, made.files, made.bytes
        report.unreadable = dict(sorted(made.unreadable.items())[:UNREADABLE_KEPT])
        if made.unreadable:
            first = min(made.unreadable)
            problem = Problem.of("run.unreadable", count=len(made.unreadable), path=first, said=made.unreadable[first])
            self._complain(Exit.VERIFY, problem)
        self._gate(before, set(made.unreadable))
        self._read_back(indexes, made)
        self._forget()
        report.problems += trial.try_copy(repository)

    def _compared_last(self) -> Snapshot | None:
        """Return the whole snapshot that the gate saw last: one that a killed run left behind it has yet to compare."""
        whole = [snapshot for snapshot in self.snapshots if snapshot.whole]
        seen = [snapshot for snapshot in whole if snapshot.number <= self.known.compared]
        return (seen or whole)[-1] if whole else None

    def note(self, known: CopyState) -> None:
        """Write down what this run learned."""
        known.run = self.report
        if not self.listed:
            return
        known.snapshots, known.held, known.pruned = self.snapshots, self.held, self.known.pruned
        known.compared, known.indexes = self.known.compared, self.known.indexes
        if self.verdict is None:
            return
        known.damage, known.broken = self.verdict.damage, list(self.verdict.broken)
        if known.damage is None:
            known.last_good = self.report.ended
            if self.slice:
                verify.note_slice(known, *self.slice)

    def _note_repository(self, known: CopyState) -> None:
        known.repository, known.keys = self.known.repository, self.known.keys

    def _complain(self, exit_code: Exit, problem: Problem) -> None:
        self.report.problems.append(problem)
        codes = {self.report.exit, exit_code}
        self.report.exit = next(code for code in (*WORST_FIRST, Exit.OK) if code in codes)

    def _make_room(self) -> None:
        """Where the last run found the copy full, what broken uploads left there goes first."""
        last, may_prune = self.known.run, not (self.repository.is_vault or self._gone(self.known.held))
        if last and may_prune and any(p.code == "cause.full" for p in last.problems):
            self.tell("prune", 0, 0)
            self.repository.prune(self.snapshots, *retention.PRUNE)

    def _miss(self, expected: list[Snapshot]) -> None:
        """A snapshot that is gone without our doing: no check of restic's notices.

        What it named lies there still, and is not pruned until a person says that it may go.
        """
        listed = {snapshot.id for snapshot in self.snapshots}
        missing = [s for s in expected if s.id not in listed]
        self.repository.prove_absent("snapshots", [s.id for s in missing])
        if missing := [s for s in missing if s.whole]:
            days = ", ".join(f"{s.time.astimezone(self.settings.zone):%Y-%m-%d}" for s in missing[:3])
            problem = Problem.of("copy.snapshots_gone", count=len(missing), days=days)
            alarm = gate.keep(self.settings.state, self.repository.name, [problem], {s.id for s in missing})
            self.report.alarm = alarm.id
            self.held[alarm.id] = self.known.held[alarm.id] = missing[0].id
            self._complain(Exit.VERIFY, problem)

    def _gone(self, held: dict[str, str]) -> dict[str, str]:
        """Return those of what is held that the copy has not any more."""
        listed = {snapshot.id for snapshot in self.snapshots}
        return {alarm: snapshot for alarm, snapshot in held.items() if snapshot not in listed}

    def _indexes_before(self) -> set[str]:
        """Return the index files whose packs were read back; what is in one that is not listed would be sent again."""
        known, listed = set(self.known.indexes), self.repository.indexes()
        self.repository.prove_absent("index", known - listed)
        return known or listed

    def _surely(self, attempt: Callable[[], T]) -> T:
        """Do what damage may stop; where it does, clear the way and try once more."""
        try:
            return attempt()
        except KeeperError as error:
            if error.exit != Exit.VERIFY or not verify.clear_the_way(self.repository):
                raise
            self._complain(Exit.VERIFY, Problem.of("copy.mended", count=1))
            return attempt()

    def _first_upload(self) -> None:
        for names in first_upload.batches(self.settings):
            self._back_up([PART], names)
            # It may take days: what is restorable meanwhile is told, and a kill loses nothing of it.
            self._note_snapshots()

    def _back_up(self, tags: list[str], names: list[str]) -> Backup:
        parent = self.snapshots[-1] if self.snapshots else None
        number = parent.number + 1 if parent else 1
        phase = "send" if WHOLE in tags else "send_first"
        made = self._surely(
            lambda: self.repository.restic.backup(
                self.settings.library,
                names,
                tags=[*tags, f"run-{number}"],
                excludes=library.excludes(self.settings),
                parent=parent.id if parent else "",
                ignore_inode=library.has_unsteady_inodes(self.settings),
                progress=lambda done, total: self.tell(phase, done, total),
            )
        )
        self.report.sent_bytes += made.added
        self.snapshots.append(
            Snapshot(
                id=made.snapshot,
                number=number,
                time=made.time,
                whole=WHOLE in tags,
                files=made.files,
                bytes=made.bytes,
                added_bytes=made.added,
            )
        )
        if made.damage:
            self._complain(Exit.VERIFY, Problem.of("copy.lacked", count=len(made.damage), said=made.damage[0]))
        return made

    def _gate(self, before: Snapshot | None, unreadable: set[str]) -> None:
        restic = self.repository.restic
        self.tell("compare", 0, 0)
        self.held = self._still_held()
        problem = retention.clock_doubt(self.snapshots[:-1], now(), nights=1)
        if problem and not self.trust_clock:
            self._complain(Exit.GATE, problem)
        after = self.snapshots[-1]
        alarm = gate.check(self.settings, restic, before, after, unreadable) if before else None
        if before and alarm:
            self._hold(before, alarm)
        # Only now: whatever breaks off before, the next run compares and holds once more.
        self.known.compared = after.number

    def _hold(self, before: Snapshot, alarm: gate.Alarm) -> None:
        alarm.copy_name = self.repository.name
        if not gate.raise_alarm(self.settings.state, alarm):
            return
        self.report.alarm = alarm.id
        for reason in alarm.reasons:
            self._complain(Exit.GATE, reason)
        if self.repository.is_vault:
            self.held[alarm.id] = before.id
            return
        self._expect_without({before.id})
        self.held[alarm.id] = self.repository.restic.tag(before.id, add=f"{HOLD},{ALARM}{alarm.id}")
        self.snapshots = self.repository.snapshots()

    def _still_held(self) -> dict[str, str]:
        """Return what a person has not answered yet, and let go of the rest. What a copy holds is written at the copy."""
        tagged = {s.alarm: s.id for s in self.snapshots if s.held}
        known = self.known.held if self.repository.is_vault else self._gone(self.known.held) | tagged
        accepted = {alarm for alarm in known if gate.is_accepted(self.settings.state, alarm)}
        if answered := accepted & tagged.keys():
            self._expect_without({tagged[alarm] for alarm in answered})
            for alarm in answered:
                self.repository.restic.tag(tagged[alarm], remove=f"{HOLD},{ALARM}{alarm}")
            self.snapshots = self.repository.snapshots()
        return {alarm: snapshot for alarm, snapshot in known.items() if alarm not in accepted}

    def _read_back(self, indexes: set[str], made: Backup) -> None:
        """Read back what was sent and the share whose turn it is; mend what is damaged."""
        repository, restic = self.repository, self.repository.restic
        self.tell("read_back", 0, self.report.sent_bytes)
        there = repository.indexes()
        new = set[str]().union(*(restic.packs(index) for index in there - indexes))
        broken = [*verify.bad_packs(repository, new), *verify.still_bad(repository, self.known.broken)]
        count = verify.slices(repository.copy)
        self.slice = verify.due_slice(self.known, count), count
        if verify.clear_the_way(repository, self.slice):
            self._complain(Exit.VERIFY, Problem.of("copy.mended", count=1))
            expected, self.snapshots = self.snapshots, repository.snapshots()
            self._miss(expected)
            there = repository.indexes()
        found = verify.read_back(repository, *self.slice)
        self.report.verified_bytes = self.report.sent_bytes + made.bytes // count
        if not (found.errors or found.broken_packs or broken):
            self.verdict = verify.Verdict()
            self.known.indexes = sorted(there)
            return
        self.tell("mend", 0, 0)
        self.verdict = verify.mend(
            repository, found, broken, lambda: self._back_up([WHOLE], library.names(self.settings))
        )
        if self.verdict.mended:
            self.known.indexes = sorted(repository.indexes())
        self.report.repaired = self.verdict.mended
        self.report.snapshot = self.snapshots[-1].id
        told = self.verdict.damage or Problem.of("copy.mended", count=self.verdict.mended)
        self._complain(Exit.VERIFY, told)

    def _forget(self) -> None:
        """Forget what is too old, unless anything gives reason to doubt."""
        doubt = not self.trust_clock and retention.clock_doubt(self.snapshots[:-1], now())
        unsure = self.held or doubt or self.verdict is None or self.verdict.damage
        if self.repository.is_vault or unsure:
            return
        self.tell("forget", 0, 0)
        if going := retention.too_old(self.repository, self.snapshots, self.repository.copy.keep):
            self._expect_without(set(going))
            self.snapshots = retention.forget(self.repository, self.snapshots, going)
            self.report.forgotten = len(going)
        before = self.known.pruned
        # At a copy that was only just begun nothing was forgotten yet.
        begun = len([snapshot for snapshot in self.snapshots if snapshot.whole]) == 1 and not before
        self.known.pruned = now() if begun else retention.prune_when_due(self.repository, self.known, self.snapshots)
        if self.known.pruned != before:
            self.known.indexes = sorted(self.repository.indexes())

    def _expect_without(self, going: set[str]) -> None:
        """Note, before it happens, which snapshots will be gone: a kill or a stop in between must not look like a loss."""
        self.snapshots = [snapshot for snapshot in self.snapshots if snapshot.id not in going]
        self._note_snapshots()

    def _note_snapshots(self) -> None:
        with suppress(OSError):
            self.repository.state.change_copy(
                self.repository.name, lambda known: setattr(known, "snapshots", self.snapshots)
            )


def _telling(state: State, name: str, progress: Tell | None) -> Tell:
    """Return what takes progress: it is told to the page, and to whoever watches this run."""
    since = told = now()
    phase_before = ""

    def tell(phase: str, done: int, total: int) -> None:
        nonlocal since, told, phase_before
        if phase != phase_before:
            since = now()
        elif (now() - told).total_seconds() < TELL_SECONDS:
            return
        told, phase_before = now(), phase
        state.tell_progress(name, Progress(phase=phase, done=done, total=total, since=since, at=told))
        if progress:
            progress(phase, done, total)

    return tell
