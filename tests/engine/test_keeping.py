"""The keeper through the whole declared stack: up, backup, test restore, gate, a build that fails, and a lost host."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from cli.docker_host import connect, of_stack
from demo.docker_runner import remove_all
from keeper.errors import Exit
from tests.engine.keeping import Kept, second_disk
from tests.engine.world import World, free_port, own_name
from tests.waiting import until
from tests.wheels import wheel_index

STACK, POOR = own_name("kept"), own_name("poor")
PASSPHRASE = "five words that we remember\n"
FILES, SIZE, ROWS = 2000, (1 << 30) // 2000, 50_000
"""One GiB in two thousand files."""


@pytest.fixture(scope="module")
def kept(world: World, programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:  # noqa: ARG001
    """A running stack with samples, many further photos and a keeper that copies to the second disk."""
    with second_disk(tmp_path_factory.mktemp("disk")) as disk, wheel_index() as wheels:
        remotes = {"disk": {"kind": "disk", "type": "local", "path": str(disk)}}
        world.write(STACK, backup={"port": free_port(), "mirrors": {"pip": wheels.url}, "remotes": remotes})
        world.photos("up", STACK, "--yes")
        world.samples(STACK)
        made = Kept(world, STACK)
        made.fill("many", FILES, tail=SIZE)
        made.sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, note VARCHAR(64))")
        made.sql(f"INSERT INTO notes SELECT seq, CONCAT('row ', seq) FROM seq_1_to_{ROWS}")
        made.index()
        yield made


def test_the_keeper_comes_up_healthy_and_a_second_up_changes_nothing(kept: Kept) -> None:
    kept.await_health("keeper", "watch")

    assert kept.world.preview(STACK) == {}
    assert kept.world.preview(STACK, "--refresh") == {}
    assert restore_container() == ("created", 0), "it is declared, and waits for a person"


def restore_container() -> tuple[str, int]:
    """Return the status of the restore's container and the exit code of the last restore."""
    with connect() as client:
        container = client.containers.get(f"photos-{STACK}-restore")
        return container.status, int(container.attrs["State"]["ExitCode"])


