"""A host's power: taken from its Docker, its containers and its network at once, as when the plug is pulled."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.hosts.daemons import Daemon

STAYS = ("lo", "cable")
"""The links of a host that its Docker did not make."""


def power_off(daemon: Daemon) -> None:
    """Kill all of a host's processes without a word, and lose what only its memory held: mounts, links, rules."""
    daemon.cut()
    killed = list(_processes(daemon))
    for process in killed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(killed, timeout=20)
    for mount in reversed(_mounts(daemon.folder)):
        subprocess.run(["umount", "--lazy", mount], check=True)
    shutil.rmtree(daemon.folder / "exec")
    (daemon.folder / "docker.pid").unlink(missing_ok=True)
    for link in _links(daemon):
        # With one end of a pair the other goes.
        subprocess.run([*daemon.inside, "ip", "link", "del", link], check=False, capture_output=True)
    for table in ("filter", "nat"):
        for order in ("-F", "-X"):
            subprocess.run([*daemon.inside, "iptables", "-t", table, order], check=True)


def _processes(daemon: Daemon) -> Iterator[psutil.Process]:
    """Yield Docker first, which else would write down that its containers ended."""
    order = ("dockerd", "containerd", "containerd-shim-runc-v2")
    found = [
        (order.index(name), process)
        for process in psutil.process_iter(["cmdline"])
        if (words := process.info["cmdline"])
        and (name := Path(words[0]).name) in order
        and any(word.startswith(f"{daemon.folder}/") for word in words)
    ]
    ordered = [process for _, process in sorted(found, key=lambda pair: pair[0])]
    below = [child for process in ordered for child in process.children(recursive=True)]
    yield from dict.fromkeys([*ordered, *below])


def _mounts(folder: Path) -> list[str]:
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [point for point in points if point.startswith(f"{folder}/")]


def _links(daemon: Daemon) -> list[str]:
    shown = subprocess.run([*daemon.inside, "ip", "-o", "link"], check=True, capture_output=True, text=True).stdout
    names = [line.split(": ")[1].partition("@")[0] for line in shown.splitlines()]
    return [name for name in names if name not in STAYS]
