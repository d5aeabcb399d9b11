"""Upgrades with a way back, with the real engine: one that works, ones that do not, and a kill at every stage.

Each test goes on where the one before it stopped.
"""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest

from cli.docker_host import connect
from tests.engine.upgrades import KEPT, ROWS, copies, journal, query, runs
from tests.engine.world import World, own_name
from tests.waiting import PATIENCE, until

STACK = own_name("upg")
ALBUM, NEWER_ALBUM = "photoprism/photoprism:260728-ce", "photoprism/photoprism:260801-ce"
MARIADB = "mariadb:11.8.8"
NEVER_STARTS, DAMAGES, ILL = "mariadb:11.8.51", "mariadb:11.8.52", "openlistteam/openlist:v4.2.53"


@pytest.fixture(scope="module", name="life")
def running_stack(world: World, registry: str) -> World:
    spoil(
        registry,
        NEVER_STARTS,
        MARIADB,
        {"usr/local/bin/docker-entrypoint.sh": "#!/bin/sh\necho it is broken >&2\nexit 3\n"},
    )
    health = (
        "#!/bin/bash\n[ -e /tmp/done ] || { MYSQL_PWD=$(cat /run/secrets/mariadb_password) mariadb -uphotoprism photoprism "
        "-e 'DELETE FROM kept WHERE n = 2' && touch /tmp/done; } || exit 1\nexit 0\n"
    )
    spoil(registry, DAMAGES, MARIADB, {"usr/local/bin/healthcheck.sh": health})
    spoil(registry, ILL, "openlistteam/openlist:v4.2.5", {"usr/bin/wget": "#!/bin/sh\nexit 1\n"})
    world.write(STACK, updates={"check": "never"})  # the spoilt images are newer, too
    world.drop(STACK, "services", "syncthing")
    world.photos("up", STACK, "--yes")
    query(STACK, ROWS)
    world.samples(STACK)
    with connect() as client:
        done = client.containers.get(f"photos-{STACK}-photoprism").exec_run(["photoprism", "index"])
    assert done.exit_code == 0, done.output
    return world


def spoil(registry: str, image: str, base: str, files: dict[str, str]) -> None:
    """Make an image of `base` in which some programs are other ones, and put it into the registry."""
    full, origin = (f"{registry}/{name if '/' in name else f'library/{name}'}" for name in (image, base))
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as bundle:
        lines = [
            f"FROM {origin}",
            "USER root",
            *(f"RUN rm -f /{name}\nCOPY {name} /{name}" for name in files),
        ]  # it may be a link
        for name, content in {"Dockerfile": "\n".join(lines), **files}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content.encode()), 0o755
            bundle.addfile(info, io.BytesIO(content.encode()))
    context.seek(0)
    client = docker.from_env()
    client.images.build(fileobj=context, custom_context=True, tag=full, rm=True, forcerm=True, network_mode="none")
    client.images.push(full)
    client.images.remove(full)
    client.close()


def rows() -> tuple[str, str]:
    """Return the rows of a table of the test's, and how many photos the album's database knows."""
    return query(STACK, KEPT), query(STACK, "SELECT COUNT(*) FROM files")


def is_as_before(world: World, before: tuple[str, str]) -> None:
    assert rows() == before
    assert runs(STACK, "mariadb", MARIADB)
    assert world.config(STACK)["photos:database"]["image"] == MARIADB
    assert journal(world, STACK) == {}
    assert world.photos("status", "--stack", STACK).count("healthy") == 3
    assert world.preview(STACK, "--refresh") == {}


def test_the_first_up_writes_the_images_that_it_starts(life: World) -> None:
    config = life.config(STACK)

    assert config["photos:database"]["image"] == MARIADB
    assert config["photos:services"]["photoprism"]["image"] == ALBUM
    assert config["photos:services"]["drive"]["image"] == "openlistteam/openlist:v4.2.5"


def test_a_newer_checkout_changes_nothing_that_runs_also_where_the_stack_file_is_an_older_one(life: World) -> None:
    source = life.project / "components/services/photoprism.py"
    source.write_text(source.read_text("utf-8").replace(ALBUM, NEWER_ALBUM), "utf-8")
    life.drop(STACK, "services.photoprism", "image") if False else None
    file = life.stack_file(STACK)
    file.write_text(re.sub(rf"\n +image: {re.escape(ALBUM)}", "", file.read_text("utf-8")), "utf-8")
    assert "image" not in life.config(STACK)["photos:services"]["photoprism"]

    assert life.preview(STACK) == {}
    life.photos("up", STACK, "--yes")
    assert runs(STACK, "photoprism", ALBUM)
    assert life.config(STACK)["photos:services"]["photoprism"]["image"] == ALBUM
    assert life.preview(STACK, "--refresh") == {}


def test_an_upgrade_brings_the_newer_image_and_keeps_how_it_was(life: World) -> None:
    before = rows()
    text = life.photos("upgrade", "--stack", STACK, "--yes")

    assert f"photoprism: {ALBUM} → {NEWER_ALBUM}" in text
    assert "https://github.com/photoprism/photoprism/releases" in text
    assert "mariadb:" not in text, "nothing newer of it"
    assert runs(STACK, "photoprism", NEWER_ALBUM)
    assert rows() == before
    assert {name.split("-before-")[0] for name in copies(life, STACK)} == {
        f"photos-{STACK}-mariadb", f"photos-{STACK}-photoprism-storage"
    }  # fmt: skip
    status = life.photos("status", "--stack", STACK)
    assert f"Restore point: photoprism with {ALBUM}" in status
    assert status.count("healthy") == 3
    assert life.preview(STACK, "--refresh") == {}
    assert "Nothing newer is known" in life.photos("upgrade", "--stack", STACK, "--yes")


