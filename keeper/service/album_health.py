"""Whether the album answers, and since when it does not: looked at again and again, so that nobody waits for it on the page."""

from __future__ import annotations

import logging
import threading

import httpx

from keeper.errors import Problem
from keeper.service.album import why
from keeper.settings import Settings
from keeper.state import AlbumState, State, now

LOOK_SECONDS, TIMEOUT_SECONDS = 60.0, 10.0
STATUS = "/api/v1/status"
"""Answers anybody, as for a container's health check: internal/api/status.go in photoprism/photoprism."""
log = logging.getLogger("keeper.album")


class AlbumHealth:
    """Notes whether the album answers."""

    def __init__(self, settings: Settings, *, every: float = LOOK_SECONDS, timeout: float = TIMEOUT_SECONDS) -> None:
        self._settings, self._every, self._timeout = settings, every, timeout
        self._file = State(settings.state).album_file

    def run(self, stop: threading.Event) -> None:
        """Look again and again until told to stop. A full disk changes nothing but the page."""
        while not stop.is_set():
            try:
                self.look()
            except OSError as error:
                log.warning("whether the album answers is not written: %s", error.strerror)
            stop.wait(self._every)

    def look(self) -> None:
        """Look once.

        Raises:
            OSError: there is no room to note it.
        """
        before, problem = AlbumState.read(self._file), self._problem()
        if problem is None:
            known = AlbumState(looked=now(), answered=now())
        else:
            since = before.since if before.problem else None
            known = AlbumState(looked=now(), answered=before.answered, problem=problem, since=since or now())
        known.write(self._file)

    def _problem(self) -> Problem | None:
        try:
            httpx.get(f"{self._settings.photoprism_url}{STATUS}", timeout=self._timeout).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return why(error)
        return None
