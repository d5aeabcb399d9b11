"""The album on several addresses, and on those of a LAN whose router gives another one: with the real provider."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.cable import Card, card, needs_ip, nonlocal_bind
from tests.engine.world import World, own_name
from tests.waiting import until

pytestmark = needs_ip

STACK = own_name("addresses")
LAN, LAN6, NEXT_DAY = "10.99.80.1", "fd77:80::1", "10.99.80.2"
BIND = "services.photoprism.bind"


@pytest.fixture(scope="module", name="plugged")
def a_card() -> Iterator[Card]:
    # Set before: `up --yes` would set it for good.
    with nonlocal_bind("1"), card(LAN, LAN6) as made:
        yield made


@pytest.fixture(scope="module", name="life")
def an_album_in_the_lan(world: World, plugged: Card) -> World:
    assert plugged
    world.write(STACK)
    world.drop(STACK, "services", "drive")
    world.change(STACK, BIND, ["127.0.0.1", LAN, LAN6])
    world.change(STACK, "services.syncthing.sync_bind", LAN6)
    world.photos("up", STACK, "--yes")
    return world


def answers(life: World, address: str) -> bool:
    host = f"[{address}]" if ":" in address else address
    try:
        return httpx.get(f"http://{host}:{life.port(STACK, 'photoprism')}/api/v1/status", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_it_answers_on_each_and_a_second_up_and_a_refresh_change_nothing(life: World) -> None:
    assert [answers(life, address) for address in ("127.0.0.1", LAN, LAN6)] == [True, True, True]
    assert life.preview(STACK) == {}
    life.photos("up", STACK, "--yes")
    assert life.preview(STACK, "--refresh") == {}


def test_an_address_less_replaces_the_album_once_and_then_nothing(life: World) -> None:
    life.change(STACK, BIND, ["127.0.0.1", LAN6])
    assert life.preview(STACK)["photoprism:Container"].startswith(("replace", "create", "delete"))
    life.photos("up", STACK, "--yes")

    assert [answers(life, address) for address in ("127.0.0.1", LAN, LAN6)] == [True, False, True]
    assert life.preview(STACK, "--refresh") == {}


def test_an_address_that_the_router_changed_is_told_and_up_moves_the_album_there(life: World, plugged: Card) -> None:
    life.change(STACK, BIND, "lan")
    life.photos("up", STACK, "--yes")
    assert answers(life, LAN)
    assert life.preview(STACK, "--refresh") == {}

    plugged.take(LAN)
    plugged.add(NEXT_DAY)
    assert f"photoprism does not answer on {NEXT_DAY}" in life.photos("status", "--stack", STACK)
    assert "photoprism:Container" in life.preview(STACK)
    assert f"http://{NEXT_DAY}:" in life.photos("up", STACK, "--yes")
    until(lambda: answers(life, NEXT_DAY))
    assert life.preview(STACK, "--refresh") == {}


def test_a_destroy_takes_it_all_back(life: World) -> None:
    life.photos("destroy", STACK, "--yes")

    assert life.ours_by_name(STACK) == []
