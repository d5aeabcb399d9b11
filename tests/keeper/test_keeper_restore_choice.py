"""From which snapshot of which copy: the newest that any has, and what the others say (cases 31 and 48)."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from keeper.copies.repository import Repository
from keeper.restore.restore import Request, RestoreReport, restore
from keeper.restore.snapshots import Answer, learn, ranked
from keeper.settings import MARKER
from keeper.state import Snapshot, now
from tests.keeper.home import Home

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class There:
    """A copy that answers."""

    def __init__(self, name: str) -> None:
        self.name = name


def answer(name: str, **days: Any) -> Answer:
    """Return what a copy says: id → day of November, or with "whole" false a part."""
    snapshots = [
        Snapshot(
            id=each,
            time=day if isinstance(day, datetime) else NOON + timedelta(days=day - 20),
            whole="part" not in each,
        )
        for each, day in days.items()
    ]
    return Answer(name, cast("Repository", There(name)), snapshots)


def order(*answers: Answer, **more: Any) -> list[str]:
    return [source.snapshot.id for source in ranked(answers, **more)]


def test_the_newest_snapshot_of_any_copy_comes_first() -> None:
    assert order(answer("disk", a=10, b=12), answer("far", c=11)) == ["b", "c", "a"]


def test_a_part_comes_only_where_no_copy_has_a_whole_one() -> None:
    assert order(answer("disk", part1=18), answer("far", a=2))[0] == "a"
    assert order(answer("disk", part1=18), answer("far", a=2, b=3)) == ["b", "a", "part1"]
    assert order(answer("disk", part1=17, part2=18)) == ["part2", "part1"]


def test_one_of_the_future_comes_only_where_there_is_no_other() -> None:
    future = now() + timedelta(days=300)
    assert order(answer("disk", a=10, future=future))[0] == "a"
    assert order(answer("disk", future=future), answer("far", a=1))[0] == "a"
    assert order(answer("disk", future=future)) == ["future"]


def test_of_a_copy_whose_clock_was_wrong_the_last_one_comes_first() -> None:
    back = datetime(2020, 1, 1, tzinfo=UTC)

    assert order(answer("disk", a=10, b=11, made_last=back))[0] == "made_last"
    assert order(answer("disk", a=10, made_last=back), answer("far", c=9)) == ["c", "made_last", "a"]


def test_a_day_means_its_end() -> None:
    evening, next_day = NOON + timedelta(hours=11), NOON + timedelta(hours=12)

    assert (
        order(answer("disk", a=19, evening=evening, next_day=next_day), until=NOON + timedelta(hours=12))[0]
        == "evening"
    )
    assert order(answer("disk", abc=10, abd=11), snapshot="abc") == ["abc"]


@pytest.fixture
def two(home: Home) -> Home:
    """A home with two copies, of which the second is 18 photos behind."""
    home.copies = [home.local("behind", "mirror"), home.local("disk")]
    home.fill(5)
    home.good_backup("behind")
    home.fill(18, "2025")
    home.good_backup("disk")
    return home


def bring(home: Home, *paths: str, **more: object) -> RestoreReport:
    return restore(home.settings, Request(paths=list(paths), **more))


def test_after_a_lost_host_the_newest_state_comes_back_and_the_copy_that_is_behind_is_named(two: Home) -> None:
    before = two.content()
    two.forget_state()
    for root in ("originals", "import", "photoprism", "syncthing"):
        shutil.rmtree(two.library / root)
        (two.library / root).mkdir()
    for root in ("originals", "import"):
        (two.library / root / MARKER).write_text(two.id)
    report = bring(two, "originals", "import")

    assert report.copy_name == "disk"
    assert {path for path in before if path.startswith(b"originals")} == set(two.content()) - {
        b"database/photoprism.sql"
    }
    (note,) = report.notes
    assert (note.code, note.values["copy"], note.values["lacks"]) == ("restore.other_behind", "behind", 18)
    assert len(two.known("behind").snapshots) == len(two.known("disk").snapshots) == 1, "the page knows it at once"


def test_what_only_the_older_copy_has_is_named(two: Home) -> None:
    (two.originals / "2024/IMG_00000.jpg").unlink()
    two.good_backup("disk")
    (note,) = bring(two, "originals").notes

    assert (note.code, note.values["more"], note.values["lacks"]) == ("restore.other_more", 1, 18)
    assert note.values["path"] == "originals/2024/IMG_00000.jpg"


def test_a_copy_that_does_not_answer_is_named_and_the_other_restores(two: Home) -> None:
    shutil.rmtree(two.root / "copy-disk")
    (two.root / "copy-disk").mkdir()
    shutil.rmtree(two.originals / "2024")
    report = bring(two, "originals/2024")

    assert (report.copy_name, report.placed) == ("behind", 5)
    (note,) = report.notes
    assert (note.code, note.values["copy"]) == ("restore.because", "disk")


def test_a_snapshot_whose_tree_is_damaged_is_passed_over(home: Home) -> None:
    home.fill(5)
    home.good_backup()
    first = home.repository().snapshots()[0].id
    home.write("2024/new.jpg", b"new")
    home.good_backup()
    listed = [json.loads(home.repository().restic._text("cat", "index", each)) for each in home.repository().indexes()]
    packs = [str(p["id"]) for index in listed for p in index["packs"] if p["blobs"][0]["type"] == "tree"]
    newest = max(packs, key=lambda pack: (home.root / f"copy-disk/data/{pack[:2]}/{pack}").stat().st_mtime_ns)
    shutil.rmtree(home.state / "copies/disk/cache")
    pack = home.root / f"copy-disk/data/{newest[:2]}/{newest}"
    pack.chmod(0o600)
    pack.write_bytes(bytes(pack.stat().st_size))
    shutil.rmtree(home.originals / "2024")
    report = bring(home, "originals/2024")

    assert report.snapshot == first[:8]
    assert [note.code for note in report.notes] == ["restore.passed_over"]


def test_what_is_known_of_a_copy_is_not_learned_anew(two: Home) -> None:
    ids = [snapshot.id for snapshot in two.repository("disk").snapshots()]
    two.repository("disk").restic.forget(ids)

    assert learn(two.settings) == []
    assert [snapshot.id for snapshot in two.known("disk").snapshots] == ids, "a run has yet to miss it"


def test_a_copy_that_cannot_be_learned_from_says_why(two: Home, tmp_path: Path) -> None:
    two.forget_state()
    (tmp_path / "copy-disk/config").unlink()
    (problem,) = learn(two.settings)

    assert problem.values["copy"] == "disk"
    assert len(two.known("behind").snapshots) == 1
