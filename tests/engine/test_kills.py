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
LONGEST_WAIT = {"up": 13.0, "destroy": 6.0}
ROWS = "CREATE TABLE IF NOT EXISTS kept (n INT PRIMARY KEY); INSERT IGNORE INTO kept VALUES (1), (2), (3);"


@pytest.fixture(scope="module", name="life")
def running_stack(world: World) -> World:
    world.write(STACK)
    # Without the album a round takes half as long; what is killed, locked and swept is the same.
    world.drop(STACK, "services", "photoprism")
    world.photos("up", STACK, "--yes")
    sql(ROWS)
    world.samples(STACK)
    world.photos("destroy", STACK, "--yes")
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
def test_killed_at_random_points_up_and_destroy_are_completed_by_the_next_run(life: World, point: int) -> None:
    moments = random.Random(SEED + point)  # noqa: S311 - chooses moments
    told = f"seed {SEED}, point {point}"

    kill_during(life, "up", moments.uniform(0.5, LONGEST_WAIT["up"]))
    text = life.photos("up", STACK, "--yes")
    assert len(life.ours(STACK)) == 3, f"{told}\n{text[-3000:]}"
    assert life.preview(STACK, "--refresh") == {}, f"{told}\n{text[-3000:]}"
    assert "3" in sql("SELECT COUNT(*) FROM kept"), told

    kill_during(life, "destroy", moments.uniform(0.5, LONGEST_WAIT["destroy"]))
    text = life.photos("destroy", STACK, "--yes")
    with connect() as client:
        ours = of_stack(life.id(STACK))
        assert client.containers.list(all=True, filters=ours) == [], f"{told}\n{text[-3000:]}"
        assert client.networks.list(filters=ours) == [], f"{told}\n{text[-3000:]}"
        assert len(client.volumes.list(filters=ours)) == 3, told
    assert len(list((life.root / f"library-{STACK}").rglob("*.jpg"))) == 6, told


def test_after_all_kills_the_rows_are_there(life: World) -> None:
    life.photos("up", STACK, "--yes")

    assert "3" in sql("SELECT COUNT(*) FROM kept")
    assert life.photos("status", "--stack", STACK).count("healthy") == 3
