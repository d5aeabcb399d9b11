"""The keeper in the stack: what it is given to read, and what it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from example_stack import DROP, canary, changed, container, declare_stack, example, resource, secret_keys, uploads

from components import keeper, storage
from components.keeper import SETTINGS_FILE
from keeper import settings as keeper_settings
from keeper.settings import Settings
from stacks.recording import Recorder

DRIVE_PASSWORD = "/run/secrets/drive_admin_password"
REMOTES = {
    "disk": {"kind": "disk", "type": "local", "path": "/mnt/backup/photos"},
    "net": {"kind": "mirror", "type": "openlist", "path": "/baidu/photos"},
}


def home(**remotes: dict[str, str]) -> Recorder:
    """Declare the example `home` with these remotes and all the keys that they ask for."""
    config = changed(example("home"), {"backup.remotes": remotes, "backup.strict": False})
    plain = {key: value for key, value in config.items() if not key.startswith("photos:backup_")}
    return declare_stack(plain | {key: canary(key.removeprefix("photos:")) for key in secret_keys(plain)}, "home")


@pytest.fixture
def stack() -> Recorder:
    return home(**REMOTES)


def settings_of(recorder: Recorder) -> Settings:
    return Settings.model_validate(json.loads(uploads(recorder, "keeper")[SETTINGS_FILE]))


def mounts(recorder: Recorder, service: str) -> dict[str, bool]:
    """Return target → whether it can be written."""
    found: list[dict[str, Any]] = container(recorder, service)["mounts"]
    return {mount["target"]: not mount.get("readOnly") for mount in found}


@pytest.mark.parametrize(
    ("keys", "known"),
    [({}, ("", "copy")), ({"import_schedule": "0 4 * * *", "import_mode": "move"}, ("0 4 * * *", "move"))],
)
def test_it_knows_when_the_album_imports_and_how(keys: dict[str, str], known: tuple[str, str]) -> None:
    section = {f"services.photoprism.{key}": value for key, value in keys.items()}
    settings = settings_of(declare_stack(changed(example("home"), section), "home"))

    assert (settings.import_schedule, settings.import_mode) == known


def test_a_drive_of_openlist_has_one_type() -> None:
    assert keeper_settings.OPENLIST == keeper.OPENLIST


def test_the_marker_has_one_name() -> None:
    assert keeper_settings.MARKER == storage.MARKER


def test_everything_it_reads_is_mounted_read_only_and_only_disks_can_be_written(stack: Recorder) -> None:
    found = mounts(stack, "keeper")

    assert {target for target, writable in found.items() if writable} == {"/var/lib/keeper", "/remotes/disk"}
    assert {f"/library/{root}" for root in settings_of(stack).roots} <= found.keys()


def test_a_drive_of_openlist_is_reached_inside_the_stack_with_the_admin_s_password_as_a_file(stack: Recorder) -> None:
    net = next(copy for copy in settings_of(stack).copies if copy.name == "net")

    assert (net.type, net.path) == ("openlist", "baidu/photos")
    assert (net.options, net.secrets) == ({"url": "http://drive:5244"}, [])
    assert DRIVE_PASSWORD in uploads(stack, "keeper")


def test_without_a_drive_of_openlist_its_password_stays_away() -> None:
    assert DRIVE_PASSWORD not in uploads(home(disk=REMOTES["disk"]), "keeper")


BAIDU = {"driver": "BaiduNetdisk", "secrets": ["refresh_token"]}


def with_drives(services: dict[str, Any], *, backup: bool = True) -> Recorder:
    """Declare `home` with these storages in OpenList and no copy in any of them."""
    config = changed(
        example("home"), {"services.drive.storages": services, "backup.remotes": {"disk": REMOTES["disk"]}}
    )
    config = (
        changed(config, {"backup.strict": False})
        if backup
        else {k: v for k, v in config.items() if k != "photos:backup"}
    )
    plain = {key: value for key, value in config.items() if not key.startswith(("photos:backup_", "photos:drive_"))}
    return declare_stack(plain | {key: canary(key.removeprefix("photos:")) for key in secret_keys(plain)}, "home")


def test_it_looks_at_net_drives_as_a_user_who_may_do_nothing_else() -> None:
    recorder = with_drives({"baidu": BAIDU, "nas": {"driver": "Local", "mount": "/house/nas"}})
    settings, user = settings_of(recorder), resource(recorder, "User", "drive-user-keeper").inputs

    assert settings.drive_url == "http://drive:5244"
    assert {storage.name: storage.mount for storage in settings.storages} == {"baidu": "/baidu", "nas": "/house/nas"}
    assert (user["may"], user["folder"]) == ([], "/")
    assert "/run/secrets/drive_keeper_password" in uploads(recorder, "keeper")
    assert DRIVE_PASSWORD not in uploads(recorder, "keeper"), "to look it needs no admin"


def test_openlist_has_no_user_for_a_keeper_that_does_not_ask_it_anything() -> None:
    for recorder in (with_drives({}), with_drives({"baidu": BAIDU}, backup=False)):
        assert not [item for item in recorder.of_type("User") if "keeper" in item.name]
    assert "/run/secrets/drive_keeper_password" not in uploads(with_drives({}), "keeper")


@pytest.mark.parametrize(
    ("leave_out", "keys", "album"),
    [
        ("photos:publish", {"services.https": DROP}, "http://localhost:12343/"),
        ("photos:publish", {}, "https://photos.local/"),
        ("photos:publish", {"services.photoprism.site_url": "https://photos.lan/"}, "https://photos.lan/"),
        ("nothing", {}, "https://photos.example.com/"),
    ],
    ids=["this machine", "home name", "as written", "published"],
)
def test_it_links_to_the_addresses_that_people_open(leave_out: str, keys: dict[str, Any], album: str) -> None:
    config = {key: value for key, value in changed(example("home"), keys).items() if key != leave_out}
    settings = settings_of(declare_stack(config, "home"))

    assert settings.album_address == album
    assert settings.drive_address.startswith("http")


def test_the_watch_sees_no_photo_and_no_key(stack: Recorder) -> None:
    assert mounts(stack, "watch") == {"/var/lib/keeper": False, "/var/lib/watch": True}
    assert not [file for file in uploads(stack, "watch") if "password" in file]