def test_a_backup_and_a_test_restore_pass(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    start = time.monotonic()
    backup = kept.back_up()["disk"]
    seconds = time.monotonic() - start
    drill = kept.ask("drill")

    assert backup["files"] > FILES
    assert backup["sent_bytes"] > FILES * SIZE
    assert drill["passed"], drill
    assert drill["rows"] > ROWS
    with capsys.disabled():
        print(f"\nthe first backup of {FILES} files, {backup['bytes'] >> 20} MiB: {seconds:.0f} s")


def test_a_mass_deletion_is_asked_about_and_comes_back(kept: Kept) -> None:
    before = kept.hashes()
    shutil.rmtree(kept.originals / "many")
    told = kept.world.photos("keeper", "backup", "--stack", STACK, code=Exit.GATE)
    alarm = re.search(rf"\./photos keeper accept --stack {STACK} (\w+)", told)

    assert "the whole folder originals/many vanished" in told
    assert alarm, told
    elsewhere = kept.ask("restore", "originals/many", code=Exit.FAILED)["problem"]
    assert elsewhere["code"] == "restore.elsewhere", "the newest snapshot is one of the library as it is"
    kept.ask("restore", "originals/many", "--snapshot", elsewhere["values"]["other"])
    assert kept.hashes() == before
    kept.ask("accept", alarm[1])
    assert kept.back_up()["disk"]["alarm"] == ""


def test_a_restore_that_ran_is_no_difference(kept: Kept) -> None:
    refused = kept.ask("restore", "originals/nowhere", code=Exit.FAILED)

    assert refused["problem"]["code"] == "restore.not_named"
    assert restore_container() == ("exited", Exit.FAILED)
    assert kept.world.preview(STACK) == {}
    assert kept.world.preview(STACK, "--refresh") == {}
    assert kept.world.photos("status", "--stack", STACK).count("healthy") == 6
    text = kept.world.photos("up", STACK, "--yes")
    assert "unchanged" in text
    assert "Removed" not in text
    assert restore_container() == ("exited", Exit.FAILED), "its log stays until the next one"
    assert "restore.not_named" in kept.world.photos("logs", "restore", "--stack", STACK)


@pytest.mark.usefixtures("kept")
def test_who_starts_the_restore_by_hand_restores_nothing() -> None:
    with connect() as client:
        container = client.containers.get(f"photos-{STACK}-restore")
        container.start()
        assert container.wait()["StatusCode"] == 1
        assert b"nothing was restored" in container.logs(tail=1)


def test_while_a_restore_runs_there_is_no_second_one_and_up_changes_nothing(kept: Kept) -> None:
    """One that is stopped in its first step runs as long as it is needed."""
    with connect() as client:
        container = client.containers.get(f"photos-{STACK}-restore")
        with contextlib.ExitStack() as cleared:
            restoring = subprocess.Popen(
                ["./photos", "keeper", "restore", "originals", "--stack", STACK],
                cwd=kept.world.project, env=kept.world.environment, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            cleared.callback(restoring.wait)
            until(lambda: client.containers.get(str(container.name)).status == "running")
            container.pause()
            cleared.callback(container.unpause)
            second = kept.world.photos("keeper", "restore", "originals", "--stack", STACK, check=False)
            previewed = kept.world.photos("preview", STACK)
            refused = kept.world.photos("up", STACK, "--yes", check=False)

    assert "A restore is running already" in second
    assert f"A restore is running (photos-{STACK}-restore)" in previewed
    assert f"A restore is running (photos-{STACK}-restore)" in refused
    assert restoring.returncode == 0


@pytest.mark.usefixtures("programs")
def test_an_image_that_cannot_be_built_leaves_the_album_running(world: World) -> None:
    world.write(POOR, backup={
        "port": free_port(), "mirrors": {"pip": "http://127.0.0.1:9/simple/"},
        "remotes": {"far": {"kind": "mirror", "type": "webdav", "path": "x", "options": {"url": "http://127.0.0.1:9"}}},
    })  # fmt: skip
    text = world.photos("up", POOR, "--yes", check=False)

    assert "The keeper does not run, so nothing is backed up; the album does not need it" in text
    assert len(world.ours(POOR)) == 4, "the album and its neighbours run"
    world.photos("destroy", POOR, "--yes")


def test_a_lost_host_comes_back_from_the_kit_alone(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    world, before, rows = kept.world, kept.hashes(), kept.sql("SELECT COUNT(*) FROM notes")
    shown, size = kept.photos_shown(), sum(file.stat().st_size for file in kept.originals.rglob("*"))
    kept.back_up()
    world.photos("keeper", "kit", str(world.root), "--stack", STACK, typed=PASSPHRASE)
    (kit,) = world.root.glob(f"photos-kit-{STACK}-*.age")
    lose_the_host(world)
    again = world.checkout("again")
    start = time.monotonic()
    world.photos("keeper", "restore", "--kit", str(kit), "--yes", project=again, typed=PASSPHRASE)
    seconds = time.monotonic() - start
    shutil.copyfile(again / "stacks" / f"Pulumi.{STACK}.yaml", world.stack_file(STACK))

    assert kept.hashes() == before
    assert kept.sql("SELECT COUNT(*) FROM notes") == rows == str(ROWS)
    assert kept.photos_shown() == shown > FILES
    assert world.preview(STACK) == {}
    known = json.loads(world.photos("keeper", "status", "--json", "--stack", STACK))["copies"]["disk"]["snapshots"]
    assert known, "the page knows at once what the copy holds"
    assert kept.back_up()["disk"]["alarm"] == "", "and the next backup goes on there"
    with capsys.disabled():
        print(f"\na lost host of {len(before)} files, {size >> 20} MiB, {rows} rows is back after {seconds:.0f} s")


def lose_the_host(world: World) -> None:
    """Remove everything but the kit and the second disk: containers, volumes, library, state, passphrase, stack file."""
    with connect() as client:
        remove_all(client, world.id(STACK))
        assert client.volumes.list(filters=of_stack(world.id(STACK))) == []
    shutil.rmtree(world.data)
    shutil.rmtree(world.root / f"library-{STACK}")
    world.stack_file(STACK).unlink()
