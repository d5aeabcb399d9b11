"""New photos from the phones appear in the album: asks PhotoPrism to index a folder when Syncthing has completed it.

Syncthing's events only wake this up. What counts is the folder's own sequence number, which grows with every change: it
is remembered once the folder was indexed, so that a restart of any side loses nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import PurePosixPath
from time import monotonic
from typing import Any

import httpx
from pydantic import AliasChoices, BaseModel, Field, TypeAdapter

from keeper.errors import Problem
from keeper.service.album import Album, why
from keeper.service.alerts import Alerts
from keeper.service.messages import message
from keeper.service.syncthing import syncthing
from keeper.settings import Settings
from keeper.state import IndexState, State, Stored, now
from keeper.texts import problem_text

PHONES = PurePosixPath("/phones")
"""Where Syncthing's container has originals/phones."""
EVENTS = "StateChanged,FolderSummary,FolderCompletion,FolderErrors,ItemFinished"
IDLE, ERROR = "idle", "error"
STOPPED = {"marker missing": "phone.marker", "path missing": "phone.path", "insufficient space": "phone.full"}
"""Part of what Syncthing says of a folder that stops → what we say: `ErrMarkerMissing`, `ErrPathMissing` and
`CheckAvailableSpace` in its lib/config."""
POLL_SECONDS = 60
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
log = logging.getLogger("keeper.index")


class Folder(BaseModel):
    """A folder of Syncthing's configuration."""

    id: str
    path: str
    paused: bool = False

    @property
    def place(self) -> str | None:
        """The folder below originals; None when it lies elsewhere."""
        try:
            below = PurePosixPath(self.path).relative_to(PHONES)
        except ValueError:
            return None
        return str(PurePosixPath(PHONES.name) / below)


class FolderState(BaseModel):
    """What Syncthing says of a folder (`/rest/db/status`)."""

    state: str
    error: str = ""
    needed: int = Field(alias="needFiles")
    failed: int = Field(0, validation_alias=AliasChoices("errors", "pullErrors"))
    sequence: int


class Event(BaseModel):
    """One event, as far as it matters here."""

    id: int
    data: dict[str, Any] | None = None


FOLDERS, EVENT_LIST = TypeAdapter(list[Folder]), TypeAdapter(list[Event])


