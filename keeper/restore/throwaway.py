"""A MariaDB server that lives for one test restore: on a socket, in a scratch folder, gone afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from keeper.errors import Exit, KeeperError
from keeper.restore.scratch import scratch
from keeper.settings import Settings

START_SECONDS = 60
ESCAPES = {"n": "\n", "t": "\t", "0": "\0"}


class Throwaway:
    """A running server. Its one database has the name of the stack's."""

    def __init__(self, socket: Path, database: str) -> None:
        self._socket, self._database = socket, database

    def load(self, file: Path) -> None:
        """Load a dump as the album's own user would, who may do nothing but in its database.

        Raises:
            KeeperError: with `Exit.VERIFY`.
        """
        load(file, self._command(self._database, user=self._database))

    def check(self) -> list[str]:
        """Run CHECK TABLE over all tables; return what is not OK."""
        tables = self.query("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
        lines = [line for name, _ in tables for line in self.query(f"CHECK TABLE `{name}`")]
        return ["\t".join(line) for line in lines if line[-1] not in ("OK", "Table is already up to date")]

    def rows(self, tables: list[str]) -> dict[str, int]:
        """Return table → COUNT(*); a missing table counts as -1."""
        there = {name for (name,) in self.query("SHOW TABLES")}
        return {
            name: int(self.query(f"SELECT COUNT(*) FROM `{name}`")[0][0]) if name in there else -1  # noqa: S608 - from the dump
            for name in tables
        }

    def query(self, sql: str) -> list[list[str]]:
        """Return the rows of a query as text; NULL is "NULL"."""
        done = subprocess.run(
            [*self._command(self._database), "-e", sql],
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
        if done.returncode:
            raise KeeperError(Exit.VERIFY, "throwaway.no_answer", said=done.stderr.strip())
        return [[_unescaped(value) for value in line.split("\t")] for line in done.stdout.split("\n") if line]

    def _command(self, database: str, *, user: str = "root") -> list[str]:
        options = [
            "--no-defaults",
            "--default-character-set=utf8mb4",
            "--max-allowed-packet=1G",
            f"-u{user}",
            "-N",
            "-B",
        ]
        return ["mariadb", *options, f"--socket={self._socket}", database]


def _unescaped(value: str) -> str:
    """Undo what the client's batch mode does to tabs, line breaks and backslashes."""
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), value)


@contextmanager
def running(settings: Settings) -> Iterator[Throwaway]:
    """Yield a new, empty server in the scratch folder.

    Raises:
        KeeperError: with `Exit.FAILED` when it does not start.
    """
    with scratch(settings, "mariadb") as home, tempfile.TemporaryDirectory(prefix="k") as short:
        # The socket lies elsewhere: the kernel takes 107 bytes for its path.
        folder = Path(short)
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={home}/data", "--skip-test-db"]
        # --rpm, as upstream's image does it: without, it looks up host names with a program that is not everywhere.
        install += ["--auth-root-authentication-method=normal", "--rpm", *as_root]
        # A server that starts deletes what others keep in /tmp: the bootstrap of another one then ends with an error (seen).
        own = {**os.environ, "TMPDIR": str(folder)}
        done = subprocess.run(install, capture_output=True, text=True, check=False, env=own)
        if done.returncode:
            raise KeeperError(Exit.FAILED, "throwaway.not_made", said=done.stderr.strip()[-300:])
        # It dies with this process, even when that is killed.
        command = ["setpriv", "--pdeathsig", "KILL", "mariadbd", "--no-defaults", f"--datadir={home}/data"]
        command += [f"--socket={folder}/socket", "--skip-networking", "--max-allowed-packet=1G"]
        command += ["--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", *as_root]
        with (home / "log").open("w+b") as log, subprocess.Popen(command, stdout=log, stderr=log, env=own) as process:
            try:
                _await(process, folder / "socket", log)
                name = settings.database.name
                root = Throwaway(folder / "socket", "mysql")
                root.query(f"CREATE DATABASE `{name}`; CREATE USER `{name}`@localhost")
                root.query(f"GRANT ALL ON `{name}`.* TO `{name}`@localhost")
                yield Throwaway(folder / "socket", settings.database.name)
            finally:
                process.kill()  # nothing of it is kept


def _await(process: subprocess.Popen[bytes], socket: Path, log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    ping = ["mariadb-admin", "--no-defaults", f"--socket={socket}", "-uroot", "ping"]
    while time.monotonic() < deadline and process.poll() is None:
        if socket.exists() and subprocess.run(ping, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    log.seek(0)
    raise KeeperError(Exit.FAILED, "throwaway.no_start", said=log.read()[-500:].decode(errors="replace"))


def load(file: Path, command: list[str]) -> None:
    """Feed a dump to a client. Never with --force: a dump that fails half way is no dump.

    Raises:
        KeeperError: with `Exit.VERIFY`.
    """
    with file.open("rb") as stream:
        done = subprocess.run(command, stdin=stream, capture_output=True, check=False)
    if done.returncode:
        raise KeeperError(Exit.VERIFY, "dump.not_loaded", said=done.stderr.decode(errors="replace").strip())
