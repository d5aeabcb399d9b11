"""What must hold between `photos:backup`, the library, the services and the secrets, and what is merely not good."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from components.addresses import LARGEST_PORT
from components.backup import (
    ALERT_KEYS,
    ALERT_URLS,
    CRYPT_KEYS,
    OPENLIST,
    PING_URL,
    BackupConfig,
    RemoteConfig,
    secret_key,
)
from components.ports import host_ports
from components.rclone_options import FILE_CONTENTS
from stacks.alert_schemes import ALERT_SCHEMES, IN_CLEAR
from stacks.problems import problem
from stacks.settings import Settings

SECTION, PREFIX = "backup", "backup_"
CRYPT_LENGTH = range(12, 129)
SAMPLE_ID = "6f1d2a4e-0c3b-4a8e-9f57-2b1c8d7e6a90"
OUTCOME = re.compile(r"/(start|fail|log)/?$|/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9]{1,3}/?$", re.IGNORECASE)
"""What Healthchecks takes behind an address."""
STATE_PARAMETERS = ("status", "state")
HOME_DOMAINS = (".lan", ".local", ".home", ".internal", ".home.arpa")
# rclone's own: fs/config/obscure/obscure.go. No secret, it is what makes a password unreadable at a glance.
OBSCURE_KEY = bytes.fromhex("9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638")
OBSCURE_BLOCK, SHORTEST_REVEALED = 16, 8


def flat_keys(values: Mapping[str, str]) -> set[str]:
    """Return the flat keys that `photos:backup` knows, and those that are kept for copies that may come back."""
    section = _section(values)
    kept = {key for key in values if key.startswith(PREFIX) and (section is None or key.endswith(CRYPT_KEYS))}
    return kept if section is None else kept | set(ALERT_KEYS) | set(_asked_for(section))


def generated_keys(settings: Settings) -> list[str]:
    """Return the flat keys that `./photos` makes."""
    return settings.backup.crypt_keys() if settings.backup else []


def typed_keys(settings: Settings) -> list[str]:
    """Return the flat keys that only a person can supply, and must."""
    return settings.backup.typed_keys() if settings.backup else []


def unknown_keys(values: Mapping[str, str]) -> list[str]:
    """Return the flat keys that look like the backup's and are none."""
    return sorted(key for key in values if key.startswith(PREFIX) and key not in flat_keys(values))


def unknown_key_problem(key: str, values: Mapping[str, str]) -> str:
    """Say what to do with a flat key that no copy asks for."""
    near = get_close_matches(key, sorted(flat_keys(values)), 1)
    meant = f"Did you mean photos:{near[0]}? Take this one out" if near else "Take it out"
    return problem(key, f"no copy asks for it. {meant}: ./photos config rm photos:{key}")


def backup_problems(settings: Settings) -> list[str]:
    """Return what is wrong with `photos:backup`, beyond what the model sees by itself."""
    if not settings.backup:
        return []
    taken = [
        problem("backup.port", f"{port.number} is used by {name}.{port.field} already. Choose another")
        for name, service in settings.enabled().items()
        for port in host_ports(service)
        if port.number == settings.backup.port
    ]
    return taken + [
        problem(f"backup.remotes.{name}.{key}", text)
        for name, remote in settings.backup.remotes.items()
        for key, text in _problems_of(remote, settings)
    ]


def _problems_of(remote: RemoteConfig, settings: Settings) -> Iterator[tuple[str, str]]:
    if remote.type == OPENLIST and "drive" not in settings.enabled():
        yield (
            "type",
            "openlist is the stack's OpenList, and it is not among services. Write `drive: {}` under photos:services",
        )
    if not remote.is_local:
        return
    for folder in settings.library.library().folders:
        one, two = f"{remote.folder}/", f"{folder}/"
        if one.startswith(two) or two.startswith(one):
            yield "path", f"{remote.folder} and the library {folder} lie in each other. Write a folder on another disk"


