"""Names of files on their way through rclone.

rclone speaks of files in an encoding of its own (lib/encoder in rclone/rclone): control characters travel as their
pictures, and a name that holds such a picture itself does not arrive (seen with 1.75). Bytes that are no UTF-8 arrive.
"""

from __future__ import annotations

import re

PICTURES = {number: chr(0x2400 + number) for number in range(1, 0x20)} | {0x7F: "\u2421"}
CONTROLS = {ord(picture): number for number, picture in PICTURES.items()}
UNSPEAKABLE = re.compile("[\u201b\uff0f\u2400-\u241f\u2421]|(^|/)\uff0e{1,2}(/|$)")
# What crypt's file name encryption makes of a name must fit into 255 bytes (backend/crypt/cipher.go): 16-byte blocks.
LONGEST = {"base32": 143, "base64": 175, "base32768": 255}


def spoken(path: str) -> str:
    """Return `path` as rclone says it."""
    return path.translate(PICTURES)


def heard(path: str) -> str:
    """Return the path that rclone speaks of."""
    return path.translate(CONTROLS)


def trouble(path: str, encodings: frozenset[str]) -> str | None:
    """Say why a file cannot be backed up under its name; None when it can. `encodings`: those that remotes use."""
    if UNSPEAKABLE.search(path):
        return (
            "the name holds a character that rclone cannot carry (\u201b \uff0f \uff0e or a control picture): rename it"
        )
    limit = min((LONGEST[encoding] for encoding in encodings), default=255)
    for part in path.split("/"):
        if len(part.encode("utf-8", "surrogateescape")) > limit:
            return f"the name is longer than the {limit} bytes that fit when encrypted: shorten it"
    return None
