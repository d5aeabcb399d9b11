"""Drives and users declared inside OpenList, with the real engine: shown, healed, removed, and no secret in the state.

OPENLIST names the program of a real OpenList, which is put into the stand-in's image.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cli.docker_host import connect
from tests.engine.world import World, own_name
from tests.openlist import Drive

STACK = own_name("drives")
IMAGE = "openlistteam/openlist:v4.2.5"
KEY, TOKEN, TYPED = "the/secret+access-key-of-the-bucket", "1|first-session-token", "typed-by-hand-in-openlist"
STORAGES: dict[str, Any] = {
    "album": {"driver": "Local", "options": {"root_folder_path": "/photos/originals", "thumbnail": False}},
    "bucket": {
        "driver": "S3",
        "options": {"bucket": "photos", "endpoint": "https://s3.example.com", "access_key_id": "family"},
        "secrets": ["secret_access_key", "session_token"],
        "mount": "/clouds/bucket",
    },
}
USERS: dict[str, Any] = {"mum": {"folder": "/album"}, "scanner": {"rights": "write", "folder": "/album"}}
ADMIN, STORAGE, USER = "Admin", "Storage", "User"


@pytest.fixture(scope="module", name="family")
def scenario(world: World) -> World:
    world.write(STACK)
    if os.environ.get("OPENLIST"):
        world.change(STACK, "services.drive.image", real_image(world.registry))
    world.change(STACK, "services.drive.storages", STORAGES)
    world.change(STACK, "services.drive.users", USERS)
    world.photos("setup", STACK, "--yes")
    return world


def real_image(registry: str) -> str:
    """Put the real program into the stand-in's image, and that into the registry; return its name without the registry."""
    tag = f"{IMAGE}-real"
    with connect() as client, io.BytesIO() as context:
        with tarfile.open(fileobj=context, mode="w") as files:
            files.add(os.environ["OPENLIST"], "openlist")
            recipe = f"FROM {registry}/{IMAGE}\nCOPY --chown=1001:1001 openlist /opt/openlist/openlist\n".encode()
            member = tarfile.TarInfo("Dockerfile")
            member.size = len(recipe)
            files.addfile(member, io.BytesIO(recipe))
        context.seek(0)
        client.images.build(fileobj=context, custom_context=True, tag=f"{registry}/{tag}", rm=True)
        client.images.push(f"{registry}/{tag}")
    return tag


def typed(world: World, key: str, value: str) -> None:
    world.photos("config", "set", "--secret", f"photos:{key}", "--stack", STACK, typed=value)


def openlist(world: World) -> Drive:
    return Drive(f"http://127.0.0.1:{world.port(STACK, 'drive')}", Path("/photos/originals"), secret(world))


def secret(world: World, name: str = "admin_password") -> str:
    if name == "admin_password":
        return world.password(STACK, "drive")
    shown = world.photos("config", "get", f"photos:drive_{name}", "--stack", STACK).strip()
    world.output.pop()
    return shown


def state(world: World) -> str:
    files = [file for file in (world.data / "state").rglob("*") if file.is_file()]
    text = "".join(file.read_bytes().decode(errors="replace") for file in files)
    assert "/clouds/bucket" in text, "this is where the state is"
    return text


def test_a_secret_that_only_a_person_has_is_named_before_anything_is_made(family: World) -> None:
    said = family.photos("up", STACK, "--yes", check=False)

    for key in ("drive_bucket_secret_access_key", "drive_bucket_session_token"):
        assert f"./photos config set --secret photos:{key} --stack {STACK}" in said
    assert family.ours_by_name(STACK) == []


def test_a_driver_that_is_not_known_at_the_first_up_is_told_by_that_resource(family: World) -> None:
    typed(family, "drive_bucket_secret_access_key", KEY)
    typed(family, "drive_bucket_session_token", TOKEN)
    family.change(STACK, "services.drive.storages.album.driver", "Locale")
    said = family.photos("up", STACK, "--yes", check=False)
    family.change(STACK, "services.drive.storages", STORAGES)

    assert "OpenList has no driver Locale. Did you mean Local?" in said


