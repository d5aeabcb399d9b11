"""Addresses that come late: Docker does not start a container on one that is not there yet, and does not try again.

Seen with 20.10.24: "cannot assign requested address", restart count 0, the album down until somebody starts it. With
Linux's `ip_nonlocal_bind` it starts, and answers as soon as the address is there.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.addresses import ANY, IN_THE_LAN
from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host import Finding, advice, warning
from stacks.host.machine import Machine
from stacks.host.machines import machine_of

CHECK = "addresses"
SWITCHES = {4: "/proc/sys/net/ipv4/ip_nonlocal_bind", 6: "/proc/sys/net/ipv6/ip_nonlocal_bind"}


def check_late_addresses(config: StackConfig, host: str) -> Iterator[Finding]:
    """Name the addresses without which a container stays down after a boot."""
    machine = machine_of(config.settings, host)
    late = [address for address in _of_the_lan(config, host) if not may_be_absent(address, machine)]
    if late and machine.name:
        yield warning(
            CHECK,
            *advice(
                "address_may_be_late_there",
                "where {addresses} comes late when {host} boots (Wi-Fi, DHCP), Docker leaves the services down that answer there",
                "There: echo net.ipv4.ip_nonlocal_bind=1 | sudo tee /etc/sysctl.d/60-photos.conf && sudo sysctl --system",
                addresses=", ".join(late),
                host=machine.name,
            ),
        )
    elif late:
        yield warning(
            CHECK,
            *advice(
                "address_may_be_late",
                "where {addresses} comes late at boot (Wi-Fi, DHCP), Docker leaves the services down that answer there",
                "./photos up asks whether they may start without it (net.ipv4.ip_nonlocal_bind)",
                addresses=", ".join(late),
            ),
        )


def may_be_absent(address: str, machine: Machine) -> bool:
    """Whether a container starts on this address before the machine has it."""
    try:
        return machine.path(SWITCHES[6 if ":" in address else 4]).read_text("ascii").strip() == "1"
    except OSError:
        return False


def _of_the_lan(config: StackConfig, host: str) -> list[str]:
    """Return the addresses that a cable, a Wi-Fi or a VPN brings."""
    ports = [port for service in expected(config.stack, config.settings).on(host) for port in service.ports]
    found = {address for port in ports for address in port.addresses}
    return sorted(address for address in found if address not in (*ANY, IN_THE_LAN, "::1") and address[:4] != "127.")
