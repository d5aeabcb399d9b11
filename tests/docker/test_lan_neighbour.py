"""A neighbour on the LAN gets at nothing but what is published for him, with the rule of `./photos firewall` at the latest."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.firewall import NFT
from stacks.host.neighbours import RULES, is_open
from tests.docker.neighbour import HERE, Neighbour, neighbour, the_rule
from tests.docker.reach import ALBUM, DRIVE, PHONES, addresses
from tests.docker.running_stack import Stack

INSIDE = {"photoprism": ALBUM, "syncthing": PHONES, "drive": DRIVE}

pytestmark = pytest.mark.skipif(not shutil.which("iptables"), reason="iptables is missing: apt-get install iptables")


@pytest.fixture(scope="module", name="next_door")
def a_neighbour() -> Iterator[Neighbour]:
    with neighbour() as made:
        yield made


def pages(stack: Stack) -> set[str]:
    """Return every way to a page that is only for this machine: by the container's address, and by this loopback."""
    ways = {f"http://{ip}{INSIDE[name]}" for name in INSIDE for ip in addresses(stack, name)}
    return ways | {f"{stack.url(name)}/{page.partition('/')[2]}" for name, page in INSIDE.items()}


def rules() -> str:
    """Return all rules of iptables, without the counters and Docker's own, which come and go with containers."""
    saved = subprocess.run(["iptables-save"], check=True, capture_output=True, text=True).stdout
    return "\n".join(line for line in saved.splitlines() if "PHOTOS" in line)


@pytest.fixture(scope="module", autouse=True)
def nothing_set_before() -> None:
    """What a person set here stays."""
    if subprocess.run(["sh", RULES, "check"], check=False).returncode == 0:
        pytest.skip("the rule is set on this machine, so what is without it cannot be seen")


def test_without_the_rule_an_old_docker_lets_him_in_and_a_new_one_does_not(stack: Stack, next_door: Neighbour) -> None:
    """If this fails with an old Docker, the other test shows nothing."""
    version = str(stack.client.version()["Version"])
    internal = stack.container("photoprism").attrs["NetworkSettings"]["Networks"][f"photos-{stack.name}-db"][
        "IPAddress"
    ]
    reachable = {url for url in pages(stack) if internal not in url}

    assert set(next_door.reached(sorted(pages(stack)))) == (reachable if is_open(version) else set())


def test_with_the_rule_he_gets_what_is_published_for_him_and_nothing_else(
    stack: Stack, next_door: Neighbour, tmp_path: Path
) -> None:
    with the_rule(tmp_path / "note"):
        assert next_door.reached(sorted(pages(stack))) == []
        assert [next_door.connects(ip, 3306) for ip in addresses(stack, "mariadb")] == [False]
        assert next_door.connects(HERE, stack.port("syncthing", "sync_port"))
        for name, page in INSIDE.items():
            assert httpx.get(f"{stack.url(name)}/{page.partition('/')[2]}").status_code == 200
        assert "photoprism@" in stack.sql("SELECT CURRENT_USER()")
        assert (tmp_path / "note").read_text() == "1\n"

    assert rules() == ""
    assert not (tmp_path / "note").exists()


def test_it_is_one_rule_however_often_it_is_set_and_it_goes_as_a_whole(tmp_path: Path) -> None:
    with the_rule(tmp_path / "note"):
        once = rules()
        with the_rule(tmp_path / "note"):
            assert rules() == once

    assert rules() == ""
    assert len(once.splitlines()) == 9, once


def test_the_form_for_nftables_closes_the_same(stack: Stack, next_door: Neighbour) -> None:
    if not shutil.which("nft"):
        pytest.skip("nft is missing: apt-get install nftables")
    subprocess.run(["nft", "-f", "-"], input=NFT, text=True, check=True)
    try:
        assert next_door.reached(sorted(pages(stack))) == []
        assert next_door.connects(HERE, stack.port("syncthing", "sync_port"))
        assert httpx.get(f"{stack.url('photoprism')}/api/v1/status").status_code == 200
    finally:
        subprocess.run(["nft", "delete", "table", "ip", "photos-lan"], check=True)
