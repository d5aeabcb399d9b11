"""Who reaches whom: what the internet reaches cannot knock on an admin page, by name or by address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.docker_host import connect
from tests.docker.reach import ALBUM, DRIVE, PHONES, addresses, reached
from tests.docker.running_stack import Stack
from tests.docker.test_connector import PUBLISH, TunnelRunner

NAMED = {"photoprism": ALBUM, "syncthing": PHONES, "drive": DRIVE}


@pytest.fixture(scope="module", name="published")
def a_stack_whose_album_is_published(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    assert images
    root = tmp_path_factory.mktemp("edge")
    root.chmod(0o755)
    with connect() as client:
        made = Stack(root, client)
        name = {**PUBLISH["hostnames"][0], "hostname": "photos.family.org", "service": "photoprism"}
        made.config["photos:publish"] = {**PUBLISH, "hostnames": [name]}
        try:
            made.declare(TunnelRunner(client))
            yield made
        finally:
            made.down(volumes=True)


@pytest.mark.parametrize("service", ["cloudflared", "photoprism"])
def test_from_where_the_internet_ends_only_the_album_answers(published: Stack, service: str) -> None:
    named = {f"http://{name}{page}" for name, page in NAMED.items()}
    numbered = {f"http://{ip}{NAMED[name]}" for name in ("syncthing", "drive") for ip in addresses(published, name)}
    gateways = {
        network["Gateway"]
        for name in ("syncthing", "photoprism")
        for network in published.container(name).attrs["NetworkSettings"]["Networks"].values()
        if network["Gateway"]
    }
    on_the_host = {
        f"http://{gateway}:{published.port(name)}/{page.partition('/')[2]}"
        for gateway in gateways
        for name, page in NAMED.items()
    }

    assert reached(published, service, sorted(named | numbered | on_the_host)) == [f"http://photoprism{ALBUM}"]
