"""The life of a stack with a backup: what `up`, a preview and `destroy` make of the keeper and of the images it is built from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from cli import kit
from cli.docker_host import connect
from keeper.errors import Exit
from stacks.host.library import DEFAULT_OWNER
from tests.engine.keeping import reported
from tests.engine.world import World, free_port, new_world, own_name
from tests.openlist import Drive
from tests.waiting import until
from tests.wheels import wheel_index

STACK = own_name("backed")
PASSPHRASE = "five words that we remember"
PARTS = ("restic/restic:0.19.1", "rclone/rclone:1.75.2")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, registry: str, programs: None) -> Iterator[World]:  # noqa: ARG001
    """A stack with one local copy, running."""
    with wheel_index() as index, new_world(tmp_path_factory.mktemp("backup-life"), registry) as made:
        made.checkout()
        disk = made.root / "disk"
        disk.mkdir()
        os.chown(disk, DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)
        backup = {
            "port": free_port(),
            "remotes": {"disk": {"kind": "disk", "type": "local", "path": str(disk)}},
            "mirrors": {"pip": index.url},
        }
        nas = {"driver": "Local", "options": {"root_folder_path": "/photos/originals"}}
        services = {
            "photoprism": {"port": free_port(), "memory": "1g"},
            "drive": {"port": free_port(), "storages": {"nas": nas}},
        }
        made.write(STACK, backup=backup, services=services)
        made.samples(STACK)
        library = made.root / f"library-{STACK}"
        for place in (library, *library.rglob("*")):
            os.chown(place, DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)
        made.photos("up", STACK, "--yes")
        yield made


def keeper(world: World, *words: str, typed: str = "", code: int = 0) -> str:
    return world.photos("keeper", *words, "--stack", STACK, typed=typed, code=code)


def test_the_keeper_is_built_from_the_pulled_images_and_nothing_changes_afterwards(world: World) -> None:
    with connect() as client:
        for part in PARTS:
            assert client.images.get(f"{world.registry}/{part}")

    assert world.preview(STACK) == {}
    assert world.preview(STACK, "--refresh") == {}
    assert "unchanged" in world.photos("up", STACK, "--yes")
    assert world.preview(STACK) == {}


@pytest.mark.usefixtures("world")
def test_the_keeper_has_the_programs_that_its_image_took() -> None:
    with connect() as client:
        container = client.containers.get(f"photos-{STACK}-keeper")
        said = [container.exec_run([name, "version"]).output for name in ("restic", "rclone")]

    assert bytes(said[0]).startswith(b"restic 0.19.1")  # type: ignore[arg-type]
    assert bytes(said[1]).startswith(b"rclone v1.75.2")  # type: ignore[arg-type]


def test_a_copy_on_the_library_s_own_disk_is_told_in_preview_and_to_the_keeper(world: World) -> None:
    assert "is on the same disk as the library" in world.photos("preview", STACK)
    with connect() as client:
        told, _ = client.containers.get(f"photos-{STACK}-keeper").get_archive("/etc/keeper/keeper.json")
        assert b"finding.disk_of_the_library" in b"".join(told)


def test_the_keeper_sees_the_album_and_every_net_drive_that_is_declared(world: World) -> None:
    """Without a copy in OpenList its user there has no right at all."""
    drive = Drive(f"http://127.0.0.1:{world.port(STACK, 'drive')}", world.root, world.password(STACK, "drive"))
    assert drive.users()["keeper"]["permission"] == 0
    well = reported(keeper(world, "drives", "--json"))
    drive.api("POST", f"/api/admin/storage/disable?id={drive.storage('/nas')['id']}")
    off = reported(keeper(world, "drives", "--json", code=Exit.COPY))
    shown = world.photos("status", "--stack", STACK)
    world.photos("up", STACK, "--refresh", "--yes")
    again = reported(keeper(world, "drives", "--json"))
    until(lambda: json.loads(keeper(world, "status", "--json"))["album"]["answered"])

    assert well["storages"] == again["storages"] == {"nas": {"problem": None, "since": None}}
    assert off["storages"]["nas"]["problem"]["code"] == "openlist.drive_gone"
    assert "Net drives: Cannot be reached: /nas." in shown
    assert f"./photos up {STACK} --refresh puts it back" in shown
    assert world.preview(STACK) == {}
    assert world.preview(STACK, "--refresh") == {}


def test_a_run_is_restorable_and_the_kit_holds_what_opens_it(world: World, tmp_path: Path) -> None:
    keeper(world, "backup")

    keeper(world, "kit", str(tmp_path), typed=f"{PASSPHRASE}\n")

    members = kit.unpack(next(tmp_path.glob("*.age")), PASSPHRASE)
    repository = world.root / "disk"
    assert members["copies/disk/config"] == (repository / "config").read_bytes()
    for key in (repository / "keys").iterdir():
        assert members[f"copies/disk/keys/{key.name}"] == key.read_bytes()
    keeper(world, "kit", "--is-safe")
    told = json.loads(keeper(world, "status", "--json"))
    assert told["kit_lacks"] == []


def test_a_rotated_copy_is_opened_by_its_new_password_and_the_kit_of_before_is_stale(world: World) -> None:
    before = keys_of(world)

    keeper(world, "rotate", "--copy", "disk", "--yes")

    after = keys_of(world)
    assert len(before) == len(after) == 1
    assert before != after, "the old key is gone"
    keeper(world, "backup")
    assert "does not open everything any more" in world.photos("doctor", STACK)
    assert json.loads(keeper(world, "status", "--json"))["kit_lacks"] == ["disk"]
    assert world.preview(STACK) == {}


def keys_of(world: World) -> set[str]:
    """Return the key files of the copy."""
    return {file.name for file in (world.root / "disk/keys").iterdir()}


def test_another_restic_replaces_the_keeper_and_its_kin_and_nothing_else(world: World) -> None:
    with connect() as client:
        image = client.images.get(f"{world.registry}/{PARTS[0]}")
        image.tag(f"{world.registry}/restic/restic", "0.19.2")
        client.images.push(f"{world.registry}/restic/restic", tag="0.19.2")
    world.change(STACK, "backup.restic_image", "restic/restic:0.19.2")

    changes = world.preview(STACK)

    assert {name.partition(":")[0] for name in changes} == {"keeper", "keeper-restic", "watch", "restore"}
    world.change(STACK, "backup.restic_image", PARTS[0])


def test_destroy_takes_the_built_image_along_and_leaves_what_was_pulled(world: World) -> None:
    world.photos("destroy", STACK, "--yes")

    assert world.ours(STACK) == []
    with connect() as client:
        assert not [tag for image in client.images.list() for tag in image.tags if tag.startswith(f"photos-{STACK}-")]
        for part in PARTS:
            try:
                assert client.images.get(f"{world.registry}/{part}")
            except docker.errors.ImageNotFound:
                pytest.fail(f"{part} may be another stack's too")
    assert (world.root / "disk" / "config").exists(), "the copy stays"
