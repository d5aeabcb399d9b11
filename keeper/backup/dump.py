"""The database dump: consistent, whole, and proven to be so before it counts.

Truncated dumps load without an error (reliability.md, finding 10): so the trailer is checked, the tables are compared
with the server's, and the rows are counted on their way, for the test restore to compare.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import zstandard

from keeper.errors import Code, KeeperError
from keeper.settings import DatabaseSettings, Settings

PASSWORD = "keeper_database_password"  # noqa: S105 - a file's name
TRAILER = b"-- Dump completed"
# mariadb-dump writes one row per line (extended inserts since 10.5), and no line of a value starts a new line: line
# breaks inside values are escaped.
TABLE = re.compile(rb"^INSERT INTO `((?:[^`]|``)+)` VALUES")
CREATE = re.compile(rb"^CREATE TABLE `((?:[^`]|``)+)`")
OPTIONS = (
    "--single-transaction", "--quick", "--routines", "--events", "--triggers", "--hex-blob", "--no-tablespaces",
)  # fmt: skip
# The server's certificate is its own; the password travels inside the stack's internal network.
CONNECT = ("--skip-ssl-verify-server-cert",)


def dump(settings: Settings, file: Path, *, password: str = PASSWORD) -> dict[str, int]:
    """Write the compressed dump to `file` and return table → rows. Until it is proven, it is called `<file>.partial`.

    Raises:
        KeeperError: with `Code.DUMP`; no `file` is left then.
    """
    partial = file.with_name(f"{file.name}.partial")
    with client_options(settings, password) as options:
        expected = tables(settings.database, options)
        command = ["mariadb-dump", options, *CONNECT, *OPTIONS, settings.database.name]
        with (
            partial.open("wb") as packed,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child,
        ):
            assert child.stdout
            assert child.stderr
            rows, whole = _pack(child.stdout, packed)
            problem = child.stderr.read().decode(errors="replace").strip()
            code = child.wait()
            os.fsync(packed.fileno())
    if code or not whole or set(rows) != expected:
        partial.unlink(missing_ok=True)
        missing = ", ".join(sorted(expected - set(rows)))
        reason = problem or ("it is cut short" if not whole else f"it lacks {missing}")
        raise KeeperError(Code.DUMP, f"the database dump failed, so no backup was made: {reason}")
    partial.rename(file)
    return rows


def _pack(source: IO[bytes], packed: IO[bytes]) -> tuple[dict[str, int], bool]:
    """Compress the dump line by line; return table → rows, and whether it ends as a whole dump does."""
    count = _RowCount()
    with zstandard.ZstdCompressor(level=3).stream_writer(packed, closefd=False) as stream:
        for line in source:
            count.see(line)
            stream.write(line)
    return count.rows, count.whole


class _RowCount:
    """Counts the rows of each table of a dump, and looks for its trailer."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.whole = False
        self._table = ""

    def see(self, line: bytes) -> None:
        """Take the next line."""
        if line.startswith(b"("):
            self.rows[self._table] += 1
        elif line.startswith(TRAILER):
            self.whole = True
        elif found := CREATE.match(line):
            self.rows.setdefault(found[1].replace(b"``", b"`").decode(), 0)
        elif found := TABLE.match(line):
            self._table = found[1].replace(b"``", b"`").decode()


def inspect(packed: Path) -> dict[str, int]:
    """Read a dump from end to end and return table → rows.

    Raises:
        KeeperError: with `Code.VERIFY` when it is cut or corrupt.
    """
    count = _RowCount()
    try:
        with packed.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            for line in io.BufferedReader(stream):
                count.see(line)
    except (zstandard.ZstdError, KeyError) as error:
        raise KeeperError(Code.VERIFY, f"the database dump is corrupt: {error}") from error
    if not count.whole:
        raise KeeperError(Code.VERIFY, "the database dump is cut short: its last line is missing")
    return count.rows


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def client_options(settings: Settings, password: str = PASSWORD) -> Iterator[str]:
    """Yield the option that names a private file with the login: never an argument that others could read.

    `password` is the name of the secret file.
    """
    file = settings.state / "client.cnf"
    file.touch(mode=0o600)
    login = settings.database
    file.write_text(
        f"[client]\nhost={login.host}\nport={login.port}\nuser={login.user}\npassword={settings.secret(password)}\n",
        "utf-8",
    )
    try:
        yield f"--defaults-extra-file={file}"
    finally:
        file.unlink()


def tables(database: DatabaseSettings, options: str) -> set[str]:
    """Return the names of the tables that the server has.

    Raises:
        KeeperError: with `Code.DUMP` when it does not answer.
    """
    schema = f"table_schema = '{database.name}' AND table_type = 'BASE TABLE'"
    return set(_ask(options, f"SELECT table_name FROM information_schema.tables WHERE {schema}"))  # noqa: S608 - our own name


def count_rows(settings: Settings, names: list[str], *, password: str = PASSWORD) -> dict[str, int]:
    """Return table → COUNT(*), as the server has it now."""
    with client_options(settings, password) as options:
        database = settings.database.name
        return {
            name: int(_ask(options, f"SELECT COUNT(*) FROM `{database}`.`{name}`")[0])  # noqa: S608 - names of the server
            for name in names
        }


def _ask(options: str, query: str) -> list[str]:
    command = ["mariadb", options, *CONNECT, "-N", "-B", "-e", query]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise KeeperError(Code.DUMP, f"the database does not answer, so no backup was made: {done.stderr.strip()}")
    return done.stdout.splitlines()
