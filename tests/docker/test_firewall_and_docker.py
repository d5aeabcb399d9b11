"""The rule of `./photos firewall` and Docker's own: whoever comes first, and however often Docker starts.

With a Docker of its own in a network namespace of its own: that of this machine is not touched.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from stacks.host.neighbours import RULES
from tests.cable import needs_ip
from tests.waiting import until

pytestmark = needs_ip


class House:
    """A network namespace with a Docker in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.namespace = folder, f"house-{os.getpid()}"
        self.daemon: subprocess.Popen[bytes] | None = None

    def run(self, *command: str, check: bool = True) -> str:
        environment = {"PHOTOS_FIREWALL_NOTE": str(self.folder / "note"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        words = ["nsenter", f"--net=/run/netns/{self.namespace}", *command]
        return subprocess.run(words, check=check, capture_output=True, text=True, env=environment).stdout

    def start(self) -> None:
        words = [
            "nsenter",
            f"--net=/run/netns/{self.namespace}",
            "dockerd",
            "--host",
            f"unix://{self.folder}/docker.sock",
        ]
        for option in ("data-root", "exec-root", "pidfile"):
            words += [f"--{option}", str(self.folder / option)]
        with (self.folder / "log").open("ab") as log:
            self.daemon = subprocess.Popen(words, stdout=log, stderr=log)
        until(self.answers)

    def answers(self) -> bool:
        place = str(self.folder / "docker.sock")
        try:
            # A client of HTTP that finds nobody leaves its socket open.
            with socket.socket(socket.AF_UNIX) as knock:
                knock.connect(place)
            with httpx.Client(transport=httpx.HTTPTransport(uds=place)) as client:
                return client.get("http://docker/_ping").status_code == 200
        except (OSError, httpx.TransportError):
            return False

    def stop(self) -> None:
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(60)
            self.daemon = None

    def first_of_docker_user(self) -> str:
        """Return the first rule of the chain that Docker asks first."""
        assert self.run("iptables", "-S", "FORWARD").splitlines()[1] == "-A FORWARD -j DOCKER-USER"
        return self.run("iptables", "-S", "DOCKER-USER").splitlines()[1]


@pytest.fixture
def house() -> Iterator[House]:
    if not shutil.which("dockerd", path="/usr/sbin:/usr/bin:/sbin:/bin"):
        pytest.skip("dockerd is missing: apt-get install docker.io")
    # A short name: below it are sockets of containerd, whose paths have 107 bytes.
    with TemporaryDirectory(prefix="house") as folder:
        made = House(Path(folder))
        subprocess.run(["ip", "netns", "add", made.namespace], check=True)
        try:
            yield made
        finally:
            made.stop()
            subprocess.run(["ip", "netns", "del", made.namespace], check=True)


@pytest.mark.parametrize("rule_first", [True, False], ids=["at boot", "on a running Docker"])
def test_docker_leaves_the_rule_first_however_often_it_starts(house: House, *, rule_first: bool) -> None:
    if rule_first:
        house.run("sh", str(RULES), "set")
    house.start()
    if not rule_first:
        house.run("sh", str(RULES), "set")
    assert house.first_of_docker_user() == "-A DOCKER-USER -j PHOTOS-LAN"
    for _ in range(2):
        house.stop()
        house.start()

    assert house.first_of_docker_user() == "-A DOCKER-USER -j PHOTOS-LAN"
    house.run("sh", str(RULES), "check")
    house.run("sh", str(RULES), "remove")
    assert "PHOTOS" not in house.run("iptables-save")
