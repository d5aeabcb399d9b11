"""Who is on the LAN: an old Docker lets them in where nothing is published for them.

Docker before 28.0 accepts what is routed to a container, and what is sent to 127.0.0.1 from outside: moby#45610, seen with
20.10.24. A rule beside Docker's own closes both; `photos-firewall.sh` sets it, and notes that it did.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.messages import message
from stacks.host import Finding, advice, error, ok
from stacks.host.lan import behind_windows
from stacks.host.machine import Machine

CHECK = "lan"
CLOSED_SINCE = 28
"""Docker's first major version that lets nobody in: https://docs.docker.com/engine/release-notes/28/."""
RULES = Path(__file__).with_name("photos-firewall.sh")
SCRIPT = "/usr/local/sbin/photos-firewall"
NOTE = "/run/photos-firewall"
NUMBER = "1"
"""Of the rule; another one has to be set anew."""


def check_neighbours(machine: Machine, info: dict[str, Any], *, trusted: bool) -> Iterator[Finding]:
    """Say whether neighbours get at ports of 127.0.0.1; nothing where Docker itself keeps them out."""
    version = str(info["ServerVersion"])
    if not is_open(version) or info.get("OperatingSystem") == "Docker Desktop":
        return
    if behind_windows(machine):
        return
    if is_set(machine):
        how = (
            message("rule_read", "seen in iptables")
            if _may_look(machine)
            else message("rule_noted", "as {note} says", note=NOTE)
        )
        yield ok(CHECK, message("neighbours_closed", "the rule that keeps neighbours out is set, {how}", how=how))
    elif trusted:
        yield ok(
            CHECK,
            message(
                "neighbours_trusted",
                "neighbours get at every page here past Docker {version}, as photos:neighbours says",
                version=version,
            ),
        )
    elif machine.name:
        yield error(
            CHECK,
            *advice(
                "neighbours_open_there",
                "Docker {version} on {host} lets whoever is on its LAN reach pages that are only for that machine (moby#45610)",
                "Run ./photos firewall --set in a checkout on {host}; Docker 28 needs no rule. Where another firewall does: "
                "photos:neighbours: trusted",
                version=version,
                host=machine.name,
            ),
        )
    else:
        yield error(
            CHECK,
            *advice(
                "neighbours_open",
                "Docker {version} lets whoever is on your LAN reach pages that are only for this machine: Syncthing's, "
                "OpenList's, the backup's (moby#45610)",
                "./photos firewall --set closes it; Docker 28 needs no rule. Where another firewall does: "
                "photos:neighbours: trusted",
                version=version,
            ),
        )


def is_open(version: str) -> bool:
    """Whether a Docker of this version lets neighbours in; of one that tells no number, nothing is claimed."""
    major = re.match(r"\d+(?=\.)", version)
    return major is not None and int(major[0]) < CLOSED_SINCE


def is_set(machine: Machine) -> bool:
    """Whether the rule is set: root looks, anybody else reads the note that is gone after a reboot, as the rule is."""
    if _may_look(machine):
        there = Path(SCRIPT).exists()
        return there and subprocess.run([SCRIPT, "check"], check=False, capture_output=True).returncode == 0
    try:
        return machine.path(NOTE).read_text("utf-8").strip() == NUMBER
    except OSError:
        return False


def _may_look(machine: Machine) -> bool:
    return machine.here and machine.person()[0] == 0
