"""A network card with addresses of the test's choosing, in place of one that DHCP serves."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_ip = pytest.mark.skipif(not shutil.which("ip"), reason="ip is missing: apt-get install iproute2")
NONLOCAL = (Path("/proc/sys/net/ipv4/ip_nonlocal_bind"), Path("/proc/sys/net/ipv6/ip_nonlocal_bind"))


@dataclass(frozen=True)
class Card:
    """A card of this machine with a cable in it."""

    name: str

    def add(self, *addresses: str) -> None:
        """Give it addresses; those of IPv6 at once, without asking around whether they are somebody's."""
        for address in addresses:
            size, extra = ("128", ["nodad"]) if ":" in address else ("32", [])
            _ip("address", "add", f"{address}/{size}", "dev", self.name, *extra)

    def take(self, *addresses: str) -> None:
        """Take addresses away."""
        for address in addresses:
            _ip("address", "del", f"{address}/{'128' if ':' in address else '32'}", "dev", self.name)


@contextlib.contextmanager
def card(*addresses: str) -> Iterator[Card]:
    """Put a card in; take it out afterwards."""
    name, other = f"cable{os.getpid()}"[:15], f"plug{os.getpid()}"[:15]
    _ip("link", "add", name, "type", "veth", "peer", "name", other)
    try:
        for end in (name, other):
            _ip("link", "set", end, "up")
        made = Card(name)
        made.add(*addresses)
        yield made
    finally:
        _ip("link", "del", name)


@contextlib.contextmanager
def nonlocal_bind(value: str) -> Iterator[None]:
    """Let programs bind to addresses that are not there ("1"), or not ("0"); put it back afterwards."""
    before = {switch: switch.read_text() for switch in NONLOCAL if switch.exists()}
    try:
        for switch in before:
            switch.write_text(value)
        yield
    finally:
        for switch, text in before.items():
            switch.write_text(text)


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
