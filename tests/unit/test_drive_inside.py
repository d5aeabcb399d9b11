"""What is declared inside OpenList, against a running one: put, seen, put right, removed; and what it says when it is not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.apps.drive import CHANGED, TAKEN, AdminProvider, StorageProvider, UserProvider, may, permission
from components.apps.openlist import OpenListApi
from components.apps.openlist_driver import is_renewed, is_secret, told_without
from components.apps.resource import AppError, RefusedError
from tests.openlist import Drive, running

TOKEN, KEY = "1|first-refresh-token", "the/secret+access-key"


@pytest.fixture(scope="module", name="openlist")
def one_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drive]:
    with running(tmp_path_factory.mktemp("openlist")) as drive:
        yield drive


@pytest.fixture(name="drive")
def with_nothing_in_it(openlist: Drive) -> Iterator[Drive]:
    OpenListApi.logins.clear()
    yield openlist
    for storage in openlist.storages().values():
        openlist.api("POST", f"/api/admin/storage/delete?id={storage['id']}")
    for name, user in openlist.users().items():
        if name not in ("admin", "guest"):
            openlist.api("POST", f"/api/admin/user/delete?id={user['id']}")


def reached(drive: Drive, **more: Any) -> dict[str, Any]:
    return {"url": drive.url, "key": drive.admin, "container": "photos-dev-drive", **more}


def admin(drive: Drive) -> dict[str, Any]:
    return reached(drive, login=TAKEN)


def storage(drive: Drive, name: str = "disk", **more: Any) -> dict[str, Any]:
    """Return the inputs of a storage, a mounted folder by default."""
    fixed = {
        "storage": name,
        "mount": f"/{name}",
        "webdav_policy": "native_proxy",
        "web_proxy": True,
        "disabled": False,
    }
    wanted = {"driver": "Local", "options": {"root_folder_path": str(drive.folder), "thumbnail": False}, "secrets": {}}
    return reached(drive, **fixed, **(wanted | more))


def bucket(drive: Drive, **secrets: str) -> dict[str, Any]:
    options = {"bucket": "photos", "endpoint": "https://s3.example.com", "access_key_id": "family"}
    return storage(drive, "bucket", driver="S3", options=options, secrets={"secret_access_key": KEY} | secrets)


def user(drive: Drive, **more: Any) -> dict[str, Any]:
    wanted = {"user": "mum", "folder": "/disk", "may": ["webdav read"], "disabled": False, "password": "mums password"}
    return reached(drive, **(wanted | more))


def seen(provider: Any, props: dict[str, Any]) -> dict[str, Any]:
    """Return what a look finds other than it is wanted."""
    outs = provider.read("id", props).outs
    return {name: value for name, value in outs.items() if value != props[name]}


def test_a_storage_is_mounted_as_declared_and_with_its_drivers_defaults(drive: Drive) -> None:
    StorageProvider().create(storage(drive))

    made = drive.storage("/disk")
    assert (made["status"], made["webdav_policy"], made["web_proxy"]) == ("work", "native_proxy", True)
    assert drive.addition("/disk")["root_folder_path"] == str(drive.folder)
    assert drive.addition("/disk")["mkdir_perm"] == "777", "what is not declared is as on OpenList's page, not empty"
    assert seen(StorageProvider(), storage(drive)) == {}


def test_a_storage_that_is_there_is_brought_to_what_is_wanted(drive: Drive) -> None:
    drive.mount("/disk", "Local", {"root_folder_path": "/", "show_hidden": False}, webdav_policy="302_redirect")
    number = drive.storage("/disk")["id"]

    StorageProvider().create(storage(drive))

    assert drive.storage("/disk")["id"] == number
    assert drive.storage("/disk")["webdav_policy"] == "native_proxy"
    assert drive.addition("/disk")["show_hidden"] is False, "what is not declared stays"


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        ({"webdav_policy": "302_redirect"}, "webdav_policy"),
        ({"web_proxy": False}, "web_proxy"),
        ({"addition": {"thumbnail": True}}, "options"),
    ],
)
def test_a_hand_edit_of_a_storage_is_seen_and_put_right(drive: Drive, edit: dict[str, Any], kind: str) -> None:
    wanted = storage(drive)
    StorageProvider().create(wanted)
    before = drive.storage("/disk")
    drive.edit("/disk", **edit)

    assert list(seen(StorageProvider(), wanted)) == [kind]
    StorageProvider().update("id", wanted, wanted)
    assert drive.storage("/disk") | {"modified": before["modified"]} == before


def test_a_storage_that_was_switched_off_is_on_again(drive: Drive) -> None:
    wanted = storage(drive)
    StorageProvider().create(wanted)
    drive.api("POST", f"/api/admin/storage/disable?id={drive.storage('/disk')['id']}")

    assert seen(StorageProvider(), wanted) == {"disabled": True}
    StorageProvider().update("id", wanted, wanted)
    assert (drive.storage("/disk")["disabled"], drive.storage("/disk")["status"]) == (False, "work")
    assert drive.api("POST", "/api/fs/list", {"path": "/disk", "refresh": True})["total"] == 0, "it runs"


def test_a_storage_that_is_gone_is_made_again_and_one_of_another_driver_replaced(drive: Drive) -> None:
    wanted = storage(drive)
    StorageProvider().create(wanted)
    StorageProvider().delete("id", wanted)
    assert drive.storages() == {}
    StorageProvider().delete("id", wanted)

    gone = StorageProvider().read("id", wanted)
    assert (gone.id, gone.outs) == ("", {})
    StorageProvider().create({**bucket(drive), "mount": "/disk"})
    assert seen(StorageProvider(), wanted)["driver"] == "S3"
    StorageProvider().create(wanted)
    assert drive.storage("/disk")["driver"] == "Local"


def test_a_secret_that_was_changed_is_seen_without_its_value(drive: Drive) -> None:
    wanted = bucket(drive)
    StorageProvider().create(wanted)
    assert drive.addition("/bucket")["secret_access_key"] == KEY
    drive.edit("/bucket", addition={"secret_access_key": "typed by hand"})

    found = StorageProvider().read("id", wanted).outs or {}
    assert found["secrets"] == {"secret_access_key": CHANGED}
    assert "typed by hand" not in str(found)
    StorageProvider().update("id", wanted, wanted)
    assert drive.addition("/bucket")["secret_access_key"] == KEY


def test_a_token_that_the_driver_has_renewed_is_not_taken_back(drive: Drive) -> None:
    """The old one is worth nothing then: who writes it into the storage has cut the drive off."""
    wanted = bucket(drive, session_token=TOKEN)
    StorageProvider().create(wanted)
    drive.edit("/bucket", addition={"session_token": "2|renewed"})

    assert seen(StorageProvider(), wanted) == {}
    drive.edit("/bucket", webdav_policy="302_redirect")
    StorageProvider().update("id", wanted, wanted)
    assert drive.addition("/bucket")["session_token"] == "2|renewed"
    StorageProvider().create(wanted)
    assert drive.addition("/bucket")["session_token"] == "2|renewed", "destroy and up again"

    another = bucket(drive, session_token="3|typed anew")
    StorageProvider().update("id", wanted, another)
    assert drive.addition("/bucket")["session_token"] == "3|typed anew"
    drive.edit("/bucket", addition={"session_token": ""})
    assert list(seen(StorageProvider(), another)) == ["secrets"]
    StorageProvider().update("id", another, another)
    assert drive.addition("/bucket")["session_token"] == "3|typed anew"


def test_a_drive_made_by_hand_that_works_keeps_the_token_that_it_has(drive: Drive) -> None:
    options = {
        "bucket": "photos",
        "endpoint": "https://s3.example.com",
        "access_key_id": "family",
        "session_token": "own",
    }
    drive.mount("/bucket", "S3", {**options, "secret_access_key": KEY, "root_folder_path": "/"})

    StorageProvider().create(bucket(drive, session_token=TOKEN))

    assert drive.addition("/bucket")["session_token"] == "own"


def test_a_storage_that_cannot_start_is_told_without_secrets_and_mended_by_the_next_try(
    drive: Drive, tmp_path: Path
) -> None:
    lost = tmp_path / "lost"
    wanted = storage(drive, options={"root_folder_path": str(lost), "thumbnail": False})
    for _ in range(2):
        with pytest.raises(AppError, match=f"OpenList cannot start /disk: .*{lost}"):
            StorageProvider().create(wanted)
    lost.mkdir()

    StorageProvider().create(wanted)

    assert [each["status"] for each in drive.storages().values()] == ["work"]


def test_what_a_driver_does_not_know_is_named_with_what_it_knows_before_anything_is_changed(drive: Drive) -> None:
    def check(**more: Any) -> list[str]:
        return [failure.reason for failure in StorageProvider().check({}, storage(drive, **more)).failures]

    assert check() == []
    assert check(driver="local") == ["/disk: OpenList has no driver local. Did you mean Local?"]
    assert "Did you mean BaiduNetdisk" in check(driver="Baidu")[0]
    assert len({check(driver="qqqqqqqq")[0] for _ in range(10)}) == 1, "in one order, whatever OpenList's is"
    assert "Known: " in check(driver="qqqqqqqq")[0]
    root = str(drive.folder)
    [unknown] = check(options={"root_folder_path": root, "thumbnails": True})
    assert unknown == "/disk: Local has no option thumbnails. Did you mean thumbnail?"
    assert check(options={"root_folder_path": root, "thumbnail": "yes"}) == [
        "/disk: thumbnail is true or false, without quotes"
    ]
    lacking = check(driver="S3", options={"bucket": "photos", "endpoint": "e", "access_key_id": "a"})
    assert lacking == ["/disk: S3 needs secret_access_key. Write secrets: [secret_access_key]"]
    assert drive.storages() == {}
    with pytest.raises(AppError, match="no driver local"):
        StorageProvider().create(storage(drive, driver="local"))
    assert drive.storages() == {}


def test_a_check_says_nothing_where_openlist_is_not_there_yet(drive: Drive) -> None:
    away = {**storage(drive, driver="local"), "url": "http://127.0.0.1:1"}

    assert StorageProvider().check({}, away).failures == []
    assert StorageProvider().read("id", away).outs == away


def test_a_user_is_made_with_his_rights_and_nothing_more(drive: Drive) -> None:
    StorageProvider().create(storage(drive))
    (drive.folder / "a.jpg").write_bytes(b"photo")
    wanted = user(drive)
    UserProvider().create(wanted)
    UserProvider().create(wanted)

    made = drive.users()["mum"]
    assert (made["base_path"], made["permission"], made["role"], made["disabled"]) == ("/disk", 0x100, 0, False)
    login = ("mum", "mums password")
    assert drive.dav(login, "GET", "/a.jpg") == 200
    assert drive.dav(login, "PUT", "/b.jpg", b"no") == 403
    assert seen(UserProvider(), wanted) == {}


def test_a_user_without_any_right_stays_one(drive: Drive) -> None:
    """The keeper's, where no copy lies in OpenList: any user may list, which is all that a look needs."""
    wanted = user(drive, may=[])
    UserProvider().create(wanted)
    made = drive.users()["mum"]["permission"]
    drive.edit_user("mum", permission=0x8)

    assert made == 0
    assert seen(UserProvider(), wanted)["may"] == ["upload"]
    UserProvider().update("id", wanted, wanted)
    assert drive.users()["mum"]["permission"] == 0
    assert seen(UserProvider(), wanted) == {}


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        ({"permission": 0x3F8}, "may"),
        ({"base_path": "/"}, "folder"),
        ({"disabled": True}, "disabled"),
        ({"password": "typed by hand"}, "password"),
    ],
)
def test_a_hand_edit_of_a_user_is_seen_and_put_right(drive: Drive, edit: dict[str, Any], kind: str) -> None:
    wanted = user(drive)
    UserProvider().create(wanted)
    before = drive.users()["mum"]
    drive.edit_user("mum", **edit)

    found = UserProvider().read("id", wanted).outs or {}
    assert [name for name in found if found[name] != wanted[name]] == [kind]
    assert "typed by hand" not in str(found)
    UserProvider().update("id", wanted, wanted)
    assert drive.users()["mum"] == before
    assert seen(UserProvider(), wanted) == {}


