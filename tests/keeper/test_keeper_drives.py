"""The net drives that the stack declares: whether each can be reached, asked as a user of OpenList who may do nothing else."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from keeper.copies import drives, openlist
from keeper.errors import Exit, Problem
from keeper.service.alerts import Alerts
from keeper.service.scheduler import Scheduler, jobs_of
from keeper.settings import Settings, StorageSettings
from keeper.state import DrivesState, SchedulerState, State, StorageState, now
from tests.keeper.home import Home
from tests.keeper.service import closed_port, service_settings
from tests.openlist import LOCAL, Drive, running
from tests.waiting import PATIENCE, Rounds, until

PASSWORD = "the keeper's password"


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    with running(tmp_path) as made:
        made.mount("/nas", "Local", LOCAL | {"root_folder_path": str(made.folder)})
        user = {"username": openlist.USER, "password": PASSWORD, "base_path": "/", "role": 0, "permission": 0}
        made.api("POST", "/api/admin/user/create", user | {"disabled": False})
        yield made


def settings_for(folder: Path, url: str, **mounts: str) -> Settings:
    storages = [StorageSettings(name=name, mount=mount) for name, mount in mounts.items()]
    made = service_settings(folder, copies=[], drive_url=url, storages=storages)
    (made.secrets / openlist.PASSWORD).write_text(PASSWORD)
    return made


@pytest.fixture
def settings(tmp_path: Path, drive: Drive) -> Settings:
    return settings_for(tmp_path, drive.url, nas="/nas")


def found(settings: Settings) -> dict[str, StorageState]:
    """Look once, without a pause, and return what is remembered of it."""
    drives.look(settings, pause=0)
    return DrivesState.read(State(settings.state).drives_file).storages


def test_to_look_a_user_of_openlist_needs_no_right(settings: Settings, drive: Drive) -> None:
    assert drive.users()[openlist.USER]["permission"] == 0
    assert found(settings) == {"nas": StorageState()}
    assert drive.dav((openlist.USER, PASSWORD), "PUT", "/nas/a", b"a") == 403
    assert drive.dav((openlist.USER, PASSWORD), "PROPFIND", "/nas") == 403


def test_one_that_does_not_list_is_named_with_its_reason_and_since_when(settings: Settings, drive: Drive) -> None:
    kept = drive.folder.with_name("kept")
    drive.folder.rename(kept)
    first = found(settings)["nas"]
    again = found(settings)["nas"]
    kept.rename(drive.folder)

    assert first.problem
    assert (first.problem.code, first.problem.values["drive"]) == ("openlist.drive_fails", "/nas")
    assert "no such file" in str(first.problem.values["said"])
    assert first.since
    assert again.since == first.since
    assert found(settings)["nas"] == StorageState()


def test_one_that_did_not_start_is_named(tmp_path: Path, drive: Drive) -> None:
    settings = settings_for(tmp_path, drive.url, nas="/nas", baidu="/baidu")
    with pytest.raises(AssertionError, match="storage is already created"):
        drive.mount("/baidu", "BaiduNetdisk", {"root_folder_path": "/", "refresh_token": "tok-12345"})
    looked = found(settings)

    assert looked["nas"].problem is None
    assert looked["baidu"].problem
    assert looked["baidu"].problem.code == "openlist.drive_fails"
    assert "tok-12345" not in looked["baidu"].problem.model_dump_json()


def test_one_that_is_switched_off_and_one_that_was_deleted_are_told_from_one_that_fails(
    settings: Settings, drive: Drive
) -> None:
    drive.api("POST", f"/api/admin/storage/disable?id={drive.storage('/nas')['id']}")
    off = found(settings)["nas"].problem
    drive.api("POST", f"/api/admin/storage/delete?id={drive.storage('/nas')['id']}")
    gone = found(settings)["nas"].problem

    assert off == gone == Problem.of("openlist.drive_gone", drive="/nas")


def test_a_user_who_is_not_let_in_is_one_problem_and_one_try(
    settings: Settings, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five wrong logins lock OpenList, for the backup, too."""
    tried: list[Settings] = []
    real = openlist.unreachable

    def unreachable(known: Settings) -> dict[str, Problem]:
        tried.append(known)
        return real(known)

    monkeypatch.setattr(openlist, "unreachable", unreachable)
    drive.edit_user(openlist.USER, password="by hand")
    problem = found(settings)["nas"].problem

    assert problem
    assert problem.code == "openlist.user"
    assert len(tried) == 1


