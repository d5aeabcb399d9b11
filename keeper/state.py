"""What the keeper remembers and tells, one small file for each who writes: a copy's jobs, the scheduler, the index, the kit.

Nothing in it is needed for a run: an absent or broken file is an empty one, and what the copies hold is asked of them.
Readers are the page, the metrics, `watch` and the command line.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError, ValidationInfo

from keeper.errors import Exit, Problem

LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""When what never was done is taken to have been done: it has its turn first."""
TOLERANCE = timedelta(hours=1)
"""What was noted further ahead comes from a clock that was wrong."""
Key = TypeVar("Key", int, str)


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def is_ahead(moment: datetime) -> bool:
    """Whether a moment that was noted lies in the future: the clock was wrong then, and the note says nothing."""
    return moment > now() + TOLERANCE


AS_WRITTEN = {"as_written": True}
"""Tells pydantic's validators to leave every date as it is."""


def _unless_ahead(moment: datetime | None, info: ValidationInfo) -> datetime | None:
    return None if moment and info.context is not AS_WRITTEN and is_ahead(moment) else moment


def _those_not_ahead(moments: dict[Key, datetime], info: ValidationInfo) -> dict[Key, datetime]:
    kept = info.context is AS_WRITTEN
    return {key: moment for key, moment in moments.items() if kept or not is_ahead(moment)}


Noted = Annotated[datetime | None, AfterValidator(_unless_ahead)]
"""When something was done. What a wrong clock noted is never believed, or it would keep the thing from its turn for years."""
SliceDates = Annotated[dict[int, datetime], AfterValidator(_those_not_ahead)]
NamedDates = Annotated[dict[str, datetime], AfterValidator(_those_not_ahead)]


