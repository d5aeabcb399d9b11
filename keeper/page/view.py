"""What the page shows, worked out from the status: how things stand, each copy, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from markupsafe import Markup, escape

from keeper.errors import Code
from keeper.manifest import SLICES
from keeper.reasons import translate
from keeper.report import DrillReport, RemoteStatus, Status, now
from keeper.settings import RemoteSettings, Settings
from keeper.texts import TEXTS, Language, ago, clock, for_stack, say, size
from keeper.watch import Limits

Level = Literal["good", "note", "warn", "bad"]
"""A note is worth knowing and changes nothing about how safe the photos are."""
ORDER: dict[Level, int] = {"bad": 0, "warn": 1, "note": 2, "good": 3}
LATE, TOO_LATE = Limits().good, timedelta(days=3)
FRESH_SLICE = timedelta(days=30)
ENOUGH_PERCENT = 90
SKIPPED_SHOWN = 20
# The parts of the gate's message that the page says in its own words.
STOPPED, IF_RIGHT = "stopped, nothing was sent: ", ". If this is right:"


@dataclass(frozen=True)
class Item:
    """Something to do. `finding`: the set of copies is too thin, nothing broke."""

    level: Level
    text: Markup
    detail: str = ""
    finding: bool = False


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One copy of everything."""

    name: str
    kind: str
    where: str
    encrypted: bool
    level: Level
    newest: str
    newest_age: str
    percent: int | None
    drill: str
    drill_detail: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class View:
    """The page's content, ready to be shown."""

    album: str
    level: Level
    headline: str
    subline: str
    items: list[Item]
    copies: list[Copy]
    next_run: str
    next_drill: str
    phones: list[tuple[str, str]]
    skipped: list[tuple[str, str]] = field(default_factory=list)
    skipped_count: int = 0
    made: str


def verified_percent(remote: RemoteStatus) -> int:
    """Return how much of a copy was read back whole within the last 30 days."""
    fresh = sum(now() - moment < FRESH_SLICE for moment in remote.slices.values())
    return round(100 * fresh / SLICES)


def view_of(settings: Settings, status: Status, language: Language) -> View:
    """Work out the page."""
    return _Builder(settings, status, language).view()


