"""What waits for a person's answer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from keeper.backup.gate import Alarm, alarms, is_accepted
from keeper.state import CopyState


def waiting_alarms(state: Path, copies: Iterable[CopyState]) -> list[Alarm]:
    """Return the alarms that hold something at a copy and were not answered; one whose file is lost has no reasons."""
    held = sorted({alarm for known in copies for alarm in known.held})
    kept = {alarm.id: alarm for alarm in alarms(state)} if held else {}
    return [kept.get(name, Alarm(id=name)) for name in held if not is_accepted(state, name)]
