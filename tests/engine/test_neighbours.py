"""Two stacks and the demo on one host never touch each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import yaml

from cli.docker_host import connect, of_stack
from tests.engine.world import World


@pytest.fixture(scope="module", name="both")
def two_stacks(world: World) -> World:
    for stack in ("one", "two"):
        world.write(stack)
    with ThreadPoolExecutor() as at_once:
        list(at_once.map(lambda stack: world.photos("up", stack, "--yes"), ("one", "two")))
    return world


def test_two_stacks_run_side_by_side(both: World) -> None:
    assert both.id("one") != both.id("two")
    assert len(both.ours("one")) == len(both.ours("two")) == 4
    assert both.password("one", "photoprism") != both.password("two", "photoprism")
    for stack in ("one", "two"):
        assert both.preview(stack, "--refresh") == {}


def test_one_stack_refuses_the_library_of_the_other(both: World) -> None:
    own = both.config("two")["photos:library"]["originals"]
    both.change("two", "library.originals", both.config("one")["photos:library"]["originals"])
    text = both.photos("up", "two", "--yes", check=False)
    both.change("two", "library.originals", own)

    assert f"belongs to another stack (id {both.id('one')})" in text


def test_destroying_one_leaves_the_other_alone(both: World) -> None:
    before = both.ours("two")
    both.photos("destroy", "one", "--yes")

    assert both.ours_by_name("one") == []
    assert both.ours("two") == before
    assert both.preview("two", "--refresh") == {}


@pytest.mark.usefixtures("demo_alone")
def test_the_demo_comes_and_goes_through_pulumi_without_touching_the_others(both: World) -> None:
    if both.ours_by_name("demo"):
        pytest.skip("engine tier: another demo runs on this host: ./photos demo --down")
    before = both.ours("two")
    both.photos("demo", "--yes")
    folder = both.data / "demo"
    about = yaml.safe_load((folder / "demo.yaml").read_text())
    port = about["config"]["photos:services"]["photoprism"]["port"]
    login = {"username": "admin", "password": (folder / "password").read_text().strip()}
    token = httpx.post(f"http://127.0.0.1:{port}/api/v1/session", json=login).json()["access_token"]
    photos = httpx.get(
        f"http://127.0.0.1:{port}/api/v1/photos", params={"count": 50}, headers={"X-Auth-Token": token}
    ).json()

    assert len(photos) == 6
    assert both.photos("demo", "--yes").count("unchanged") >= 1, "a second demo changes nothing"

    (folder / "originals" / "mine.jpg").write_bytes(b"a photo of the family")
    text = both.photos("demo", "--down")
    assert str(folder / "originals" / "mine.jpg") in text
    assert [file.name for file in (folder / "originals").rglob("*") if file.is_file()] == ["mine.jpg"]
    with connect() as client:
        assert client.volumes.list(filters=of_stack(about["config"]["photos:id"])) == []
    assert both.ours("two") == before
