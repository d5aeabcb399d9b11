"""What the watcher outside of the house is told: one address, though every copy is made for itself.

A night begins with the first copy that is made and is over when none that is due is still to come. A copy that fails is told
at once. "All is well" is only said when the last run of every copy was good: the one of a weekly copy that failed on
Sunday, too. A first upload that takes days and gets on holds nothing up, but it never makes a night good by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from keeper.errors import Exit
from keeper.service.alerts import START, Alerts
from keeper.service.limits import Movement, in_first_upload
from keeper.settings import Settings
from keeper.state import State, now


class Night:
    """Follows the copies of one night and pings."""

    def __init__(self, settings: Settings, alerts: Alerts) -> None:
        self._settings, self._alerts, self._state = settings, alerts, State(settings.state)
        self._begun = self._brought = False
        self._ends: dict[str, tuple[datetime, int]] = {}
        self._movement = Movement()

    def begins(self) -> None:
        """A copy begins to be made."""
        if not self._begun:
            self._begun = True
            self._alerts.ping(START)

    def ended(self, name: str, code: int) -> None:
        """The run of a copy ended with an exit code; one that a signal ended has a negative one."""
        self._ends[name] = (now(), code)
        if code == Exit.OK:
            self._brought = True
        else:
            self._alerts.ping(str(code if code > 0 else int(Exit.FAILED)))

    def look(self, unfinished: Collection[str]) -> None:
        """Tell that all is well when that is so; `unfinished` are the copies that are due or being made."""
        moving = {name for name in unfinished if self._is_first_and_gets_on(name)}
        if not self._brought or set(unfinished) - moving:
            return
        self._begun = self._brought = False
        if all(self._was_good(copy.name) for copy in self._settings.copies if copy.name not in moving):
            self._alerts.ping()

    def _is_first_and_gets_on(self, name: str) -> bool:
        return in_first_upload(self._state.copy(name)) and self._movement.of(name, self._state.progress(name))

    def _was_good(self, name: str) -> bool:
        """Whether the last run of a copy was good, by the schedule or by hand; one that never had its turn is not bad."""
        ended, code = self._ends.get(name, (None, int(Exit.OK)))
        run = self._state.copy(name).run
        if run and run.ended and (ended is None or run.ended > ended):
            code = run.exit
        return code == Exit.OK
