"""What the page shows, worked out from the states: how things stand, each copy, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Literal

from markupsafe import Markup, escape

from keeper.copies.repository import newest
from keeper.errors import Exit, Problem
from keeper.page.learning import Knowledge
from keeper.page.status import Status
from keeper.service import limits
from keeper.service.outcomes import is_at_home
from keeper.service.waiting import waiting_alarms
from keeper.settings import CopySettings, Settings
from keeper.state import CopyState, DrillReport, Progress, Snapshot, now
from keeper.texts import TEXTS, Language, ago, clock, for_stack, kernel_text, problem_text, say, size, span, typed

Level = Literal["good", "note", "warn", "bad"]
"""A note is worth knowing and changes nothing about how safe the photos are."""
ORDER: dict[Level, int] = {"bad": 0, "warn": 1, "note": 2, "good": 3}
GRACE = timedelta(days=2)
"""So much later than the schedule promises, a copy is no longer late but missing."""
FRESH_PROGRESS = timedelta(minutes=10)
TELLING = timedelta(seconds=30)
"""A job that is younger cannot say how long it still takes."""
ENOUGH = 0.9
SHOWN = 20


@dataclass(frozen=True)
class Item:
    """Something to do. `finding`: the set of copies is too thin, nothing broke."""

    level: Level
    text: Markup
    detail: str = ""
    finding: bool = False


@dataclass(frozen=True)
class Work:
    """What a job is at. `percent` is None where it is not known how much there is to do."""

    phase: str
    percent: int | None
    detail: str


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One copy of everything, or one that is only to look at."""

    name: str
    kind: str
    where: str
    album: bool
    level: Level
    newest: str
    newest_age: str
    snapshots: int
    percent: int | None
    verify_days: int
    drill: str
    drill_detail: str
    problems: list[str]
    held: bool
    work: Work | None
    first: str
    next: str


@dataclass(frozen=True, kw_only=True)
class Phone:
    """A phone's folder: when the album showed something new of it, when the phone was there, and what it deletes."""

    name: str
    shown: str
    seen: str
    deletions: str
    troubled: bool


@dataclass(frozen=True, kw_only=True)
class View:
    """The page's content, ready to be shown."""

    album: str
    level: Level
    headline: str
    subline: str
    items: list[Item]
    copies: list[Copy]
    next_drill: str
    phones: list[Phone]
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unreadable_count: int = 0
    rotten: list[str] = field(default_factory=list)
    made: str


def view_of(settings: Settings, status: Status, language: Language, *, knowledge: Knowledge = "known") -> View:
    """Work out the page. `knowledge`: whether it is known what the copies hold."""
    return _Builder(settings, status, language, knowledge).view()


