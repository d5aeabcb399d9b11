"""What a copy costs in traffic, before it is switched on: from the size of the library and what the stack file says of it.

The figures of a run were measured over WebDAV, which asks most of all: a bucket needs about half of the requests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from keeper.backup.verify import slices
from keeper.copies.transport import transport
from keeper.settings import LOCAL, CopySettings

MONTH_DAYS = 30
RUN_UP, RUN_REQUESTS = 20_000, 70
"""Of a run in which nothing is new: locks, indexes, the snapshot, and asking for all of them."""
PACK_REQUESTS = 5
"""Of an object that is new: its folder, itself, and reading it back."""
FILE_BYTES = 300
"""What the repository notes of a file, packed."""
SHELVES = 256
"""Folders among which restic spreads the packs; each that holds one is listed in every run."""
DRILLS, DRILL_FILES, DRILL_BYTES = MONTH_DAYS / 7, 200, 1 << 30
"""A test restore a week, if all of them came from this copy: a sample of so many files, and bytes at most."""
FOLDER_FILES = 200
"""An album's folder holds about so many; each is listed in every run."""


@dataclass(frozen=True)
class Estimate:
    """Bytes, and requests a month; those of the first upload are not among them. A disk is asked for nothing."""

    first_upload: int
    monthly_up: int
    monthly_down: int
    requests: int


def estimate(files: int, bytes_: int, new_bytes_month: int, copy: CopySettings) -> Estimate:
    """Return what a copy of so many files and bytes costs, of which so many bytes are new each month."""
    runs = slices(copy.model_copy(update={"verify_days": MONTH_DAYS}))
    new_files = files * new_bytes_month // max(bytes_, 1)
    if not copy.is_repository:
        requests = runs * math.ceil(files / FOLDER_FILES) + 2 * new_files
        return Estimate(bytes_, new_bytes_month, 0, _of_net(copy, requests))
    pack, rounds = transport(copy).pack_bytes, runs / slices(copy)
    notes = files * FILE_BYTES
    kept = bytes_ + notes + new_bytes_month // 2
    packs = math.ceil(kept / pack)
    shelves = SHELVES * (1 - (1 - 1 / SHELVES) ** packs)
    new_packs = math.ceil(new_bytes_month / runs / pack) + 1 if new_bytes_month else 0
    drill = DRILLS * min(DRILL_BYTES, DRILL_FILES * bytes_ // max(files, 1))
    return Estimate(
        first_upload=bytes_ + notes + RUN_UP,
        monthly_up=new_bytes_month + runs * RUN_UP,
        monthly_down=int(kept * rounds + new_bytes_month + drill),
        requests=_of_net(copy, int(runs * (RUN_REQUESTS + shelves + PACK_REQUESTS * new_packs) + rounds * packs)),
    )


def _of_net(copy: CopySettings, requests: int) -> int:
    return 0 if copy.type == LOCAL else requests
