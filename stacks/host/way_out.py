"""A machine with IPv6 alone: Docker's networks speak IPv4, and nothing carries that out.

Docker gives a network IPv6 with a way out only since 27 (ip6tables by default), so here the machine itself needs IPv4.
"""

from __future__ import annotations

from collections.abc import Iterator

from stacks.config import StackConfig
from stacks.host import Finding, advice, warning
from stacks.host.machine import Machine
from stacks.host.machines import machine_of
from stacks.sections.places import host_of

CHECK = "internet"
ROUTES4, ROUTES6 = "/proc/net/route", "/proc/net/ipv6_route"
UP, REJECT = 0x0001, 0x0200
"""RTF_UP and RTF_REJECT of linux/route.h."""


def check_way_out(config: StackConfig, host: str) -> Iterator[Finding]:
    """Say what cannot reach the internet from its container on this machine; nothing where IPv4 goes out."""
    machine = machine_of(config.settings, host)
    if goes_out(machine, 4) or not goes_out(machine, 6):
        return
    yield warning(
        CHECK,
        *advice(
            "only_ipv6",
            "this machine has IPv6 alone, and containers speak IPv4: {names} reach nothing outside",
            "The album works at home. For the rest give this machine IPv4: in the router, or through NAT64 with clatd",
            names=", ".join(_in_need(config, host)),
        ),
    )


def goes_out(machine: Machine, version: int) -> bool:
    """Whether this machine has a default route of IPv4 or IPv6."""
    try:
        text = machine.path(ROUTES4 if version == 4 else ROUTES6).read_text("ascii")  # noqa: PLR2004 - of IP
    except OSError:
        return False
    rows = [line.split() for line in text.splitlines()]
    if version == 4:  # noqa: PLR2004 - of IP
        return any(row[1] == row[7] == "00000000" and int(row[3], 16) & UP for row in rows[1:])
    # What nobody routes is a default route, too: one that rejects, on lo.
    defaults = [row for row in rows if row[0] == "0" * 32 and row[1] == "00"]
    return any(row[9] != "lo" and int(row[8], 16) & UP and not int(row[8], 16) & REJECT for row in defaults)


def _in_need(config: StackConfig, host: str) -> list[str]:
    """Return the services that have something to do outside; PhotoPrism asks for places, and is content without."""
    settings = config.settings
    services = [name for name in settings.enabled() if name in ("syncthing", "drive", "tailscale")]
    if settings.publish:
        services.append("cloudflared")
    if settings.backup:
        services.append("keeper")
    return [name for name in services if host_of(settings, name) == host] or ["photoprism"]
