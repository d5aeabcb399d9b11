"""The album as the keeper asks it: PhotoPrism, opened by a password that is good for index and import only.

The stack declares that password (components/apps/photoprism.py).
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from keeper.errors import Problem
from keeper.settings import Settings

APP_PASSWORD = "photoprism_app_password"  # noqa: S105 - a file's name
WORK_SECONDS = 24 * 3600
"""PhotoPrism answers when it is done: the first import of a family takes hours."""


class Album:
    """PhotoPrism, as far as the keeper may use it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = httpx.Client(
            base_url=settings.photoprism_url or "",
            headers={"X-Auth-Token": settings.secret(APP_PASSWORD)},
            timeout=httpx.Timeout(20, read=WORK_SECONDS),
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def index(self, place: str) -> None:
        """Index one folder below originals, and wait until it is done."""
        with self._alone():
            self._post("/api/v1/index", {"path": place, "rescan": False, "cleanup": False})

    def take_over(self, *, move: bool) -> None:
        """Import what lies in the import folder: as copies, or moved; and wait until it is done.

        PhotoPrism says the same when it did nothing, because it was at an index (internal/mutex, internal/photoprism).
        """
        with self._alone():
            self._post("/api/v1/import/", {"path": "", "move": move})

    def has(self, sha1: str) -> bool:
        """Whether a file with these contents is in the index."""
        answer = self._client.get(f"/api/v1/files/{sha1}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        answer.raise_for_status()
        return True

    def _post(self, path: str, body: dict[str, object]) -> None:
        self._client.post(path, json=body).raise_for_status()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep index and import of all processes apart: PhotoPrism does one at a time."""
        with (self._settings.state / "album.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def why(error: Exception) -> Problem:
    """Return what went wrong between the apps, without a whole page of it."""
    if isinstance(error, httpx.HTTPStatusError):
        url, status = error.request.url, error.response.status_code
        if status == httpx.codes.UNAUTHORIZED and error.request.headers.get("X-Auth-Token") is not None:
            return Problem.of("album.password")
        return Problem.of("app.answers", app=url.host, status=status, path=url.path)
    if isinstance(error, httpx.RequestError):
        return Problem.of("app.unreachable", app=error.request.url.host, said=error or type(error).__name__)
    return Problem.of("app.strange", said=f"{type(error).__name__}: {str(error)[:200]}")
