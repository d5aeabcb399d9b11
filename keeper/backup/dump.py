"""The database dump: consistent, whole, and proven to be so before it counts.

It lies beside the roots, in clear, so that restic stores only what changed since yesterday. Truncated dumps load without
an error (reliability.md, finding 10): so the trailer is checked, the tables are compared with the server's, and the rows
are counted on their way, for the test restore to compare.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from keeper.errors import Exit, KeeperError
from keeper.settings import DATABASE, DatabaseSettings, Settings
from keeper.state import DumpState, State, now

PASSWORD = "keeper_database_password"  # noqa: S105 - a file's name
FILE = "photoprism.sql"
FRESH = timedelta(minutes=10)
"""Copies that run at the same time share a dump."""
TRAILER = b"-- Dump completed"
# mariadb-dump writes one row per line (extended inserts since 10.5), and no line of a value starts a new line: line
# breaks inside values are escaped.
TABLE = re.compile(rb"^INSERT INTO `((?:[^`]|``)+)` VALUES")
CREATE = re.compile(rb"^CREATE TABLE `((?:[^`]|``)+)`")
OPTIONS = (
    "--single-transaction", "--quick", "--routines", "--events", "--triggers", "--hex-blob", "--no-tablespaces",
    "--skip-dump-date",
)  # fmt: skip
# The server's certificate is its own; the password travels inside the stack's internal network.
CONNECT = ("--skip-ssl-verify-server-cert",)


def ensure(settings: Settings) -> DumpState:
    """See to it that the newest dump lies beside the roots; return what is known of it, and why this try made none.

    A dump that failed leaves the one before in its place.
    """
    state = State(settings.state)
    folder = settings.library / DATABASE
    try:
        folder.mkdir(exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = DumpState.read(state.dump_file)
            if known.made and now() - known.made < FRESH and (folder / FILE).is_file():
                return known
            try:
                made = DumpState(made=now(), rows=dump(settings, folder / FILE))
            except KeeperError as error:
                made = known.model_copy(update={"problem": error.problem})
    except OSError as error:
        made = DumpState(problem=KeeperError(Exit.DUMP, "dump.failed", said=error).problem)
    with suppress(OSError):  # a full disk: the dump's own problem tells of it
        made.write(state.dump_file)
    return made


def dump(settings: Settings, file: Path, *, password: str = PASSWORD) -> dict[str, int]:
    """Write the dump to `file` and return table → rows. Until it is proven, it is called `<file>.partial`.

    Raises:
        KeeperError: with `Exit.DUMP`; `file` is what it was.
    """
    partial = file.with_name(f".{file.name}.partial")
    count = _RowCount()
    try:
        with client_options(settings, password) as options:
            expected = tables(settings.database, options)
            command = ["mariadb-dump", options, *CONNECT, *OPTIONS, settings.database.name]
            with (
                partial.open("wb") as target,
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child,
            ):
                assert child.stdout
                assert child.stderr
                for line in child.stdout:
                    count.see(line)
                    target.write(line)
                problem = child.stderr.read().decode(errors="replace").strip()
                code = child.wait()
                target.flush()
                os.fsync(target.fileno())
        if code or not count.whole:
            raise KeeperError(Exit.DUMP, "dump.failed" if problem else "dump.cut", said=problem)
        if missing := expected - set(count.rows):
            raise KeeperError(Exit.DUMP, "dump.lacks", tables=", ".join(sorted(missing)))
        partial.rename(file)
    except OSError as error:
        raise KeeperError(Exit.DUMP, "dump.failed", said=error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return count.rows


def inspect(file: Path) -> dict[str, int]:
    """Read a dump from end to end and return table → rows.

    Raises:
        KeeperError: with `Exit.VERIFY` when it is cut or corrupt.
    """
    count = _RowCount()
    try:
        with file.open("rb") as stream:
            for line in stream:
                count.see(line)
    except KeyError as error:
        raise KeeperError(Exit.VERIFY, "dump.corrupt", said=error) from error
    if not count.whole:
        raise KeeperError(Exit.VERIFY, "dump.cut")
    return count.rows


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


@contextmanager
def client_options(settings: Settings, password: str = PASSWORD) -> Iterator[str]:
    """Yield the option that names a private file with the login: never an argument that others could read.

    `password` is the name of the secret file.
    """
    file = settings.state / f"client-{os.getpid()}.cnf"
    file.touch(mode=0o600)
    login = settings.database
    try:
        file.write_text(
            f"[client]\nhost={login.host}\nport={login.port}\nuser={login.user}\npassword={settings.secret(password)}\n",
            "utf-8",
        )
        yield f"--defaults-extra-file={file}"
    finally:
        file.unlink()


def tables(database: DatabaseSettings, options: str) -> set[str]:
    """Return the names of the tables that the server has.

    Raises:
        KeeperError: with `Exit.DUMP` when it does not answer.
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
        raise KeeperError(Exit.DUMP, "dump.no_answer", said=done.stderr.strip())
    return done.stdout.splitlines()
