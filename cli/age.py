"""The age format with a passphrase, in which the recovery kit is written: age.md in C2SP/C2SP.

Not by pyrage, which measures the machine and lets that decide how much work a passphrase is: what a fast machine made, a
slow or busy one refuses to open, as if the passphrase were wrong (str4d/rage#642; seen). Here it is what the standard
program takes, on every machine.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

WORK_FACTOR = 18
"""Of `age -p`: scrypt over 2^18 blocks, 256 MiB and about a second."""
MOST_WORK = 22
"""Of `age -d`: 4 GiB."""
CHUNK, TAG, NONCE = 64 << 10, 16, 16
HEADER = re.compile(
    rb"(age-encryption\.org/v1\n-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n---) ([A-Za-z0-9+/]{43})\n"
)


class DecryptError(Exception):
    """Another passphrase, a damaged file, or none of this format."""


def encrypt(content: bytes, passphrase: str) -> bytes:
    """Return `content` as a file that `age -d` opens with the passphrase."""
    file_key, salt, nonce = (secrets.token_bytes(16) for _ in range(3))
    wrapped = ChaCha20Poly1305(_wrapping_key(passphrase, salt, WORK_FACTOR)).encrypt(bytes(12), file_key, None)
    stanza = b"-> scrypt %s %d\n%s\n" % (_text(salt), WORK_FACTOR, _text(wrapped))
    header = b"age-encryption.org/v1\n%s---" % stanza
    cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
    chunks = _chunks(content, CHUNK)
    sealed = (cipher.encrypt(number, chunk, None) for number, chunk in zip(_numbers(chunks), chunks, strict=True))
    return b"%s %s\n%s%s" % (header, _text(_sealer(file_key, header).finalize()), nonce, b"".join(sealed))


def decrypt(file: bytes, passphrase: str) -> bytes:
    """Return the content of a file that `encrypt` or `age -p` made.

    Raises:
        DecryptError: the passphrase is another one, or the file is not whole.
    """
    opening = HEADER.match(file)
    if not opening or int(opening[3]) > MOST_WORK:
        msg = "no file of age with a passphrase"
        raise DecryptError(msg)
    header, salt, factor, wrapped, seal = opening.groups()
    payload = file[opening.end() :]
    try:
        key = _wrapping_key(passphrase, _bytes(salt), int(factor))
        file_key = ChaCha20Poly1305(key).decrypt(bytes(12), _bytes(wrapped), None)
        _sealer(file_key, header).verify(_bytes(seal))
        cipher = ChaCha20Poly1305(_derived(file_key, payload[:NONCE], b"payload"))
        chunks = _chunks(payload[NONCE:], CHUNK + TAG)
        return b"".join(
            cipher.decrypt(number, chunk, None) for number, chunk in zip(_numbers(chunks), chunks, strict=True)
        )
    except (InvalidTag, InvalidSignature) as error:
        msg = "another passphrase, or a damaged file"
        raise DecryptError(msg) from error


def _wrapping_key(passphrase: str, salt: bytes, factor: int) -> bytes:
    work = 1 << factor
    salt = b"age-encryption.org/v1/scrypt" + salt
    memory = 128 * 8 * (work + 3)
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=work, r=8, p=1, maxmem=memory + (1 << 20), dklen=32)


def _derived(file_key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose).derive(file_key)


def _sealer(file_key: bytes, header: bytes) -> HMAC:
    sealer = HMAC(_derived(file_key, b"", b"header"), SHA256())
    sealer.update(header)
    return sealer


def _chunks(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)] or [b""]


def _numbers(chunks: list[bytes]) -> list[bytes]:
    """Return the nonce of each chunk: its number, and whether it is the last, so that none can be cut off."""
    return [number.to_bytes(11, "big") + bytes([number == len(chunks) - 1]) for number in range(len(chunks))]


def _text(content: bytes) -> bytes:
    return base64.b64encode(content).rstrip(b"=")


def _bytes(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4))
