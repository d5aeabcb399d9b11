"""Passwords that a person chose for a login."""

from __future__ import annotations

import re

KNOWN_PASSWORDS = {"admin", "insecure", "password", "photoprism", "12345678", "changeme"}
# PhotoPrism and Syncthing keep a bcrypt hash, which is made of 72 bytes at most: with more, nobody could log in.
SHORTEST_PASSWORD, PASSWORD_BYTES = 8, 72
BCRYPT_HASH = re.compile(r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}")


def password_problem(value: str) -> str | None:
    """Say why a login's password cannot be used; never a part of it."""
    size = len(value.encode("utf-8", "surrogatepass"))
    if size > PASSWORD_BYTES:
        more = f" in {len(value)} characters" if size != len(value) else ""
        return f"has {size} bytes{more}, the limit is {PASSWORD_BYTES} bytes (a Chinese character has 3). Write a shorter one"
    if len(value) < SHORTEST_PASSWORD or value.lower() in KNOWN_PASSWORDS:
        return "is too weak. Write 8 characters or more, at most 72 bytes, that are not a known default password"
    if not value.isprintable() or value != value.strip():
        return "holds a control character, or a space at its begin or end, which the login drops. Write it without"
    if BCRYPT_HASH.fullmatch(value):
        return "is the hash of a password, and would be taken for one. Write the password itself"
    return None
