"""A net drive through the stack's OpenList: its user, its drive as it must be set, and each trouble under its own name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from components.apps import drive as declared
from components.apps.openlist import OpenListApi
from keeper.copies import drives, openlist
from keeper.copies.place import Place
from keeper.copies.rclone import RcloneError
from keeper.errors import Exit, KeeperError, Problem
from keeper.page.status import read_status
from keeper.page.view import view_of
from keeper.service.alerts import Alerts
from keeper.service.outcomes import Outcomes
from keeper.service.scheduler import jobs_of
from keeper.settings import CopySettings, Settings
from tests.keeper.home import Home
from tests.openlist import ADMIN, COMMON, LOCAL, Drive, running

PASSWORD = "the keeper's password"


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    """A running OpenList with one mounted folder as /net, and the keeper's user as `up` declares him for a repository."""
    OpenListApi.logins.clear()
    with running(tmp_path) as made:
        made.mount("/net", "Local", LOCAL | {"root_folder_path": str(made.folder)})
        declare(made)
        yield made


def declare(drive: Drive, wanted: int = 0x388) -> None:
    """Do what `up` does for the keeper's user."""
    declared.UserProvider().create(
        {
            "url": drive.url, "key": ADMIN, "container": "photos-test-drive", "user": openlist.USER, "folder": "/",
            "may": declared.may(wanted), "disabled": False, "password": PASSWORD,
        }
    )  # fmt: skip


@pytest.fixture
def net(drive: Drive) -> CopySettings:
    return CopySettings(name="net", kind="mirror", type="openlist", path="net/photos", options={"url": drive.url})


@pytest.fixture
def settings(tmp_path: Path, net: CopySettings) -> Settings:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / openlist.ADMIN_PASSWORD).write_text(ADMIN)
    (tmp_path / "secrets" / openlist.PASSWORD).write_text(PASSWORD)
    return Settings.model_validate(
        {
            "stack": "test", "id": "1", "roots": {"originals": tmp_path / "originals"}, "marked": ["originals"],
            "database": {"host": "127.0.0.1"}, "copies": [net], "secrets": tmp_path / "secrets", "state": tmp_path,
        }
    )  # fmt: skip


def dav(drive: Drive, method: str, path: str, content: bytes = b"", **headers: str) -> int:
    """Ask as the keeper's user over WebDAV and return the status."""
    return drive.dav((openlist.USER, PASSWORD), method, path, content, **headers)


def refused(settings: Settings, copy: CopySettings) -> KeeperError:
    with pytest.raises(KeeperError) as caught:
        openlist.prepare(settings, copy)
    assert caught.value.exit == Exit.COPY
    assert ADMIN not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    return caught.value


