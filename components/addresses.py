"""Addresses and host names in a stack file: what each is, and what to write where it cannot be used."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from components.messages import Message, Said, message
from components.refusals import refusal

LOCAL_NETWORKS = tuple(
    map(ipaddress.ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)
LAN = message("write_lan_address", "Write 127.0.0.1, or the address of this machine in your LAN, e.g. 192.168.1.5")
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
NAME_BYTES, LABEL_BYTES = 253, 63
"""Limits of DNS: of a whole name, and of what stands between two dots."""
LARGEST_PORT = 65535


def bind_address(value: str) -> str:
    """Return an IPv4 address that only this machine, its LAN or its VPN reaches.

    Raises:
        PydanticCustomError: it is another one, or none.
    """
    address = _ipv4(value)
    if any(address in network for network in LOCAL_NETWORKS):
        return value
    if address.is_unspecified:
        raise refusal(
            "address_any",
            "{value} opens the port to the internet, past ufw: it stands for every address of this machine. {lan}",
            value=value,
            lan=LAN,
        )
    if address.is_global and not address.is_multicast:
        raise refusal(
            "address_public",
            "{value} opens the port to the internet, past ufw: it is a public address. {lan}",
            value=value,
            lan=LAN,
        )
    if address.is_link_local:
        raise refusal(
            "address_link_local",
            "{value} is what a machine calls itself while it has no address, and changes. {lan}",
            value=value,
            lan=LAN,
        )
    raise refusal("address_not_in_lan", "{value} is not an address of a machine in a LAN. {lan}", value=value, lan=LAN)


def any_address(value: str) -> str:
    """Return an IPv4 address, 0.0.0.0 for any.

    Raises:
        PydanticCustomError: no machine has it, or it is none.
    """
    address = _ipv4(value)
    if address.is_multicast or address.is_reserved:
        raise refusal(
            "address_of_no_machine",
            "{value} is not an address of a machine. Write 0.0.0.0 for any, or the one of this machine in your LAN",
            value=value,
        )
    return value


def _ipv4(value: str) -> ipaddress.IPv4Address:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        raise refusal(
            "address_unreadable",
            '"{value}" is not an IP address{likeness}. {lan}',
            value=value,
            likeness=_likeness(value),
            lan=LAN,
        ) from None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        raise refusal(
            "address_mapped",
            "{value} is an IPv4 address in the form of IPv6. Write {meant}",
            value=value,
            meant=address.ipv4_mapped,
        )
    if address.is_loopback:
        raise refusal(
            "address_ipv6_loopback",
            "{value} is an IPv6 address, and only IPv4 is possible here yet. Write 127.0.0.1 for this machine alone",
            value=value,
        )
    raise refusal(
        "address_ipv6",
        "{value} is an IPv6 address, and only IPv4 is possible here yet. {lan}",
        value=value,
        lan=LAN,
    )


def _likeness(value: str) -> Said:
    """Say what `value` is instead of an address, where that can be seen."""
    host, slash, _ = value.partition("/")
    if slash and _is_ip(host):
        return message("looks_like_network", ": it is a network or carries its size, which do not belong here")
    host, colon, port = value.rpartition(":")
    if colon and port.isdigit() and _is_ip(host.strip("[]")):
        return message("looks_like_port", ": it carries a port, which has a key of its own")
    if re.fullmatch(r"[0-9.]+", value):
        return message("looks_like_numbers", ": four numbers from 0 to 255 with dots between, none with a leading zero")
    is_name = re.fullmatch(rf"{LABEL}(\.{LABEL})*", value.lower())
    return message("looks_like_name", ": it is a name") if is_name else ""


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def too_long(name: str) -> Message | None:
    """Say what of a host name is longer than DNS allows; None when it fits."""
    if longest := next((label for label in name.split(".") if len(label.encode()) > LABEL_BYTES), None):
        return message(
            "label_too_long",
            "{begin}… has {size} bytes, at most {most} fit between two dots",
            begin=longest[:12],
            size=len(longest.encode()),
            most=LABEL_BYTES,
        )
    if len(name.encode()) > NAME_BYTES:
        return message(
            "name_too_long",
            "the name has {size} bytes, at most {most} are allowed",
            size=len(name.encode()),
            most=NAME_BYTES,
        )
    return None


def site_url(value: str) -> str:
    """Return the address of a page as a browser shows it, with a slash at its end.

    Raises:
        PydanticCustomError: it is none, or holds what PhotoPrism drops.
    """
    example = message("write_web_address", "Write it as the browser shows it, e.g. http://192.168.1.5:12343/")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    if reason := too_long(host):
        raise refusal("web_address_too_long", "{reason}. {example}", reason=reason, example=example)
    if parts.query or parts.fragment or "@" in parts.netloc or value.endswith(("?", "#")):
        raise refusal(
            "web_address_with_more",
            '"{value}" holds more than an address: no login, ? or # belongs there. {example}',
            value=value,
            example=example,
        )
    is_address = parts.scheme in ("http", "https") and _is_host(host, parts)
    if not is_address or port == 0 or not re.fullmatch(r"[\w./~-]*", parts.path, re.ASCII):
        raise refusal(
            "web_address_unreadable", '"{value}" is not a web address. {example}', value=value, example=example
        )
    return value.rstrip("/") + "/"


def _is_host(host: str, parts: SplitResult) -> bool:
    if "[" in parts.netloc:
        return _is_ip(host)
    if re.fullmatch(r"[0-9.]+", host):
        return _is_ip(host)
    return bool(re.fullmatch(rf"{LABEL}(\.{LABEL})*\.?", host)) and parts.netloc.isascii()
