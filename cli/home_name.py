"""`./photos name`: lets every device at home find the album by its name, or takes that back.

A name that ends with .local is asked for in the LAN itself (mDNS, RFC 6762), and whoever has it answers. Here the host's
own avahi-daemon does: a unit of systemd runs `avahi-publish` for each name (avahi-publish(1)). Not /etc/avahi/hosts: what
stands there also claims the reverse name of the address, which is the host's already. And no container: it would need
the host's network.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from cli import docker_host, stack_config, this_machine
from cli.console import confirm, fail, say
from components.addresses import ANY
from components.messages import message
from components.services.https import HttpsConfig
from stacks.host.machine import HERE
from stacks.host.wsl import in_wsl

UNITS = Path("/etc/systemd/system")
PACKAGES = ("avahi-daemon", "avahi-utils")
# Whatever this machine is reached by at the moment: a router may give it another address, so it is asked once an hour.
ADDRESS_OF_NOW = "$$(ip -4 -o route get 192.0.2.1 | sed -n 's/.* src \\\\([0-9.]*\\\\).*/\\\\1/p')"
UNIT = """# Made by ./photos name; ./photos name --undo takes it away.
[Unit]
Description=%i is this machine, in the LAN (photos, {stack})
BindsTo=avahi-daemon.service
After=avahi-daemon.service network-online.target
Wants=network-online.target

[Service]
ExecStart=/bin/sh -c "exec avahi-publish --address --no-reverse %i {address}"
DynamicUser=yes
Restart=always
RestartSec=10
RuntimeMaxSec=1h

[Install]
WantedBy=avahi-daemon.service
"""


def announce(stack: str) -> None:
    """Let this machine answer for the names of the stack, after asking; end the program where that is not possible."""
    this_machine.need(stack, "./photos name")
    section = _section(stack)
    names = [name for name in section.names if name.endswith(".local")]
    for name in set(section.names) - set(names):
        say(message("name_of_router", "{name}: let your router's DNS answer with this machine's address.", name=name))
    if all(ip_address(address).is_loopback for address in section.bind):
        fail(
            message(
                "name_of_loopback",
                "HTTPS answers on this machine alone. Write `bind: lan` under services.https, or leave `bind` out.",
            )
        )
    if in_wsl(HERE):
        return say(
            message(
                "name_in_wsl",
                "In WSL nothing can be announced, but Windows answers for its own name. Take that one: "
                "services.https.names: {{host}.local: photoprism} in the stack file, with HOST as `hostname` shows it.",
                host="HOST",
            )
        )
    own = f"{socket.gethostname().partition('.')[0].lower()}.local"
    if own in names:
        say(message("name_is_own", "{name} is this machine's own: avahi-daemon answers for it by itself.", name=own))
        names.remove(own)
    if not names:
        return None
    if not shutil.which("systemctl"):
        fail(
            message(
                "name_no_systemd", "There is no systemd here. Run: avahi-publish -a -R {name} ADDRESS", name=names[0]
            )
        )
    _install(stack, names, unit(stack, [address for address in section.bind if ":" not in address], address_of_now()))
    return None


def withdraw(stack: str) -> None:
    """Take back what `announce` made."""
    file = UNITS / f"{unit_name(stack)}@.service"
    if not file.exists():
        return say(message("name_nothing_to_undo", "There is nothing to take back."))
    links = (UNITS / "avahi-daemon.service.wants").glob(f"{unit_name(stack)}@*.service")
    if instances := sorted(link.name for link in links):
        docker_host.as_root("systemctl", "disable", "--now", *instances)
    docker_host.as_root("rm", str(file))
    docker_host.as_root("systemctl", "daemon-reload")
    return say(message("name_withdrawn", "{file} is gone; nobody answers for these names any more.", file=file))


def unit(stack: str, bind: Sequence[str], now: str | None) -> str:
    """Return the unit. `now` is the address by which this machine goes out, or will tomorrow another one.

    Announced is whatever it is at the moment, unless HTTPS answers on others.
    """
    fixed = not {*ANY, now} & {*bind}
    text = UNIT.format(stack=stack, address=bind[0] if fixed else ADDRESS_OF_NOW)
    return text.replace("RuntimeMaxSec=1h\n", "") if fixed else text


def address_of_now() -> str | None:
    """Return the address by which this machine goes out; None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return None
        return str(probe.getsockname()[0])


def unit_name(stack: str) -> str:
    """Return what the units of a stack are called, without the name that each announces."""
    return f"photos-{stack}-name"


def _install(stack: str, names: list[str], text: str) -> None:
    missing = [] if shutil.which("avahi-publish") else list(PACKAGES)
    file = UNITS / f"{unit_name(stack)}@.service"
    say(message("name_what_it_does", "{file} lets avahi-daemon answer for {names}:", file=file, names=", ".join(names)))
    say(text)
    if missing:
        say(message("name_installs", "Before that it installs, with apt-get: {packages}", packages=" ".join(missing)))
    if not confirm(message("name_shall_it", "Do it, as root? ./photos name --undo takes it back.")):
        fail(message("name_not_agreed", "Nothing was changed."))
    if missing:
        if not shutil.which("apt-get"):
            fail(message("name_install_yourself", "Install avahi by your distribution's way, then run this again."))
        docker_host.as_root("apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".service") as written:
        written.write(text)
        written.flush()
        docker_host.as_root("install", "-m", "0644", written.name, str(file))
    docker_host.as_root("systemctl", "daemon-reload")
    docker_host.as_root("systemctl", "enable", "--now", *(f"{unit_name(stack)}@{name}.service" for name in names))
    say(message("name_done", "Done. ./photos doctor {stack} says whether they are found.", stack=stack))


def _section(stack: str) -> HttpsConfig:
    section = stack_config.offline(stack).settings.enabled().get("https")
    if isinstance(section, HttpsConfig):
        return section
    return fail(
        message(
            "certificate_no_https",
            "There is no HTTPS at home in this stack: services.https in the stack file declares it, see "
            "docs/https-at-home.md.",
        )
    )
