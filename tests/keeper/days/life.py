"""One family's days: a library, a copy on a small disk, one behind a WebDAV server, and what is known to be safe in each.

The model is what the keeper reported, nothing else: after a run that says it is good, what was at home then must come back
from that copy by plain restic, byte for byte, until the day on which the family's own retention lets it go.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from keeper.backup import gate
from keeper.errors import Exit
from keeper.state import RunReport
from tests.keeper import restic as restic_tool
from tests.keeper.days.clock import DAY, Clock
from tests.keeper.days.damage import Damage
from tests.keeper.home import PROJECT, Home
from tests.keeper.proxy import Proxy, proxied, webdav
from tests.keeper.server import Server
from tests.waiting import PATIENCE, until

COPIES = ("disk", "net")
KEEP = {"all_days": 8, "weekly_days": 30, "monthly_days": 90}
VERIFY_DAYS = 3
DISK_MIB = 24
DAYS_AGO = 2000
"""When it begins: restic counts what lies in its own future neither as new nor as old."""
ENGINE = ("restic", "rclone")
OUTLIVING_SECONDS = 60
DONE = (Exit.OK, Exit.GATE, Exit.DUMP)
BOTHERS = ("run.unreadable",)
"""Problems of home, beside which a run did all that it should."""


class BrokenPromiseError(AssertionError):
    """Something that must hold does not."""


@dataclass
class Safe:
    """What a run reported as done: the snapshot and what it holds; `day` by the right clock.

    `snapshot` is its id, which a tag changes; `original` is the one that it had at first.
    """

    original: str
    day: int
    number: int
    content: dict[bytes, str]
    snapshot: str = ""


@dataclass
class Copy:
    """What the model knows of a copy. `folder` is where it really lies."""

    name: str
    folder: Path
    safe: list[Safe] = field(default_factory=list)
    damage: Damage | None = None
    dirty: bool = True
    """Something touched it since it was looked at."""
    held: set[str] = field(default_factory=set)
    runs_since_damage: int = 0
    told_of_damage: bool = False
    rot_to_tell: dict[str, datetime] = field(default_factory=dict)
    """File that rotted at home, and when."""
    changed: bool = True
    """Something was deleted, edited, moved or hidden at home since its last run, so an alarm may be right."""
    edited: bool = False
    clock_doubt: int = 0
    """Runs for which a clock that was wrong may still make it doubt."""


@dataclass
class Night:
    """How a run ended: a report, or only what it printed."""

    code: int
    report: RunReport | None
    printed: str

    @property
    def codes(self) -> set[str]:
        return {problem.code for problem in self.report.problems} if self.report else set()

    @property
    def is_done(self) -> bool:
        """Whether it says that everything is safe; what bothers it at home is named."""
        if self.report is None or not self.report.snapshot:
            return False
        return self.report.exit in DONE or (self.report.exit == Exit.VERIFY and not self._about_the_copy)

    @property
    def _about_the_copy(self) -> bool:
        return any(code.startswith("copy.") and code != "copy.mended" for code in self.codes)

    def __str__(self) -> str:
        return f"exit {self.code} {self.report.problems if self.report else self.printed}"


@dataclass
class Life:
    """Everything of one seed."""

    seed: int
    home: Home
    proxy: Proxy
    clock: Clock
    program: Path
    random: random.Random
    copies: dict[str, Copy]
    day: int = 0
    log: list[str] = field(default_factory=list)
    hidden: set[Path] = field(default_factory=set)
    photos: int = 0
    figures: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        self.figures[what] = self.figures.get(what, 0) + 1

    # Nights

    def start(self, name: str) -> subprocess.Popen[str]:
        """Start a run; the caller waits for it with `end`."""
        copy = self.copies[name]
        copy.dirty = True
        file = self.home.root / "keeper.json"
        file.write_text(self.home.settings.model_dump_json())
        words = [sys.executable, "-m", "tests.keeper.days.night", str(file), name, str(self.clock.file)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "KEEPER_RESTIC": str(self.program)}
        with (self.home.root / f"night-{name}.log").open("w") as log:
            return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=PROJECT)

    def end(self, name: str, process: subprocess.Popen[str]) -> Night:
        """Wait for a run; note what it reports as done."""
        with process:
            printed, _ = process.communicate(timeout=PATIENCE * 2)
        self._nothing_outlives(name)
        report = None
        with_report = [line for line in printed.splitlines() if line.startswith('{"copy_name"')]
        if with_report:
            report = RunReport.model_validate_json(with_report[-1])
        night = Night(process.returncode, report, printed)
        self.log.append(f"   {name}: {night}")
        self.count(f"exit {night.code}")
        copy = self.copies[name]
        self._note_told(copy)
        if report and night.is_done:
            content = self.home.content()
            left_out = [os.fsencode(path) for path in report.unreadable]
            kept = {p: h for p, h in content.items() if not any(p == o or p.startswith(o + b"/") for o in left_out)}
            number = copy.safe[-1].number + 1 if copy.safe else 0
            copy.safe.append(Safe(report.snapshot, self.day, number, kept, report.snapshot))
            if report.alarm:
                copy.held.add(report.alarm)
        return night

    def _nothing_outlives(self, name: str) -> None:
        """See that what a run started ends soon after it, however that ended: it must not work beside the next one."""
        config = str(self.home.state / "copies" / name / "rclone.conf")

        def left() -> list[psutil.Process]:
            running = (each for each in psutil.process_iter(["name", "environ"]) if each.info["name"] in ENGINE)
            return [each for each in running if (each.info["environ"] or {}).get("RCLONE_CONFIG") == config]

        until(lambda: not left(), OUTLIVING_SECONDS)

    def _note_told(self, copy: Copy) -> None:
        """Forget the rot that was told: by this run, even if it was stopped later, or by that of another copy."""
        alarms = gate.alarms(self.home.state)
        for path, since in list(copy.rot_to_tell.items()):
            hashed = gate._hash(f"/{path}")
            if any(hashed in alarm.paths and alarm.raised and alarm.raised >= since for alarm in alarms):
                del copy.rot_to_tell[path]

    def night(self, name: str) -> Night:
        """Let a run go through, undisturbed."""
        return self.end(name, self.start(name))

    # What must hold

    def look(self) -> None:
        """See that everything that was reported as done last can be restored, wherever something was touched."""
        for copy in self.copies.values():
            if copy.dirty and copy.safe and copy.damage is None:
                self.restores(copy, copy.safe[-1])
            copy.dirty = False

    def look_at_everything(self) -> None:
        """See that each snapshot that was reported is restorable, or has had its time."""
        for copy in self.copies.values():
            if copy.damage is not None or not copy.safe:  # begun anew by a person, and no good run since
                continue
            there = self.snapshots(copy)
            for safe in copy.safe:
                if safe.snapshot in there:
                    self.restores(copy, safe)
            self.plain(copy, "check", "--read-data")

    def nothing_young_is_gone(self, copy: Copy) -> None:
        """See that no snapshot within the days of "keep all" is missing, by the right clock."""
        there = self.snapshots(copy)
        for safe in copy.safe[:]:
            if safe.snapshot in there:
                continue
            found = self.renamed(copy, safe)
            if found:
                safe.snapshot = found
            elif self.day - safe.day < KEEP["all_days"] or safe is copy.safe[-1]:
                self.fail(f"{copy.name}: the snapshot of day {safe.day} is gone on day {self.day}")
            else:
                copy.safe.remove(safe)
                self.count("forgotten")

    def renamed(self, copy: Copy, safe: Safe) -> str:
        """Return the id that a snapshot has now: a tag changes it."""
        for snapshot in json.loads(self.plain(copy, "snapshots", "--json")) or []:
            if snapshot.get("original") == safe.original:
                return str(snapshot["id"])
        return ""

    def restores(self, copy: Copy, safe: Safe) -> None:
        """See that a snapshot comes back from where the copy really lies, equal to what was at home."""
        snapshot = safe.snapshot
        if snapshot not in self.snapshots(copy):
            snapshot = self.renamed(copy, safe)
            if not snapshot:
                self.fail(f"{copy.name}: the snapshot of day {safe.day}, reported as done, is not there")
            safe.snapshot = snapshot
        found = self.restored(copy, snapshot)
        self.count("restored hash-equal")
        lost = {path for path, sha256 in safe.content.items() if found.get(path) != sha256}
        if lost:
            self.fail(f"{copy.name}: of day {safe.day} {len(lost)} files do not come back, such as {sorted(lost)[:3]}")

    def restored(self, copy: Copy, snapshot: str) -> dict[bytes, str]:
        """Return path → hash of what plain restic restores."""
        with tempfile.TemporaryDirectory(dir=self.home.root) as folder:
            self.plain(copy, "restore", snapshot, "--target", folder)
            return content_of(Path(folder))

    def snapshots(self, copy: Copy) -> set[str]:
        return {str(each["id"]) for each in json.loads(self.plain(copy, "snapshots", "--json")) or []}

    def plain(self, copy: Copy, *words: str, must: bool = True) -> str:
        """Run plain restic where the copy really lies, as a person would who has nothing but the key."""
        secret = self.home.secrets / f"backup_{copy.name}_repository_password"
        command = [
            str(restic_tool.restic()),
            "--no-lock",
            "-r",
            str(copy.folder),
            "-p",
            str(secret),
            "--no-cache",
            *words,
        ]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode and must:
            self.fail(f"{copy.name}: plain restic {' '.join(words)} ends with {done.returncode}: {done.stderr[-800:]}")
        return done.stdout if not done.returncode else ""

    def is_whole(self, copy: Copy) -> bool:
        """Whether everything that the copy's snapshots name is there, every byte read."""
        return bool(self.plain(copy, "check", "--read-data", "--json", must=False))

    def fail(self, text: str) -> None:
        tail = "\n".join(self.log[-30:])
        msg = f"seed {self.seed}, day {self.day}: {text}\n{tail}"
        raise BrokenPromiseError(msg)

    # The clock

    def tomorrow(self) -> None:
        self.day += 1
        self.clock.offset = (self.day - DAYS_AGO) * DAY


