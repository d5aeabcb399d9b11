"""Looking for a photo in all snapshots as a person types its name, and comparing two of them (case 43)."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keeper.errors import KeeperError
from keeper.restore.snapshots import Found, Listing, diff, find
from tests.keeper.home import Home
from tests.keeper.server import Server

MAC = "Ka\u0308fer auf der Wiese.JPG"


@pytest.fixture(scope="module")
def made(server: Server, restic: str, tmp_path_factory: pytest.TempPathFactory) -> Home:  # noqa: ARG001 - the keeper runs it
    """A home with two copies: the first has three snapshots, the second the last state."""
    server.fresh_album()
    home = Home(tmp_path_factory.mktemp("made"), server)
    home.copies = [home.local("disk"), home.local("far", "mirror")]
    home.fill(3)
    for name in (MAC, "家人 [2].jpg"):
        os.utime(home.write(f"2023/{name}", name.encode()), (1_600_000_000, 1_600_000_000))
    home.good_backup("disk")
    os.utime(home.write("2024/IMG_00001.jpg", b"edited"), (1_700_000_000, 1_700_000_000))
    (home.originals / "2023/家人 [2].jpg").unlink()
    home.good_backup("disk")
    home.write("2024/new.jpg", b"new")
    home.good_backup("disk")
    home.good_backup("far")
    return home


@pytest.fixture
def kept(made: Home, tmp_path: Path) -> Home:
    """The same, for one test."""
    shutil.copytree(made.root, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Home(tmp_path, made.server, copies=made.copies)


def paths(listing: Listing) -> list[str]:
    return [found.path for found in listing.found]


def one(listing: Listing) -> Found:
    (found,) = listing.found
    return found


def test_every_version_of_a_file_is_told_with_its_dates_and_copies(made: Home) -> None:
    found = one(find(made.settings, ["IMG_00001"]))
    ids = [snapshot.id[:8] for snapshot in made.repository("disk").snapshots()]
    edited, first = found.versions

    assert found.path == "originals/2024/IMG_00001.jpg"
    assert (edited.size, edited.changed) == (6, datetime.fromtimestamp(1_700_000_000, UTC))
    assert edited.copies == ["disk", "far"]
    assert edited.first < edited.last
    assert edited.snapshot == made.repository("far").snapshots()[0].id[:8]
    assert (first.copies, first.snapshot, first.first) == (["disk"], ids[0], first.last)


@pytest.mark.parametrize("typed", ["K\u00e4fer auf", "k\u00e4fer", "KA\u0308FER", "k\u00e4fer auf der wiese.jpg"])
def test_a_name_of_a_mac_is_found_however_it_is_typed(made: Home, typed: str) -> None:
    assert paths(find(made.settings, [typed])) == [f"originals/2023/{MAC}"]


@pytest.mark.parametrize("typed", ["家人", "人 [2]", "2023/家", "家人*.jpg", "originals/2023/家人 [2].jpg"])
def test_chinese_names_and_parts_of_them_are_found(made: Home, typed: str) -> None:
    found = one(find(made.settings, [typed]))

    assert found.path == "originals/2023/家人 [2].jpg"
    assert found.versions[0].copies == ["disk"]


def test_a_folder_is_told_as_one_and_not_with_all_that_is_in_it(made: Home) -> None:
    found = one(find(made.settings, ["2024"]))

    assert (found.path, found.type) == ("originals/2024", "dir")


def test_without_a_name_all_snapshots_are_listed(made: Home) -> None:
    listing = find(made.settings)

    assert {name: len(held) for name, held in listing.copies.items()} == {"disk": 3, "far": 1}
    assert listing.copies["disk"][0].time > listing.copies["disk"][1].time
    assert find(made.settings, copy="far").copies.keys() == {"far"}
    assert paths(find(made.settings, ["nothing is named so"])) == []


def test_a_copy_that_does_not_answer_is_named(kept: Home) -> None:
    kept.secret("backup_far_repository_password", "another")
    listing = find(kept.settings, ["IMG_00002"])

    assert listing.problems[0].values["copy"] == "far"
    assert paths(listing) == ["originals/2024/IMG_00002.jpg"]


def test_two_snapshots_are_compared(made: Home) -> None:
    first, second, _ = [snapshot.id for snapshot in made.repository("disk").snapshots()]
    old, new, found = diff(made.settings, first[:8], second[:8])

    assert (old.name, old.snapshot.id, new.snapshot.id) == ("disk", first, second)
    assert found.removed == {"/originals/2023/家人 [2].jpg"}
    assert "/originals/2024/IMG_00001.jpg" in found.changed
    with pytest.raises(KeeperError) as caught:
        diff(made.settings, first[:8], made.repository("far").snapshots()[0].id)
    assert caught.value.problem.code == "restore.not_both"
