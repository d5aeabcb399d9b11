"""Net drives and users in a stack file: refused where they cannot be, their secrets flat, and what is declared of them."""

from __future__ import annotations

from typing import Any

import pytest
from example_stack import CANARY, DROP, canary, changed, declare_stack, example, secret_keys
from fake_host import FakeHost
from mistakes import Bad

from components.apps.drive import may, permission
from components.services.drive import KEEPER
from keeper.copies import openlist
from keeper.settings import CopySettings
from stacks.recording import Recorded, is_secret, plain

BAIDU: dict[str, Any] = {"driver": "BaiduNetdisk", "options": {"upload_timeout": 60}, "secrets": ["refresh_token"]}
STORAGES, USERS = "services.drive.storages", "services.drive.users"
TOKEN, PASSWORD = "photos:drive_baidu_refresh_token", "photos:drive_user_mum_password"
GOOD = {STORAGES: {"baidu": BAIDU}, USERS: {"mum": {"folder": "/baidu"}}, TOKEN: f"{CANARY}1|", PASSWORD: f"{CANARY}pw"}


def bad(row: str, changes: dict[str, Any], *says: str, **more: Any) -> Bad:
    merged = {key: value for key, value in {**GOOD, **changes}.items() if value is not DROP}
    return Bad(row, merged, says, **more)


def storage(row: str, change: dict[str, Any], *says: str, **more: Any) -> Bad:
    return bad(row, {STORAGES: {"baidu": {**BAIDU, **change}}}, *says, **more)


