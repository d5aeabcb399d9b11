"""Each copy for itself: where it is, how new, how much of it was proven, and what its job is at."""

from __future__ import annotations

from dataclasses import dataclass

from keeper.page.cards.copies import of_copy
from keeper.page.items import Level, worst
from keeper.page.reading import Reading, last_good, newest_whole, problems_of
from keeper.page.work import Work, restorable, work_of
from keeper.service import limits
from keeper.service.outcomes import is_at_home
from keeper.settings import CopySettings
from keeper.state import DrillReport
from keeper.texts import clock


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


def copies_of(reading: Reading) -> list[Copy]:
    """Return every copy."""
    return [_copy(reading, copy) for copy in reading.settings.copies]


def _copy(reading: Reading, copy: CopySettings) -> Copy:
    known = reading.known[copy.name]
    levels = [item.level for item in of_copy(reading, copy) if item.level != "note"]
    good, snapshot = last_good(known), newest_whole(known)
    held = any(alarm.id in known.held for alarm in reading.waiting)
    if copy.is_repository and (held or not good):
        levels.append("warn")
    drill, detail = _drill(reading, known.drill)
    problems = [known.damage] if known.damage else []
    problems += [each for each in problems_of(known) if each not in problems and not is_at_home(each)]
    shown = snapshot.time if snapshot else good
    return Copy(
        name=copy.name,
        kind=reading.say(f"page.kind.{copy.kind}"),
        where=copy.place or f"{copy.type}: {copy.path}",
        album=not copy.is_repository,
        level=worst(levels),
        newest=clock(shown, reading.settings.zone) if shown else reading.say("page.none"),
        newest_age=reading.age(shown) if shown else "",
        snapshots=len(known.snapshots),
        percent=int(100 * limits.verified_share(copy, known)) if snapshot else None,
        verify_days=copy.verify_days,
        drill=drill,
        drill_detail=detail,
        problems=[reading.told(problem) for problem in problems],
        held=held,
        work=work_of(reading, copy.name),
        first=restorable(reading, known) if limits.in_first_upload(known) and known.snapshots else "",
        next=reading.next(f"backup {copy.name}"),
    )


def _drill(reading: Reading, drill: DrillReport | None) -> tuple[str, str]:
    if drill is None:
        return reading.say("page.none"), ""
    verdict = reading.say("page.passed" if drill.passed else "page.failed")
    detail = reading.say("page.restored", files=f"{drill.files_checked:,}", rows=f"{drill.rows:,}")
    told = reading.say("page.verdict", verdict=verdict, age=reading.age(drill.ended))
    return told, detail if drill.passed else reading.told(drill.reason) if drill.reason else ""