class Stored(BaseModel):
    """A file of the state; `read` never fails."""

    @classmethod
    def read(cls, file: Path, *, as_written: bool = False) -> Self:
        """Return what the file holds; an empty one when there is none or it is unreadable.

        `as_written`: for who changes it: what lies ahead of a clock that is behind tonight is the truth tomorrow.
        """
        with suppress(OSError, ValidationError):
            return cls.model_validate_json(file.read_bytes(), context=AS_WRITTEN if as_written else None)
        return cls()

    def write(self, file: Path) -> None:
        """Write it as a whole; readers see the old one or the new one.

        Raises:
            OSError: there is no room for it.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, self.model_dump_json(indent=1).encode())


class Snapshot(BaseModel):
    """One snapshot of a repository, as restic tells it. Sizes in bytes.

    `number` is its place in the order in which this copy's snapshots were made, whatever the clock said. `whole`:
    everything was in it; a part is one of the first upload. `held`: not to be forgotten until a person accepts `alarm`.
    """

    id: str
    number: int = 0
    time: datetime
    whole: bool = True
    held: bool = False
    alarm: str = ""
    files: int = 0
    bytes: int = 0
    added_bytes: int = 0


class RunReport(BaseModel):
    """One run of one copy, from its lock to its report. Sizes in bytes.

    `snapshot` is empty when none was made. `unreadable`: path → the kernel's words, of what is not in it. `sent_bytes`:
    what the copy grew by. `verified_bytes`: what was read back. `alarm`: what the gate calls the changes that it holds.
    """

    copy_name: str
    started: datetime
    ended: Noted = None
    exit: Exit = Exit.OK
    problems: list[Problem] = []
    snapshot: str = ""
    files: int = 0
    bytes: int = 0
    sent_bytes: int = 0
    verified_bytes: int = 0
    forgotten: int = 0
    repaired: int = 0
    unreadable: dict[str, str] = {}
    alarm: str = ""


class DrillReport(BaseModel):
    """One test restore of one snapshot from one copy."""

    snapshot: str = ""
    copy_name: str
    started: datetime
    ended: datetime
    passed: bool
    reason: Problem | None = None
    files_checked: int = 0
    tables: int = 0
    rows: int = 0


class Progress(BaseModel):
    """What a job is at. `phase` names a text; `done` and `total` are bytes, 0 for not known."""

    phase: str
    done: int = 0
    total: int = 0
    since: datetime
    at: datetime


Tell = Callable[[str, int, int], None]
"""What a job tells its progress to: the name of the phase, bytes done and bytes in all, 0 for not known."""


class CopyState(Stored):
    """What is known of one copy; written by its jobs, under its lock.

    `repository`: restic's id of it, once seen. `snapshots`: oldest first, as they were listed last. `last_good`: when the
    last run ended of which everything was sent and read back. `slices`: share of the packs (0 to `slices_of` - 1) → when
    it was last read back whole. `damage`: what was found damaged and is not mended; `broken`: the packs. `held`: alarm → the snapshot to which
    forgetting stopped. `pruned`: when what was forgotten was last removed. `compared`: number of the snapshot that the
    gate saw last. `indexes`: index files whose packs were read back. `keys`: key files that were seen there.
    """

    repository: str = ""
    snapshots: list[Snapshot] = []
    run: RunReport | None = None
    last_good: Noted = None
    slices_of: int = 1
    slices: SliceDates = {}
    damage: Problem | None = None
    broken: list[str] = []
    drill: DrillReport | None = None
    last_passed: Noted = None
    held: dict[str, str] = {}
    pruned: Noted = None
    compared: int = 0
    indexes: list[str] = []
    keys: list[str] = []

    @property
    def drilled(self) -> datetime | None:
        """When the last test restore ended; a verdict whose date a wrong clock made stays one, without the date."""
        return self.drill.ended if self.drill and not is_ahead(self.drill.ended) else None


class SchedulerState(Stored):
    """What the scheduler tells. `due`: job, e.g. "backup disk" or "drill" → when; `running`: job → what it is at."""

    heartbeat: Noted = None
    started: datetime | None = None
    due: dict[str, datetime] = {}
    running: dict[str, datetime] = {}


class DumpState(Stored):
    """The newest dump. `rows`: table → rows; `problem`: why the last try made none."""

    made: Noted = None
    rows: dict[str, int] = {}
    problem: Problem | None = None


class ScrubState(Stored):
    """The reading of the library at home. `rotten`: path → when its content was found changed without a new time.

    `problems`: what the last reading found that was not told before.
    """

    last: Noted = None
    read_files: int = 0
    rotten: dict[str, datetime] = {}
    unreadable: dict[str, str] = {}
    problems: list[Problem] = []


class TrialState(Stored):
    """Whether a copy is what it is called, as it was tried last. `called`: of which settings, as a hash."""

    tried: Noted = None
    called: str = ""
    findings: list[Problem] = []


class IndexState(Stored):
    """What was shown in the album: folder → when; and what is wrong with a phone's folder: folder → the problem."""

    indexed: dict[str, datetime] = {}
    troubled: dict[str, Problem] = {}


class PhoneState(BaseModel):
    """One phone. `since`: when this device was first known here; `seen`: when it was last connected; `quiet`: its silence."""

    device: str
    since: Noted = None
    seen: Noted = None
    quiet: Problem | None = None


class PhonesState(Stored):
    """The phones that the stack declares, by name."""

    phones: dict[str, PhoneState] = {}


class KitState(Stored):
    """When a person said that the recovery kit is safe, and which keys it held then: their names and fingerprints."""

    confirmed: datetime | None = None
    keys: dict[str, str] = {}


class StorageState(BaseModel):
    """A declared net drive. `problem`: why it cannot be reached; `since`: when that began."""

    problem: Problem | None = None
    since: Noted = None


class DrivesState(Stored):
    """What the last look at OpenList's drives found: `findings` by copy, `storages` by the name in the stack file.

    `failing`: the copies that nothing can be sent to.
    """

    looked: Noted = None
    findings: dict[str, list[Problem]] = {}
    failing: list[str] = []
    storages: dict[str, StorageState] = {}


