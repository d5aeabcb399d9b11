"""Run a command, and say how long it took."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


class BenchError(Exception):
    """A command failed, so there is nothing to measure; the message holds what it said."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command with the folder and the environment that it runs in."""

    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]

    def run(self) -> float:
        """Run it and return the seconds it took.

        Raises:
            BenchError: it failed.
        """
        start = time.monotonic()
        done = subprocess.run(
            self.words,
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - start
        if done.returncode:
            msg = f"{' '.join(self.words)} ended with {done.returncode}:\n{done.stdout[-3000:]}"
            raise BenchError(msg)
        return seconds


@dataclass
class Figures:
    """Everything that was measured: (who, what, of how many stacks or hostnames) → seconds, or megabytes, of each run."""

    runs: dict[tuple[str, str, int], list[float]] = field(default_factory=dict)

    def add(self, who: str, what: str, number: int, value: float) -> None:
        """Keep one run."""
        self.runs.setdefault((who, what, number), []).append(value)
        print(f"  {number:>2} {what:<16} {who:<16} {value:8.2f}", flush=True)

    def typical(self, who: str, what: str, number: int) -> float | None:
        """Return the median, None where nothing was measured."""
        runs = self.runs.get((who, what, number))
        return median(runs) if runs else None
