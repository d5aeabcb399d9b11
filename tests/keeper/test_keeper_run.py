"""A backup run on real rclone and a real MariaDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keeper.errors import Code
from keeper.rclone import Rclone, program
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


def damaging(monkeypatch: pytest.MonkeyPatch, folder: Path, pattern: str) -> None:
    """Let the disk below `folder` change the last byte of whatever is written there and matches `pattern`."""
    real = Rclone.copy

    def copy(self: Rclone, source: str, target: str, *arguments: Any, **options: Any) -> None:
        real(self, source, target, *arguments, **options)
        for file in folder.glob(pattern):
            content = file.read_bytes()
            file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    monkeypatch.setattr(Rclone, "copy", copy)


@pytest.mark.parametrize("pattern", ["current/originals/2024/*", "runs/*/db.sql.zst", "runs/*/manifest.jsonl.zst"])
def test_ok_comes_last_and_only_when_photos_manifest_and_dump_read_back_right(
    home: Home, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    home.remotes = [home.local("disk", encrypt=False)]
    home.fill(3)
    with monkeypatch.context() as patch:
        damaging(patch, home.root / "remote-disk", pattern)
        report = home.backup()

    assert report.code == Code.VERIFY
    assert "read back" in report.problems[0]
    assert home.runs() == []
    assert home.good_backup().run in home.runs()


def test_a_run_asks_a_remote_no_more_than_it_needs(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start of rclone derives the keys again and logs in again: a tenth of a second here, seconds at a far provider."""
    log, spy = home.root / "calls", home.root / "rclone"
    spy.write_text(f'#!/bin/sh\necho "$1" >> {log}\nexec {program()} "$@"\n')
    spy.chmod(0o755)
    home.fill(3)
    home.good_backup()
    monkeypatch.setenv("KEEPER_RCLONE", str(spy))
    home.good_backup()
    verbs = log.read_text().split()

    assert verbs[0] == "version"
    assert verbs[1:] == [
        *("cat", "cat", "rcat", "cat"),  # canary; lease: held by another? take it, is it mine?
        *("lsf", "lsf", "cat", "cat", "about"),  # runs, current; the newest manifest and what vouches for it; room
        *("copy", "hashsum", "rcat", "cat"),  # seal: manifest and dump, read back; OK, read back
        "deletefile",  # lease
    ]