class AlbumState(Stored):
    """Whether the album answers. `since`: when it began not to; `answered`: when it last did."""

    looked: Noted = None
    answered: Noted = None
    problem: Problem | None = None
    since: Noted = None


class Release(BaseModel):
    """A newer release of an image that runs, as tags. `newest` is empty where only a newer series, `series`, exists."""

    service: str
    image: str = ""
    runs: str
    newest: str
    series: str = ""

    @property
    def command(self) -> str:
        """What brings the newer release."""
        return f"./photos upgrade {self.service}"

    @property
    def series_command(self) -> str:
        """What brings the newer series, which nobody types without reading first."""
        return f"{self.command} --to {self.image}:{self.series}"


class UpdatesState(Stored):
    """The last look for newer releases. `unknown`: services whose registry did not answer."""

    looked: Noted = None
    newer: list[Release] = []
    unknown: list[str] = []


class ImportState(Stored):
    """The last import. `seen`: what lay in the folder then, path → size and times; `left`: what the album did not take of it."""

    ended: Noted = None
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    left: dict[str, str] = {}


class State:
    """The folder of the state, and where what lies in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def copy_folder(self, name: str) -> Path:
        """Return the folder of one copy: lock, rclone's configuration, restic's cache and scratch."""
        folder = self.folder / "copies" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def copy_file(self, name: str) -> Path:
        """Return the file of `CopyState`."""
        return self.folder / "copies" / f"{name}.json"

    def copy(self, name: str) -> CopyState:
        """Return what is known of a copy."""
        return CopyState.read(self.copy_file(name))

    def change_copy(self, name: str, change: Callable[[CopyState], object]) -> CopyState:
        """Apply `change` to what is known of a copy and write it. Only under the copy's lock."""
        state = CopyState.read(self.copy_file(name), as_written=True)
        change(state)
        state.write(self.copy_file(name))
        return state

    @property
    def scheduler_file(self) -> Path:
        """The file of `SchedulerState`."""
        return self.folder / "scheduler.json"

    @property
    def dump_file(self) -> Path:
        """The file of `DumpState`."""
        return self.folder / "dump.json"

    @property
    def scrub_file(self) -> Path:
        """The file of `ScrubState`."""
        return self.folder / "scrub.json"

    def trial_file(self, name: str) -> Path:
        """Return the file of `TrialState` of a copy."""
        return self.folder / "copies" / f"{name}.trial.json"

    @property
    def drives_file(self) -> Path:
        """The file of `DrivesState`."""
        return self.folder / "drives.json"

    @property
    def album_file(self) -> Path:
        """The file of `AlbumState`."""
        return self.folder / "album.json"

    @property
    def updates_file(self) -> Path:
        """The file of `UpdatesState`."""
        return self.folder / "updates.json"

    @property
    def import_file(self) -> Path:
        """The file of `ImportState`."""
        return self.folder / "import.json"

    @property
    def index_file(self) -> Path:
        """The file of `IndexState`."""
        return self.folder / "index.json"

    @property
    def phones_file(self) -> Path:
        """The file of `PhonesState`."""
        return self.folder / "phones.json"

    @property
    def kit_file(self) -> Path:
        """The file of `KitState`."""
        return self.folder / "kit.json"

    def progress(self, name: str) -> Progress | None:
        """Return what a job of a copy is at, if one tells."""
        with suppress(OSError, ValidationError):
            return Progress.model_validate_json((self.folder / "copies" / f"{name}.progress").read_bytes())
        return None

    def tell_progress(self, name: str, progress: Progress | None) -> None:
        """Tell what a job of a copy is at; None when it is at nothing. A full disk does not matter."""
        file = self.folder / "copies" / f"{name}.progress"
        with suppress(OSError):
            if progress is None:
                file.unlink()
            else:
                file.write_text(progress.model_dump_json(), "utf-8")


def write_whole(file: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a kill or a power cut leaves the old content or the new, never a part."""
    part = file.with_name(f"{file.name}.partial-{os.getpid()}")
    try:
        with part.open("wb") as stream:
            part.chmod(mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.rename(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