def test_a_user_that_is_taken_out_is_gone(drive: Drive) -> None:
    UserProvider().create(user(drive))
    UserProvider().delete("id", user(drive))
    UserProvider().delete("id", user(drive))

    assert set(drive.users()) == {"admin", "guest"}
    assert UserProvider().read("id", user(drive)).id == ""


def test_ten_users_whose_passwords_were_changed_lock_nobody_out(drive: Drive) -> None:
    everyone = [user(drive, user=f"user{number}") for number in range(10)]
    for each in everyone:
        UserProvider().create(each)
        drive.edit_user(each["user"], password="typed by hand")
    found: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda each=each: found.append(seen(UserProvider(), each))) for each in everyone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [{"password": CHANGED}] * 10
    drive.api("GET", "/api/me")


def test_a_password_that_openlist_does_not_take_is_tried_once_and_told_once(drive: Drive) -> None:
    def wrong(props: dict[str, Any]) -> dict[str, Any]:
        return {**props, "key": "not the password"}

    for name in range(8):
        props = wrong(storage(drive, f"disk{name}"))
        assert StorageProvider().read("id", props).outs == props
        with pytest.raises(RefusedError):
            StorageProvider().create(props)
    with pytest.raises(RefusedError) as caught:
        AdminProvider().create(wrong(admin(drive)))

    assert (AdminProvider().read("id", wrong(admin(drive))).outs or {})["login"] == str(caught.value)
    assert "./photos config set --secret photos:drive_admin_password" in str(caught.value)
    assert "docker exec photos-dev-drive ./openlist admin random" in str(caught.value)
    assert "not the password" not in str(caught.value)
    drive.api("GET", "/api/me")