def secret_problems(settings: Settings, values: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the values of the backup's flat secrets; never a value."""
    if not settings.backup:
        return []
    found = [
        problem(key, text)
        for key in settings.backup.crypt_keys()
        if key in values and (text := _crypt_problem(key, values))
    ]
    for name, remote in settings.backup.remotes.items():
        for option in remote.secrets:
            key = secret_key(name, option)
            if text := _option_problem(remote, option, values.get(key, "")):
                found.append(problem(key, f"{text}. Run ./photos config set --secret photos:{key} once more"))
    for number, address in enumerate(values.get(ALERT_URLS, "").split(), start=1):
        if text := _alert_problem(address):
            found.append(problem(ALERT_URLS, f"address {number} {text}"))
    if (ping := values.get(PING_URL, "").strip()) and (text := ping_problem(ping)):
        found.append(
            problem(PING_URL, f"{text}. Write it as the watcher shows it, e.g. https://hc-ping.com/{SAMPLE_ID}")
        )
    return found


def _option_problem(remote: RemoteConfig, option: str, value: str) -> str | None:
    """Say what is wrong with a typed option of rclone; never a part of it."""
    if option in FILE_CONTENTS:  # the keeper brings its lines into one
        return None
    if not value.isprintable():
        return "holds a line break or another control character"
    if value != value.strip():
        return "begins or ends with a space, which rclone drops"
    if remote.known_options.get(option) == "*" and looks_obscured(value):
        return "looks obscured, as rclone.conf has it; rclone reveal shows the plain one, which belongs here"
    return None


def ping_problem(address: str) -> str | None:
    """Say why the keeper could not tell a watcher start, success and failure at this address; never a part of it.

    How it tells them: `Alerts.ping` in keeper/alerts.py.
    """
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return "is not an address"
    states = {name: url.params[name] for name in STATE_PARAMETERS if name in url.params}
    is_push = "/push/" in url.path
    findings = (
        (not address.isprintable() or len(address.split()) > 1, "holds more than one address"),
        (not url.host or (url.port or 1) > LARGEST_PORT, "is not an address"),
        (url.scheme != "https" and not (url.scheme == "http" and _is_at_home(address)), "is not an https address"),
        (bool(url.fragment), "holds a #, and what follows it is never sent"),
        (is_push and states.get("status", "up") != "up", "tells the same outcome every time (status=)"),
        (
            bool(states) and not is_push,
            "tells the same outcome every time, a failure too: only Uptime Kuma's push addresses carry it in the query",
        ),
        (bool(OUTCOME.search(url.path)), "ends with one outcome, which the keeper adds itself"),
    )
    return next((text for wrong, text in findings if wrong), None)


def missing_typed(settings: Settings, values: Mapping[str, str], stack: str) -> list[str]:
    """Return one line per secret that only a person can supply and that is not there, with the command."""
    return [
        problem(key, f"missing. Type it here: ./photos config set --secret photos:{key} --stack {shlex.quote(stack)}")
        for key in typed_keys(settings)
        if not values.get(key)
    ]


@dataclass(frozen=True)
class Shortcoming:
    """What is not good about the set of copies. `place` is a key below `photos:`."""

    place: str
    text: str
    fix: str

    def __str__(self) -> str:
        """Return it as one line, as a family member reads it."""
        return f"{self.text}. {self.fix}"


def shortcomings(settings: Settings, values: Mapping[str, str]) -> list[Shortcoming]:
    """Return what is not good about the copies: they are made, but the photos are less safe than a family needs."""
    backup = settings.backup
    if not backup:
        return []
    return [*_set_of_copies(backup), *_plain_disks(backup), *_one_account(backup), *_no_alerts(values)]


def _set_of_copies(backup: BackupConfig) -> Iterator[Shortcoming]:
    kinds = [remote.kind for remote in backup.remotes.values()]
    have = ", ".join(f"{name} ({remote.kind})" for name, remote in backup.remotes.items())
    needed = [
        ("a second copy", len(kinds) > 1),
        ("one that is not in this house", any(kind != "disk" for kind in kinds)),
        ("one that nobody can delete (kind: vault)", "vault" in kinds),
    ]
    if lacking := [text for text, there in needed if not there]:
        text = f"there is {have}; 3-2-1-1-0 also needs {' and '.join(lacking)}"
        yield Shortcoming("backup.remotes", text, "Add it under photos:backup")


def _plain_disks(backup: BackupConfig) -> Iterator[Shortcoming]:
    for name, remote in backup.remotes.items():
        if remote.kind == "disk" and not remote.encrypt and not remote.accept_plain:
            yield Shortcoming(
                f"backup.remotes.{name}",
                f"{name} is not encrypted, whoever finds the disk sees the photos",
                "Write `encrypt: true`, or `accept_plain: true` if that is meant",
            )


def _one_account(backup: BackupConfig) -> Iterator[Shortcoming]:
    for one, other in backup.pairs():
        first, second = backup.remotes[one], backup.remotes[other]
        if not first.is_local and first.account == second.account and first.secrets == second.secrets == []:
            text = f"{one} and {other} are in one account, which can be lost as a whole"
            yield Shortcoming("backup.remotes", text, "Use another one")


def _no_alerts(values: Mapping[str, str]) -> Iterator[Shortcoming]:
    if not values.get(ALERT_URLS):
        yield Shortcoming(
            "backup",
            "there is no alert target, a failed backup would stay unnoticed",
            f"Run ./photos config set --secret photos:{ALERT_URLS} and type an address, e.g. mailto://… or wecombot://…",
        )


def _crypt_problem(key: str, values: Mapping[str, str]) -> str | None:
    value = values[key]
    write = f"Write {CRYPT_LENGTH.start}-{CRYPT_LENGTH.stop - 1} printable characters, or take it out: ./photos up makes one"
    if len(value) < CRYPT_LENGTH.start:
        return f"is too short: {len(value)} characters. {write}"
    if len(value) not in CRYPT_LENGTH:
        return f"is too long: {len(value)} characters. {write}"
    if not value.isprintable() or value != value.strip():
        return f"is no plain text: it holds a control character, or a space at its begin or end. {write}"
    if twins := [other for other in sorted(values) if other != key and values[other] == value]:
        return f"is the same as photos:{twins[0]}: who learns one has both. Take one out: ./photos up makes another"
    if looks_obscured(value):
        return "looks obscured, as rclone.conf has it. Write the plain one: rclone reveal shows it"
    return None


def looks_obscured(value: str) -> bool:
    """Whether `value` is what `rclone obscure` makes of a readable password of 8 characters or more."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        return False
    try:
        raw = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except binascii.Error:
        return False
    start, hidden = raw[:OBSCURE_BLOCK], raw[OBSCURE_BLOCK:]
    if len(hidden) < SHORTEST_REVEALED:
        return False
    shown = Cipher(algorithms.AES(OBSCURE_KEY), modes.CTR(start)).decryptor().update(hidden)
    return shown.isascii() and shown.decode("ascii").isprintable()


def _alert_problem(address: str) -> str | None:
    scheme = _scheme(address)
    if not scheme:
        return "has no ://, so Apprise cannot know the service. Write e.g. mailto://, wecombot://, barks:// or ntfys://"
    if scheme == "http":
        return (
            "begins with http://. Write https:// where Apprise knows the service by its host, else json:// or jsons://"
        )
    if scheme in IN_CLEAR and not _is_at_home(address):
        return f"sends the alert over the internet in clear ({scheme}://). Write {scheme}s://"
    if scheme not in ALERT_SCHEMES:
        near = get_close_matches(scheme, sorted(ALERT_SCHEMES), 1)
        meant = (
            f"Did you mean {near[0]}://?"
            if near
            else "Write e.g. mailto://, wecombot://, dingtalk://, feishu://, barks://, schan:// or ntfys://"
        )
        return f'begins with "{scheme}", which Apprise does not know. {meant}'
    return None


def _scheme(address: str) -> str:
    """Return what stands before ://; the rest may be secret."""
    return address.partition("://")[0].lower()[:30] if "://" in address else ""


def _is_at_home(address: str) -> bool:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(HOME_DOMAINS)


def _section(values: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the section as it was written, before anything is known to be right in it; None where it names no copies."""
    try:
        section = json.loads(values.get(SECTION) or "null")
    except ValueError:
        return None
    return section if isinstance(section, dict) and section else None


def _asked_for(section: Mapping[str, Any]) -> Iterator[str]:
    remotes = section.get("remotes")
    for name, remote in remotes.items() if isinstance(remotes, dict) else ():
        options = remote.get("secrets", []) if isinstance(remote, dict) else []
        for option in (*CRYPT_KEYS, *(options if isinstance(options, list) else [])):
            yield secret_key(str(name), str(option))


def status_line(backup: BackupConfig) -> str:
    """Say in one line what is copied where, and when."""
    copies = ", ".join(f"{name} ({remote.kind})" for name, remote in backup.remotes.items())
    return f"Backup to {copies}, by the schedule {backup.schedule!r}; how it goes: {page_url(backup)}"


def page_url(backup: BackupConfig) -> str:
    """Return where a browser on this machine finds the keeper's page."""
    return f"http://localhost:{backup.port}/"
