"""A net drive through the stack's OpenList: its user, its drive as it must be set, and each trouble under its own name."""

from __future__ import annotations

import base64
import hmac
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from keeper.copies import openlist
from keeper.copies.place import Place
from keeper.copies.rclone import RcloneError
from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import CopySettings, Settings
from tests.keeper.home import Home

PROJECT = Path(__file__).resolve().parents[2]
ADMIN = "the admin's password"
LOCAL = {
    "thumbnail": False, "thumb_cache_folder": "", "thumb_concurrency": "16", "video_thumb_pos": "20%", "show_hidden": True,
    "mkdir_perm": "777", "recycle_bin_path": "delete permanently",
}  # fmt: skip
COMMON = {
    "order": 0, "cache_expiration": 30, "web_proxy": False, "webdav_policy": "native_proxy", "remark": "",
    "disabled": False, "enable_sign": False, "order_by": "name", "order_direction": "asc", "extract_folder": "front",
}  # fmt: skip


@dataclass
class Drive:
    """A running OpenList; `folder` is mounted in it as /net."""

    url: str
    folder: Path
    log: Path

    def api(self, method: str, path: str, body: object = None, password: str = ADMIN) -> Any:
        """Ask as the admin and return `data`."""
        login = httpx.post(f"{self.url}/api/auth/login", json={"username": "admin", "password": password}).json()
        headers = {"Authorization": login["data"]["token"]}
        answer = httpx.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=30).json()
        assert answer["code"] == 200, answer
        return answer["data"]

    def mount(self, path: str, driver: str, addition: dict[str, object], **more: object) -> None:
        storage = COMMON | {"mount_path": path, "driver": driver, "addition": json.dumps(addition)} | more
        self.api("POST", "/api/admin/storage/create", storage)

    def storage(self, path: str = "/net") -> dict[str, Any]:
        listed = self.api("GET", "/api/admin/storage/list?per_page=0")["content"]
        return dict(next(storage for storage in listed if storage["mount_path"] == path))

    def user(self) -> dict[str, Any]:
        listed = self.api("GET", "/api/admin/user/list?per_page=0")["content"]
        return dict(next(user for user in listed if user["username"] == openlist.USER))


def command() -> list[str]:
    """Return the command of a real OpenList where the machine has one (OPENLIST names it), else that of the double."""
    real = os.environ.get("OPENLIST")
    return [real] if real else [sys.executable, "-m", "openlist_double"]


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Drive]:
    """A running OpenList with one mounted folder as /net."""
    folder, data = tmp_path / "mounted", tmp_path / "openlist"
    folder.mkdir()
    data.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "HTTP_PORT": str(port),
        "ADDR": "127.0.0.1",
        "OPENLIST_ADMIN_PASSWORD": ADMIN,
        "PYTHONPATH": str(PROJECT / "demo/images/openlist"),
    }
    words = [*command(), "server", "--data", str(data), "--no-prefix"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            made = Drive(f"http://127.0.0.1:{port}", folder, data / "log/log.log")
            _await(made)
            made.mount("/net", "Local", LOCAL | {"root_folder_path": str(folder)})
            yield made
        finally:
            server.terminate()


def _await(drive: Drive) -> None:
    for _ in range(2400):
        try:
            if httpx.get(f"{drive.url}/ping").text == "pong":
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError


@pytest.fixture
def net(drive: Drive) -> CopySettings:
    return CopySettings(name="net", kind="mirror", type="openlist", path="net/photos", options={"url": drive.url})


@pytest.fixture
def settings(tmp_path: Path, net: CopySettings) -> Settings:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / openlist.ADMIN_PASSWORD).write_text(ADMIN)
    return Settings.model_validate(
        {
            "stack": "test", "id": "1", "roots": {"originals": tmp_path / "originals"}, "marked": ["originals"],
            "database": {"host": "127.0.0.1"}, "copies": [net], "secrets": tmp_path / "secrets", "state": tmp_path,
        }
    )  # fmt: skip


def dav(drive: Drive, method: str, path: str, content: bytes = b"", **headers: str) -> int:
    """Ask as the keeper's user over WebDAV and return the status."""
    login = (openlist.USER, openlist.password(ADMIN))
    return httpx.request(method, f"{drive.url}/dav{path}", content=content, headers=headers, auth=login).status_code


def refused(settings: Settings, copy: CopySettings) -> KeeperError:
    with pytest.raises(KeeperError) as caught:
        openlist.prepare(settings, copy)
    assert caught.value.exit == Exit.COPY
    assert ADMIN not in str(caught.value)
    assert openlist.password(ADMIN) not in str(caught.value)
    return caught.value