def test_too_many_wrong_logins_of_somebody_else_are_told_as_that(tmp_path: Path) -> None:
    OpenListApi.logins.clear()
    with running(tmp_path) as locked:
        for _ in range(6):
            httpx.post(f"{locked.url}/api/auth/login", json={"username": "admin", "password": "guess"})
        with pytest.raises(RefusedError, match="takes no login for 5 minutes"):
            AdminProvider().create(admin(locked))


def test_an_admin_with_two_step_login_is_told_with_the_way_out(tmp_path: Path) -> None:
    OpenListApi.logins.clear()
    with running(tmp_path) as guarded:
        guarded.two_step()
        with pytest.raises(RefusedError, match=r"docker exec photos-dev-drive \./openlist cancel2fa"):
            AdminProvider().create(admin(guarded))


def test_a_new_admin_password_in_the_stack_file_is_set_with_the_old_one(tmp_path: Path) -> None:
    OpenListApi.logins.clear()
    with running(tmp_path) as changed:
        old, new = admin(changed), {**admin(changed), "key": "another password"}
        AdminProvider().create(old)
        AdminProvider().update("id", old, new)
        changed.admin = "another password"

        assert changed.api("GET", "/api/me")["username"] == "admin"
        assert AdminProvider().read("id", new).outs == new
        assert list(seen(AdminProvider(), old)) == ["login"]


