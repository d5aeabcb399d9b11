"""The command line as a person and the scheduler use it: a process, its exit code, its report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from keeper import dump
from keeper.errors import Code
from keeper.report import RunReport, Status, read_status
from keeper.run import backup
from keeper.settings import Settings
from tests.keeper.home import PROJECT, Home
from tests.keeper.service import closed_port, service_settings, sink
from tests.waiting import PATIENCE, until


def environment(settings: Settings) -> dict[str, str]:
    file = settings.state.parent / "keeper.json"
    file.write_text(settings.model_dump_json())
    return os.environ | {"KEEPER_SETTINGS": str(file), "PYTHONPATH": str(PROJECT)}


def keeper(settings: Settings, *words: str) -> tuple[int, str, str]:
    """Run a command to its end; return its exit code, standard output and standard error."""
    command = [sys.executable, "-m", "keeper", *words]
    done = subprocess.run(
        command, env=environment(settings), capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    return done.returncode, done.stdout, done.stderr


def read(settings: Settings, *words: str) -> tuple[int, Any]:
    code, out, _ = keeper(settings, *words, "--json")
    return code, json.loads(out)


def test_backup_verify_drill_status_and_restore_report_for_machines(home: Home) -> None:
    names = home.fill(30)
    code, run = read(home.settings, "backup")
    verified = read(home.settings, "verify", "--all")
    drilled = read(home.settings, "drill", "--remote", "disk")
    lost = home.library / names[0]
    content = lost.read_bytes()
    lost.unlink()
    restored = read(home.settings, "restore", names[0])
    status = read(home.settings, "status")

    assert code == 0
    assert RunReport.model_validate(run).remotes["disk"].sent_files == 30
    assert verified[0] == verified[1]["code"] == 0
    assert verified[1]["remotes"]["disk"]["checked"] == 30
    assert drilled[0] == 0, drilled[1]["reason"]
    assert drilled[1]["passed"]
    assert restored[0] == 0
    assert restored[1]["placed"] == 1
    assert lost.read_bytes() == content
    assert Status.model_validate(status[1]).last_good


def test_people_get_sentences_instead(home: Home) -> None:
    home.fill(3)
    code, out, errors = keeper(home.settings, "backup")
    _, shown, _ = keeper(home.settings, "status")

    assert (code, out) == (0, "")
    assert "3 files" in errors
    assert "disk: sent 3 files" in errors
    assert "Make the recovery kit" in shown


def test_a_gate_that_was_answered_lets_the_run_through(home: Home) -> None:
    names = home.fill(60)
    home.good_backup()
    for name in names[:40]:
        (home.library / name).unlink()
    stopped = read(home.settings, "backup")
    run = stopped[1]["run"]
    waiting = home.status().waiting
    accepted = read(home.settings, "accept", run)
    through = read(home.settings, "backup")

    assert stopped[0] == Code.GATE
    assert waiting == run
    assert accepted == (0, {"code": 0, "problem": ""})
    assert through[0] == 0


def test_an_answer_to_nothing_and_a_copy_that_does_not_exist_are_errors(tmp_path: Path) -> None:
    settings = service_settings(tmp_path, remotes=[])
    accepted = read(settings, "accept", "20261122T030000Z-abcdef")
    verified = read(settings, "verify", "--remote", "moon")

    assert accepted[0] == Code.FAILED
    assert "did not stop a run" in accepted[1]["problem"]
    assert verified[0] == Code.FAILED
    assert verified[1]["problem"] == 'there is no copy "moon". Known: none'


def test_a_run_that_breaks_off_is_no_good_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SystemExit(1)

    (tmp_path / "originals").mkdir()
    settings = service_settings(tmp_path, remotes=[])
    monkeypatch.setattr(dump, "dump", fail)
    with pytest.raises(SystemExit):
        backup(settings)
    status = read_status(settings.state)

    assert status.last_good is None
    assert status.last_run
    assert status.last_run.code == Code.FAILED


def test_the_kit_is_safe_once_someone_said_so(tmp_path: Path) -> None:
    settings = service_settings(tmp_path)
    assert read(settings, "kit-is-safe")[0] == 0

    assert read_status(settings.state).kit_confirmed


def test_the_service_serves_its_page_and_ends_when_told(tmp_path: Path) -> None:
    settings = service_settings(tmp_path, port=closed_port(), schedule="0 0 29 2 *")
    unwell = keeper(settings, "health")[0]
    service = subprocess.Popen([sys.executable, "-m", "keeper", "serve"], env=environment(settings))
    try:
        until(lambda: is_well(settings))
        well = keeper(settings, "health")[0]
        page = httpx.get(f"http://127.0.0.1:{settings.port}/", timeout=PATIENCE).text
    finally:
        service.send_signal(signal.SIGTERM)
        code = service.wait(PATIENCE)

    assert (unwell, well, code) == (1, 0, 0)
    assert "The first backup is yet to come." in page


def is_well(settings: Settings) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{settings.port}/health").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def test_the_result_of_a_scheduled_run_does_not_hang_on_its_alerts(home: Home) -> None:
    """F47 with the real service and a real run: one sink is down, the other one hears of it."""
    home.fill(5)
    with sink() as second:
        home.secret("backup_alert_urls", f"json://127.0.0.1:{closed_port()}/\n{second.channel}")
        home.changes = {
            "schedule": "* * * * * */2",
            "port": closed_port(),
            "database": {"host": "127.0.0.1", "port": closed_port()},
        }
        service = subprocess.Popen([sys.executable, "-m", "keeper", "serve"], env=environment(home.settings))
        try:
            until(lambda: second.titles)
        finally:
            service.send_signal(signal.SIGTERM)
            code = service.wait(PATIENCE)
    run = home.status().last_run
    assert run

    assert code == 0
    assert run.code == Code.DUMP
    assert second.titles == ["test: The album's database could not be saved"]
    assert len(list((home.state / "alerts").glob("*.json"))) == 1


def test_restore_lists_runs_and_files_and_changes_nothing(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    home.fill(3)
    run = home.good_backup().run
    before = home.hashes()
    assert home.command("restore", "--list", "IMG_00001").wait(PATIENCE) == 0
    shown = capfd.readouterr().out

    assert f"disk: {run}" in shown
    assert "originals/2024/IMG_00001.jpg" in shown
    assert "IMG_00002" not in shown
    assert home.hashes() == before
