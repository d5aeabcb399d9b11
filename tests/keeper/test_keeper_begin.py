"""A copy that is begun: what a kill leaves of that is no obstacle, and nothing else is taken for it."""

from __future__ import annotations

import os

import pytest

from keeper.copies.restic import Restic
from tests.keeper.home import Home
from tests.keeper.proxy import proxied, webdav


def test_a_kill_before_the_repository_was_whole_does_not_stop_the_next_run(home: Home) -> None:
    home.fill(3)
    home.repository().restic.init()
    (home.root / "copy-disk/config").unlink()

    home.good_backup()

    assert home.restorable().items() >= home.content().items()


def test_a_repository_that_lost_its_configuration_is_left_alone(home: Home) -> None:
    home.fill(3)
    home.good_backup()
    (home.root / "copy-disk/config").unlink()
    home.forget_state()
    there = sorted((home.root / "copy-disk").rglob("*"))

    report = home.backup()

    assert [problem.code for problem in report.problems] == ["copy.not_empty"]
    assert sorted((home.root / "copy-disk").rglob("*")) == there


def test_a_foreign_folder_called_like_one_of_a_repositorys_is_left_alone(home: Home) -> None:
    home.fill(3)
    (home.root / "copy-disk/keys").mkdir()
    (home.root / "copy-disk/keys/front door.txt").write_text("under the mat")

    report = home.backup()

    assert [problem.code for problem in report.problems] == ["copy.not_empty"]
    assert (home.root / "copy-disk/keys/front door.txt").exists()


def test_what_costs_a_key_is_done_only_where_there_is_something_to_do(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.fill(3)
    done: list[str] = []
    monkeypatch.setattr(Restic, "prune", lambda *_: done.append("prune"))
    monkeypatch.setattr(Restic, "unlock", lambda *_: done.append("unlock"))

    home.good_backup()
    home.good_backup()
    assert done == []

    (home.root / "copy-disk/locks" / ("0" * 64)).write_bytes(b"of a run that was killed")
    home.backup()
    assert done == ["unlock"]


def test_a_first_copy_that_was_carried_to_its_place_is_gone_on_with_and_not_sent_again(home: Home) -> None:
    for number in range(20):
        home.write(f"2024/{number}.jpg", os.urandom(200_000))
    home.copies = [home.local("parents")]
    home.good_backup("parents")
    carried = home.root / "at-their-house"
    carried.mkdir()
    (home.root / "copy-parents").rename(carried / "photos")

    with webdav(carried) as port, proxied(port) as proxy:
        home.copies = [home.webdav("parents", proxy.url)]
        home.write("2024/new.jpg", os.urandom(200_000))
        home.good_backup("parents")

        assert 200_000 < proxy.bytes_up < 400_000
        assert home.restorable("parents").items() >= home.content().items()
