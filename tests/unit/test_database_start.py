"""The start script of MariaDB: an older server never begins on what a newer one wrote."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from components.database import DATA, START


def started(tmp_path: Path, server: str, files: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
    """Run the script over a data folder, with a server and an entrypoint that only say who they are."""
    data, programs = tmp_path / "data", tmp_path / "bin"
    (data / "mysql").mkdir(parents=True)
    programs.mkdir()
    for name, content in files.items():
        (data / name).write_bytes(content)
    for name, said in {
        "mariadbd": f"mariadbd  Ver {server}-MariaDB-deb12 for debian-linux-gnu on x86_64",
        "docker-entrypoint.sh": "entrypoint",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\necho '{said}' \"$@\"\n", "utf-8")
        (programs / name).chmod(0o755)
    (tmp_path / "start").write_text(START.replace(DATA, str(data)), "utf-8")
    path = f"{programs}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", str(tmp_path / "start"), "--flag"], env={"PATH": path}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("server", "files"),
    [
        ("10.11.14", {"mariadb_upgrade_info": b"11.8.8-MariaDB"}),
        ("10.6.22", {"mysql_upgrade_info": b"10.11.14-MariaDB\0"}),
        ("11.8.8", {"mariadb_upgrade_info": b"12.0.2-MariaDB\n"}),
        ("11.4.9", {"mariadb_upgrade_info": b"11.8.8-MariaDB", "mysql_upgrade_info": b"10.11.14-MariaDB"}),
    ],
)
def test_an_older_server_does_not_begin_and_says_why_in_one_line(
    tmp_path: Path, server: str, files: dict[str, bytes]
) -> None:
    done = started(tmp_path, server, files)

    assert done.returncode == 78
    assert "entrypoint" not in done.stdout
    assert f"and MariaDB {'.'.join(server.split('.')[:2])} cannot read it; nothing was changed" in done.stderr


@pytest.mark.parametrize(
    ("server", "files"),
    [
        ("11.8.8", {"mariadb_upgrade_info": b"11.8.9-MariaDB"}),
        ("11.8.8", {"mariadb_upgrade_info": b"11.8.8-MariaDB", "mysql_upgrade_info": b"10.11.14-MariaDB"}),
        ("11.8.8", {"mysql_upgrade_info": b"10.11.14-MariaDB"}),
        ("12.3.2", {"mariadb_upgrade_info": b"11.8.8-MariaDB"}),
        ("10.11.2", {"mysql_upgrade_info": b"10.6.22-MariaDB"}),
        ("11.8.8", {}),
        ("11.8.8", {"mariadb_upgrade_info": b""}),
    ],
)
def test_the_same_series_and_a_newer_one_begin(tmp_path: Path, server: str, files: dict[str, bytes]) -> None:
    done = started(tmp_path, server, files)

    assert (done.returncode, done.stdout) == (0, "entrypoint mariadbd --flag\n"), done.stderr