class Sequences(Stored):
    """Which change of a folder was indexed last: folder → its sequence number."""

    indexed: dict[str, int] = Field({})


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds. `settle`: how long after an event to look. `patience`: how long a folder may stay incomplete."""

    poll: float = POLL_SECONDS
    settle: float = 5
    patience: float = 1800


class SyncIndex:
    """Watches Syncthing, indexes what it brought, and tells which folder no longer takes anything."""

    def __init__(self, settings: Settings, album: Album, alerts: Alerts, pace: Pace | None = None) -> None:
        self._settings, self._album, self._alerts, self._pace = settings, album, alerts, pace or Pace()
        state = State(settings.state)
        self._state_file, self._memory_file = state.index_file, state.folder / "indexed.json"
        self._state, self._indexed = IndexState.read(self._state_file), Sequences.read(self._memory_file).indexed
        # Folder → since when; what has lasted for long enough counts.
        self._incomplete: dict[str, float] = {}
        self._troubled: dict[str, tuple[str, float]] = {}
        self._syncthing = syncthing(settings, httpx.Timeout(20, read=self._pace.poll + 20))

    def run(self, stop: threading.Event) -> None:
        """Watch until told to stop. Whatever fails is tried again, ever more slowly."""
        pause = FIRST_PAUSE
        with closing(self._album), self._syncthing:
            while not stop.is_set():
                try:
                    for _ in self._rounds(stop):
                        pause = FIRST_PAUSE
                except (httpx.HTTPError, ValueError, KeyError, OSError) as error:
                    log.warning("index after sync: %s; next try in %.0f s", problem_text("en", why(error)), pause)
                    stop.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)

    def _rounds(self, stop: threading.Event) -> Iterator[None]:
        """Look at every folder once, then at those that events name; yield after each round that went well."""
        started = self._started()
        last = max((event.id for event in self._events(0, limit=1)), default=0)
        due = {folder.id for folder in self._folders()}
        while not stop.is_set():
            self._look(due)
            yield
            events = self._events(last)
            if not events and self._started() != started:
                return  # it counts its events anew, so that none comes for a long time: start over with every folder
            last = max((event.id for event in events), default=last)
            named = {str(event.data["folder"]) for event in events if event.data and "folder" in event.data}
            due = named | set(self._incomplete) | set(self._troubled)
            stop.wait(self._pace.settle)

    def _look(self, due: set[str]) -> None:
        """Index those of the folders that are complete, idle, and not as they were when last indexed."""
        failures = []
        folders = [folder for folder in self._folders() if folder.place and not folder.paused]
        self._forget_others({str(folder.place) for folder in folders})
        for folder in folders:
            if folder.id in due:
                try:
                    self._look_at(folder.id, str(folder.place))
                except (httpx.HTTPError, ValueError, KeyError) as error:
                    failures.append(error)
                    self._trouble(folder.id, str(folder.place), Problem.of("phone.unshown", reason=why(error)))
        # Only now: one folder that cannot be indexed must not hide the photos of the others.
        if failures:
            raise failures[0]

    def _look_at(self, folder: str, place: str) -> None:
        found = FolderState.model_validate(self._answer("/rest/db/status", folder=folder).json())
        if found.state == IDLE and found.sequence != self._indexed.get(folder) and not self._waits(folder, found):
            self._index(folder, place, found.sequence)
        if found.state == ERROR or found.error:
            code = next((told for said, told in STOPPED.items() if said in found.error), "phone.stopped")
            self._trouble(folder, place, Problem.of(code, said=found.error or found.state), at_once=True)
        elif found.failed:
            self._trouble(folder, place, Problem.of("phone.files", count=found.failed))
        elif found.state == IDLE:
            self._well(folder, place)

    def _waits(self, folder: str, found: FolderState) -> bool:
        """Whether the rest of a folder may still come."""
        if not found.needed:
            return False
        # The phone went away half way, or one file cannot be fetched: the others must not wait for ever.
        return monotonic() - self._incomplete.setdefault(folder, monotonic()) < self._pace.patience

    def _index(self, folder: str, place: str, sequence: int) -> None:
        log.info("indexing %s", place)
        self._album.index(place)
        self._incomplete.pop(folder, None)
        # The number from before: what came in meanwhile makes it differ, and is indexed next time.
        self._indexed[folder] = sequence
        self._state.indexed[place] = now()
        self._remember()

    def _trouble(self, folder: str, place: str, problem: Problem, *, at_once: bool = False) -> None:
        """Tell what is wrong with a folder, once it has lasted."""
        code, since = self._troubled.get(folder, ("", monotonic()))
        since = since if code == problem.code else monotonic()
        self._troubled[folder] = (problem.code, since)
        if at_once or monotonic() - since >= self._pace.patience:
            told = message(self._settings.language, "alert.phone", [problem], kind=problem.code, phone=place)
            self._alerts.problem(f"phone {place}", told)
            if self._state.troubled.get(place) != problem:
                self._state.troubled[place] = problem
                self._remember()

    def _well(self, folder: str, place: str) -> None:
        self._troubled.pop(folder, None)
        self._alerts.all_well(f"phone {place}")
        if self._state.troubled.pop(place, None):
            self._remember()

    def _forget_others(self, places: set[str]) -> None:
        """Forget the trouble of folders that are no longer there, or that a person has paused."""
        for place in self._state.troubled.keys() - places:
            self._well("", place)

    def _remember(self) -> None:
        """Write down what is known here; a full disk must not have everything indexed again and again."""
        try:
            Sequences(indexed=self._indexed).write(self._memory_file)
            self._state.write(self._state_file)
        except OSError as error:
            log.warning("what was indexed is not written: %s", error.strerror)

    def _folders(self) -> list[Folder]:
        return FOLDERS.validate_python(self._answer("/rest/config/folders").json())

    def _events(self, since: int, *, limit: int = 0) -> list[Event]:
        wait = 1 if limit else round(self._pace.poll)
        answer = self._answer("/rest/events", events=EVENTS, since=since, limit=limit, timeout=wait)
        return EVENT_LIST.validate_python(answer.json())

    def _started(self) -> str:
        return str(self._answer("/rest/system/status").json()["startTime"])

    def _answer(self, path: str, **query: Any) -> httpx.Response:
        answer = self._syncthing.get(path, params=query)
        answer.raise_for_status()
        return answer