def test_the_user_of_a_repository_may_do_what_restic_does_and_nothing_more(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    assert openlist.permission([net]) == 0x388
    assert openlist.prepare(settings, net) == []

    assert dav(drive, "MKCOL", "/net/locks") == 201
    assert dav(drive, "PUT", "/net/locks/a", b"lock") == 201
    assert dav(drive, "PUT", "/net/locks/a", b"again") == 201
    assert dav(drive, "GET", "/net/locks/a") == 200
    assert dav(drive, "MOVE", "/net/locks/a", Destination=f"{drive.url}/dav/net/locks/b") == 403
    assert dav(drive, "DELETE", "/net/locks/a") == 204


def test_the_user_of_an_album_cannot_delete(settings: Settings, net: CopySettings, drive: Drive) -> None:
    album = net.model_copy(update={"kind": "album"})
    assert openlist.permission([album]) == 0x318
    declare(drive, 0x318)
    openlist.prepare(settings.model_copy(update={"copies": [album]}), album)

    assert dav(drive, "PUT", "/net/a.jpg", b"photo") == 201
    assert dav(drive, "MOVE", "/net/a.jpg", Destination=f"{drive.url}/dav/net/b.jpg") == 201
    assert dav(drive, "DELETE", "/net/b.jpg") == 403


@pytest.mark.parametrize(
    "change", [{"permission": 0}, {"disabled": True}, {"password": "by hand"}, {"base_path": "/net"}]
)
def test_what_someone_changed_of_that_user_is_named_and_put_right_by_up(
    settings: Settings, net: CopySettings, drive: Drive, change: dict[str, object]
) -> None:
    drive.edit_user(openlist.USER, **change)

    assert refused(settings, net).problem.code == "openlist.user"
    declare(drive)
    assert openlist.prepare(settings, net) == []
    assert dav(drive, "PUT", "/net/a", b"a") == 201
    assert dav(drive, "DELETE", "/net/a") == 204


def test_a_user_that_is_not_there_is_named(settings: Settings, net: CopySettings, drive: Drive) -> None:
    drive.api("POST", f"/api/admin/user/delete?id={drive.users()[openlist.USER]['id']}")

    assert refused(settings, net).problem.code == "openlist.user"


def test_a_drive_that_sends_rclone_to_its_cdn_is_set_to_native_proxy_and_that_is_told(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    drive.api("POST", "/api/admin/storage/update", drive.storage() | {"webdav_policy": "302_redirect"})

    [told] = openlist.prepare(settings, net)
    assert (told.code, told.values) == ("openlist.policy_set", {"drive": "/net", "before": "302_redirect"})
    assert drive.storage()["webdav_policy"] == "native_proxy"
    assert json.loads(drive.storage()["addition"])["root_folder_path"] == str(drive.folder)
    assert openlist.prepare(settings, net) == []


def test_an_admin_with_two_step_login_is_told_and_stops_no_run(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    openlist.prepare(settings, net)
    drive.two_step()

    assert [told.code for told in openlist.prepare(settings, net)] == ["openlist.two_step"]


def test_a_drive_that_fails_is_named_behind_a_two_step_login_too(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    openlist.prepare(settings, net)
    drive.two_step()
    shutil.rmtree(drive.folder)

    assert refused(settings, net).problem.code == "openlist.drive_fails"


def test_an_admin_password_that_was_changed_is_told_and_stops_no_run(settings: Settings, net: CopySettings) -> None:
    (settings.secrets / openlist.ADMIN_PASSWORD).write_text("not the password")

    [told] = openlist.prepare(settings, net)
    assert told.code == "openlist.password"
    assert "not the password" not in str(told)


def test_a_user_with_too_few_rights_is_named_before_a_run_begins(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    declare(drive, 0x100)

    assert refused(settings, net).problem.code == "openlist.user"


def test_what_openlist_says_is_told_without_the_token_in_an_address(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    token = "M.C5_BAY.0.U.-the-refresh-token"
    options = {"root_folder_path": "/", "region": "global", "use_online_api": True, "refresh_token": token}
    address = {"api_url_address": "http://127.0.0.1:1/renewapi", "redirect_uri": "http://127.0.0.1:1/"}
    with pytest.raises(AssertionError, match=token):
        drive.mount("/cloud", "Onedrive", {**options, **address})

    problem = refused(settings, net.model_copy(update={"path": "cloud/photos"})).problem
    assert problem.code == "openlist.drive_fails"
    assert "renewapi?…" in str(problem.values["said"])
    assert token not in str(problem)


def test_too_many_wrong_logins_have_a_name_of_their_own(settings: Settings, net: CopySettings, drive: Drive) -> None:
    for _ in range(6):
        httpx.post(f"{drive.url}/api/auth/login", json={"username": "admin", "password": "guess"})

    assert refused(settings, net).problem.code == "openlist.locked"


def test_an_openlist_that_is_away_is_named(settings: Settings, net: CopySettings) -> None:
    away = net.model_copy(update={"options": {"url": "http://127.0.0.1:1"}})

    assert refused(settings, away).problem.code == "openlist.away"


def test_a_drive_that_ended_since_the_start_is_named_with_its_own_words(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    openlist.prepare(settings, net)
    shutil.rmtree(drive.folder)

    assert drive.storage()["status"] == "work"
    problem = refused(settings, net).problem
    assert (problem.code, problem.values["drive"]) == ("openlist.drive_fails", "/net")
    assert problem.values["said"]


def test_a_drive_that_did_not_start_is_named(settings: Settings, net: CopySettings, drive: Drive) -> None:
    broken = COMMON | {"mount_path": "/lost", "driver": "Local"}
    with pytest.raises(AssertionError, match="storage is already created"):
        drive.api(
            "POST",
            "/api/admin/storage/create",
            broken | {"addition": json.dumps(LOCAL | {"root_folder_path": str(drive.folder / "lost")})},
        )

    problem = refused(settings, net.model_copy(update={"path": "lost/photos"})).problem
    assert (problem.code, problem.values["drive"]) == ("openlist.drive_fails", "/lost")


def test_a_drive_that_is_switched_off_is_named(settings: Settings, net: CopySettings, drive: Drive) -> None:
    drive.api("POST", f"/api/admin/storage/disable?id={drive.storage()['id']}")

    assert refused(settings, net).problem.code == "openlist.drive_off"


def test_a_path_on_no_drive_names_the_drives_that_are(settings: Settings, net: CopySettings) -> None:
    problem = refused(settings, net.model_copy(update={"path": "netz/photos"})).problem

    assert (problem.code, problem.values["known"]) == ("openlist.no_drive", "/net")


def test_the_longest_mount_is_the_drive_of_a_copy(
    settings: Settings, net: CopySettings, drive: Drive, tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    drive.mount("/net/photos", "Local", LOCAL | {"root_folder_path": str(tmp_path / "inner")})

    assert openlist.drive_of(settings, net)["mount_path"] == "/net/photos"
    assert openlist.drive_of(settings, net.model_copy(update={"path": "net/photos2"}))["mount_path"] == "/net"


@pytest.fixture
def house(home: Home, drive: Drive) -> Home:
    """A home whose only copy is a drive of OpenList."""
    home.secret(openlist.ADMIN_PASSWORD, ADMIN)
    home.secret(openlist.PASSWORD, PASSWORD)
    home.copies = [home.copy("net", "mirror", type="openlist", path="net/photos", options={"url": drive.url})]
    return home


def test_a_drive_of_openlist_is_a_copy_like_any_other(house: Home, drive: Drive) -> None:
    house.fill(20)
    first = house.good_backup("net")
    house.write("2024/IMG_00000.jpg", b"edited")
    drive.api("POST", "/api/admin/storage/update", drive.storage() | {"webdav_policy": "302_redirect"})
    second = house.good_backup("net")

    assert [problem.code for problem in first.problems] == ["trial.local_drive"]
    assert [problem.code for problem in second.problems] == ["openlist.policy_set"]
    assert second.verified_bytes > 0
    assert house.restorable("net") == house.content()
    assert drive.users()[openlist.USER]["permission"] == 0x388


def test_a_drive_whose_token_ended_is_no_copy_that_is_gone(house: Home, drive: Drive) -> None:
    house.fill(5)
    house.good_backup("net")
    kept = drive.folder.with_name("kept")
    drive.folder.rename(kept)
    report = house.backup("net")
    kept.rename(drive.folder)

    assert (report.exit, report.problems[0].code) == (Exit.COPY, "openlist.drive_fails")
    house.write("new.jpg", b"new")
    house.good_backup("net")
    assert house.restorable("net") == house.content()


def test_a_drive_that_refuses_what_is_sent_leaves_a_word_about_where_the_reason_is(house: Home, drive: Drive) -> None:
    place = Place(house.settings, house.settings.copies[0])
    place.reach()
    (drive.folder / "photos").write_bytes(b"a file where a folder must be")
    with pytest.raises(RcloneError) as caught:
        place.rclone.run("rcat", f"{place.place}/data/ab", stdin=b"pack")

    assert openlist.explained(house.settings, place.copy, caught.value.problem).code == "openlist.unsaid"


def test_a_drive_that_ended_in_the_middle_of_a_run_is_told_as_that(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    openlist.prepare(settings, net)
    shutil.rmtree(drive.folder)
    looks_empty = Problem.of("restic.failed", said="Fatal: config cannot be loaded: <config/0000000000> does not exist")

    assert openlist.explained(settings, net, looks_empty).code == "openlist.drive_fails"


def test_what_means_something_else_behind_openlist_means_itself_elsewhere(
    settings: Settings, net: CopySettings
) -> None:
    refused, other = Problem.of("cause.credentials", said="403"), net.model_copy(update={"type": "webdav"})

    assert openlist.explained(settings, net, refused) == Problem.of("openlist.redirect", said="403")
    assert openlist.explained(settings, other, refused) == refused
    assert openlist.explained(settings, net, Problem.of("cause.full", said="507")).code == "cause.full"


def test_drives_are_looked_at_between_the_runs_where_a_copy_lies_in_one(settings: Settings, net: CopySettings) -> None:
    elsewhere = net.model_copy(update={"type": "webdav"})

    assert "drives" in [job.name for job in jobs_of(settings)]
    assert "drives" not in [job.name for job in jobs_of(settings.model_copy(update={"copies": [elsewhere]}))]


def test_a_token_that_ended_is_on_the_page_and_in_the_alerts_before_a_backup_fails(
    settings: Settings, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Alerts, "problem", lambda _, topic, said: told.append(f"{topic}: {said}"))
    monkeypatch.setattr(Alerts, "all_well", lambda _, topic: told.append(f"{topic} is well"))
    outcomes = Outcomes(settings, Alerts(settings, settings.state))
    kept = drive.folder.with_name("kept")

    def look() -> list[str]:
        told.clear()
        found = drives.look(settings, pause=0)
        outcomes.tell("drives", "", Exit.OK, found.model_dump_json().encode())
        return list(told)

    assert look() == ["drive net is well"]
    drive.folder.rename(kept)
    [alert] = look()
    seen = {language: view_of(settings, read_status(settings), language) for language in ("en", "zh")}
    kept.rename(drive.folder)

    assert alert.startswith("drive net: ")
    assert "“net”" in alert
    assert any("OpenList cannot reach the drive /net" in str(item.text) for item in seen["en"].items)
    assert any("OpenList 连不上网盘 /net" in str(item.text) for item in seen["zh"].items)
    assert look() == ["drive net is well"]
    assert read_status(settings).findings == []


def test_a_refused_login_is_no_reason_to_try_it_again_and_lock_openlist(settings: Settings, drive: Drive) -> None:
    for name in (openlist.PASSWORD, openlist.ADMIN_PASSWORD):
        (settings.secrets / name).write_text("wrong")

    for _ in range(3):
        assert drives.look(settings, pause=0).failing == ["net"]
    drive.api("GET", "/api/me")
