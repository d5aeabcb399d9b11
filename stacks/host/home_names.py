"""Do the names at home lead here, and is the album to be had without encryption beside them?"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from shlex import quote

from components.addresses import in_url
from components.messages import message
from components.services.https import Https, HttpsConfig
from components.services.photoprism import PhotoPrismConfig
from stacks.config import StackConfig
from stacks.host import Finding, advice, ok, warning
from stacks.host.machine import Machine
from stacks.host.machines import machine_with
from stacks.host.wsl import in_wsl

SECONDS_TO_FIND = 6
"""mDNS gives up after five."""


def check_home_names(config: StackConfig) -> Iterator[Finding]:
    """Look each name up as a program on this machine would."""
    services = config.settings.enabled()
    https, album = services.get("https"), services.get("photoprism")
    if not isinstance(https, HttpsConfig):
        return
    machine = machine_with(config.settings, Https.service)
    for name in https.names:
        yield _found(config.stack, name, addresses_of(name), machine)
    if isinstance(album, PhotoPrismConfig) and (beyond := _beyond_this_machine(album)):
        yield warning(
            "config photos:services.photoprism.bind",
            *advice(
                "album_in_clear_too",
                "the album also answers without encryption, on {address}, and logins there are plain text",
                "Leave the line out: HTTPS reaches the album inside",
                address=beyond,
            ),
        )


def addresses_of(name: str) -> list[str]:
    """Return what a name is looked up to; nothing where nobody answers."""
    try:
        done = subprocess.run(
            ["getent", "ahostsv4", name], capture_output=True, text=True, timeout=SECONDS_TO_FIND, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return sorted({line.split()[0] for line in done.stdout.splitlines() if line.strip()})


def _found(stack: str, name: str, addresses: list[str], machine: Machine) -> Finding:
    if not addresses:
        return warning(
            name,
            *advice(
                "home_name_unknown",
                "is not found from here; it may still be found by phones",
                "Run {command}, or let your router's DNS answer for it",
                command=f"./photos name --stack {quote(stack)}",
            ),
        )
    if not in_wsl(machine) and not machine.own_addresses() & set(addresses):
        return warning(
            name,
            *advice(
                "home_name_of_another",
                "is {addresses}, which is not this machine",
                "Is there another one with this name? Choose another under services.https.names",
                addresses=", ".join(addresses),
            ),
        )
    return ok(name, message("home_name_found", "is {addresses}", addresses=", ".join(addresses)))


def _beyond_this_machine(album: PhotoPrismConfig) -> str:
    """Return where others find the album without encryption; nothing where nobody does."""
    others = [address for address in album.bind if not ip_address(address).is_loopback]
    return ", ".join(f"http://{in_url(address)}:{album.port}/" for address in others)
