"""Addresses and host names in a stack file: what each is, and what to write where it cannot be used."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from components.messages import Message, Said, message
from components.refusals import refusal

LOCAL_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fd00::/8"),
    )
)
IN_THE_LAN = "lan"
"""What stands for the addresses that this machine has in its LAN, whichever they are."""
LOOPBACK = "127.0.0.1"
ANY = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
LAN = message(
    "write_lan_address", "Write 127.0.0.1, or the address of this machine in your LAN, e.g. 192.168.1.5, or lan"
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
NAME_BYTES, LABEL_BYTES = 253, 63
"""Limits of DNS: of a whole name, and of what stands between two dots."""
LARGEST_PORT = 65535


def bind_addresses(value: object) -> tuple[str, ...]:
    """Return addresses that only this machine, its LAN or its VPN reaches: one is written, a list, or `lan`.

    Raises:
        PydanticCustomError: one is another, or none.
    """
    texts = list(value) if isinstance(value, list | tuple) else [value]
    if not texts:
        raise refusal("no_address", "empty: no address stands in the list. {lan}", lan=LAN)
    found: list[str] = []
    for text in texts:
        if not isinstance(text, str):
            raise refusal("address_no_text", "{value} is not an address. {lan}", value=str(text), lan=LAN)
        address = text if text == IN_THE_LAN else str(_private(text))
        if address in found:
            raise refusal("address_twice", "{value} stands in the list twice. Write it once", value=text)
        found.append(address)
    return tuple(found)


def any_address(value: str) -> str:
    """Return the address of a machine, 0.0.0.0 or :: for any.

    Raises:
        PydanticCustomError: no machine has it, or it is none.
    """
    if value == IN_THE_LAN:
        raise refusal(
            "lan_not_here", "lan is not possible here. Write 0.0.0.0 for any address of this machine, or one of them"
        )
    return str(machine_address(value))


def _private(value: str) -> Address:
    address = _address(value)
    if any(address in network for network in LOCAL_NETWORKS):
        return address
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
    raise refusal("address_not_in_lan", "{value} is not an address of a machine in a LAN. {lan}", value=value, lan=LAN)


def machine_address(value: str) -> Address:
    """Return the address of a machine, or one that stands for any.

    Raises:
        PydanticCustomError: no machine has it, or it is none.
    """
    address = _address(value)
    known = address.is_unspecified or address.is_loopback
    if address.is_multicast or (address.is_reserved and not known):
        raise refusal(
            "address_of_no_machine",
            "{value} is not an address of a machine. Write 0.0.0.0 for any, or the one of this machine in your LAN",
            value=value,
        )
    return address


def _address(value: str) -> Address:
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
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        raise refusal(
            "address_mapped",
            "{value} is an IPv4 address in the form of IPv6. Write {meant}",
            value=value,
            meant=address.ipv4_mapped,
        )
    if address.is_link_local:
        if address.version == 6:  # noqa: PLR2004 - of IP
            raise refusal(
                "address_of_one_cable",
                "{value} holds on one cable only, and Docker cannot publish on it. {lan}",
                value=value,
                lan=LAN,
            )
        raise refusal(
            "address_link_local",
            "{value} is what a machine calls itself while it has no address, and changes. {lan}",
            value=value,
            lan=LAN,
        )
    return address


def asked_at(addresses: Sequence[str]) -> str:
    """Return where this machine itself asks a port that answers on `addresses`, as it stands in a URL."""
    if LOOPBACK in addresses or ANY[0] in addresses:
        return LOOPBACK
    return in_url("::1" if ANY[1] in addresses else addresses[0])


def in_url(address: str) -> str:
    """Return an address as it stands in a URL.

    >>> in_url("192.168.1.5"), in_url("fd12::5")
    ('192.168.1.5', '[fd12::5]')
    """
    return f"[{address}]" if ":" in address else address


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
