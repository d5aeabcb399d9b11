"""Another machine on the LAN, as a network namespace with a cable to this one, whose owner means no good."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stacks.host.neighbours import RULES
from tests.docker.reach import ASK

HERE, THERE = "198.18.77.1", "198.18.77.2"
"""Both ends of the cable: of the range for measurements (RFC 2544), so of no LAN."""
CONTAINERS = ("172.16.0.0/12", "192.168.0.0/16")
"""Where Docker's networks are: by default in the first, and in the second when that is used up."""


@dataclass(frozen=True)
class Neighbour:
    """What the other machine can do."""

    namespace: str

    def reached(self, urls: Sequence[str]) -> list[str]:
        """Return the addresses that answer it, with a page or with a refusal."""
        return _run("ip", "netns", "exec", self.namespace, sys.executable, "-c", ASK, *urls).split()

    def connects(self, address: str, port: int) -> bool:
        """Whether it gets a TCP connection."""
        code = f"import socket; socket.create_connection(({address!r}, {port}), 3)"
        command = ["ip", "netns", "exec", self.namespace, sys.executable, "-c", code]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextlib.contextmanager
def neighbour() -> Iterator[Neighbour]:
    """Plug another machine in, which sends here what it wants to have in a container, or on this machine's loopback."""
    name, here, there = f"lan-{os.getpid()}", f"lanh{os.getpid()}", f"lann{os.getpid()}"
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        _run("ip", "address", "add", f"{HERE}/30", "dev", here)
        _run("ip", "link", "set", here, "up")
        for command in (
            f"ip address add {THERE}/30 dev {there}",
            f"ip link set {there} up",
            "ip link set lo up",
            *(f"ip route add {network} via {HERE}" for network in CONTAINERS),
            # 127.0.0.1 is over there, too, once its own is looked up later.
            f"sysctl -qw net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.{there}.route_localnet=1",
            "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf." + there + ".rp_filter=0",
            f"ip route add 127.0.0.1/32 via {HERE} dev {there} src {THERE} table 77",
            "ip rule add pref 50 lookup 77",
            "ip rule add pref 100 lookup local",
            "ip rule del pref 0 lookup local",
        ):
            _run("ip", "netns", "exec", name, *command.split())
        yield Neighbour(name)
    finally:
        subprocess.run(["ip", "link", "del", here], check=False, capture_output=True)
        _run("ip", "netns", "del", name)


@contextlib.contextmanager
def the_rule(note: Path) -> Iterator[None]:
    """Set the rule; take it away afterwards."""
    environment = {"PHOTOS_FIREWALL_NOTE": str(note), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    subprocess.run(["sh", RULES, "set"], check=True, env=environment)
    try:
        yield
    finally:
        subprocess.run(["sh", RULES, "remove"], check=True, env=environment)


def _run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout
