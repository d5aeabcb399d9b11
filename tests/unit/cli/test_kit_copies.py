"""What the keeper hands over for the recovery kit, and what is said where it cannot."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from cli import kit_copies
from cli.kit_copies import KitCopy, KitFiles, steps

TOLD = {
    "name": "disk",
    "kind": "disk",
    "type": "local",
    "path": "/mnt/backup/photos",
    "password": "key of disk",
    "rclone": "",
    "config": "dGhlIGNvbmZpZw==",
    "keys": {"abc": "dGhlIGtleQ=="},
    "problem": None,
}


def answered(said: bytes) -> KitFiles:
    """Ask a keeper that says this."""
    asked: list[Any] = []

    def create(container: str, command: list[str]) -> dict[str, str]:
        asked.append((container, command))
        return {"Id": "e"}

    api = SimpleNamespace(
        exec_create=create,
        exec_start=lambda name, *, demux: (said, b"noise") if demux and name == "e" else None,
    )
    files = kit_copies.ask(SimpleNamespace(api=api), SimpleNamespace(id="k"))  # type: ignore[arg-type]
    assert asked == [("k", ["keeper", "kit-files", "--json"])]
    return files


def test_the_keeper_s_answer_is_what_the_kit_holds(capsys: pytest.CaptureFixture[str]) -> None:
    files = answered(json.dumps({"copies": [TOLD], "keys": {"backup_disk_repository_password": "f"}}).encode())

    assert files.members() == {
        "copies/disk/keys/abc": b"the key",
        "copies/disk/config": b"the config",
        "copies/disk/password": b"key of disk",
    }
    assert files.keys == {"backup_disk_repository_password": "f"}
    assert capsys.readouterr().err == ""


def test_a_copy_that_does_not_answer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    silent = {**TOLD, "config": "", "keys": {}, "problem": {"code": "cause.unreachable", "values": {}}}
    files = answered(json.dumps({"copies": [silent], "keys": {}}).encode())

    assert files.members() == {"copies/disk/password": b"key of disk"}
    assert "The copy disk did not hand over its own key files" in capsys.readouterr().err
    assert not [step for step in steps("k.age", files) if step.english.startswith("Only if")]


@pytest.mark.parametrize("said", [b"", b"Traceback (most recent call last)", None])
def test_a_keeper_that_says_nothing_leaves_a_kit_without_copies(said: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert answered(said) == KitFiles()
    assert "only together with this project" in capsys.readouterr().err


def test_a_drive_of_openlist_comes_back_before_its_copy() -> None:
    copy = KitCopy(
        name="net", kind="mirror", type="openlist", path="baidu/photos", password="x", rclone="[net]\ntype = webdav\n"
    )
    told = list(steps("k.age", KitFiles(copies=[copy])))
    lines = [line for step in told for line in step.lines]

    assert lines.index(
        "rclone config update net url http://localhost:5244/dav user admin pass YOUR-PASSWORD"
    ) < lines.index("export RESTIC_REPOSITORY=rclone:net:baidu/photos")


def test_an_album_is_the_last_resort_and_needs_no_key() -> None:
    copy = KitCopy(name="look", kind="album", type="webdav", path="look")

    assert KitFiles(copies=[copy]).members() == {}
    assert [line for step in steps("k.age", KitFiles(copies=[copy])) for line in step.lines if "rclone copy" in line]
