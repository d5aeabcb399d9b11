"""What the recovery kit gets from the keeper: enough to open each copy, and to mend one whose key files are gone."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest

from keeper.copies.kit import files_of
from keeper.state import KitState, State
from tests.keeper.home import Home


def test_a_copy_is_told_with_its_password_and_the_files_that_the_password_opens(home: Home) -> None:
    home.fill(3)
    home.backup()

    files = files_of(home.settings, home.settings.copies[0])

    folder = Path(home.settings.copies[0].path)
    assert files.password == "key of disk"
    assert b64decode(files.config) == (folder / "config").read_bytes()
    assert {name: b64decode(content) for name, content in files.keys.items()} == {
        file.name: file.read_bytes() for file in (folder / "keys").iterdir()
    }
    assert files.problem is None


def test_the_path_is_the_host_s_and_not_the_container_s(home: Home) -> None:
    home.copies[0]["place"] = "/mnt/backup/photos"

    assert files_of(home.settings, home.settings.copies[0]).path == "/mnt/backup/photos"


def test_a_copy_that_was_never_made_is_told_with_what_is_known_here(home: Home) -> None:
    files = files_of(home.settings, home.settings.copies[0])

    assert files.password == "key of disk"
    assert (files.config, files.keys) == ("", {})
    assert files.problem
    assert files.problem.code == "copy.nothing"


def test_one_that_does_not_answer_has_its_section_all_the_same(home: Home) -> None:
    home.copies = [home.webdav("net", "http://127.0.0.1:9/")]

    files = files_of(home.settings, home.settings.copies[0])

    assert "[net]\ntype = webdav\nurl = http://127.0.0.1:9/" in files.rclone
    assert files.problem


def test_the_keeper_notes_the_keys_of_the_kit_and_not_those_of_today(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keeper.commands import kit  # noqa: PLC0415 - its texts come from another room

    monkeypatch.setattr(kit, "load", lambda: home.settings)
    kit.kit_is_safe(keys=json.dumps({"backup_disk_repository_password": "of then"}), as_json=True)

    noted = KitState.read(State(home.state).kit_file)
    assert noted.keys == {"backup_disk_repository_password": "of then"}
    assert noted.confirmed
