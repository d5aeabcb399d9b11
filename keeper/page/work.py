"""What a copy's job is at, and how much of a first upload can be restored already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from keeper.copies.repository import newest
from keeper.page.reading import Reading
from keeper.state import CopyState, Progress, now
from keeper.texts import TEXTS, size, span

FRESH_PROGRESS = timedelta(minutes=10)
TELLING = timedelta(seconds=30)
"""A job that is younger cannot say how long it still takes."""


@dataclass(frozen=True)
class Work:
    """What a job is at. `percent` is None where it is not known how much there is to do."""

    phase: str
    percent: int | None
    detail: str


def work_of(reading: Reading, name: str) -> Work | None:
    """Return what a job of a copy is at: what it tells, and that it was started."""
    progress = reading.status.progress.get(name)
    began = reading.status.scheduler.running.get(f"backup {name}")
    if progress and now() - progress.at < FRESH_PROGRESS:
        percent = min(100, 100 * progress.done // progress.total) if progress.total else None
        return Work(_phase(progress.phase, reading), percent, _left(reading, progress))
    return Work(_phase("starting", reading), None, "") if began else None


def restorable(reading: Reading, known: CopyState) -> str:
    """Tell how much of a copy that is being filled can be restored already."""
    part = newest(known.snapshots, now(), whole=False)
    if part is None:
        return reading.say("page.first.nothing")
    return reading.say("page.first", files=f"{part.files:,}", size=size(part.bytes))


def _left(reading: Reading, progress: Progress) -> str:
    """Tell what is done, how fast that was, and how long the rest takes."""
    if not progress.total:
        return size(progress.done) if progress.done else ""
    done = reading.say("page.done", done=size(progress.done), total=size(progress.total))
    elapsed = progress.at - progress.since
    if elapsed < TELLING or not progress.done:
        return done
    rate = progress.done / elapsed.total_seconds()
    left = span(reading.language, timedelta(seconds=max(progress.total - progress.done, 0) / rate))
    return reading.say("page.left", done=done, rate=size(rate), left=left)


def _phase(phase: str, reading: Reading) -> str:
    key = f"phase.{phase}"
    return reading.say(key) if key in TEXTS else phase