def content_of(folder: Path) -> dict[bytes, str]:
    """Return path → hash of the files below a folder that a backup holds."""

    class At:
        library = folder

    return Home.content(At())  # type: ignore[arg-type]


@contextmanager
def life(seed: int, folder: Path, server: Server | None) -> Iterator[Life]:
    """Yield a family with a few photos, and two copies that hold nothing yet."""
    with ExitStack() as stack:
        if server:
            server.fresh_album()
        home = Home(folder, server)
        disk = stack.enter_context(small_disk(folder / "disk"))
        port = stack.enter_context(webdav(folder / "net"))
        proxy = stack.enter_context(proxied(port))
        more: dict[str, Any] = {"keep": KEEP, "verify_days": VERIFY_DAYS}
        home.copies = [
            home.copy("disk", "disk", type="local", path=str(disk), **more),
            home.webdav("net", proxy.url, **more),
        ]
        program = restic_tool.light(folder, ordinary=True)
        clock = Clock(folder / "clock")
        clock.offset = -DAYS_AGO * DAY
        copies = {"disk": Copy("disk", disk), "net": Copy("net", folder / "net/photos")}
        yield Life(seed, home, proxy, clock, program, random.Random(seed), copies)  # noqa: S311 - no secret


@contextmanager
def small_disk(mount: Path) -> Iterator[Path]:
    """Yield a folder on a file system that is soon full; for who may not mount, an ordinary one."""
    mount.mkdir()
    mounted = os.geteuid() == 0 and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "photos-days", mount], check=False
    ).returncode  # fmt: skip
    photos = mount / "photos"
    photos.mkdir()
    try:
        yield photos
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", mount], check=True)
        shutil.rmtree(mount, ignore_errors=True)
