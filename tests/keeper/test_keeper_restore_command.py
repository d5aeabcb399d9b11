"""The commands that bring things back, as processes: exit codes, reports for machines, sentences for people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.keeper.home import PROJECT, Home
from tests.keeper.server import Server
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def made(server: Server, restic: str, tmp_path_factory: pytest.TempPathFactory) -> Home:  # noqa: ARG001 - the keeper runs it
    """A home with 30 photos in two snapshots; one photo is in the first only."""
    server.fresh_album()
    home = Home(tmp_path_factory.mktemp("made"), server)
    home.fill(30)
    home.good_backup()
    (home.originals / "2024/IMG_00029.jpg").unlink()
    home.good_backup()
    return home


def run(home: Home, *words: str, typed: str = "", **changes: str) -> tuple[int, str, str]:
    """Run a command to its end; return its exit code, standard output and standard error."""
    home.changes = dict(changes)
    (home.root / "keeper.json").write_text(home.settings.model_dump_json())
    environment = {**os.environ, "KEEPER_SETTINGS": str(home.root / "keeper.json"), "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-m", "keeper", *words],
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return done.returncode, done.stdout, done.stderr


def read(home: Home, *words: str, typed: str = "") -> tuple[int, Any]:
    code, said, errors = run(home, *words, "--json", typed=typed)
    assert said, errors
    return code, json.loads(said)


def test_a_restore_reports_for_machines_and_tells_people(made: Home) -> None:
    lost = made.originals / "2024/IMG_00003.jpg"
    content = lost.read_bytes()
    lost.unlink()
    dry = read(made, "restore", "originals", "--dry-run")
    chinese = run(made, "restore", "originals/2024/IMG_00003.jpg", language="zh")

    assert (dry[0], dry[1]["restored"]) == (0, ["originals/2024/IMG_00003.jpg"])
    assert chinese[0] == 0, chinese[2]
    assert "恢复了 1 个文件" in chinese[2]
    assert lost.read_bytes() == content
    code, report = read(made, "restore", "originals")
    assert (code, report["placed"], report["unchanged"]) == (0, 0, 29)


def test_a_restore_of_a_name_that_is_gone_says_the_command_that_helps(made: Home) -> None:
    first = made.repository().snapshots()[0].id[:8]
    code, out, errors = run(made, "restore", "originals/2024/IMG_00029.jpg")

    assert (code, out) == (1, "")
    assert f"--snapshot {first}" in errors
    assert run(made, "restore", "originals/2024/IMG_00029.jpg", "--snapshot", first, "--into", "import/back")[0] == 0
    assert (made.library / "import/back/originals/2024/IMG_00029.jpg").exists()


def test_snapshots_find_and_diff_speak_both_ways(made: Home) -> None:
    first, second = [snapshot.id[:8] for snapshot in made.repository().snapshots()[:2]]
    listed = read(made, "snapshots")
    found = read(made, "find", "img_00029")
    compared = read(made, "diff", first, second)

    assert [each["id"][:8] for each in listed[1]["copies"]["disk"]][-2:] == [second, first]
    assert found[1]["found"][0]["path"] == "originals/2024/IMG_00029.jpg"
    assert compared[1]["removed"] == ["/originals/2024/IMG_00029.jpg"]
    assert first in run(made, "snapshots")[1]
    assert "originals/2024/IMG_00029.jpg" in run(made, "find", "img_00029")[1]
    assert "- originals/2024/IMG_00029.jpg" in run(made, "diff", first, second)[1].splitlines()
    assert run(made, "find", "nothing is named so")[0] == 1
    assert read(made, "restore", "--list", "img_00029")[1] == found[1]


def test_an_unreachable_copy_ends_with_the_code_of_copies(made: Home, tmp_path: Path) -> None:
    home = Home(tmp_path, made.server)
    home.copies = [home.copy("disk", "disk", type="local", path=str(tmp_path / "nowhere"))]

    assert run(home, "snapshots")[0] == 5
    assert run(home, "restore", "originals")[0] == 8
    assert run(home, "restore", "--date", "yesterday", "originals")[0] == 2


def test_a_test_restore_says_pass_or_fail_by_its_exit_code(made: Home) -> None:
    code, out, errors = run(made, "drill", "--copy", "disk")
    assert (code, out) == (0, "")
    assert "PASS" in errors
    with made.repository().alone("backup"):
        assert read(made, "drill")[0] == 3


def test_a_photo_is_forgotten_only_with_yes(made: Home) -> None:
    code, _, errors = run(made, "forget", "originals/2024/IMG_00029.jpg")
    assert code == 1
    assert "--yes" in errors
    code, result = read(made, "forget", "originals/2024/IMG_00029.jpg", "--yes")
    assert (code, result["gone"]) == (0, ["disk"])


def test_a_password_comes_by_the_standard_input(made: Home) -> None:
    assert run(made, "add-key", "disk", typed="grandmother's\n")[0] == 0
    assert len(read(made, "keys")[1]["disk"]) == 2
    made.secret("backup_disk_repository_password", "new")
    assert run(made, "rotate", "--copy", "disk")[0] == 8
    code, result = read(made, "rotate", "--ask-old", typed="key of disk\n")
    assert (code, result[0]["added"], result[0]["removed"]) == (0, True, True)
    assert "grandmother's" not in str(read(made, "keys"))
