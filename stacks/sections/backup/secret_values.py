"""What is wrong with the values of the backup's flat secrets. No part of a value is ever told."""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from stacks.problems import problem
from stacks.sections import Settings
from stacks.sections.backup.alerts import alert_problem, ping_problem
from stacks.sections.backup.copies import RemoteConfig
from stacks.sections.backup.rclone_options import FILE_CONTENTS
from stacks.sections.backup.secrets import ALERT_URLS, PING_URL, secret_key

CRYPT_LENGTH = range(12, 129)
SAMPLE_ID = "6f1d2a4e-0c3b-4a8e-9f57-2b1c8d7e6a90"
# rclone's own: fs/config/obscure/obscure.go. No secret, it is what makes a password unreadable at a glance.
OBSCURE_KEY = bytes.fromhex("9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638")
OBSCURE_BLOCK, SHORTEST_REVEALED = 16, 8


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
        if text := alert_problem(address):
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


def missing_typed(settings: Settings, values: Mapping[str, str], stack: str) -> list[str]:
    """Return one line per secret that only a person can supply and that is not there, with the command."""
    return [
        problem(key, f"missing. Type it here: ./photos config set --secret photos:{key} --stack {shlex.quote(stack)}")
        for key in (settings.backup.typed_keys() if settings.backup else [])
        if not values.get(key)
    ]


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
