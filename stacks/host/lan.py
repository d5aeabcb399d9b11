"""Which addresses this machine has in its LAN: what `lan` means in a stack file, and where a phone at home reaches it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from components.addresses import IN_THE_LAN, LOOPBACK, Address
from components.ports import host_ports
from components.service_config import ServiceConfig
from stacks.host import wsl
from stacks.host.machine import Machine
from stacks.host.machines import machine_with
from stacks.host.ssh import LineError
from stacks.sections import Settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NOT_IN_THE_LAN = re.compile(r"(lo|ifb|docker|veth|virbr|podman|cni|tun|tap|wg|tailscale|zt).*|br-[0-9a-f]{12}")
"""Interfaces of containers, of virtual machines, and of VPNs, whose addresses a person writes himself."""
PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
UNIQUE_LOCAL = (ipaddress.ip_network("fd00::/8"),)
IPV6_ADDRESSES = "/proc/net/if_inet6"
TEMPORARY = 0x01
"""IFA_F_TEMPORARY of linux/if_addr.h: an address that is another one tomorrow."""
MIRRORED = "loopback0"
"""The interface of a WSL whose network is that of Windows. Any other has a network of its own behind Windows."""


def behind_windows(machine: Machine) -> bool:
    """Whether this is a WSL that nobody on the LAN reaches by an address of its own."""
    return wsl.in_wsl(machine) and MIRRORED not in machine.addresses()


def lan_addresses(machine: Machine) -> tuple[str, ...]:
    """Return the private IPv4 addresses in the LAN; on a machine without any, those of IPv6 that it keeps."""
    if behind_windows(machine):
        return ()
    found = sorted(_addresses(machine, PRIVATE), key=int) or sorted(_addresses(machine, UNIQUE_LOCAL), key=int)
    return tuple(str(address) for address in found)


def with_lan(settings: Settings) -> Settings:
    """Return the settings with the machine's addresses in place of `lan`, loopback among them.

    Where it has none, or does not answer, `lan` stays: the checks say so before anything is published.
    """
    services = {name: _with_lan(config, machine_with(settings, name)) for name, config in settings.enabled().items()}
    return settings.model_copy(update={"services": settings.services.model_copy(update=services)})


def _with_lan(config: ServiceConfig, machine: Machine) -> ServiceConfig:
    ports = [port for port in host_ports(config) if IN_THE_LAN in port.addresses]
    here: tuple[str, ...] = ()
    with suppress(LineError):
        here = lan_addresses(machine) if ports else ()
    if not here:
        return config
    # Loopback, too: the stack asks the album there, whatever address this machine has tomorrow.
    meant = {port.address_field: tuple(dict.fromkeys((LOOPBACK, *_in_place(port.addresses, here)))) for port in ports}
    return config.model_copy(update=meant)


def _in_place(addresses: tuple[str, ...], here: tuple[str, ...]) -> Iterator[str]:
    for address in addresses:
        yield from here if address == IN_THE_LAN else (address,)


def _addresses(machine: Machine, networks: Sequence[Network]) -> Iterator[Address]:
    temporary = _temporary(machine)
    for name, entries in machine.addresses().items():
        if NOT_IN_THE_LAN.fullmatch(name):
            continue
        for entry in entries:
            try:
                address = ipaddress.ip_address(entry.partition("%")[0])
            except ValueError:  # that of the card
                continue
            if any(address in network for network in networks) and address not in temporary:
                yield address


def _temporary(machine: Machine) -> frozenset[ipaddress.IPv6Address]:
    """Return the addresses that IPv6 makes up for a day, against being followed."""
    try:
        lines = machine.path(IPV6_ADDRESSES).read_text("ascii").splitlines()
    except OSError:
        return frozenset()
    entries = [line.split() for line in lines]
    return frozenset(ipaddress.IPv6Address(int(entry[0], 16)) for entry in entries if int(entry[4], 16) & TEMPORARY)