def test_drives_and_users_are_in_openlist_after_up(family: World) -> None:
    family.photos("up", STACK, "--yes")
    drive = openlist(family)

    assert {path: each["status"] for path, each in drive.storages().items()} == {
        "/album": "work",
        "/clouds/bucket": "work",
    }
    assert {each["webdav_policy"] for each in drive.storages().values()} == {"native_proxy"}
    assert drive.addition("/clouds/bucket")["secret_access_key"] == KEY
    mum, scanner = drive.users()["mum"], drive.users()["scanner"]
    assert (mum["permission"], mum["base_path"], scanner["permission"]) == (0x100, "/album", 0x3F8)
    assert drive.dav(("mum", secret(family, "user_mum_password")), "PROPFIND", "/") == 207


def test_nothing_is_left_to_change(family: World) -> None:
    assert family.preview(STACK) == {}
    assert family.preview(STACK, "--refresh") == {}


def test_a_driver_that_is_not_known_stops_preview_and_up_before_anything_is_changed(family: World) -> None:
    before = openlist(family).storages()
    family.change(STACK, "services.drive.storages.album.options", {"root_folder": "/photos/originals"})
    family.change(STACK, "services.drive.users.mum.rights", "write")
    said = [family.photos(*words, STACK, check=False) for words in (("preview",), ("up", "--yes"))]
    family.change(STACK, "services.drive.storages", STORAGES)
    family.change(STACK, "services.drive.users", USERS)

    for text in said:
        assert "/album: Local has no option root_folder. Did you mean root_folder_path?" in text
    assert openlist(family).storages() == before
    assert openlist(family).users()["mum"]["permission"] == 0x100


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        (lambda drive: drive.edit("/clouds/bucket", webdav_policy="302_redirect"), STORAGE),
        (lambda drive: drive.edit("/clouds/bucket", addition={"bucket": "another"}), STORAGE),
        (lambda drive: drive.edit("/clouds/bucket", addition={"secret_access_key": TYPED}), STORAGE),
        (lambda drive: drive.edit("/album", addition={"thumbnail": True}), STORAGE),
        (lambda drive: drive.api("POST", f"/api/admin/storage/disable?id={drive.storage('/album')['id']}"), STORAGE),
        (lambda drive: drive.api("POST", f"/api/admin/storage/delete?id={drive.storage('/album')['id']}"), STORAGE),
        (lambda drive: drive.edit_user("mum", permission=0x3F8), USER),
        (lambda drive: drive.edit_user("mum", base_path="/"), USER),
        (lambda drive: drive.edit_user("mum", disabled=True), USER),
        (lambda drive: drive.edit_user("mum", password=TYPED), USER),
        (lambda drive: drive.api("POST", f"/api/admin/user/delete?id={drive.users()['mum']['id']}"), USER),
    ],
    ids=["policy", "option", "secret", "flag", "off", "gone", "rights", "folder", "locked", "password", "no user"],
)
def test_a_hand_edit_is_shown_and_healed(family: World, edit: Any, kind: str) -> None:
    drive = openlist(family)
    before = content(drive)
    edit(drive)

    shown = family.preview(STACK, "--refresh")
    family.photos("up", STACK, "--yes", "--refresh")

    assert [name.rsplit(":", 1)[-1] for name in shown] == [kind], shown
    assert content(drive) == before
    assert drive.dav(("mum", secret(family, "user_mum_password")), "PROPFIND", "/") == 207
    assert family.preview(STACK, "--refresh") == {}


def content(drive: Drive) -> dict[str, Any]:
    """Return everything in OpenList but what counts up."""
    storages = {
        path: {key: value for key, value in each.items() if key not in ("id", "modified", "mount_details")}
        for path, each in drive.storages().items()
    }
    users = {name: {key: value for key, value in each.items() if key != "id"} for name, each in drive.users().items()}
    return {"storages": storages, "users": users}


