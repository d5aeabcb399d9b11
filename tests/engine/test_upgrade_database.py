"""A MariaDB that is really older becomes a newer one and goes back, with the real engine; an older one on newer data is refused.

Each test goes on where the one before it stopped.
"""

from __future__ import annotations

import pytest

from demo.images.build import OLDER, build, push
from tests.engine.upgrades import KEPT, ROWS, query
from tests.engine.world import PROJECT, World, own_name

OLD = own_name("old")
MARIADB, OLD_MARIADB = "mariadb:11.8.8", "mariadb:10.11.14"


@pytest.fixture(scope="module", name="old")
def stack_on_an_older_mariadb(world: World, registry: str) -> World:
    build(registry, cache=PROJECT / ".cache" / "images", echo=print, recipes=OLDER)
    push(registry, OLDER)
    world.write(
        OLD, updates={"check": "never"}, database={"memory": "512m", "buffer_pool": "128m", "image": OLD_MARIADB}
    )
    for name in ("syncthing", "photoprism"):
        world.drop(OLD, "services", name)
    world.photos("up", OLD, "--yes")
    query(OLD, ROWS)
    return world


def test_mariadb_10_11_becomes_11_8_with_all_rows(old: World) -> None:
    assert query(OLD, "SELECT VERSION()").startswith("10.11")
    before = query(OLD, KEPT)
    old.photos("upgrade", "mariadb", "--stack", OLD, "--yes")

    assert query(OLD, "SELECT VERSION()").startswith("11.8")
    assert query(OLD, KEPT) == before
    assert old.preview(OLD, "--refresh") == {}


def test_an_older_mariadb_is_refused_where_it_runs_and_after_destroy(old: World) -> None:
    old.change(OLD, "database.image", OLD_MARIADB)
    for command in ("preview", "up"):
        assert "11.8 → 10.11 cannot read the data" in old.photos(command, OLD, check=False)
    old.change(OLD, "database.image", MARIADB)
    old.photos("destroy", OLD, "--yes")
    old.change(OLD, "database.image", OLD_MARIADB)
    for command in ("preview", "up"):
        assert "11.8 → 10.11 cannot read the data" in old.photos(command, OLD, check=False)


def test_where_nothing_is_remembered_the_start_script_refuses_and_up_shows_its_line(old: World) -> None:
    (old.data / "database-versions" / OLD).unlink()
    text = old.photos("up", OLD, "--yes", check=False)

    assert "MariaDB 11.8 wrote this data, and MariaDB 10.11 cannot read it" in text


def test_back_to_10_11_by_hand_with_its_rows(old: World) -> None:
    old.change(OLD, "database.image", MARIADB)
    old.photos("up", OLD, "--yes")
    query(OLD, "INSERT INTO kept VALUES (9, 'new')")
    old.photos("upgrade", "mariadb", "--back", "--stack", OLD, "--yes")

    assert query(OLD, "SELECT VERSION()").startswith("10.11")
    assert query(OLD, KEPT) == "1一,2二,3三"
    assert old.preview(OLD, "--refresh") == {}
