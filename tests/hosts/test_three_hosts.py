"""The same stack on one, two and three hosts, with the real engine: the same words work, and what each host costs in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import caddy
from tests.engine.world import World, free_port, own_name
from tests.hosts.conftest import REGISTRY, inside
from tests.hosts.daemons import Daemon, in_one_swarm, load_images
from tests.hosts.stack import Stack
from tests.waiting import until

PLACES: tuple[dict[str, str], ...] = ({}, {"mariadb": "gpu"}, {"mariadb": "gpu", "https": "attic"})
"""Service → host, for one host, two and three."""
ALL = ["drive", "https", "mariadb", "photoprism", "syncthing"]
STEPS = ("first up", "preview", "up without changes", "preview --refresh", "destroy")
FIGURES: dict[int, dict[str, float]] = {}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, images: list[str]) -> Iterator[dict[str, Daemon]]:
    """Three hosts in one swarm; this process is in the network of the first."""
    caddy.provide(REGISTRY)
    with in_one_swarm(tmp_path_factory.mktemp("hosts"), ("nas", "gpu", "attic")) as made:
        for daemon in made.values():
            load_images(daemon, [*images, f"{REGISTRY}/{caddy.IMAGE}"])
        with inside(made["nas"]), pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", made["nas"].url)
            yield made


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, hosts: dict[str, Daemon]) -> World:
    """A checkout with nothing in it yet. What it makes goes with its hosts."""
    assert hosts
    made = World(tmp_path_factory.mktemp("world"), REGISTRY)
    made.root.chmod(0o755)
    made.checkout()
    return made


@pytest.mark.parametrize("place", PLACES, ids=("one host", "two hosts", "three hosts"))
def test_a_stack_is_up_unchanged_and_gone_on_each_number_of_hosts(
    world: World, hosts: dict[str, Daemon], place: dict[str, str]
) -> None:
    further = {name: {"docker": hosts[name].url, "address": hosts[name].address} for name in place.values()}
    stack = Stack(world, own_name(f"on{len(further) + 1}"), hosts, place.get("mariadb", "nas"))
    sections: dict[str, Any] = {"hosts": {"nas": {}, **further}, "place": place} if place else {}
    world.write(stack.name, **sections)
    https = {"bind": "127.0.0.1", "port": free_port(), "http_port": free_port()}
    world.change(stack.name, "services.https", https)

    stack.timed("first up", "up", "--yes")
    count = world.samples(stack.name)
    assert stack.index() == count == stack.rows()
    until(lambda: stack.healthy() == ALL)
    assert {service: host for host in hosts for service in stack.healthy(host)} == dict.fromkeys(ALL, "nas") | place
    stack.timed("preview", "preview")
    stack.timed("up without changes", "up", "--yes")
    stack.timed("preview --refresh", "preview", "--refresh")
    assert stack.preview("--refresh") == set()
    stack.timed("destroy", "destroy", "--yes")
    assert stack.containers() == {}
    FIGURES[len(further) + 1] = stack.figures


def test_the_seconds_are_told() -> None:
    print(f"\n| hosts | {' | '.join(STEPS)} |\n|{'---|' * (len(STEPS) + 1)}")
    for count, seconds in FIGURES.items():
        print(f"| {count} | {' | '.join(str(seconds[step]) for step in STEPS)} |")
    assert set(FIGURES) == {1, 2, 3}