MISTAKES = [
    storage("option in clear", {"options": {"refresh_token": CANARY}}, "storages.baidu.options.refresh_token: stored in clear", "secrets: [refresh_token]", f"./photos config set --secret {TOKEN}"),
    storage("option twice", {"options": {"a": 1}, "secrets": ["a"]}, "storages.baidu: a is among options and secrets", secret=frozenset({TOKEN, PASSWORD})),
    storage("option unreadable", {"secrets": ["refresh token"]}, '"refresh token" is not the name of an option', "refresh_token"),
    storage("no driver", {"driver": ""}, "config photos:services.drive.storages.baidu.driver: "),
    storage("mount", {"mount": "baidu"}, "'baidu' is no place in OpenList", "/baidu"),
    storage("mount above", {"mount": "/a/../b"}, "is no place in OpenList"),
    storage("unknown key", {"secret": []}, "storages.baidu.secret: unknown. Did you mean secrets?"),
    bad("two at one place", {STORAGES: {"baidu": BAIDU, "other": {"driver": "Local", "mount": "/baidu"}}}, "storages.other: baidu lies at /baidu already", "mount"),
    bad("name", {STORAGES: {"Baidu": {"driver": "Local"}}}, 'storages: "Baidu" cannot be a name here', "small letters", secret=frozenset({PASSWORD})),
    bad("name of users' secrets", {STORAGES: {"user": {"driver": "Local"}}}, 'storages: "user" cannot be a name here: OpenList or ./photos uses it'),
    bad("the admin's name", {USERS: {"admin": {}}}, 'users: "admin" cannot be a name here'),
    bad("the keeper's name", {USERS: {"keeper": {}}}, 'users: "keeper" cannot be a name here'),
    bad("rights", {USERS: {"mum": {"rights": "all"}}}, "users.mum.rights: 'read' or 'write' expected"),
    bad("token missing", {TOKEN: DROP}, f"config {TOKEN}: missing. Type it here: ./photos config set --secret {TOKEN} --stack dev"),
    bad("token with a line break", {TOKEN: f"{CANARY}a\nb"}, f"config {TOKEN}: holds a line break", f"./photos config set --secret {TOKEN}"),
    bad("token with a space", {TOKEN: f"{CANARY}a "}, f"config {TOKEN}: begins or ends with a space"),
    bad("token in clear", {}, f"config {TOKEN}: stored in clear", secret=frozenset({PASSWORD})),
    bad("password not made", {PASSWORD: DROP}, f"{PASSWORD} missing: not made yet", "./photos up dev"),
    bad("weak password", {PASSWORD: "short"}, f"config {PASSWORD}: is too weak"),
    bad("left over", {STORAGES: {}}, f"config {TOKEN}: nothing in services.drive asks for it. Take it out: ./photos config rm {TOKEN}"),
    bad("misspelt", {TOKEN: DROP, "photos:drive_baidu_refreshtoken": CANARY}, "config photos:drive_baidu_refreshtoken: nothing in services.drive asks for it. Did you mean photos:drive_baidu_refresh_token?"),
    bad("AList's image", {"services.drive.image": "xhofe/alist:v3.40.0"}, "AList was sold in 2025", "OpenList", "docs/net-drives.md"),
    bad("a section of AList", {"services.alist": {}}, "AList was sold in 2025"),
    Bad("drive: alist", {"services.drive": "alist"}, ("AList was sold in 2025",)),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_mistake_is_explained_before_anything_is_declared(mistake: Bad, host: FakeHost) -> None:
    mistake.is_explained(host)


def test_a_secret_inside_a_storage_is_named_with_its_flat_key(host: FakeHost) -> None:
    mistake = storage("secret in section", {"options": {"refresh_token": CANARY}})
    text, _ = Bad("", mistake.changes, (), secret=frozenset({"photos:services", TOKEN, PASSWORD})).told(host)

    assert f"Write it as the flat key {TOKEN}" in text


def test_the_secrets_of_a_drive_that_is_not_there_are_kept_for_its_return(host: FakeHost) -> None:
    config = host.config({"services.drive": DROP, TOKEN: canary("token")})
    text, recorder = host.run(config, stack="dev", secret={*secret_keys(config), TOKEN})

    assert text == ""
    assert recorder.resources


def declared(changes: dict[str, Any], name: str = "dev") -> dict[str, Recorded]:
    """Return what is declared inside OpenList, by name."""
    recorder = declare_stack(changed(example(name), changes), name)
    inside = ("Admin", "Storage", "User")
    return {each.name.removeprefix("photos-drive-"): each for each in recorder.resources if each.type.endswith(inside)}


def test_a_storage_is_declared_with_a_proxy_and_its_secrets_wrapped() -> None:
    inside = declared(GOOD)
    inputs = inside["storage-baidu"].inputs

    assert set(inside) == {"admin", "storage-baidu", "user-mum"}
    assert is_secret(inputs["secrets"])
    assert is_secret(inputs["key"])
    assert plain(inputs["secrets"]) == {"refresh_token": GOOD[TOKEN]}
    told = {key: plain(inputs[key]) for key in ("mount", "driver", "options", "webdav_policy", "web_proxy", "disabled")}
    assert told == {
        "mount": "/baidu", "driver": "BaiduNetdisk", "options": {"upload_timeout": 60}, "webdav_policy": "native_proxy",
        "web_proxy": True, "disabled": False,
    }  # fmt: skip
    assert inputs["url"].startswith("http://127.0.0.1:")


def test_a_storage_without_secrets_has_none() -> None:
    inputs = declared({STORAGES: {"album": {"driver": "Local"}}})["storage-album"].inputs

    assert plain(inputs["secrets"]) == {}


def test_a_user_has_the_rights_and_the_folder_that_the_file_says() -> None:
    inputs = declared({**GOOD, USERS: {"mum": {"rights": "write", "folder": "/baidu"}}})["user-mum"].inputs

    assert permission(plain(inputs["may"])) == 0x3F8
    assert plain(inputs["folder"]) == "/baidu"
    assert is_secret(inputs["password"])
    assert permission(plain(declared(GOOD)["user-mum"].inputs["may"])) == 0x100


@pytest.mark.parametrize("kinds", [["mirror"], ["mirror", "album"], ["vault"]])
def test_the_keepers_user_may_do_what_the_copies_need_and_nothing_more(kinds: list[str]) -> None:
    remotes = {f"c{n}": {"kind": kind, "type": "openlist", "path": f"/baidu/{n}"} for n, kind in enumerate(kinds)}
    keys = {f"photos:backup_{name}_repository_password": canary(name) for name in remotes}
    inputs = declared({"backup": {"remotes": remotes}, **keys})[f"user-{KEEPER}"].inputs
    copies = [
        CopySettings.model_validate({"name": name, "kind": kind, "type": "openlist", "path": "x"})
        for name, kind in zip(remotes, kinds, strict=True)
    ]

    assert KEEPER == openlist.USER
    assert permission(plain(inputs["may"])) == openlist.permission(copies)
    assert plain(inputs["may"]) == may(openlist.permission(copies)), "in OpenList's order, or it would always differ"
    assert plain(inputs["folder"]) == "/"


def test_without_a_copy_in_a_drive_the_keeper_has_no_user() -> None:
    assert f"user-{KEEPER}" not in declared(GOOD)


def test_where_nothing_is_declared_inside_openlist_nothing_there_is_looked_at() -> None:
    assert declared({}) == {}
