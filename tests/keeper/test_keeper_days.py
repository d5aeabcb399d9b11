"""The short form of the random days; the long one is `python -m tests.keeper.days --seeds 20 --steps 300`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.keeper.days.life import BrokenPromiseError, life
from tests.keeper.days.steps import add, both, live
from tests.keeper.server import Server

SEED, STEPS = 1, 9


@pytest.mark.usefixtures("restic")
def test_whatever_happens_what_was_reported_as_done_can_be_restored(server: Server, tmp_path: Path) -> None:
    with life(SEED, tmp_path, server) as family:
        live(family, STEPS)

    assert family.figures["restored hash-equal"] > STEPS // 2, family.log


@pytest.mark.usefixtures("restic")
def test_the_days_notice_a_photo_that_does_not_come_back(server: Server, tmp_path: Path) -> None:
    with life(SEED, tmp_path, server) as family:
        add(family)
        both(family)
        family.look()
        packs = sorted((family.copies["net"].folder / "data").rglob("*"), key=lambda file: file.stat().st_size)
        packs[-1].unlink()
        family.copies["net"].dirty = True

        with pytest.raises(BrokenPromiseError, match=r"plain restic restore|do not come back"):
            family.look()
