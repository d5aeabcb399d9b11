"""A look at the drives of OpenList, between the runs: a token that ended is found before a backup fails.

Those that hold a copy are looked at for all that a backup needs, those that the stack declares for whether they list.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import sleep
from typing import TypeVar

from keeper.copies import openlist
from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import OPENLIST, CopySettings, Settings
from keeper.state import DrivesState, State, StorageState, now

TRIES, PAUSE_SECONDS = 3, 60.0
"""OpenList may be starting, or its drive may not answer once: what lasts is told."""
Found = TypeVar("Found")


def copies_in_drives(settings: Settings) -> list[CopySettings]:
    """Return the copies that lie in a drive of OpenList."""
    return [copy for copy in settings.copies if copy.type == OPENLIST]


def has_drives(settings: Settings) -> bool:
    """Whether there is anything to look at in OpenList."""
    return bool(copies_in_drives(settings) or settings.storages)


def look(settings: Settings, *, pause: float = PAUSE_SECONDS) -> DrivesState:
    """Look at each drive, and note what was found."""
    file = State(settings.state).drives_file
    found, before = DrivesState(looked=now()), DrivesState.read(file)
    for copy in copies_in_drives(settings):
        failed, found.findings[copy.name] = _looked_at(settings, copy, pause)
        found.failing += [copy.name] if failed else []
    if settings.storages:
        problems = _storages(settings, pause)
        found.storages = {
            each.name: _since(before.storages.get(each.name, StorageState()), problems.get(each.name))
            for each in settings.storages
        }
    with suppress(OSError):
        found.write(file)
    return found


def _looked_at(settings: Settings, copy: CopySettings, pause: float) -> tuple[bool, list[Problem]]:
    try:
        return False, _patient(partial(openlist.prepare, settings, copy), pause)
    except KeeperError as error:
        return True, [error.problem]


def _storages(settings: Settings, pause: float) -> dict[str, Problem]:
    """Return the declared storages that cannot be reached, though they were tried again: name → why."""

    def ask() -> dict[str, Problem]:
        found = openlist.unreachable(settings)
        if passing := [problem for problem in found.values() if problem.code in openlist.PASSING]:
            raise _PassingError(found, passing[0])
        return found

    try:
        return _patient(ask, pause)
    except _PassingError as error:
        return error.found
    except KeeperError as error:
        return dict.fromkeys((each.name for each in settings.storages), error.problem)


class _PassingError(KeeperError):
    """Something may be over in a minute; `found` is all that was."""

    def __init__(self, found: dict[str, Problem], problem: Problem) -> None:
        super().__init__(Exit.COPY, problem.code, **problem.values)
        self.found = found


def _patient(ask: Callable[[], Found], pause: float) -> Found:
    """Ask again what may be over in a minute.

    Raises:
        KeeperError: of the last try, or at once of what was refused: five wrong logins lock OpenList.
    """
    for _ in range(TRIES - 1):
        try:
            return ask()
        except KeeperError as error:
            if error.problem.code not in openlist.PASSING:
                raise
        sleep(pause)
    return ask()


def _since(before: StorageState, problem: Problem | None) -> StorageState:
    """Return how a storage is, and since when; its words may differ each time."""
    if problem is None:
        return StorageState()
    return StorageState(problem=problem, since=(before.since if before.problem else None) or now())
