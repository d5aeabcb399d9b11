"""Shows that something long is at work: its stage, the seconds and the newest line of whoever does it.

On a terminal as one line that moves; elsewhere as a line per stage and one every few seconds, so that a log shows life.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cli.console import out, say
from components.messages import Said, message
from stacks.languages import text

SIGN_OF_LIFE_S = 15.0
WIDEST = 60


class Stages:
    """The stages of one long command, one after the other."""

    def __init__(self) -> None:
        self._text, self._detail, self._since = "", "", time.monotonic()
        self._said = self._since
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", style="dim", markup=False),
            console=out,
            transient=True,
            disable=not out.is_terminal,
        )
        self._task: TaskID | None = None
        self._thread = threading.Thread(target=self._show_life, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._bar.start()
        if not out.is_terminal:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self._bar.stop()
        if kind is None:
            self._done()

    def stage(self, said: Said) -> None:
        """Begin with something else; several threads may do so."""
        name = text(said)
        with self._lock:
            self._done()
            self._text, self._detail, self._since = name, "", time.monotonic()
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(name, total=None, detail="")
            if not out.is_terminal:
                self._say(f"{name} ...")

    def detail(self, line: str) -> None:
        """Take the newest line of whoever is at work."""
        with self._lock:
            self._detail = line.strip()[:WIDEST]
            if self._task is not None:
                self._bar.update(self._task, detail=self._detail)

    def _done(self) -> None:
        if self._text and out.is_terminal:
            seconds = f"{time.monotonic() - self._since:.0f}"
            say(message("stage_done", "{stage}: {seconds} s", stage=self._text, seconds=seconds))

    def _say(self, line: Said) -> None:
        self._said = time.monotonic()
        say(line)

    def _show_life(self) -> None:
        while not self._ended.wait(SIGN_OF_LIFE_S / 15):
            with self._lock:
                now = time.monotonic()
                if self._text and now - self._said >= SIGN_OF_LIFE_S:
                    aside = f": {self._detail}" if self._detail else ""
                    self._say(
                        message(
                            "stage_goes_on",
                            "  still at it after {seconds} s: {stage}{aside}",
                            seconds=f"{now - self._since:.0f}",
                            stage=self._text,
                            aside=aside,
                        )
                    )
