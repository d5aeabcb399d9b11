"""kill -9 of pulumi at random points of `up` and of `destroy`: the next command ends clean, and the data is there."""

from __future__ import annotations

import random
import subprocess
import time

import psutil
import pytest

from cli.docker_host import connect, of_stack
from tests.engine.world import World

STACK = "kill"
POINTS = 5
SEED = random.randrange(10**6)  # noqa: S311 - chooses moments
LONGEST_WAIT = {"up": 16.0, "destroy": 7.0}
ROWS = "CREATE TABLE IF NOT EXISTS kept (n INT PRIMARY KEY); INSERT IGNORE INTO kept VALUES (1), (2), (3);"


@pytest.fixture(scope="module", name="life")
def running_stack(world: World) -> World:
    world.write(STACK)
    world.photos("up", STACK, "--yes")
    sql(ROWS)
    world.samples(STACK)
    return world


def sql(statement: str) -> str:
    script = f'exec mariadb -h127.0.0.1 -uphotoprism -p"$(cat /run/secrets/mariadb_password)" -N -B photoprism -e "{statement}"'
    with connect() as client:
        done = client.containers.get(f"photos-{STACK}-mariadb").exec_run(["sh", "-c", script])
    assert done.exit_code == 0, done.output
    return str(done.output)


def kill_during(life: World, command: str, seconds: float) -> bool:
    """Start `./photos <command>` and kill its pulumi that many seconds after it appeared; say whether it was there."""
    run = subprocess.Popen(
        ["./photos", command, STACK, "--yes"],
        cwd=life.project,
        env=life.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while run.poll() is None:
            children = psutil.Process(run.pid).children(recursive=True)
            for child in children:
                if child.cmdline()[:2] == ["pulumi", command]:
                    time.sleep(seconds)
                    child.kill()
                    return True
            time.sleep(0.05)
    except psutil.NoSuchProcess:
        pass  # it ended by itself
    finally:
        run.wait(timeout=300)
    return False


@pytest.mark.parametrize("point", range(POINTS))
def test_up_killed_at_a_random_point_is_completed_by_the_next_one(life: World, point: int) -> None:
    moment = random.Random(SEED + point).uniform(0.5, LONGEST_WAIT["up"])  # noqa: S311
    life.photos("destroy", STACK, "--yes")
    killed = kill_during(life, "up", moment)
    text = life.photos("up", STACK, "--yes")

    told = f"seed {SEED}, killed: {killed} after {moment:.1f} s\n{text[-3000:]}"
    assert len(life.ours(STACK)) == 4, told
    assert life.preview(STACK, "--refresh") == {}, told
    assert "3" in sql("SELECT COUNT(*) FROM kept"), told
    assert len(list((life.root / f"library-{STACK}").rglob("*.jpg"))) == 6, told


@pytest.mark.parametrize("point", range(POINTS))
def test_destroy_killed_at_a_random_point_is_completed_by_the_next_one(life: World, point: int) -> None:
    moment = random.Random(SEED - point).uniform(0.5, LONGEST_WAIT["destroy"])  # noqa: S311
    life.photos("up", STACK, "--yes")
    killed = kill_during(life, "destroy", moment)
    text = life.photos("destroy", STACK, "--yes")

    told = f"seed {SEED}, killed: {killed} after {moment:.1f} s\n{text[-3000:]}"
    with connect() as client:
        ours = of_stack(life.id(STACK))
        assert client.containers.list(all=True, filters=ours) == [], told
        assert client.networks.list(filters=ours) == [], told
        assert len(client.volumes.list(filters=ours)) == 4, told
    assert len(list((life.root / f"library-{STACK}").rglob("*.jpg"))) == 6, told


def test_after_all_kills_the_rows_are_there(life: World) -> None:
    life.photos("up", STACK, "--yes")

    assert "3" in sql("SELECT COUNT(*) FROM kept")
    assert life.photos("status", "--stack", STACK).count("healthy") == 4