def test_an_openlist_that_is_away_is_the_problem_of_each(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, f"http://127.0.0.1:{closed_port()}", nas="/nas", baidu="/baidu")
    looked = found(settings)

    assert {state.problem.code for state in looked.values() if state.problem} == {"openlist.away"}
    assert len(looked) == 2


def test_one_that_hangs_says_nothing_about_the_others(
    tmp_path: Path, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a drive whose servers take a connection and never answer: OpenList itself waits for them."""
    settings = settings_for(tmp_path, drive.url, slow="/slow", nas="/nas")
    real = httpx.Client.request

    def request(client: httpx.Client, method: str, url: str, **more: Any) -> httpx.Response:
        if (more["json"] or {}).get("path") == "/slow":
            said = "timed out"
            raise httpx.ReadTimeout(said)
        return real(client, method, url, **more)

    monkeypatch.setattr(httpx.Client, "request", request)
    looked = found(settings)

    assert looked["slow"].problem == Problem.of("openlist.drive_fails", drive="/slow", said="timed out")
    assert looked["nas"].problem is None


def test_what_may_be_over_in_a_minute_is_tried_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [{"nas": Problem.of("openlist.drive_fails", drive="/nas", said="502")}, {}]
    monkeypatch.setattr(openlist, "unreachable", lambda _: answers.pop(0))

    assert found(settings)["nas"] == StorageState()
    assert answers == []


def test_a_first_look_does_not_wait_for_its_hour(tmp_path: Path) -> None:
    """Who has just set a net drive up looks at the page."""
    settings = settings_for(tmp_path, "http://127.0.0.1:9", nas="/nas")
    state = State(settings.state)

    def due() -> timedelta:
        stop = Rounds()
        scheduler = Scheduler(settings, Alerts(settings, settings.state), command=("true",))
        thread = threading.Thread(target=scheduler.run, args=(stop,), kwargs={"tick": 0.01})
        thread.start()
        until(lambda: stop.pauses, PATIENCE)
        stop.set()
        thread.join()
        return SchedulerState.read(state.scheduler_file).due["drives"] - now()

    first = due()
    DrivesState(looked=now()).write(state.drives_file)
    later = due()

    assert "drives" in [job.name for job in jobs_of(settings)]
    assert first <= timedelta(minutes=2)
    assert later > first


def test_the_command_tells_it(home: Home, drive: Drive) -> None:
    home.copies = [home.local("disk")]
    home.secret(openlist.PASSWORD, PASSWORD)
    storages = [{"name": "nas", "mount": "/nas"}, {"name": "lost", "mount": "/lost"}]
    home.changes = {"drive_url": drive.url, "storages": storages}
    shown = home.command("drives")
    _, said = shown.communicate(timeout=PATIENCE)
    asked = subprocess_json(home)

    assert shown.returncode == Exit.COPY
    assert b"2 net drives are declared; 1 of them cannot be reached." in said
    assert b"the drive /lost is not in OpenList" in said
    assert asked["storages"]["lost"]["problem"]["code"] == "openlist.drive_gone"


def subprocess_json(home: Home) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    """Return what the scheduler reads of a look."""
    process: subprocess.Popen[bytes] = home.command("drives", "--json")
    out, _ = process.communicate(timeout=PATIENCE)
    return dict(json.loads(out))