class _Builder:
    def __init__(self, settings: Settings, status: Status, language: Language, knowledge: Knowledge) -> None:
        self._settings, self._status, self._language, self._knowledge = settings, status, language, knowledge
        self._known = {copy.name: status.copies.get(copy.name, CopyState()) for copy in settings.copies}
        self._waiting = waiting_alarms(settings.state, self._known.values())
        runs = [self._known[copy.name].run for copy in settings.repositories]
        self._unreadable = {path: why for run in runs if run for path, why in run.unreadable.items()}
        self._unreadable |= status.scrub.unreadable

    def view(self) -> View:
        settings, status = self._settings, self._status
        items = sorted(self._items(), key=lambda item: ORDER[item.level])
        level, headline = self._headline(items)
        unreadable = sorted(self._unreadable.items())
        return View(
            album=settings.stack,
            level=level,
            headline=headline,
            subline=self._subline(),
            items=items,
            copies=[self._copy(copy) for copy in settings.copies],
            next_drill=self._next("drill") if settings.repositories else "",
            phones=self._phones(),
            unreadable=[(path, kernel_text(self._language, why)) for path, why in unreadable[:SHOWN]],
            unreadable_count=len(unreadable),
            rotten=[self._restore(path) for path in sorted(status.scrub.rotten)[:SHOWN]],
            made=self._when(now()),
        )

    def _headline(self, items: list[Item]) -> tuple[Level, str]:
        worst = items[0].level if items else "good"
        repositories = [self._known[copy.name] for copy in self._settings.repositories]
        if self._is_silent():
            return "bad", self._say("page.head.silent")
        if not repositories:
            return "bad", self._say("page.head.none")
        if self._waiting:
            return "bad", self._say("page.head.gate")
        if not any(_last_good(known) for known in repositories):
            return self._before_the_first(repositories)
        if worst == "bad" and all(item.finding for item in items if item.level == "bad"):
            return "bad", self._say("page.head.thin")
        worst = "good" if worst == "note" else worst
        return worst, self._say(f"page.head.{worst}")

    def _before_the_first(self, repositories: list[CopyState]) -> tuple[Level, str]:
        at_work = any(self._work(copy.name) for copy in self._settings.repositories)
        if at_work or any(known.snapshots for known in repositories):
            return "warn", self._say("page.head.filling")
        if self._knowledge != "known":
            return "warn", self._say(f"page.head.{self._knowledge}")
        if any(known.run for known in repositories):
            return "bad", self._say("page.head.none")
        return "warn", self._say("page.head.first")

    def _subline(self) -> str:
        names = [copy.name for copy in self._settings.repositories]
        found = [(_last_good(known), _newest(known)) for known in (self._known[name] for name in names)]
        made = [(moment, snapshot) for moment, snapshot in found if moment and snapshot]
        due = [self._status.scheduler.due.get(f"backup {name}") for name in names]
        next_one = self._moment(min((moment for moment in due if moment), default=None))
        if not made:
            return self._say("page.sub.never", next=next_one)
        moment, snapshot = max(made, key=lambda pair: pair[0])
        files, total = f"{snapshot.files:,}", size(snapshot.bytes)
        return self._say("page.sub.good", files=files, size=total, age=self._age(moment), next=next_one)

    def _items(self) -> list[Item]:
        """Return what to do, in the order in which a person should look at it."""
        status, settings, items = self._status, self._settings, []
        if self._is_silent():
            items.append(self._item("bad", "todo.silent", command="./photos up"))
        if not settings.repositories:
            items.append(self._item("bad", "todo.none"))
        for alarm in self._waiting:
            detail = " · ".join(self._sentence(self._told(reason)) for reason in alarm.reasons)
            items.append(self._item("bad", "todo.gate", detail=detail, command=f"./photos keeper accept {alarm.id}"))
        items += self._at_home()
        for copy in settings.copies:
            items += self._of_copy(copy)
        items += [Item("bad", escape(self._sentence(self._told(finding))), finding=True) for finding in status.findings]
        drills = [known.drilled for known in self._known.values() if known.drilled]
        if drills and now() - max(drills) > limits.of_drill(settings):
            length = span(self._language, now() - max(drills))
            items.append(self._item("warn", "todo.drill.old", age=length, command="./photos keeper drill"))
        items += [self._item("bad", "todo.phone", problem=self._trouble(place)) for place in status.index.troubled]
        silent = [phone.quiet for phone in status.phones.phones.values() if phone.quiet]
        items += [Item("warn", escape(self._sentence(self._told(problem)))) for problem in silent]
        items += [self._item("note", "todo.import", problem=self._told(problem)) for problem in status.imports.problems]
        if left_out := self._unreadable.keys() - status.scrub.unreadable.keys():
            items.append(self._item("warn", "todo.unreadable", count=len(left_out)))
        return items + self._kit()

    def _at_home(self) -> list[Item]:
        """Return what is wrong here, whichever copy noticed it; three copies notice the same."""
        items, told = [], []
        if rotten := sorted(self._status.scrub.rotten):
            items.append(self._item("bad", "todo.rot", count=len(rotten), command=self._restore(rotten[0])))
        if unread := sorted(self._status.scrub.unreadable):
            items.append(self._item("bad", "todo.unread", count=len(unread), command=self._restore(unread[0])))
        if self._status.dump.problem:
            told.append(self._status.dump.problem)
        for known in self._known.values():
            told += [problem for problem in _problems(known) if is_at_home(problem) and problem not in told]
        told = [problem for problem in told if problem.code != "run.unreadable"]  # they have a list of their own
        return items + [self._item("bad", "todo.problem", problem=self._told(problem)) for problem in told]

    def _kit(self) -> list[Item]:
        status = self._status
        if not any(known.snapshots for known in self._known.values()):
            return []
        if status.kit.confirmed is None:
            return [self._item("warn", "todo.kit", command="./photos keeper kit")]
        if status.kit_lacks:
            names = self._say("page.comma").join(status.kit_lacks)
            return [self._item("warn", "todo.kit.stale", names=names, command="./photos keeper kit")]
        return []

    def _of_copy(self, copy: CopySettings) -> list[Item]:
        name, known = copy.name, self._known[copy.name]
        items = self._reported(name, known)
        if not copy.is_repository:
            return items
        if limits.in_first_upload(known):
            if self._work(name) or known.snapshots:
                return [*items, self._item("note", "todo.first", name=name, told=self._first(known))]
            return items or ([self._item("bad", "todo.copy.none", name=name)] if known.run else [])
        good = _last_good(known)
        if good and (level := self._lateness(copy, good)) != "good":
            command = f"./photos keeper backup --copy {name}"
            items.append(self._item(level, "todo.copy.old", name=name, age=self._age(good), command=command))
        if self._is_unread(copy, known):
            percent = int(100 * limits.verified_share(copy, known))
            command = f"./photos keeper verify --all --copy {name}"
            told = self._item("warn", "todo.verify", name=name, percent=percent, days=copy.verify_days, command=command)
            items.append(told)
        if known.drill and not known.drill.passed and known.drill.reason:
            items.append(self._item("bad", "todo.drill", name=name, problem=self._told(known.drill.reason)))
        return items

    def _reported(self, name: str, known: CopyState) -> list[Item]:
        """Return what a copy's last run said about it."""
        items = [self._item("bad", "todo.damage", name=name, problem=self._told(known.damage))] if known.damage else []
        # A run that was good all the same only has something to say.
        level: Level = "note" if known.run and known.run.exit == Exit.OK else "bad"
        return items + [
            self._item(level, "todo.copy", name=name, problem=self._told(problem))
            for problem in _problems(known)
            if not is_at_home(problem) and problem != known.damage
        ]

    def _lateness(self, copy: CopySettings, good: datetime) -> Level:
        late = now() - good - limits.of_backup(self._settings, copy)
        return "bad" if late > GRACE else "warn" if late > timedelta() else "good"

    def _is_unread(self, copy: CopySettings, known: CopyState) -> bool:
        """Whether less was read back than the stack promises; what is younger than the promise has its time."""
        begun = min((snapshot.time for snapshot in known.snapshots if snapshot.whole), default=now())
        old = now() - begun > limits.of_verify(self._settings, copy)
        return old and limits.verified_share(copy, known) < ENOUGH

    def _copy(self, copy: CopySettings) -> Copy:
        known = self._known[copy.name]
        levels = [item.level for item in self._of_copy(copy) if item.level != "note"]
        good, snapshot = _last_good(known), _newest(known)
        held = any(alarm.id in known.held for alarm in self._waiting)
        if copy.is_repository and (held or not good):
            levels.append("warn")
        drill, detail = self._drill(known.drill)
        problems = [known.damage] if known.damage else []
        problems += [each for each in _problems(known) if each not in problems and not is_at_home(each)]
        shown = snapshot.time if snapshot else good
        return Copy(
            name=copy.name,
            kind=self._say(f"page.kind.{copy.kind}"),
            where=copy.place or f"{copy.type}: {copy.path}",
            album=not copy.is_repository,
            level=min(levels, key=lambda level: ORDER[level], default="good"),
            newest=clock(shown, self._settings.zone) if shown else self._say("page.none"),
            newest_age=self._age(shown) if shown else "",
            snapshots=len(known.snapshots),
            percent=int(100 * limits.verified_share(copy, known)) if snapshot else None,
            verify_days=copy.verify_days,
            drill=drill,
            drill_detail=detail,
            problems=[self._told(problem) for problem in problems],
            held=held,
            work=self._work(copy.name),
            first=self._first(known) if limits.in_first_upload(known) and known.snapshots else "",
            next=self._next(f"backup {copy.name}"),
        )

    def _first(self, known: CopyState) -> str:
        """Tell how much of a copy that is being filled can be restored already."""
        part = newest(known.snapshots, now(), whole=False)
        if part is None:
            return self._say("page.first.nothing")
        return self._say("page.first", files=f"{part.files:,}", size=size(part.bytes))

    def _work(self, name: str) -> Work | None:
        """Return what a job of a copy is at: what it tells, and that it was started."""
        progress, began = self._status.progress.get(name), self._status.scheduler.running.get(f"backup {name}")
        if progress and now() - progress.at < FRESH_PROGRESS:
            percent = min(100, 100 * progress.done // progress.total) if progress.total else None
            return Work(self._phase(progress.phase), percent, self._left(progress))
        return Work(self._phase("starting"), None, "") if began else None

    def _left(self, progress: Progress) -> str:
        """Tell what is done, how fast that was, and how long the rest takes."""
        if not progress.total:
            return size(progress.done) if progress.done else ""
        done = self._say("page.done", done=size(progress.done), total=size(progress.total))
        elapsed = progress.at - progress.since
        if elapsed < TELLING or not progress.done:
            return done
        rate = progress.done / elapsed.total_seconds()
        left = span(self._language, timedelta(seconds=max(progress.total - progress.done, 0) / rate))
        return self._say("page.left", done=done, rate=size(rate), left=left)

    def _phase(self, phase: str) -> str:
        key = f"phase.{phase}"
        return self._say(key) if key in TEXTS else phase

    def _drill(self, drill: DrillReport | None) -> tuple[str, str]:
        if drill is None:
            return self._say("page.none"), ""
        verdict = self._say("page.passed" if drill.passed else "page.failed")
        detail = self._say("page.restored", files=f"{drill.files_checked:,}", rows=f"{drill.rows:,}")
        told = self._say("page.verdict", verdict=verdict, age=self._age(drill.ended))
        return told, detail if drill.passed else self._told(drill.reason) if drill.reason else ""

    def _is_silent(self) -> bool:
        beat = self._status.scheduler.heartbeat
        return beat is None or now() - beat > limits.HEARTBEAT

    def _phones(self) -> list[Phone]:
        """Return the declared phones, and what else lies in their folder and was shown in the album."""
        index, known = self._status.index, self._status.phones.phones
        declared = {phone.name: phone.deletions for phone in self._settings.phones}
        places = {PurePosixPath(place).name: place for place in (*index.indexed, *index.troubled)}
        return [
            Phone(
                name=name,
                shown=self._age(index.indexed.get(places.get(name, ""))),
                seen=self._age(known[name].seen) if name in known else "",
                deletions=self._say(f"page.phones.{declared[name]}") if name in declared else "",
                troubled=places.get(name) in index.troubled or (name in known and known[name].quiet is not None),
            )
            for name in sorted(declared.keys() | places.keys())
        ]

    def _trouble(self, place: str) -> str:
        problem = self._status.index.troubled.get(place)
        return f"{PurePosixPath(place).name}{self._say('page.colon')}{self._told(problem)}" if problem else ""

    def _restore(self, path: str) -> str:
        return for_stack(f"./photos keeper restore {typed(path.lstrip('/'))}", self._settings.stack)

    def _say(self, key: str, **values: object) -> str:
        return say(self._language, key, **values)

    def _item(self, level: Level, key: str, *, detail: str = "", command: str = "", **values: object) -> Item:
        """Make an item; whatever is filled in is escaped, a command stands out."""
        text = escape(getattr(TEXTS[key], self._language))
        shown = Markup("<code>{}</code>").format(for_stack(command, self._settings.stack))
        return Item(level, text.format(command=shown, **values), detail)

    def _told(self, problem: Problem) -> str:
        """Return a problem in the reader's language, with commands that can be typed as they stand."""
        return for_stack(problem_text(self._language, problem), self._settings.stack)

    def _sentence(self, text: str) -> str:
        # In Chinese a capital could only be that of a name, which has none.
        return text[:1].upper() + text[1:] if self._language == "en" else text

    def _age(self, moment: datetime | None) -> str:
        return ago(self._language, now() - moment) if moment else self._say("page.unknown")

    def _next(self, job: str) -> str:
        return self._moment(self._status.scheduler.due.get(job))

    def _moment(self, moment: datetime | None) -> str:
        # The scheduler sets the next time when a job has ended.
        return self._say("page.running") if moment and moment <= now() else self._when(moment)

    def _when(self, moment: datetime | None) -> str:
        return clock(moment, self._settings.zone) if moment else self._say("page.unknown")


def _newest(known: CopyState) -> Snapshot | None:
    return newest(known.snapshots, now())


def _last_good(known: CopyState) -> datetime | None:
    """Return from when the last backup is that can be relied on; a host that lost its state asks the copy."""
    snapshot = _newest(known)
    return known.last_good or (snapshot.time if snapshot else None)


def _problems(known: CopyState) -> list[Problem]:
    """Return what the last run of a copy reported; what the gate says and what was tried have places of their own."""
    problems = known.run.problems if known.run else []
    return [problem for problem in problems if not problem.code.startswith(("gate.", "trial."))]