class _Builder:
    def __init__(self, settings: Settings, status: Status, language: Language) -> None:
        self._settings, self._status, self._language = settings, status, language

    def view(self) -> View:
        settings, status = self._settings, self._status
        copies = [self._copy(remote, self._known(remote)) for remote in settings.remotes]
        items = sorted(self._items(), key=lambda item: ORDER[item.level])
        level, headline = self._headline(items)
        skipped = sorted((status.last_run.skipped if status.last_run else {}).items())
        return View(
            album=settings.stack,
            level=level,
            headline=headline,
            subline=self._subline(),
            items=items,
            copies=copies,
            next_run=self._next(status.next_run),
            next_drill=self._next(status.next_drill),
            phones=[
                (place.removeprefix("phones/"), self._age(moment)) for place, moment in sorted(status.indexed.items())
            ],
            skipped=[(path, translate(self._language, reason)) for path, reason in skipped[:SKIPPED_SHOWN]],
            skipped_count=len(skipped),
            made=self._when(now()),
        )

    def _headline(self, items: list[Item]) -> tuple[Level, str]:
        status, worst = self._status, items[0].level if items else "good"
        if self._is_silent():
            return "bad", self._say("page.head.silent")
        if not self._settings.remotes:
            return "bad", self._say("page.head.none")
        if status.waiting:
            return "bad", self._say("page.head.gate")
        if status.last_good is None:
            return ("bad", self._say("page.head.none")) if status.last_run else ("warn", self._say("page.head.first"))
        if worst == "bad" and all(item.finding for item in items if item.level == "bad"):
            return "bad", self._say("page.head.thin")
        worst = "good" if worst == "note" else worst
        return worst, self._say(f"page.head.{worst}")

    def _subline(self) -> str:
        status = self._status
        if status.last_good is None or status.last_run is None:
            return self._say("page.sub.never", next=self._next(status.next_run))
        return self._say(
            "page.sub.good",
            files=f"{status.last_run.files:,}",
            size=size(status.last_run.bytes),
            age=self._age(status.last_good),
            next=self._next(status.next_run),
        )

    def _items(self) -> list[Item]:
        """Return what to do, in the order in which a person should look at it."""
        status, settings, items = self._status, self._settings, []
        if self._is_silent():
            items.append(self._item("bad", "todo.silent", command="./photos up"))
        if not settings.remotes:
            items.append(self._item("bad", "todo.none"))
        report = status.last_run
        reasons = self._reasons()
        if status.waiting:
            command = f"./photos keeper accept {status.waiting}"
            items.append(self._item("bad", "todo.gate", detail=" · ".join(reasons), command=command))
        elif report and report.code != Code.OK:
            level: Level = "warn" if report.code == Code.REMOTE else "bad"
            items += [self._item(level, "todo.problem", problem=reason) for reason in reasons]
        # While the gate waits, a run by hand would only stop there again.
        if status.last_good and not status.waiting and now() - status.last_good > LATE:
            level = "bad" if now() - status.last_good > TOO_LATE else "warn"
            age = self._age(status.last_good)
            items.append(self._item(level, "todo.old", age=age, command="./photos keeper backup"))
        for remote in settings.remotes:
            items += self._of_copy(remote.name, self._known(remote))
        items += [
            Item("bad", escape(self._sentence(translate(self._language, text))), finding=True)
            for text in settings.findings
        ]
        drill = status.last_drill
        if drill and now() - drill.ended > Limits().drill:
            age = say(self._language, "span.days", n=(now() - drill.ended).days)
            items.append(self._item("warn", "todo.drill.old", age=age, command="./photos keeper drill"))
        if report and report.skipped:
            items.append(self._item("note", "todo.skipped", count=len(report.skipped)))
        if status.kit_confirmed is None and status.last_good:
            items.append(self._item("warn", "todo.kit", command="./photos keeper kit"))
        return items

    def _of_copy(self, name: str, known: RemoteStatus) -> list[Item]:
        items = []
        if known.problem:
            items.append(self._item("bad", "todo.copy", name=name, problem=self._told(known.problem)))
        elif known.newest_at is None:
            if self._status.last_run:
                items.append(self._item("bad", "todo.copy.none", name=name))
        elif now() - known.newest_at > TOO_LATE:
            items.append(self._item("bad", "todo.copy.old", name=name, age=self._age(known.newest_at)))
        if known.newest_at and (percent := verified_percent(known)) < ENOUGH_PERCENT:
            command = "./photos keeper verify --all"
            items.append(self._item("warn", "todo.verify", name=name, percent=percent, command=command))
        if known.last_drill and not known.last_drill.passed:
            items.append(self._item("bad", "todo.drill", name=name, problem=self._told(known.last_drill.reason)))
        return items

    def _reasons(self) -> list[str]:
        """Return what the last run reported, without what the copies say themselves."""
        report = self._status.last_run
        names = tuple(f"{remote.name}: " for remote in self._settings.remotes)
        found = report.problems if report else []
        if self._status.waiting:
            told = [translate(self._language, reason.partition(IF_RIGHT)[0]) for reason in found]
            return [self._sentence(reason.removeprefix(translate(self._language, STOPPED))) for reason in told]
        return [self._told(reason) for reason in found if not reason.startswith(names)]

    def _copy(self, remote: RemoteSettings, known: RemoteStatus) -> Copy:
        levels = [item.level for item in self._of_copy(remote.name, known)]
        if known.newest_at is None or now() - known.newest_at > LATE:
            levels.append("warn")
        drill, detail = self._drill(known.last_drill)
        return Copy(
            name=remote.name,
            kind=self._say(f"page.kind.{remote.kind}"),
            where=remote.place or f"{remote.type}: {remote.path}",
            encrypted=remote.encrypt,
            level=min(levels, key=lambda level: ORDER[level], default="good"),
            newest=clock(known.newest_at, self._settings.zone) if known.newest_at else self._say("page.none"),
            newest_age=self._age(known.newest_at) if known.newest_at else "",
            percent=verified_percent(known) if known.newest_at else None,
            drill=drill,
            drill_detail=detail,
            problem=self._told(known.problem),
        )

    def _drill(self, drill: DrillReport | None) -> tuple[str, str]:
        if drill is None:
            return self._say("page.none"), ""
        verdict = self._say("page.passed" if drill.passed else "page.failed")
        detail = self._say("page.restored", files=f"{drill.files_checked:,}", rows=f"{drill.rows:,}")
        told = self._say("page.verdict", verdict=verdict, age=self._age(drill.ended))
        return told, detail if drill.passed else self._told(drill.reason)

    def _known(self, remote: RemoteSettings) -> RemoteStatus:
        return self._status.remotes.get(remote.name, RemoteStatus())

    def _is_silent(self) -> bool:
        return self._status.heartbeat is None or now() - self._status.heartbeat > Limits().heartbeat

    def _say(self, key: str, **values: object) -> str:
        return say(self._language, key, **values)

    def _item(self, level: Level, key: str, *, detail: str = "", command: str = "", **values: object) -> Item:
        """Make an item; whatever is filled in is escaped, a command stands out."""
        text = escape(getattr(TEXTS[key], self._language))
        shown = Markup("<code>{}</code>").format(for_stack(command, self._settings.stack))
        return Item(level, text.format(command=shown, **values), detail)

    def _told(self, problem: str) -> str:
        """Return a problem in the reader's language, with commands that can be typed as they stand."""
        return for_stack(translate(self._language, problem), self._settings.stack)

    def _sentence(self, text: str) -> str:
        # In Chinese a capital could only be that of a name, which has none.
        return text[:1].upper() + text[1:] if self._language == "en" else text

    def _age(self, moment: datetime) -> str:
        return ago(self._language, now() - moment)

    def _next(self, moment: datetime | None) -> str:
        # The scheduler sets the next time when a job has ended.
        return self._say("page.running") if moment and moment <= now() else self._when(moment)

    def _when(self, moment: datetime | None) -> str:
        return clock(moment, self._settings.zone) if moment else self._say("page.unknown")
