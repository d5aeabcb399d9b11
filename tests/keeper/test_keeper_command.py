"""The commands of the backup as a person and the scheduler use them: a process, its exit code, its report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from keeper.errors import Exit
from keeper.state import RunReport
from tests.keeper.home import Home
from tests.waiting import PATIENCE


def run(home: Home, *words: str) -> tuple[int, str, str]:
    """Run a command to its end; return its exit code, standard output and standard error."""
    process = home.command(*words)
    out, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, out.decode(), errors.decode()


def read(home: Home, *words: str) -> tuple[int, Any]:
    code, said, errors = run(home, *words, "--json")
    assert said, errors
    return code, json.loads(said)


@pytest.fixture
def kept(home: Home) -> Home:
    home.fill(60)
    home.good_backup()
    return home


def test_a_backup_reports_for_machines_and_tells_people(home: Home) -> None:
    home.fill(3)
    code, report = read(home, "backup", "--copy", "disk")
    again, out, told = run(home, "backup")

    assert (code, again, out) == (0, 0, "")
    assert RunReport.model_validate(report).files == 4
    assert "disk: 4 files" in told
    assert [each["exit"] for each in read(home, "backup")[1]] == [0]


def test_what_was_accepted_is_asked_about_no_more(kept: Home) -> None:
    for photo in sorted(kept.originals.rglob("*.jpg"))[:40]:
        photo.unlink()

    code, report = read(kept, "backup", "--copy", "disk")
    assert code == Exit.GATE
    assert report["snapshot"]
    assert kept.known().held
    assert run(kept, "accept", report["alarm"])[0] == 0
    assert run(kept, "backup")[0] == 0
    assert kept.known().held == {}


def test_an_answer_to_nothing_and_a_copy_that_does_not_exist_are_errors(kept: Home) -> None:
    for words in (["accept", "0a1b2c3d"], ["verify", "--copy", "moon"], ["backup", "--copy", "moon"]):
        code, said = read(kept, *words)
        assert code == Exit.FAILED
        assert said["problem"]["code"] in ("gate.unknown", "copy.unknown")
        assert run(kept, *words)[0] == Exit.FAILED


def test_a_photo_that_is_gone_at_home_and_rotten_at_its_copy_is_told_by_reading_back_by_hand(kept: Home) -> None:
    assert run(kept, "verify", "--all")[0] == 0
    for photo in kept.originals.rglob("IMG_0000*.jpg"):
        photo.unlink()
    kept.good_backup()
    pack = max((kept.root / "copy-disk/data").rglob("*"), key=lambda file: file.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[100] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)

    code, found = read(kept, "verify", "--all")

    assert code == Exit.VERIFY
    assert found["copies"]["disk"]["problem"]["code"] == "copy.damage"
    assert kept.known().damage is not None
    # It lies in none of the packs whose turn it is: a month may pass until it is.
    assert run(kept, "verify")[0] == Exit.VERIFY
    report = kept.backup()
    assert report.exit == Exit.VERIFY
    assert {problem.code for problem in report.problems} & {"copy.mended", "copy.damage_stays"}, report.problems
