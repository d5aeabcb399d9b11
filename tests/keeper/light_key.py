"""A repository whose key opens at once, for tests that open one a thousand times.

restic makes each opening of a key cost half a second of scrypt, so that a stolen key file is hard to guess. After a
repository was made this wraps the same master key again, by the same password, with next to no scrypt: format version 2,
"Keys, Encryption and MAC" in restic's design document. Everything else is restic's own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import poly1305
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

IV, MAC = 16, 16
LIGHT = {"N": 2, "r": 8, "p": 1}
RCLONE = str(Path(sys.executable).with_name("rclone"))


def lightened(key_file: bytes, password: str) -> bytes:
    """Return the content of a key file that the same password opens at once."""
    key: dict[str, Any] = json.loads(key_file)
    secret = _open(key, password)
    key |= LIGHT
    derived = _derive(key, password)
    iv = os.urandom(IV)
    sealed = _crypt(derived, iv, secret)
    key["data"] = base64.b64encode(iv + sealed + _mac(derived, iv, sealed)).decode()
    return json.dumps(key).encode()


def _open(key: dict[str, Any], password: str) -> bytes:
    derived, data = _derive(key, password), base64.b64decode(key["data"])
    iv, sealed, mac = data[:IV], data[IV:-MAC], data[-MAC:]
    assert _mac(derived, iv, sealed) == mac, "the password does not open this key"
    return _crypt(derived, iv, sealed)


def _derive(key: dict[str, Any], password: str) -> bytes:
    salt = base64.b64decode(key["salt"])
    return Scrypt(salt=salt, length=64, n=key["N"], r=key["r"], p=key["p"]).derive(password.encode())


def _crypt(derived: bytes, iv: bytes, text: bytes) -> bytes:
    return Cipher(algorithms.AES(derived[:32]), modes.CTR(iv)).encryptor().update(text)


def _mac(derived: bytes, iv: bytes, sealed: bytes) -> bytes:
    k, r = derived[32:48], derived[48:]
    nonce = Cipher(algorithms.AES(k), modes.ECB()).encryptor().update(iv)  # noqa: S305 - Poly1305-AES as it is defined
    return poly1305.Poly1305.generate_tag(r + nonce, sealed)


def main() -> None:
    """Lighten the only key of the repository of the environment, which restic just made."""
    place = os.environ["RESTIC_REPOSITORY"].removeprefix("rclone:")
    password = Path(os.environ["RESTIC_PASSWORD_FILE"]).read_text("utf-8").strip()
    (name,) = _rclone("lsf", f"{place}/keys").decode().split()
    light = lightened(_rclone("cat", f"{place}/keys/{name}"), password)
    _rclone("rcat", f"{place}/keys/{hashlib.sha256(light).hexdigest()}", content=light)
    # Where nothing can be deleted both stay, and restic tries one after the other.
    _rclone("deletefile", f"{place}/keys/{name}", must=False)


def _rclone(*words: str, content: bytes = b"", must: bool = True) -> bytes:
    command = [RCLONE, *words, "--retries", "1", "--low-level-retries", "1"]
    return subprocess.run(command, input=content, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=must).stdout


if __name__ == "__main__":
    main()
