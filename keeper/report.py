"""What the keeper tells about itself: the report of a run, of a test restore, and the status that all readers share.

The status file is the only thing that page, metrics, `watch` and the command line read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from keeper.errors import Code

STATUS_FILE = "status.json"


class RemoteReport(BaseModel):
    """What one run did at one remote. Sizes in bytes."""

    code: Code = Code.OK
    problem: str = ""
    sent_files: int = 0
    sent_bytes: int = 0
    moved_files: int = 0
    verified_files: int = 0
    repaired: list[str] = []
    upload_seconds: float = 0
    verify_seconds: float = 0
    forgotten: int = 0
    """Runs and old versions whose time was over."""


class RunReport(BaseModel):
    """One run, from its lock to its report. `skipped`: path → why it is not in this backup."""

    run: str
    started: datetime
    ended: datetime | None = None
    code: Code = Code.OK
    problems: list[str] = []
    files: int = 0
    bytes: int = 0
    skipped: dict[str, str] = {}
    rotten: list[str] = []
    database_rows: dict[str, int] = {}
    remotes: dict[str, RemoteReport] = {}


class DrillReport(BaseModel):
    """One test restore of one run from one remote."""

    run: str
    remote: str
    started: datetime
    ended: datetime
    passed: bool
    reason: str = ""
    files_checked: int = 0
    tables: int = 0
    rows: int = 0


class RemoteStatus(BaseModel):
    """What is known of one remote. `slices`: slice of the files (0-29) → when it was last read back whole."""

    newest_run: str = ""
    newest_at: datetime | None = None
    problem: str = ""
    slices: dict[int, datetime] = {}
    last_drill: DrillReport | None = None


class Status(BaseModel):
    """Everything that readers need to know. `heartbeat`: when the scheduler last came round."""

    heartbeat: datetime | None = None
    next_run: datetime | None = None
    next_drill: datetime | None = None
    last_run: RunReport | None = None
    last_good: datetime | None = None
    last_verify: datetime | None = None
    last_drill: DrillReport | None = None
    waiting: str = ""
    """The run that the gate stopped, until a person accepts it or the next run passes."""
    remotes: dict[str, RemoteStatus] = {}
    findings: list[str] = []
    indexed: dict[str, datetime] = {}
    kit_confirmed: datetime | None = None


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def read_status(state: Path) -> Status:
    """Return the status; an empty one when there is none or it is unreadable."""
    with suppress(OSError, ValidationError):
        return Status.model_validate_json((state / STATUS_FILE).read_text("utf-8"))
    return Status()


def change_status(state: Path, change: Callable[[Status], object]) -> Status:
    """Apply `change` to the status and write it as a whole; readers see the old one or the new one."""
    import fcntl  # noqa: PLC0415 - POSIX only, and so is the container

    with (state / "status.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status = read_status(state)
        change(status)
        write_whole(state / STATUS_FILE, status.model_dump_json(indent=1).encode())
    return status


def write_whole(file: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that a kill or a power cut leaves the old content or the new, never a part."""
    part = file.with_name(f"{file.name}.partial-{os.getpid()}")
    with part.open("wb") as stream:
        part.chmod(mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.rename(file)
