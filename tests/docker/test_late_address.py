"""An address that comes late, or goes for a moment, does not keep the album down."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from docker.errors import APIError

from cli.docker_host import connect
from tests.cable import Card, card, needs_ip, nonlocal_bind
from tests.docker.running_stack import Stack
from tests.waiting import until

pytestmark = needs_ip

LAN, LAN6 = "10.99.79.1", "fd77:79::1"


@pytest.fixture(scope="module", name="plugged")
def a_card() -> Iterator[Card]:
    with card(LAN, LAN6) as made:
        yield made


@pytest.fixture(scope="module", name="album")
def an_album_in_the_lan(images: str, plugged: Card, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    assert images
    assert plugged
    root = tmp_path_factory.mktemp("late")
    root.chmod(0o755)
    with connect() as client:
        made = Stack(root, client)
        services = made.config["photos:services"]
        made.config["photos:services"] = {"photoprism": {**services["photoprism"], "bind": ["127.0.0.1", LAN, LAN6]}}
        try:
            made.up()
            yield made
        finally:
            made.down(volumes=True)


def answers(album: Stack, address: str) -> bool:
    host = f"[{address}]" if ":" in address else address
    try:
        return httpx.get(f"http://{host}:{album.port('photoprism')}/api/v1/status", timeout=3).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("address", ["127.0.0.1", LAN, LAN6])
def test_it_answers_on_each_address_of_its_list(album: Stack, address: str) -> None:
    assert answers(album, address)


def test_without_the_setting_docker_leaves_it_down_and_with_it_it_answers_once_the_address_is_there(
    album: Stack, plugged: Card
) -> None:
    container = album.container("photoprism")
    plugged.take(LAN, LAN6)
    with nonlocal_bind("0"), pytest.raises(APIError, match="cannot assign requested address"):
        container.restart(timeout=60)
    with nonlocal_bind("1"):
        container.restart(timeout=60)
        until(lambda: answers(album, "127.0.0.1"))
        assert not answers(album, LAN)
        plugged.add(LAN, LAN6)

        until(lambda: answers(album, LAN) and answers(album, LAN6))
        assert container.attrs["Id"] == album.container("photoprism").id, "nobody did anything"
