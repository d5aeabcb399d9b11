"""What the tests of upgrades look at: rows, images that run, restore points, the journal."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from cli.docker_host import connect, of_stack
from tests.engine.world import World

ROWS = "CREATE TABLE kept (n INT PRIMARY KEY, t VARCHAR(20)); INSERT INTO kept VALUES (1, '一'), (2, '二'), (3, '三');"
KEPT = "SELECT GROUP_CONCAT(n, t ORDER BY n) FROM kept"


def query(stack: str, sql: str) -> str:
    script = 'MYSQL_PWD=$(cat /run/secrets/mariadb_password) exec mariadb -uphotoprism --default-character-set=utf8mb4 -N -B photoprism -e "$SQL"'
    with connect() as client:
        container = client.containers.get(f"photos-{stack}-mariadb")
        done = container.exec_run(["sh", "-c", script], environment={"SQL": sql})
    assert done.exit_code == 0, done.output
    assert isinstance(done.output, bytes)
    return done.output.decode().strip()


def image_of(stack: str, service: str) -> str:
    """Return the tag that a service runs, by the name that its container was made with."""
    with connect() as client:
        image = client.containers.get(f"photos-{stack}-{service}").image
        return " ".join(image.tags if image else ())


def runs(stack: str, service: str, image: str) -> bool:
    return any(tag.endswith(f"/{image}") for tag in image_of(stack, service).split())


def copies(world: World, stack: str) -> list[str]:
    """Return the volumes that are restore points."""
    with connect() as client:
        volumes = client.volumes.list(filters=of_stack(world.id(stack)))
        return sorted(str(each.name) for each in volumes if "photos.restore-point" in (each.attrs["Labels"] or {}))


def journal(world: World, stack: str) -> dict[str, Any]:
    file = world.data / "upgrades" / stack / "journal.json"
    with suppress(FileNotFoundError):
        return dict(json.loads(file.read_text("utf-8")))
    return {}