def test_a_token_that_the_drive_has_renewed_is_no_difference_and_survives_a_heal(family: World) -> None:
    drive = openlist(family)
    drive.edit("/clouds/bucket", addition={"session_token": "2|renewed-by-the-driver"})
    assert family.preview(STACK, "--refresh") == {}
    drive.edit("/clouds/bucket", webdav_policy="302_redirect")
    family.photos("up", STACK, "--yes", "--refresh")

    assert drive.addition("/clouds/bucket")["session_token"] == "2|renewed-by-the-driver"
    typed(family, "drive_bucket_session_token", "3|typed-anew-after-it-ended")
    assert list(family.preview(STACK)) == ["drive-storage-bucket:Storage"]
    family.photos("up", STACK, "--yes")
    assert drive.addition("/clouds/bucket")["session_token"] == "3|typed-anew-after-it-ended"


def test_no_secret_is_in_the_state_or_the_output_in_clear(family: World) -> None:
    found = [KEY, TOKEN, TYPED, "3|typed-anew-after-it-ended", secret(family)]
    found += [secret(family, f"user_{name}_password") for name in USERS]
    kept, said = state(family), "".join(family.output)

    assert [value for value in found if value in kept] == []
    assert [value for value in found if value in said] == []
    assert [value for value in found if any(value in words for words in family.arguments)] == []


def test_a_new_admin_password_in_the_stack_file_is_set_in_openlist(family: World) -> None:
    typed(family, "drive_admin_password", "another-password-of-the-family")
    family.photos("up", STACK, "--yes")

    assert openlist(family).admin == "another-password-of-the-family"
    assert openlist(family).api("GET", "/api/me")["username"] == "admin"
    assert family.preview(STACK, "--refresh") == {}


def test_an_admin_password_that_was_changed_in_openlist_is_told_once_with_what_to_do(family: World) -> None:
    drive = openlist(family)
    drive.edit_user("admin", password=TYPED)
    drive.admin = TYPED
    drive.edit("/clouds/bucket", webdav_policy="302_redirect")
    shown = family.preview(STACK, "--refresh")
    said = family.photos("up", STACK, "--yes", "--refresh", check=False)
    drive.edit_user("admin", password=secret(family))
    drive.admin = secret(family)
    family.photos("up", STACK, "--yes", "--refresh")

    assert list(shown) == [f"drive-admin:{ADMIN}"]
    assert "OpenList does not take its admin's password" in said
    assert f"docker exec photos-{STACK}-drive ./openlist admin random" in said
    failed = re.findall(r"dynamic/drive:(\w+) \S+ \*\*\w+ failed\*\*", said)
    assert failed == [ADMIN], "told once, whatever else of OpenList had to be changed"
    assert drive.storage("/clouds/bucket")["webdav_policy"] == "native_proxy"
    assert family.preview(STACK, "--refresh") == {}


def test_what_is_taken_out_of_the_stack_file_is_taken_out_of_openlist(family: World) -> None:
    family.change(STACK, "services.drive.storages", {"album": STORAGES["album"]})
    family.change(STACK, "services.drive.users", {"mum": USERS["mum"]})
    said = family.photos("preview", STACK, check=False)
    for key in ("bucket_secret_access_key", "bucket_session_token", "user_scanner_password"):
        assert f"./photos config rm photos:drive_{key}" in said
        family.photos("config", "rm", f"photos:drive_{key}", "--stack", STACK)
    family.photos("up", STACK, "--yes")

    assert set(openlist(family).storages()) == {"/album"}
    assert set(openlist(family).users()) == {"admin", "guest", "mum"}


def test_destroy_does_not_need_the_app(family: World) -> None:
    with connect() as client:
        client.containers.get(f"photos-{STACK}-drive").stop()
    family.photos("destroy", STACK, "--yes")
    family.photos("up", STACK, "--yes")

    assert openlist(family).storages()["/album"]["status"] == "work"
    assert family.preview(STACK, "--refresh") == {}
