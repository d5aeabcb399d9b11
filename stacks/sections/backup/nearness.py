"""Where a copy really is: which hosts its options name, which of these stand in this house, and whose account it is in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from components.keeper import OPENLIST
from stacks.sections.backup.copies import RemoteConfig
from stacks.sections.backup.secrets import secret_key

HOME_DOMAINS = (".lan", ".local", ".localdomain", ".home", ".internal", ".home.arpa")
SERVER_OPTIONS = ("url", "host", "hostname", "endpoint", "api_url", "auth", "storage_url", "namenode", "site_url")
"""Options of rclone that name a server."""
LOGIN_OPTIONS = (
    "user", "username", "account", "access_key_id", "email", "apple_id", "client_email", "drive_id", "team_drive",
    "application_credential_id", "tenant_id", "key", "token", "service_account_credentials", "access_token", "api_key",
)  # fmt: skip
"""Options of rclone that tell one account from another, the telling ones first; some are secrets."""


def servers(remote: RemoteConfig) -> list[str]:
    """Return the hosts that a copy's options name."""
    named = [host_of(remote.options[option]) for option in SERVER_OPTIONS if option in remote.options]
    return [host for host in named if host]


def host_of(address: str) -> str:
    """Return the host of an address, or of `host:port`; empty where it is none."""
    try:
        return urlsplit(address if "://" in address else f"//{address.strip()}").hostname or ""
    except ValueError:
        return ""


def is_at_home(host: str) -> bool:
    """Whether a host, by its name alone, stands in this house: a private address, a name without a domain, .lan, .local."""
    try:
        return not is_elsewhere([host])
    except ValueError:
        return bool(host) and ("." not in host or host.rstrip(".").endswith(HOME_DOMAINS))


def is_elsewhere(addresses: Iterable[str]) -> bool:
    """Whether one of these addresses is not of this house.

    Raises:
        ValueError: one is no address.
    """
    return any(not ipaddress.ip_address(address.partition("%")[0]).is_private for address in addresses)


def account_of(name: str, remote: RemoteConfig, values: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return what tells the account of a copy from others; None where that cannot be known.

    `values` are the flat secrets, as far as they are known.
    """
    if remote.type == OPENLIST:  # each drive there is an account
        return (remote.type, remote.path.strip("/").partition("/")[0])
    where = (remote.type, *servers(remote), remote.options.get("provider", ""))
    secrets = {option: values.get(secret_key(name, option), "") for option in remote.secrets}
    known = {**secrets, **remote.options}
    if login := next((known[option] for option in LOGIN_OPTIONS if known.get(option)), ""):
        return (*where, login)
    return None if remote.secrets else where
