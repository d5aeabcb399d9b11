"""Addresses and host names in a stack file: what each is, and what to write where it cannot be used."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

LOCAL_NETWORKS = tuple(
    map(ipaddress.ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)
LAN = "Write 127.0.0.1, or the address of this machine in your LAN, e.g. 192.168.1.5"
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
NAME_BYTES, LABEL_BYTES = 253, 63
"""Limits of DNS: of a whole name, and of what stands between two dots."""
LARGEST_PORT = 65535


def bind_address(value: str) -> str:
    """Return an IPv4 address that only this machine, its LAN or its VPN reaches.

    Raises:
        ValueError: it is another one, or none.
    """
    address = _ipv4(value)
    if any(address in network for network in LOCAL_NETWORKS):
        return value
    if address.is_unspecified:
        msg = f"{value} opens the port to the internet, past ufw: it stands for every address of this machine. {LAN}"
    elif address.is_global and not address.is_multicast:
        msg = f"{value} opens the port to the internet, past ufw: it is a public address. {LAN}"
    elif address.is_link_local:
        msg = f"{value} is what a machine calls itself while it has no address, and changes. {LAN}"
    else:
        msg = f"{value} is not an address of a machine in a LAN. {LAN}"
    raise ValueError(msg)


def any_address(value: str) -> str:
    """Return an IPv4 address, 0.0.0.0 for any.

    Raises:
        ValueError: no machine has it, or it is none.
    """
    address = _ipv4(value)
    if address.is_multicast or address.is_reserved:
        msg = f"{value} is not an address of a machine. Write 0.0.0.0 for any, or the one of this machine in your LAN"
        raise ValueError(msg)
    return value


def _ipv4(value: str) -> ipaddress.IPv4Address:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        msg = f'"{value}" is not an IP address{_likeness(value)}. {LAN}'
        raise ValueError(msg) from None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        msg = f"{value} is an IPv4 address in the form of IPv6. Write {address.ipv4_mapped}"
    elif address.is_loopback:
        msg = f"{value} is an IPv6 address, and only IPv4 is possible here yet. Write 127.0.0.1 for this machine alone"
    else:
        msg = f"{value} is an IPv6 address, and only IPv4 is possible here yet. {LAN}"
    raise ValueError(msg)


def _likeness(value: str) -> str:
    """Say what `value` is instead of an address, where that can be seen."""
    host, slash, _ = value.partition("/")
    if slash and _is_ip(host):
        return ": it is a network or carries its size, which do not belong here"
    host, colon, port = value.rpartition(":")
    if colon and port.isdigit() and _is_ip(host.strip("[]")):
        return ": it carries a port, which has a key of its own"
    if re.fullmatch(r"[0-9.]+", value):
        return ": four numbers from 0 to 255 with dots between, none with a leading zero"
    return ": it is a name" if re.fullmatch(rf"{LABEL}(\.{LABEL})*", value.lower()) else ""


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def too_long(name: str) -> str | None:
    """Say what of a host name is longer than DNS allows; None when it fits."""
    if longest := next((label for label in name.split(".") if len(label.encode()) > LABEL_BYTES), None):
        return f"{longest[:12]}… has {len(longest.encode())} bytes, at most {LABEL_BYTES} fit between two dots"
    if len(name.encode()) > NAME_BYTES:
        return f"the name has {len(name.encode())} bytes, at most {NAME_BYTES} are allowed"
    return None


def site_url(value: str) -> str:
    """Return the address of a page as a browser shows it, with a slash at its end.

    Raises:
        ValueError: it is none, or holds what PhotoPrism drops.
    """
    example = "Write it as the browser shows it, e.g. http://192.168.1.5:12343/"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    if reason := too_long(host):
        msg = f"{reason}. {example}"
        raise ValueError(msg)
    if parts.query or parts.fragment or "@" in parts.netloc or value.endswith(("?", "#")):
        msg = f'"{value}" holds more than an address: no login, ? or # belongs there. {example}'
        raise ValueError(msg)
    is_address = parts.scheme in ("http", "https") and _is_host(host, parts)
    if not is_address or port == 0 or not re.fullmatch(r"[\w./~-]*", parts.path, re.ASCII):
        msg = f'"{value}" is not a web address. {example}'
        raise ValueError(msg)
    return value.rstrip("/") + "/"


def _is_host(host: str, parts: SplitResult) -> bool:
    if "[" in parts.netloc:
        return _is_ip(host)
    if re.fullmatch(r"[0-9.]+", host):
        return _is_ip(host)
    return bool(re.fullmatch(rf"{LABEL}(\.{LABEL})*\.?", host)) and parts.netloc.isascii()
