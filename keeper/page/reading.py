"""What the page is worked out from: the stack's settings and the states, and the words in the reader's language."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from markupsafe import Markup, escape

from keeper.copies.repository import newest
from keeper.errors import Problem
from keeper.page.items import Item, Level
from keeper.page.learning import Knowledge
from keeper.page.status import Status
from keeper.service import limits
from keeper.service.waiting import waiting_alarms
from keeper.settings import Settings
from keeper.state import CopyState, Snapshot, now
from keeper.texts import TEXTS, Language, ago, clock, for_stack, problem_text, say, span, typed


class Reading:
    """One reader's look at the states; everything on the page follows from it."""

    def __init__(self, settings: Settings, status: Status, language: Language, knowledge: Knowledge) -> None:
        self.settings, self.status, self.language, self.knowledge = settings, status, language, knowledge
        self.known = {copy.name: status.copies.get(copy.name, CopyState()) for copy in settings.copies}
        self.waiting = waiting_alarms(settings.state, self.known.values())

    @cached_property
    def unreadable(self) -> dict[str, str]:
        """What could not be read at home: path → the kernel's words."""
        runs = [self.known[copy.name].run for copy in self.settings.repositories]
        found = {path: why for run in runs if run for path, why in run.unreadable.items()}
        return found | self.status.scrub.unreadable

    @property
    def is_silent(self) -> bool:
        """Whether the keeper itself does not run."""
        beat = self.status.scheduler.heartbeat
        return beat is None or now() - beat > limits.HEARTBEAT

    def say(self, key: str, **values: object) -> str:
        """Return a text."""
        return say(self.language, key, **values)

    def told(self, problem: Problem) -> str:
        """Return a problem, with commands that can be typed as they stand."""
        return for_stack(problem_text(self.language, problem), self.settings.stack)

    def sentence(self, problem: Problem) -> str:
        """Return a problem that stands alone."""
        text = self.told(problem)
        # In Chinese a capital could only be that of a name, which has none.
        return text[:1].upper() + text[1:] if self.language == "en" else text

    def names(self, names: list[str]) -> str:
        """Return a list of names."""
        return self.say("page.comma").join(names)

    def age(self, moment: datetime | None) -> str:
        """Return how long ago something was."""
        return ago(self.language, now() - moment) if moment else self.say("page.unknown")

    def length_since(self, moment: datetime) -> str:
        """Return for how long something is so."""
        return span(self.language, now() - moment)

    def next(self, job: str) -> str:
        """Return when a job comes next."""
        return self.moment(self.status.scheduler.due.get(job))

    def moment(self, moment: datetime | None) -> str:
        """Return when something comes; the scheduler sets the next time when a job has ended."""
        return self.say("page.running") if moment and moment <= now() else self.when(moment)

    def when(self, moment: datetime | None) -> str:
        """Return a moment by the family's clock."""
        return clock(moment, self.settings.zone) if moment else self.say("page.unknown")

    def command(self, words: str) -> str:
        """Return a command as it is typed for this stack."""
        return for_stack(words, self.settings.stack)

    def restore(self, path: str) -> str:
        """Return the command that brings a file back."""
        return self.command(f"./photos keeper restore {typed(path.lstrip('/'))}")

    def plain(self, level: Level, problem: Problem) -> Item:
        """Make an item of a problem that says by itself what to do."""
        return Item(level, escape(self.sentence(problem)), about=_about(problem))

    def item(
        self, level: Level, key: str, *, detail: str = "", command: str = "", alone: bool = True, **values: object
    ) -> Item:
        """Make an item; whatever is filled in is escaped, a command stands out. `alone`: it may stand without the text."""
        text = escape(getattr(TEXTS[key], self.language))
        command = self.command(command)
        shown = Markup("<code>{}</code>").format(command)
        filled = {name: _told(self, value) for name, value in values.items()}
        about = _about(*(value for value in values.values() if isinstance(value, Problem)))
        return Item(level, text.format(command=shown, **filled), detail, command if alone else "", about)


def _about(*problems: Problem) -> str:
    """Return of which net drive what is told; what it answers may differ each time."""
    return next((f"{each.code} {each.values['drive']}" for each in problems if "drive" in each.values), "")


def _told(reading: Reading, value: object) -> object:
    return reading.told(value) if isinstance(value, Problem) else value


def newest_whole(known: CopyState) -> Snapshot | None:
    """Return the newest snapshot that holds everything."""
    return newest(known.snapshots, now())


def last_good(known: CopyState) -> datetime | None:
    """Return from when the last backup is that can be relied on; a host that lost its state asks the copy."""
    snapshot = newest_whole(known)
    return known.last_good or (snapshot.time if snapshot else None)


def problems_of(known: CopyState) -> list[Problem]:
    """Return what the last run of a copy reported; what the gate says and what was tried have places of their own."""
    problems = known.run.problems if known.run else []
    return [problem for problem in problems if not problem.code.startswith(("gate.", "trial."))]
