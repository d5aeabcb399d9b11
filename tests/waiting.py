"""Waiting for what a test waits for: something that happens, never a span of time that a busy machine stretches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PATIENCE = 240
"""Seconds after which something hangs; no verdict on how fast it is."""


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return as soon as `condition` holds."""
    end, pause = time.monotonic() + seconds, 0.02
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(pause)
        pause = min(pause * 1.2, 0.2)


class Rounds(threading.Event):
    """What a loop is told to stop with; it counts the loop's rounds by the pauses that it makes."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        return super().wait(timeout)

    def some_more(self, count: int = 5) -> None:
        """Return after `count` whole rounds from now."""
        seen = len(self.pauses)
        until(lambda: len(self.pauses) > seen + count)
