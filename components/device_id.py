"""Syncthing's device IDs: what phones and servers know each other by. lib/protocol/deviceid.go and luhn.go."""

from __future__ import annotations

import base64
import hashlib
import re
from itertools import cycle

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from components.refusals import refusal

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
CHECKED, SHOWN = 13, 7
"""A check letter follows thirteen; people see groups of seven."""
MISREAD = str.maketrans("018", "OIB")


def device_id_of(certificate: str) -> str:
    """Return the ID of whoever has this certificate (PEM)."""
    der = load_pem_x509_certificate(certificate.encode()).public_bytes(Encoding.DER)
    plain = base64.b32encode(hashlib.sha256(der).digest()).decode().rstrip("=")
    return _grouped("".join(part + _check_letter(part) for part in _parts(plain, CHECKED)))


def device_id(value: str) -> str:
    """Return an ID as Syncthing writes it; what a person mistypes is found by its check letters."""
    letters = re.sub(r"[\s-]", "", value).upper().translate(MISREAD)
    if not re.fullmatch(r"[A-Z2-7]{56}", letters):
        raise refusal(
            "device_id_unreadable",
            '"{value}" is not a device ID. It has eight groups of seven letters and digits; on the phone: menu, Show device ID',
            value=value,
        )
    if any(part[-1] != _check_letter(part[:-1]) for part in _parts(letters, CHECKED + 1)):
        raise refusal(
            "device_id_mistyped",
            '"{value}" has a typing mistake: its check letters do not fit. Copy it from the phone: menu, Show device ID',
            value=value,
        )
    return _grouped(letters)


def _check_letter(part: str) -> str:
    values = (ALPHABET.index(letter) * factor for letter, factor in zip(part, cycle((1, 2)), strict=False))
    return ALPHABET[-sum(value // 32 + value % 32 for value in values) % 32]


def _parts(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text), length)]


def _grouped(letters: str) -> str:
    return "-".join(_parts(letters, SHOWN))
