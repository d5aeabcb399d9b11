"""Two stacks and the demo on one host never touch each other."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import yaml
from docker.errors import ImageNotFound

from cli.docker_host import connect, of_stack
from tests.engine.world import FAR, World, free_port
from tests.wheels import wheel_index


def up(world: World, *stacks: str) -> None:
    with ThreadPoolExecutor() as at_once:
        list(at_once.map(lambda stack: world.photos("up", stack, "--yes"), stacks))


@pytest.fixture(scope="module", name="both")
def two_stacks(world: World) -> Iterator[World]:
    """Two running stacks with keepers of the same sources, on the same base."""
    with wheel_index() as wheels:
        for stack in ("one", "two"):
            backup = {"port": free_port(), "mirrors": {"pip": wheels.url}, "remotes": {"far": FAR}}
            world.write(stack, backup=backup)
        up(world, "one", "two")
        yield world


def images_of_the_keeper(stack: str) -> dict[str, str]:
    """Return name → id of what this stack built."""
    name = f"photos-{stack}-keeper"
    with connect() as client:
        found = [(tag, str(image.id)) for image in client.images.list(name) for tag in image.tags]
    return {tag: image for tag, image in found if tag.startswith(f"{name}:")}


def is_there(image: str) -> bool:
    with connect() as client:
        try:
            client.images.get(image)
        except ImageNotFound:
            return False
    return True


def test_two_stacks_run_side_by_side(both: World) -> None:
    assert both.id("one") != both.id("two")
    assert len(both.ours("one")) == len(both.ours("two")) == 6
    assert both.password("one", "photoprism") != both.password("two", "photoprism")
    for stack in ("one", "two"):
        assert both.preview(stack, "--refresh") == {}


def test_one_stack_refuses_the_library_of_the_other(both: World) -> None:
    own = both.config("two")["photos:library"]["originals"]
    both.change("two", "library.originals", both.config("one")["photos:library"]["originals"])
    text = both.photos("up", "two", "--yes", check=False)
    both.change("two", "library.originals", own)

    assert f"belongs to another stack (id {both.id('one')})" in text


def test_a_keeper_that_is_built_anew_leaves_no_old_image(both: World) -> None:
    before = images_of_the_keeper("one") | images_of_the_keeper("two")
    with (both.project / "keeper/errors.py").open("a") as sources:
        sources.write("# changed\n")
    up(both, "one")

    (name,) = images_of_the_keeper("one")
    assert name not in before
    assert images_of_the_keeper("two").items() <= before.items(), "the neighbour's is left alone"
    for options in ((), ("--refresh",)):
        assert both.preview("one", *options) == {}
    up(both, "two")
    assert [image for image in before.values() if is_there(image)] == [], "not even without a name"


def test_destroying_one_leaves_the_other_alone(both: World) -> None:
    before, images = both.ours("two"), images_of_the_keeper("two")
    both.photos("destroy", "one", "--yes")

    assert both.ours_by_name("one") == []
    assert images_of_the_keeper("one") == {}
    assert both.ours("two") == before
    assert images_of_the_keeper("two") == images
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


def test_destroying_the_last_one_leaves_no_image_of_the_keeper(both: World) -> None:
    images = images_of_the_keeper("two")
    both.photos("destroy", "two", "--yes")

    assert images
    assert [image for image in images.values() if is_there(image)] == []
