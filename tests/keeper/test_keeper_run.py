"""A backup run on real rclone and a real MariaDB."""

from __future__ import annotations

from keeper.errors import Code
from tests.keeper.home import Home


def test_a_first_run_brings_everything_there_and_a_second_one_nothing(home: Home) -> None:
    home.fill(60)
    (home.library / "syncthing/config.xml").write_text("<configuration/>")
    first = home.good_backup()
    second = home.good_backup()

    assert first.files == 61
    assert first.remotes["disk"].sent_files == 61
    assert first.remotes["disk"].verified_files >= 61
    assert second.remotes["disk"].sent_files == 0
    assert second.remotes["disk"].moved_files == 0
    assert home.runs() == [first.run, second.run]
    assert first.database_rows == {"albums": 3, "files": 0}
    assert set(home.hashes().values()) <= home.kept()


def test_nothing_at_an_encrypted_remote_shows_a_name_or_a_picture(home: Home) -> None:
    home.write("2024/secret-party.jpg", b"a picture that must stay private")
    home.good_backup()
    stored = [file for file in (home.root / "remote-disk").rglob("*") if file.is_file()]

    assert stored
    assert not any("party" in str(file) or b"private" in file.read_bytes() for file in stored)


def test_an_old_version_stays_when_a_file_is_changed_or_deleted(home: Home) -> None:
    home.fill(3)
    before = home.hashes()
    home.good_backup()
    home.write("2024/IMG_00000.jpg", b"edited")
    (home.originals / "2024/IMG_00001.jpg").unlink()
    second = home.good_backup()

    assert second.remotes["disk"].moved_files == 2
    assert home.lost(before) == set()


def test_a_run_without_a_database_stops_before_anything_is_sent(home: Home) -> None:
    home.fill(3)
    home.changes = {"database": {"host": "127.0.0.1", "port": 1}}
    report = home.backup()

    assert report.code == Code.DUMP
    assert "no backup was made" in report.problems[0]
    assert home.raw() == {}
