"""A look at the drives of OpenList that hold a copy, between the runs: a token that ended is found before a backup fails."""

from __future__ import annotations

from contextlib import suppress
from time import sleep

from keeper.copies import openlist
from keeper.errors import KeeperError, Problem
from keeper.settings import OPENLIST, CopySettings, Settings
from keeper.state import DrivesState, State, now

TRIES, PAUSE_SECONDS = 3, 60.0
"""OpenList may be starting, or its drive may not answer once: what lasts is told."""


def copies_in_drives(settings: Settings) -> list[CopySettings]:
    """Return the copies that lie in a drive of OpenList."""
    return [copy for copy in settings.copies if copy.type == OPENLIST]


def look(settings: Settings, *, pause: float = PAUSE_SECONDS) -> DrivesState:
    """Look at each drive, and note what was found."""
    found = DrivesState(looked=now())
    for copy in copies_in_drives(settings):
        failed, found.findings[copy.name] = _looked_at(settings, copy, pause)
        found.failing += [copy.name] if failed else []
    with suppress(OSError):
        found.write(State(settings.state).drives_file)
    return found


def _looked_at(settings: Settings, copy: CopySettings, pause: float) -> tuple[bool, list[Problem]]:
    for last in (*[False] * (TRIES - 1), True):
        try:
            return False, openlist.prepare(settings, copy)
        except KeeperError as error:
            # What was refused is not tried again: five wrong logins lock OpenList.
            if last or error.problem.code not in openlist.PASSING:
                return True, [error.problem]
        sleep(pause)
    raise AssertionError