def totp(secret: str) -> str:
    digest = hmac.new(base64.b32decode(secret), (int(time.time()) // 30).to_bytes(8, "big"), "sha1").digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def two_step(drive: Drive) -> None:
    """Switch the admin's two-step login on, as a person does on OpenList's page."""
    secret = drive.api("POST", "/api/auth/2fa/generate")["secret"]
    drive.api("POST", "/api/auth/2fa/verify", {"secret": secret, "code": totp(secret)})


def test_the_user_of_a_repository_may_do_what_restic_does_and_nothing_more(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    assert openlist.prepare(settings, net) == []
    user = drive.user()

    assert (user["role"], user["permission"], user["base_path"]) == (0, 0x388, "/")
    assert dav(drive, "MKCOL", "/net/locks") == 201
    assert dav(drive, "PUT", "/net/locks/a", b"lock") == 201
    assert dav(drive, "PUT", "/net/locks/a", b"again") == 201
    assert dav(drive, "GET", "/net/locks/a") == 200
    assert dav(drive, "MOVE", "/net/locks/a", Destination=f"{drive.url}/dav/net/locks/b") == 403
    assert dav(drive, "DELETE", "/net/locks/a") == 204


def test_the_user_of_an_album_cannot_delete(settings: Settings, net: CopySettings, drive: Drive) -> None:
    album = net.model_copy(update={"kind": "album"})
    openlist.prepare(settings.model_copy(update={"copies": [album]}), album)

    assert dav(drive, "PUT", "/net/a.jpg", b"photo") == 201
    assert dav(drive, "MOVE", "/net/a.jpg", Destination=f"{drive.url}/dav/net/b.jpg") == 201
    assert dav(drive, "DELETE", "/net/b.jpg") == 403


@pytest.mark.parametrize(
    "change", [{"permission": 0}, {"disabled": True}, {"password": "by hand"}, {"base_path": "/net"}]
)
def test_what_someone_changed_of_that_user_is_put_right(
    settings: Settings, net: CopySettings, drive: Drive, change: dict[str, object]
) -> None:
    openlist.prepare(settings, net)
    drive.api("POST", "/api/admin/user/update", drive.user() | change)
    openlist.prepare(settings, net)

    assert dav(drive, "PUT", "/net/a", b"a") == 201
    assert dav(drive, "DELETE", "/net/a") == 204


def test_a_drive_that_sends_rclone_to_its_cdn_is_set_to_native_proxy_and_that_is_told(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    drive.api("POST", "/api/admin/storage/update", drive.storage() | {"webdav_policy": "302_redirect"})

    [told] = openlist.prepare(settings, net)
    assert (told.code, told.values) == ("openlist.policy_set", {"drive": "/net", "before": "302_redirect"})
    assert drive.storage()["webdav_policy"] == "native_proxy"
    assert json.loads(drive.storage()["addition"])["root_folder_path"] == str(drive.folder)
    assert openlist.prepare(settings, net) == []


def test_an_admin_with_two_step_login_is_named_before_the_user_is_there(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    two_step(drive)

    assert refused(settings, net).problem.code == "openlist.two_step"


def test_an_admin_with_two_step_login_stops_no_run_once_the_user_is_there(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    openlist.prepare(settings, net)
    two_step(drive)

    assert [told.code for told in openlist.prepare(settings, net)] == ["openlist.two_step"]


def test_a_drive_that_fails_is_named_behind_a_two_step_login_too(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    openlist.prepare(settings, net)
    two_step(drive)
    shutil.rmtree(drive.folder)

    assert refused(settings, net).problem.code == "openlist.drive_fails"


def test_a_wrong_admin_password_is_named(settings: Settings, net: CopySettings) -> None:
    (settings.secrets / openlist.ADMIN_PASSWORD).write_text("not the password")

    problem = refused(settings, net).problem
    assert problem.code == "openlist.password"
    assert "not the password" not in str(problem)


def test_a_user_with_too_few_rights_is_no_way_round_a_wrong_admin_password(
    settings: Settings, net: CopySettings, drive: Drive
) -> None:
    (settings.secrets / openlist.ADMIN_PASSWORD).write_text("another")
    user = {"username": openlist.USER, "password": openlist.password("another"), "role": 0, "permission": 0x100}
    drive.api("POST", "/api/admin/user/create", user | {"base_path": "/", "disabled": False})

    assert refused(settings, net).problem.code == "openlist.password"


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
    assert drive.user()["permission"] == 0x388


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
