"""A clock that is put forward a day at a time, or wrongly, for the keeper and for restic alike.

The file holds by how many seconds it differs from this machine's. The keeper asks `state.now()`; restic is told by the
wrapper that calls it (`tests.keeper.restic.light`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from keeper import state

DAY = 86_400


@dataclass
class Clock:
    """What stands in the file."""

    file: Path

    @property
    def offset(self) -> int:
        return int(self.file.read_text())

    @offset.setter
    def offset(self, seconds: int) -> None:
        self.file.write_text(str(seconds))

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.offset)

    def rule(self) -> None:
        """Let the keeper in this process live by it."""
        clock = self

        class Ruled(dt.datetime):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
                del tz
                return clock.now()

        state.datetime = Ruled  # type: ignore[attr-defined]
