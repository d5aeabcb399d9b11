"""Passwords that a person chose for a login."""

from __future__ import annotations

import re

from components.messages import Message, message

KNOWN_PASSWORDS = {"admin", "insecure", "password", "photoprism", "12345678", "changeme"}
# PhotoPrism and Syncthing keep a bcrypt hash, which is made of 72 bytes at most: with more, nobody could log in.
SHORTEST_PASSWORD, PASSWORD_BYTES = 8, 72
BCRYPT_HASH = re.compile(r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}")


def password_problem(value: str) -> Message | None:
    """Say why a login's password cannot be used; never a part of it."""
    size = len(value.encode("utf-8", "surrogatepass"))
    if size > PASSWORD_BYTES:
        more = message("password_characters", " in {count} characters", count=len(value)) if size != len(value) else ""
        return message(
            "password_too_long",
            "has {size} bytes{more}, the limit is {most} bytes (a Chinese character has 3). Write a shorter one",
            size=size,
            more=more,
            most=PASSWORD_BYTES,
        )
    if len(value) < SHORTEST_PASSWORD or value.lower() in KNOWN_PASSWORDS:
        return message(
            "password_too_weak",
            "is too weak. Write 8 characters or more, at most 72 bytes, that are not a known default password",
        )
    if not value.isprintable() or value != value.strip():
        return message(
            "password_not_plain",
            "holds a control character, or a space at its begin or end, which the login drops. Write it without",
        )
    if BCRYPT_HASH.fullmatch(value):
        return message(
            "password_is_hash", "is the hash of a password, and would be taken for one. Write the password itself"
        )
    return None
