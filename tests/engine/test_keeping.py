"""The keeper through the whole declared stack: up, backup, test restore, gate, a build that fails, and a lost host."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from cli.docker_host import connect, of_stack
from cli.docker_runner import remove_all, wait_until_healthy
from components.storage import MARKER
from stacks.checks.library import DEFAULT_OWNER
from tests.engine.world import World, free_port
from tests.images.wheels import wheel_index

STACK = "kept"
PASSPHRASE = "five words that we remember\n"
FILES, SIZE, ROWS = 2000, 1 << 19, 50_000
"""One GiB in two thousand files."""
MINUTES_TO_RESTORE = 10


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A second disk: a file system of its own with a folder on it. No tmpfs: that counts as the keeper's memory."""
    mount = tmp_path_factory.mktemp("disk")
    mount.parent.chmod(0o755)
    image = tmp_path_factory.mktemp("image") / "disk.img"
    subprocess.run(["truncate", "-s", "4G", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    mount.chmod(0o755)
    folder = mount / "photos"
    folder.mkdir()
    os.chown(folder, DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)
    yield folder
    # A container may hold it a moment longer.
    subprocess.run(["umount", "--lazy", mount], check=True)


@pytest.fixture(scope="module")
def life(world: World, disk: Path) -> Iterator[World]:
    """A running stack with samples, two thousand further photos and a keeper that copies to the second disk."""
    with wheel_index() as wheels:
        remotes = {"disk": {"kind": "disk", "type": "local", "path": str(disk)}}
        world.write(STACK, backup={"port": free_port(), "mirrors": {"pip": wheels.url}, "remotes": remotes})
        world.photos("up", STACK, "--yes")
        world.samples(STACK)
        fill(originals(world))
        sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, note VARCHAR(64))")
        sql(f"INSERT INTO notes SELECT seq, CONCAT('row ', seq) FROM seq_1_to_{ROWS}")
        index(world)
        yield world


def originals(world: World) -> Path:
    return world.root / f"library-{STACK}" / "originals"


def fill(folder: Path) -> None:
    """Write many small pictures, each with a tail of noise that makes it large and its own."""
    picture = io.BytesIO()
    Image.new("RGB", (32, 32), "orange").save(picture, "JPEG")
    (folder / "many").mkdir()
    for number in range(FILES):
        (folder / f"many/{number}.jpg").write_bytes(picture.getvalue() + os.urandom(SIZE))
    for path in (folder, *folder.rglob("*")):
        os.chown(path, DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)


def sql(statement: str) -> str:
    login = 'mariadb -h127.0.0.1 -uphotoprism -p"$(cat /run/secrets/mariadb_password)" -N -B photoprism'
    with connect() as client:
        server = client.containers.get(f"photos-{STACK}-mariadb")
        done = server.exec_run(["sh", "-c", f'exec {login} -e "{statement}"'])
    assert done.exit_code == 0, done.output
    assert isinstance(done.output, bytes)
    return done.output.decode().strip()


def index(world: World) -> None:
    with album_of(world) as album:
        answer = album.post("/api/v1/index", json={"path": "/"})
    assert answer.status_code == httpx.codes.OK, answer.text


@contextlib.contextmanager
def album_of(world: World) -> Iterator[httpx.Client]:
    """Yield a client that is logged in."""
    with httpx.Client(base_url=f"http://127.0.0.1:{world.port(STACK, 'photoprism')}", timeout=300) as client:
        login = {"username": "admin", "password": world.password(STACK, "photoprism")}
        client.headers["X-Auth-Token"] = client.post("/api/v1/session", json=login).json()["access_token"]
        yield client


def photos_shown(world: World) -> int:
    with album_of(world) as album:
        return len(album.get("/api/v1/photos", params={"count": 100_000}).json())


def hashes(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != MARKER)
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def report_of(text: str) -> dict[str, object]:
    return dict(json.loads(text[text.index("{") :]))


def test_the_keeper_comes_up_healthy_and_a_second_up_changes_nothing(life: World) -> None:
    with connect() as client:
        for service in ("keeper", "watch"):
            wait_until_healthy(client.containers.get(f"photos-{STACK}-{service}"), 180)

    assert life.preview(STACK) == {}
    assert life.preview(STACK, "--refresh") == {}


def test_a_backup_and_a_test_restore_pass(life: World) -> None:
    backup = report_of(life.photos("keeper", "backup", "--stack", STACK, "--json"))
    drill = report_of(life.photos("keeper", "drill", "--stack", STACK, "--json"))

    assert backup["code"] == 0
    assert int(str(backup["files"])) > FILES
    assert drill["passed"], drill
    assert int(str(drill["rows"])) > ROWS


def test_a_mass_deletion_is_stopped_and_comes_back(life: World) -> None:
    before = hashes(originals(life))
    shutil.rmtree(originals(life) / "many")
    text = life.photos("keeper", "backup", "--stack", STACK, check=False)

    assert "the whole folder originals/many vanished" in text
    assert "./photos keeper accept" in text
    life.photos("keeper", "restore", "originals/many", "--stack", STACK)
    assert hashes(originals(life)) == before
    life.photos("keeper", "backup", "--stack", STACK)


def test_an_image_that_cannot_be_built_leaves_the_album_running(life: World) -> None:
    life.write("poor", backup={
        "port": free_port(), "mirrors": {"pip": "http://127.0.0.1:9/simple/"},
        "remotes": {"far": {"kind": "mirror", "type": "webdav", "path": "x", "options": {"url": "http://127.0.0.1:9"}}},
    })  # fmt: skip
    text = life.photos("up", "poor", "--yes", check=False)

    assert "The keeper does not run, so nothing is backed up; the album does not need it" in text
    assert len(life.ours("poor")) == 4, "the album and its neighbours run"
    life.photos("destroy", "poor", "--yes")


def test_a_lost_host_comes_back_from_the_kit_alone(life: World) -> None:
    before, rows = hashes(originals(life)), sql("SELECT COUNT(*) FROM notes")
    shown = photos_shown(life)
    life.photos("keeper", "backup", "--stack", STACK)
    life.photos("keeper", "kit", str(life.root), "--stack", STACK, typed=PASSPHRASE)
    (kit,) = life.root.glob(f"photos-kit-{STACK}-*.age")
    lose_the_host(life)
    again = life.checkout("again")
    start = time.monotonic()
    life.photos("keeper", "restore", "--kit", str(kit), "--yes", project=again, typed=PASSPHRASE)
    minutes = (time.monotonic() - start) / 60
    shutil.copyfile(again / "stacks" / f"Pulumi.{STACK}.yaml", life.stack_file(STACK))

    assert minutes < MINUTES_TO_RESTORE
    assert hashes(originals(life)) == before
    assert sql("SELECT COUNT(*) FROM notes") == rows == str(ROWS)
    assert photos_shown(life) == shown > FILES
    assert life.preview(STACK) == {}


def lose_the_host(world: World) -> None:
    """Remove everything but the kit and the second disk: containers, volumes, library, state, passphrase, stack file."""
    with connect() as client:
        remove_all(client, world.id(STACK))
        assert client.volumes.list(filters=of_stack(world.id(STACK))) == []
    shutil.rmtree(world.data)
    shutil.rmtree(world.root / f"library-{STACK}")
    world.stack_file(STACK).unlink()
