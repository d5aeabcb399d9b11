"""A copy to look at: the originals as plain files. It counts as no backup, and whoever gets at it sees the photos.

Nothing that lies there is ever lost by it. A photo that is gone at home stays. One that has another size than at home is
first renamed, `IMG_1_2026-11-29_033000.jpg`, and the new one takes its place: that also replaces what a broken line left
half-sent. Sizes alone are compared: times that a drive rounds or forgets would send everything again, night after night.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keeper.backup import library
from keeper.copies.causes import LASTING, cause_of, shortened
from keeper.copies.place import Place
from keeper.copies.rclone import ERRORS, RcloneError
from keeper.errors import Exit, Problem
from keeper.mounts import file_system
from keeper.settings import LOCAL, Settings
from keeper.state import CopyState, RunReport, Tell, now

ORIGINALS = "originals"
LEFT_OUT = (*library.NEVER, ".stfolder", ".stversions")
PATIENCE = 20
"""So many refusals in a row are believed to be about all files."""
NAMED = 1000
"""So many files that are not there are named."""
CASELESS = ("vfat", "exfat", "ntfs", "fuseblk", "9p", "cifs", "smb3")
"""File systems on which `a.jpg` and `A.jpg` are one file: copied both, each would replace the other every night."""
AT_HOME = re.compile(r"source object|source file is being updated|source directory", re.IGNORECASE)
HALF = re.compile(r"\.[0-9a-f]{8}\.partial$")
"""What rclone calls a file until it is whole."""
TWICE = "Duplicate object found in source"


@dataclass
class _Watch:
    """What rclone tells while it copies."""

    tell: Tell
    refused: dict[str, str] = field(default_factory=dict)
    blocked: str = ""
    stats: dict[str, Any] = field(default_factory=dict)
    refusals: int = 0

    def __call__(self, entry: dict[str, Any]) -> bool:
        """Take one line of its log; return whether going on is of no use."""
        if stats := entry.get("stats"):
            if stats.get("transfers") != self.stats.get("transfers"):
                self.refusals = 0
            self.stats = stats
            self.tell("album", int(stats.get("bytes", 0)), int(stats.get("totalBytes", 0)))
        said, name = str(entry.get("msg", "")), entry.get("object")
        if not name or (entry.get("level") not in ERRORS and TWICE not in said):
            return False
        if len(self.refused) < NAMED:
            self.refused[f"{ORIGINALS}/{HALF.sub('', str(name))}"] = shortened(said)
        cause = None if AT_HOME.search(said) else cause_of(said)
        self.blocked = self.blocked or cause or ""
        self.refusals += cause in LASTING
        return self.refusals >= PATIENCE


@dataclass
class AlbumRun:
    """One run of one album. What the place refuses is named, and the rest goes on."""

    settings: Settings
    place: Place
    report: RunReport
    tell: Tell

    def carry_out(self) -> None:
        """Copy what is new in the originals.

        Raises:
            KeeperError: it could not be done.
        """
        settings, place, report = self.settings, self.place, self.report
        library.check(settings)
        self.tell("open", 0, 0)
        place.reach()
        report.problems += place.told
        watch = _Watch(self.tell)
        words = ["copy", str(settings.roots[ORIGINALS]), place.place, "--size-only"]
        try:
            place.rclone.run(*words, *_filters(settings), *_keeping(place), watch=watch)
        except RcloneError:
            # Single files are no reason to fail; a way that is blocked is, and so is an error that names no file.
            if watch.blocked or not watch.refused:
                raise
        finally:
            report.sent_bytes = int(watch.stats.get("bytes", 0))
            report.files = int(watch.stats.get("checks", 0)) + int(watch.stats.get("transfers", 0))
            report.unreadable = watch.refused
        if watch.refused:
            first = min(watch.refused)
            problem = Problem.of("album.refused", count=len(watch.refused), path=first, said=watch.refused[first])
            report.problems.append(problem)

    def note(self, known: CopyState) -> None:
        """Write down what this run learned."""
        known.run = self.report
        if self.report.exit == Exit.OK:
            known.last_good = self.report.ended


def _filters(settings: Settings) -> list[str]:
    """Return the flags for what is not copied."""
    again = [f"/{pattern}" for pattern in settings.leave_out.get(ORIGINALS, ())]
    return [word for name in (*LEFT_OUT, *again) for word in ("--exclude", name, "--exclude", f"{name}/**")]


def _keeping(place: Place) -> list[str]:
    """Return the flags with which nothing there is overwritten."""
    features = json.loads(place.rclone.run("backend", "features", place.place))["Features"]
    caseless = place.copy.type == LOCAL and file_system(Path(place.copy.path)).startswith(CASELESS)
    words = ["--ignore-case-sync"] if caseless else []
    if not (features.get("Move") or features.get("Copy")):
        # It cannot rename: what is there stays as it is.
        return [*words, "--ignore-existing"]
    moment = now().astimezone(place.settings.zone)
    return [*words, "--suffix", f"_{moment:%Y-%m-%d_%H%M%S}", "--suffix-keep-extension"]
