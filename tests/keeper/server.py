"""A real MariaDB server on loopback for the keeper's tests, with the index of an album in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump")
PACKAGES = "mariadb-server-core mariadb-client"
USERS = """
CREATE USER 'keeper'@'%' IDENTIFIED BY 'reads-only';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON photoprism.* TO 'keeper'@'%';
CREATE USER 'photoprism'@'%' IDENTIFIED BY 'owns-it';
GRANT ALL ON photoprism.* TO 'photoprism'@'%';
"""
ALBUM = """
DROP DATABASE IF EXISTS photoprism;
CREATE DATABASE photoprism;
USE photoprism;
CREATE TABLE files (file_uid VARCHAR(42) PRIMARY KEY, file_name VARCHAR(700) COLLATE utf8mb4_bin, file_root VARCHAR(16),
  file_missing INTEGER DEFAULT 0, note TEXT);
CREATE TABLE albums (album_uid VARCHAR(42) PRIMARY KEY, album_title VARCHAR(160));
INSERT INTO albums VALUES ('a1', 'Summer'), ('a2', 'line\\nbreak'), ('a3', '(1,2),');
"""


def lacking() -> str | None:
    """Return what this machine lacks to run the server."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    return f"keeper tier: {', '.join(missing)} missing: apt-get install {PACKAGES}" if missing else None


@dataclass
class Server:
    """A server on 127.0.0.1 and the socket through which its root enters."""

    port: int
    socket: Path
    process: subprocess.Popen[bytes]
    folder: Path

    def sql(self, statements: str, database: str = "") -> str:
        """Run SQL as root and return the rows, tab-separated."""
        command = ["mariadb", f"--socket={self.socket}", "-uroot", "-N", "-B", database]
        done = subprocess.run(
            [word for word in command if word], input=statements, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def fresh_album(self) -> None:
        """Make the album's database anew."""
        self.sql(ALBUM)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(240)

    def start(self) -> None:
        """Start it again on its data."""
        self.process = _start(self.folder, self.port)
        _await(self)


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Yield a new server with the schema in it."""
    with tempfile.TemporaryDirectory(prefix="photos-mariadb-") as name:
        folder = Path(name)
        # A server that starts deletes what others keep in /tmp. --rpm: it looks up no host names.
        command = ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--skip-test-db", "--user=root"]
        own = {**os.environ, "TMPDIR": name}
        done = subprocess.run([*command, "--rpm"], check=False, capture_output=True, text=True, env=own)
        assert done.returncode == 0, done.stdout + done.stderr
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = Server(port, folder / "socket", _start(folder, port), folder)
        try:
            _await(server)
            server.sql(USERS)
            server.fresh_album()
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    options = [f"--datadir={folder}/data", f"--socket={folder}/socket", f"--port={port}", "--bind-address=127.0.0.1"]
    options += [
        "--user=root",
        "--innodb-buffer-pool-size=32M",
        "--skip-name-resolve",
    ]
    return subprocess.Popen(
        ["mariadbd", "--no-defaults", f"--tmpdir={folder}", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _await(server: Server) -> None:
    for _ in range(2400):
        ping = ["mariadb-admin", "--no-defaults", f"--socket={server.socket}", "-uroot", "ping"]
        if subprocess.run(ping, capture_output=True, check=False).returncode == 0:
            return
        assert server.process.poll() is None, "mariadbd ended"
        time.sleep(0.1)
    raise AssertionError
