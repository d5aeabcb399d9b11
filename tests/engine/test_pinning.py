"""`./photos pin` with the real engine: the same content under a digest replaces nothing, and other content is refused."""

from __future__ import annotations

import pytest

from cli.docker_host import connect
from tests.engine.world import World, own_name

STACK = own_name("pin")
OTHER = f"sha256:{'0' * 64}"


@pytest.fixture(scope="module", name="running")
def a_stack_that_runs(world: World) -> World:
    world.write(STACK)
    world.photos("up", STACK, "--yes")
    return world


def ids() -> set[str]:
    """Return the containers that run, by what tells one from its successor."""
    with connect() as client:
        listed = client.containers.list(filters={"label": f"photos.stack={STACK}"})
        return {str(container.id) for container in listed}


def image_of(world: World, service: str = "photoprism") -> str:
    return str(world.config(STACK)["photos:services"][service]["image"])


def test_every_image_gets_the_digest_that_was_pulled(running: World) -> None:
    with connect() as client:
        pulled = client.images.get(f"{running.registry}/{image_of(running)}").attrs["RepoDigests"]
    text = running.photos("pin", "--stack", STACK)

    name, _, digest = image_of(running).partition("@")
    record = running.config(STACK)["photos:pins"][name]
    assert f"{running.registry}/{name.partition(':')[0]}@{digest}" in pulled
    assert (record["digest"], record["through"]) == (digest, running.registry)
    assert record["confirmed"] is False, "no Docker Hub here"
    assert f"trusts the first answer of {running.registry}" in text
    assert len(running.config(STACK)["photos:pins"]) == 4
    assert "Nothing to write" in running.photos("pin", "--stack", STACK)


def test_what_runs_goes_on_and_nothing_changes_after_it(running: World) -> None:
    before = ids()
    running.photos("up", STACK, "--yes")

    assert ids() == before, "the content is the same: no container is made anew"
    assert running.preview(STACK) == {}
    assert running.preview(STACK, "--refresh") == {}
    assert "unchanged" in running.photos("up", STACK, "--yes")


def test_another_content_under_the_tag_is_told_and_not_taken_without_a_word(running: World) -> None:
    """As if it had been seen first with another content."""
    name, _, digest = image_of(running).partition("@")
    running.change(STACK, "services.photoprism.image", name)
    document = running.config(STACK)["photos:pins"]
    running.change(STACK, "pins", document | {name: document[name] | {"digest": OTHER}})
    text = running.photos("pin", "photoprism", "--stack", STACK, check=False)

    assert "stands for other content than before" in text
    assert image_of(running).endswith(OTHER), "what was seen first is what counts"

    running.photos("pin", "photoprism", "--stack", STACK, "--yes")
    assert image_of(running) == f"{name}@{digest}"


def test_taken_out_again_it_is_a_plain_tag_and_destroy_leaves_nothing(running: World) -> None:
    running.photos("pin", "--remove", "--stack", STACK)
    assert not any("@" in image_of(running, service) for service in ("photoprism", "syncthing", "drive"))

    running.photos("up", STACK, "--yes")
    assert running.preview(STACK, "--refresh") == {}
    running.photos("destroy", STACK, "--yes")
    assert running.ours_by_name(STACK) == []
