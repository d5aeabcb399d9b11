"""The gate stops what looks like a disaster; a person lets it through, once (F04, F28-F30)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

from keeper import gate
from keeper.errors import Code, KeeperError
from keeper.run import open_remotes
from keeper.settings import MARKER
from tests.keeper.home import Home

PHOTOS = 1000


@pytest.fixture
def full(home: Home) -> Home:
    """A home of 1,000 photos in two folders with one good run."""
    home.fill(PHOTOS - 100)
    home.fill(100, "2023")
    home.good_backup()
    return home


def delete(home: Home, count: int) -> None:
    for file in sorted((home.originals / "2024").glob("*.jpg"))[:count]:
        file.unlink()


def delete_folder(home: Home, name: str) -> None:
    shutil.rmtree(home.originals / name)


def overwrite(home: Home, count: int, *, same_size: bool) -> None:
    for file in sorted((home.originals / "2024").glob("*.jpg"))[:count]:
        size = file.stat().st_size
        file.write_bytes(os.urandom(size if same_size else size + 7))


def delete_everything(home: Home) -> None:
    delete(home, PHOTOS)
    delete_folder(home, "2023")


DISASTERS: dict[str, Callable[[Home], None]] = {
    "every file gone, the mount still there": delete_everything,
    "3 % deleted": lambda home: delete(home, 31),
    "half deleted": lambda home: delete(home, 500),
    "3 % overwritten with the same size": lambda home: overwrite(home, 31, same_size=True),
    "all overwritten with another size": lambda home: overwrite(home, PHOTOS, same_size=False),
    "a whole folder gone": lambda home: delete_folder(home, "2023"),
}


@pytest.mark.parametrize("name", DISASTERS)
def test_a_disaster_stops_before_the_copies_are_touched(full: Home, name: str) -> None:
    before, there = full.hashes(), full.raw()
    DISASTERS[name](full)
    report = full.backup()

    assert report.code == Code.GATE, report.problems
    assert f"./photos keeper accept {report.run}" in report.problems[0]
    assert full.raw() == there
    assert full.status().waiting == report.run
    assert full.lost(before) == set()


def test_few_changes_pass(full: Home) -> None:
    delete(full, 10)
    overwrite(full, 15, same_size=True)

    assert full.backup().code == Code.OK


def test_an_accepted_deletion_passes_once_and_goes_into_the_versions(full: Home) -> None:
    before = full.hashes()
    delete(full, 500)
    stopped = full.backup()
    gate.accept(full.state, stopped.run)
    through = full.good_backup()

    assert through.remotes["disk"].moved_files == 500
    assert full.lost(before) == set()
    delete(full, 300)
    assert full.backup().code == Code.GATE, "an acceptance counts for what was shown, and once"


def test_the_same_deletion_a_second_time_is_stopped_again(full: Home) -> None:
    photos = {file: file.read_bytes() for file in sorted((full.originals / "2024").glob("*.jpg"))[:50]}
    delete(full, 50)
    gate.accept(full.state, full.backup().run)
    full.good_backup()
    for file, content in photos.items():
        file.write_bytes(content)
    full.good_backup()
    delete(full, 50)

    assert full.backup().code == Code.GATE


def test_more_than_what_was_accepted_is_stopped_again(full: Home) -> None:
    delete(full, 100)
    stopped = full.backup()
    gate.accept(full.state, stopped.run)
    delete(full, 200)

    assert full.backup().code == Code.GATE


def test_an_empty_library_can_never_be_accepted(full: Home) -> None:
    there = full.raw()
    delete_everything(full)
    stopped = full.backup()
    gate.accept(full.state, stopped.run)

    assert full.backup().code == Code.GATE
    assert full.raw() == there


def test_accepting_a_run_that_was_not_stopped_says_which_is_waiting(full: Home) -> None:
    delete(full, 500)
    stopped = full.backup()

    with pytest.raises(KeeperError, match=stopped.run):
        gate.accept(full.state, "20260101T000000Z-abcdef")


def test_the_second_gate_counts_what_lies_at_the_remote_when_the_first_has_nothing_to_compare(full: Home) -> None:
    shutil.rmtree(full.state)
    full.state.mkdir()
    remote = open_remotes(full.settings)[0]
    remote.rclone.delete(remote.at("runs"), list(remote.rclone.sizes(remote.at("runs"))))
    there = full.raw()
    delete(full, 500)
    report = full.backup()

    assert report.code == Code.GATE, report.problems
    assert "would be moved away" in report.problems[0]
    assert {k: v for k, v in full.raw().items() if k in there} == there
    gate.accept(full.state, report.run)
    full.good_backup()


@pytest.mark.parametrize("marker", [None, "99999999-0000-4000-8000-000000000000"])
def test_another_disk_at_the_same_path_stops_the_run(full: Home, marker: str | None) -> None:
    there = full.raw()
    (full.originals / MARKER).unlink()
    if marker:
        (full.originals / MARKER).write_text(marker)
    report = full.backup()

    assert report.code == Code.PREFLIGHT
    assert "originals: " in report.problems[0]
    assert full.raw() == there