def test_a_volume_copy_is_the_same_and_holds_no_thumbnails(life: World) -> None:
    (copy,) = (name for name in copies(life, STACK) if "photoprism-storage" in name)
    with connect() as client:
        root = Path(client.volumes.get(copy).attrs["Mountpoint"])
    assert (root / "albums").is_dir() or list(root.iterdir())
    assert not (root / "cache").exists()


@pytest.mark.parametrize(
    ("image", "reason"),
    [(NEVER_STARTS, "it is broken"), (DAMAGES, "kept: 3 → 2")],
    ids=["does not start", "drops a row"],
)
def test_a_database_that_is_not_well_goes_back_by_itself(life: World, image: str, reason: str) -> None:
    before = rows()
    text = life.photos("upgrade", "mariadb", "--to", image, "--stack", STACK, "--yes", code=1)

    assert reason in text
    assert f"mariadb runs with {MARIADB} again, with its data of before" in text
    is_as_before(life, before)
    assert not [name for name in copies(life, STACK) if f"photos-{STACK}-drive" in name]


def test_a_service_that_starts_ill_goes_back_by_itself(life: World) -> None:
    text = life.photos("upgrade", "drive", "--to", ILL, "--stack", STACK, "--yes", code=1)

    assert "drive runs with openlistteam/openlist:v4.2.5 again" in text
    assert runs(STACK, "drive", "openlistteam/openlist:v4.2.5")
    is_as_before(life, rows())


def test_an_image_that_cannot_be_had_stops_nothing(life: World) -> None:
    with connect() as client:
        since = client.containers.get(f"photos-{STACK}-mariadb").attrs["State"]["StartedAt"]
    text = life.photos("upgrade", "mariadb", "--to", "mariadb:11.8.99", "--stack", STACK, "--yes", code=1)

    assert "Nothing was stopped or changed" in text
    with connect() as client:
        assert client.containers.get(f"photos-{STACK}-mariadb").attrs["State"]["StartedAt"] == since


def killed_at(world: World, stage: Callable[[dict[str, Any]], bool], image: str) -> None:
    """Begin an upgrade and kill -9 all of it, pulumi included, once the journal is at a stage."""
    run = subprocess.Popen(
        ["./photos", "upgrade", "mariadb", "--to", image, "--stack", STACK, "--yes"],
        cwd=world.project,
        env=world.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until(lambda: stage(journal(world, STACK)) or run.poll() is not None, seconds=300)
        assert run.poll() is None, "it ended before"
    finally:
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            processes = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
        run.wait(PATIENCE)


def pulumi_works(world: World) -> bool:
    return bool(list((world.data / "state/.pulumi/locks").rglob("*.json")))


@pytest.mark.parametrize(
    ("stage", "command", "image"),
    [
        ("begun", "up", DAMAGES),
        ("begun", "upgrade", DAMAGES),
        ("copied", "up", DAMAGES),
        ("switched", "up", DAMAGES),
        ("switched", "destroy", DAMAGES),
        ("switched", "upgrade", DAMAGES),
        ("returning", "up", NEVER_STARTS),
    ],
)
def test_killed_at_any_stage_the_next_command_goes_back_by_itself(
    life: World, stage: str, command: str, image: str
) -> None:
    before, there = rows(), copies(life, STACK)
    reached = {"copied": ("copied", "switched")}.get(stage, (stage,))
    killed_at(life, lambda found: found.get("stage") in reached and (stage != "switched" or pulumi_works(life)), image)
    assert journal(life, STACK)["point"]["image"] == MARIADB
    if command == "upgrade":
        text = life.photos("upgrade", "mariadb", "--to", "mariadb:11.8.99", "--stack", STACK, "--yes", code=1)
    else:
        text = life.photos(command, STACK, "--yes")
    if command != "up":
        life.photos("up", STACK, "--yes")

    assert "was cut short" in text
    assert copies(life, STACK) == there, "what was half-made is gone"
    is_as_before(life, before)


def test_killed_after_all_was_proven_it_is_complete(life: World) -> None:
    text = life.photos("upgrade", "mariadb", "--to", "mariadb:11.8.9", "--stack", STACK, "--yes")
    assert "mariadb runs with mariadb:11.8.9" in text
    folder = life.data / "upgrades" / STACK
    point = json.loads((folder / "mariadb.json").read_text("utf-8"))
    (folder / "mariadb.json").unlink()
    entry = {"stack_id": life.id(STACK), "way": "upgrade", "stage": "proven", "to": "mariadb:11.8.9", "point": point}
    (folder / "journal.json").write_text(json.dumps(entry), "utf-8")
    text = life.photos("up", STACK, "--yes")

    assert "was complete" in text
    assert (folder / "mariadb.json").exists()
    assert runs(STACK, "mariadb", "mariadb:11.8.9")
    assert journal(life, STACK) == {}


def test_back_by_hand_says_what_is_lost_and_brings_the_old_rows(life: World) -> None:
    before = rows()
    query(STACK, "INSERT INTO kept VALUES (4, 'late')")
    text = life.photos("upgrade", "mariadb", "--back", "--stack", STACK, "--yes")

    assert "What came since is lost" in text
    is_as_before(life, before)
    assert list((life.data / "upgrades" / STACK).glob("*-before-back.sql.gz"))


def test_forget_removes_the_restore_points(life: World) -> None:
    assert copies(life, STACK)
    life.photos("upgrade", "--forget", "--stack", STACK, "--yes")

    assert copies(life, STACK) == []
    assert "Restore point" not in life.photos("status", "--stack", STACK)