def test_what_is_no_openlist_is_told_as_that() -> None:
    class Other(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with pytest.raises(AppError, match="is no OpenList"):
            AdminProvider().create({"url": url, "key": "k", "container": "c"})
        server.shutdown()


def test_rights_and_permission_are_the_same_thing() -> None:
    assert permission(["webdav read", "webdav write", "upload", "rename", "move", "copy", "remove"]) == 0x3F8
    assert [permission(may(bits)) for bits in range(1 << 16)] == list(range(1 << 16))


def test_secret_options_are_known_by_their_names() -> None:
    secret = (
        "refresh_token cookie secret_access_key password client_secret RefreshToken ClientSecret sharepassword repoPwd"
    )
    assert all(map(is_secret, secret.split()))
    plain = "root_folder_path access_key_id client_id upload_thread rapid_upload region bucket pass_ip_to_upsteam"
    assert not any(map(is_secret, plain.split()))
    assert is_renewed("RefreshToken")
    assert not is_renewed("secret_access_key")


def test_what_a_driver_says_is_told_without_what_opens_the_drive() -> None:
    said = f'Get "https://renew.example.com/api?refresh_ui={TOKEN}&x=1": dial tcp; {KEY} and 9|renewed-by-itself'
    told = told_without(said, {"refresh_token": "9|renewed-by-itself"}, {"secret_access_key": KEY})

    assert told == 'Get "https://renew.example.com/api?…": dial tcp; … and …'
    assert json.dumps(told)
