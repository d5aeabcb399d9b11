"""kill -9 of pulumi at random points of `up` and of `destroy`: the next command ends clean, and the data is there."""

from __future__ import annotations

import random
import subprocess
import time
from contextlib import suppress

import psutil
import pytest

from cli.docker_host import connect, of_stack
from tests.engine.world import World

STACK = "kill"
POINTS = 5
SEED = random.randrange(10**6)  # noqa: S311 - chooses moments
KILLED: list[str] = []
LIFETIME: dict[str, float] = {}
"""Seconds that an undisturbed `pulumi <command>` takes here."""
ROWS = "CREATE TABLE IF NOT EXISTS kept (n INT PRIMARY KEY); INSERT IGNORE INTO kept VALUES (1), (2), (3);"


@pytest.fixture(scope="module", name="life")
def running_stack(world: World) -> World:
    world.write(STACK)
    # Without the album a round takes half as long; what is killed, locked and swept is the same.
    world.drop(STACK, "services", "photoprism")
    kill_during(world, "up", None)
    sql(ROWS)
    world.samples(STACK)
    kill_during(world, "destroy", None)
    return world


def sql(statement: str) -> str:
    script = f'exec mariadb -h127.0.0.1 -uphotoprism -p"$(cat /run/secrets/mariadb_password)" -N -B photoprism -e "{statement}"'
    with connect() as client:
        done = client.containers.get(f"photos-{STACK}-mariadb").exec_run(["sh", "-c", script])
    assert done.exit_code == 0, done.output
    return str(done.output)


def kill_during(life: World, command: str, seconds: float | None) -> None:
    """Run `./photos <command>` and kill its pulumi that many seconds after it appeared; else note how long it lived."""
    run = subprocess.Popen(
        ["./photos", command, STACK, "--yes"],
        cwd=life.project,
        env=life.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        pulumi = pulumi_of(run, command)
        start = time.monotonic()
        try:
            pulumi.wait(seconds)
            # What is there already, or a quieter machine, makes a later run shorter than the first.
            LIFETIME[command] = time.monotonic() - start
        except psutil.TimeoutExpired:
            pulumi.kill()
            KILLED.append(command)
    finally:
        run.wait(timeout=300)


def pulumi_of(run: subprocess.Popen[bytes], command: str) -> psutil.Process:
    """Wait for the child `pulumi <command>` of ./photos."""
    while run.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(run.pid).children(recursive=True):
                if child.cmdline()[:2] == ["pulumi", command]:
                    return child
        time.sleep(0.05)
    return pytest.fail(f"./photos {command} ended with {run.returncode} before it ran pulumi")


@pytest.mark.parametrize("point", range(POINTS))
def test_killed_at_random_points_up_and_destroy_are_completed_by_the_next_run(life: World, point: int) -> None:
    moments = random.Random(SEED + point)  # noqa: S311 - chooses moments
    told = f"seed {SEED}, point {point}"

    kill_during(life, "up", moments.uniform(0.05, 0.9) * LIFETIME["up"])
    text = life.photos("up", STACK, "--yes")
    assert len(life.ours(STACK)) == 3, f"{told}\n{text[-3000:]}"
    assert life.preview(STACK, "--refresh") == {}, f"{told}\n{text[-3000:]}"
    assert "3" in sql("SELECT COUNT(*) FROM kept"), told

    kill_during(life, "destroy", moments.uniform(0.05, 0.9) * LIFETIME["destroy"])
    text = life.photos("destroy", STACK, "--yes")
    with connect() as client:
        ours = of_stack(life.id(STACK))
        assert client.containers.list(all=True, filters=ours) == [], f"{told}\n{text[-3000:]}"
        assert client.networks.list(filters=ours) == [], f"{told}\n{text[-3000:]}"
        assert len(client.volumes.list(filters=ours)) == 3, told
    assert len(list((life.root / f"library-{STACK}").rglob("*.jpg"))) == 6, told


def test_after_all_kills_the_rows_are_there(life: World) -> None:
    # Not all 2 * POINTS: a run that was faster than the one before ends by itself.
    assert len(KILLED) >= POINTS, f"seed {SEED}, lifetimes {LIFETIME}"
    assert set(KILLED) == {"up", "destroy"}
    life.photos("up", STACK, "--yes")

    assert "3" in sql("SELECT COUNT(*) FROM kept")
    assert life.photos("status", "--stack", STACK).count("healthy") == 3
