"""What is wrong with the values of the backup's flat secrets. No part of a value is ever told."""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from components.messages import Message, message
from stacks.findings import Finding
from stacks.problems import problem
from stacks.sections import Settings
from stacks.sections.backup.alerts import alert_problem, ping_problem
from stacks.sections.backup.copies import RemoteConfig
from stacks.sections.backup.rclone_options import FILE_CONTENTS
from stacks.sections.backup.secrets import ALERT_URLS, PING_URL, secret_key

KEY_LENGTH = range(12, 129)
SAMPLE_ID = "6f1d2a4e-0c3b-4a8e-9f57-2b1c8d7e6a90"
# rclone's own: fs/config/obscure/obscure.go. No secret, it is what makes a password unreadable at a glance.
OBSCURE_KEY = bytes.fromhex("9c935b48730a554d6bfd7c63c886a92bd390198eb8128afbf4de162b8b95f638")
OBSCURE_BLOCK, SHORTEST_REVEALED = 16, 8


def secret_problems(settings: Settings, values: Mapping[str, str]) -> list[Finding]:
    """Return what is wrong with the values of the backup's flat secrets; never a value."""
    if not settings.backup:
        return []
    mistakes = [
        problem(key, text)
        for key in settings.backup.repository_keys()
        if key in values and (text := _key_problem(key, values))
    ]
    for name, remote in settings.backup.remotes.items():
        for option in remote.secrets:
            key = secret_key(name, option)
            if text := _option_problem(remote, option, values.get(key, "")):
                mistakes.append(problem(key, typed_once_more(key, text)))
    for number, address in enumerate(values.get(ALERT_URLS, "").split(), start=1):
        if text := alert_problem(address):
            mistakes.append(
                problem(ALERT_URLS, message("alert_address", "address {number} {reason}", number=number, reason=text))
            )
    if (ping := values.get(PING_URL, "").strip()) and (text := ping_problem(ping)):
        mistakes.append(
            problem(
                PING_URL,
                message(
                    "ping_address",
                    "{reason}. Write it as the watcher shows it, e.g. {example}",
                    reason=text,
                    example=f"https://hc-ping.com/{SAMPLE_ID}",
                ),
            )
        )
    return mistakes


def typed_once_more(key: str, reason: Message) -> Message:
    """Return what is wrong with a value that only a person can supply, with what to do."""
    return message(
        "typed_once_more",
        "{reason}. Run ./photos config set --secret photos:{key} once more",
        reason=reason,
        key=key,
    )


def _option_problem(remote: RemoteConfig, option: str, value: str) -> Message | None:
    """Say what is wrong with a typed option of rclone; never a part of it."""
    if option in FILE_CONTENTS:  # the keeper brings its lines into one
        return None
    if not value.isprintable():
        return message("typed_not_printable", "holds a line break or another control character")
    if value != value.strip():
        return message("typed_outer_space", "begins or ends with a space, which rclone drops")
    if remote.known_options.get(option) == "*" and looks_obscured(value):
        return message(
            "typed_obscured",
            "looks obscured, as rclone.conf has it; rclone reveal shows the plain one, which belongs here",
        )
    return None


def missing_typed(settings: Settings, values: Mapping[str, str], stack: str) -> list[Finding]:
    """Return one line per secret that only a person can supply and that is not there, with the command."""
    return [
        problem(
            key,
            message(
                "typed_missing",
                "missing. Type it here: ./photos config set --secret photos:{key} --stack {stack}",
                key=key,
                stack=shlex.quote(stack),
            ),
        )
        for key in settings.typed_keys()
        if not values.get(key)
    ]


def _key_problem(key: str, values: Mapping[str, str]) -> Message | None:
    value = values[key]
    write = message(
        "key_write",
        "Write {least}-{most} printable characters, or take it out: ./photos up makes one",
        least=KEY_LENGTH.start,
        most=KEY_LENGTH.stop - 1,
    )
    if len(value) < KEY_LENGTH.start:
        return message("key_too_short", "is too short: {size} characters. {write}", size=len(value), write=write)
    if len(value) not in KEY_LENGTH:
        return message("key_too_long", "is too long: {size} characters. {write}", size=len(value), write=write)
    if not value.isprintable() or value != value.strip():
        return message(
            "key_not_plain",
            "is no plain text: it holds a control character, or a space at its begin or end. {write}",
            write=write,
        )
    if twins := [other for other in sorted(values) if other != key and values[other] == value]:
        return message(
            "key_twin",
            "is the same as photos:{twin}: who learns one has both. Take one out: ./photos up makes another",
            twin=twins[0],
        )
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
