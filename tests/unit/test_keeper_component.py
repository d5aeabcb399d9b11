"""The keeper in the stack: what it is given to read, and what it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from example_stack import canary, changed, container, declare_stack, example, secret_keys, uploads

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


def test_the_watch_sees_no_photo_and_no_key(stack: Recorder) -> None:
    assert mounts(stack, "watch") == {"/var/lib/keeper": False, "/var/lib/watch": True}
    assert not [file for file in uploads(stack, "watch") if "password" in file]
