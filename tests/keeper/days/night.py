"""One run of the keeper as a process of its own, which can be killed: `python -m tests.keeper.days.night SETTINGS COPY CLOCK`.

It prints the report. Only what would make a test wait or need gigabytes is set smaller than it is in a stack.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from keeper.backup import first_upload, verify
from keeper.backup.run import backup
from keeper.copies import restic
from keeper.errors import Exit, KeeperError
from keeper.settings import load
from tests.keeper.days.clock import Clock

BATCH_BYTES = 30_000


def main(settings: Path, copy: str, clock: Path) -> int:
    """Back up to one copy and print the report, or the error that ended it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(Exit.FAILED))  # as the command line does
    Clock(clock).rule()
    first_upload.BATCH_BYTES = BATCH_BYTES
    verify.SECOND_LOOK_SECONDS = 0.1
    restic.PATIENCE_SECONDS = 1
    try:
        report = backup(load(settings), copy)
    except KeeperError as error:
        print(error.problem.model_dump_json())
        return int(error.exit)
    print(report.model_dump_json())
    return int(report.exit)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
