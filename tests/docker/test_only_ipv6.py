"""A machine without IPv4 is known as one: looked at from network namespaces."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cable import needs_ip

pytestmark = needs_ip

ASK = (
    "from stacks.host.machine import HERE; from stacks.host.way_out import goes_out; "
    "print(goes_out(HERE, 4), goes_out(HERE, 6))"
)


@pytest.fixture
def namespace() -> Iterator[str]:
    """A machine with a card, and no address but those that a test gives it."""
    name = f"v6-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        _inside(name, "ip link set lo up")
        _inside(name, "ip link add eth0 type veth peer name eth1")
        for card in ("eth0", "eth1"):
            _inside(name, f"ip link set {card} up")
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def _inside(name: str, command: str) -> None:
    subprocess.run(["ip", "netns", "exec", name, *command.split()], check=True)


def seen(name: str) -> str:
    return subprocess.run(
        ["ip", "netns", "exec", name, sys.executable, "-c", ASK], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([], "False False"),
        (["ip address add fd12::5/64 dev eth0 nodad"], "False False"),
        (["ip address add fd12::5/64 dev eth0 nodad", "ip -6 route add default via fd12::1 dev eth0"], "False True"),
        (["ip -6 route add unreachable default"], "False False"),
        (["ip address add 10.1.1.5/24 dev eth0", "ip route add default via 10.1.1.1"], "True False"),
    ],
)
def test_the_way_out_is_read_from_the_routes(namespace: str, commands: list[str], expected: str) -> None:
    for command in commands:
        _inside(namespace, command)

    assert seen(namespace) == expected
