"""A dump that mariadb-dump or mysqldump wrote: is it whole, what of PhotoPrism's is in it, and its lines for another server.

It is read as text, so that everything is known of it before anything is created. What both programs promise: each statement
begins a line, line breaks inside of values are escaped, and `-- Dump completed` is the last line (client/mysqldump.cc in
MariaDB/server).
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

from cli.console import fail
from components.messages import Said, message

SQLITE = b"SQLite format 3"
GZIP = b"\x1f\x8b"
HAVE_EMOJI = ("utf8mb4", "binary")
TRAILER = b"-- Dump completed"
PHOTOPRISM_TABLES = {"photos", "files", "albums"}
READ = {"versions": 1000, "auth_users": 1000, "passwords": 1000, "passcodes": 1000, "files": 500}
"""Table → so many of its rows are read."""
HEADER = re.compile(rb"^(?:/\*M!999999.*|-- (?:MariaDB|MySQL) dump .*)")
CURRENT = re.compile(rb"^-- Current Database: `((?:[^`]|``)+)`")
USE = re.compile(rb"^USE `?((?:[^`;]|``)+)`?;")
DATABASE = re.compile(rb"^(?:CREATE|DROP|ALTER) DATABASE ")
NAMES = re.compile(rb"^/\*!\d+ SET NAMES (\w+)")
CREATE = re.compile(rb"^CREATE TABLE (?:IF NOT EXISTS )?`((?:[^`]|``)+)`")
COLUMN = re.compile(rb"^\s+`((?:[^`]|``)+)` ")
INSERT = re.compile(rb"^(?:INSERT|REPLACE)(?: IGNORE)? INTO `((?:[^`]|``)+)` (?:\(([^)]*)\) )?VALUES\s*")
NEXT_ROW = re.compile(rb"\s*[,]?\s*\(")
VALUE = re.compile(
    rb"\s*(?:(?:_\w+ )?'([^'\\]*(?:(?:\\.|'')[^'\\]*)*)'|0x([0-9A-Fa-f]*)|([^,()']+?))\s*([,)])", re.DOTALL
)
ESCAPED = re.compile(rb"\\(.)|''", re.DOTALL)
ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"0": b"\0", b"b": b"\b", b"Z": b"\x1a"}
ACCOUNTS = re.compile(
    rb"^(?:/\*M?!\d+ )?(?:(?:CREATE|ALTER|DROP) (?:OR REPLACE )?(?:USER|ROLE|SERVER)\b|GRANT\b|REVOKE\b|INSTALL\b"
    rb"|SET (?:DEFAULT )?ROLE\b|SET PASSWORD\b|EXECUTE IMMEDIATE CONCAT\('SET ROLE)"
)
"""Users of the old server, as --system writes them: the stack has its own."""
OF_THE_SERVER = re.compile(rb"^SET @@|^SET @MYSQLDUMP_TEMP")
"""Replication of MySQL, which only its root may set."""
OF_MYSQL_8 = re.compile(rb"utf8mb4_0900_\w+")
"""Collations of MySQL 8, which a MariaDB before 11.4.5 does not know (MDEV-20912)."""
COLLATION = "utf8mb4_unicode_ci"
"""What PhotoPrism gives its tables: SetDbOptions in internal/config/config_db.go."""

Row = dict[str, str | None]


@dataclass
class Dumped:
    """One database of a dump. `rows`: of the few tables that are looked at, the first ones."""

    tables: set[str] = field(default_factory=set)
    rows: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def is_photoprism(self) -> bool:
        """Whether PhotoPrism made it."""
        return self.tables >= PHOTOPRISM_TABLES


@dataclass
class Dump:
    """A dump in a file, and which of its databases is PhotoPrism's; a dump of one database calls it "".

    `size` is that of the text, in bytes: the file may be packed.
    """

    file: Path
    database: str
    content: Dumped
    size: int

    def statements(self) -> Iterator[bytes]:
        """Yield the lines that make PhotoPrism's tables in a database of the stack, for its own user.

        Left out are other databases, users, and what chooses or makes a database.
        """
        kept = True
        with opened(self.file) as lines:
            for line in lines:
                if found := CURRENT.match(line) or USE.match(line):
                    kept = _name(found[1]) == self.database
                elif kept and not (DATABASE.match(line) or ACCOUNTS.match(line) or OF_THE_SERVER.match(line)):
                    yield line if line.startswith((b"INSERT", b"(")) else OF_MYSQL_8.sub(COLLATION.encode(), line)


def opened(file: Path) -> IO[bytes]:
    """Open a dump, packed with gzip or not."""
    with file.open("rb") as start:
        packed = start.read(2) == GZIP
    return gzip.open(file) if packed else file.open("rb")  # type: ignore[return-value] # it reads alike


def read(file: Path, database: str | None = None) -> Dump:
    """Read a dump from end to end; end the program where it is none, not whole, or not PhotoPrism's.

    `database` is which one a person means, where several are PhotoPrism's.
    """
    try:
        with file.open("rb") as start:
            if start.read(len(SQLITE)) == SQLITE:
                fail(SQLITE_INDEX)
        with opened(file) as lines:
            reading = _reading(file, lines)
    except (OSError, EOFError) as error:
        fail(message("dump_unreadable", "{file} cannot be read: {reason}", file=file, reason=error))
    albums = {name: content for name, content in reading.databases.items() if content.is_photoprism}
    chosen = choice(list(albums), database, str(file))
    return Dump(file, chosen, albums[chosen], reading.size)


def choice(databases: list[str], wanted: str | None, where: str) -> str:
    """Return which of PhotoPrism's databases is meant; end the program where that is not clear."""
    if wanted is not None and (wanted in databases or databases == [""]):
        return wanted if wanted in databases else ""
    if not databases:
        fail(
            message(
                "dump_not_photoprism",
                "{where} holds no database of PhotoPrism (no tables {tables}). Where its index is SQLite (a file index.db in the storage folder): see docs/from-the-blog.md",
                where=where,
                tables=", ".join(sorted(PHOTOPRISM_TABLES)),
            )
        )
    if wanted is not None or len(databases) > 1:
        fail(
            message(
                "dump_which",
                "{where} holds these databases of PhotoPrism: {names}. Say which: --database-name NAME",
                where=where,
                names=", ".join(databases),
            )
        )
    return databases[0]


SQLITE_INDEX = message(
    "dump_sqlite",
    "The old album keeps its index in SQLite, and PhotoPrism (CE) cannot move that into MariaDB. So it cannot be taken over: start afresh on the same folders (./photos up). What is said in docs/from-the-blog.md of SQLite tells what comes back by itself.",
)


def _reading(file: Path, lines: IO[bytes]) -> _Reading:
    """Return what is in a whole dump; end the program where it is none."""
    first = lines.readline(1000)
    if not HEADER.match(first):
        fail(_not_a_dump(file))
    reading = _Reading()
    reading.see(first)
    for line in lines:
        reading.see(line)
        if reading.charset not in HAVE_EMOJI:
            fail(_wrong_charset(file, reading.charset))
    if not reading.whole:
        fail(
            message(
                "dump_cut",
                'The last line of {file} is not "-- Dump completed": it is cut, or was written with --skip-comments or --compact. Make it again, and wait until it is done.',
                file=file,
            )
        )
    return reading


class _Reading:
    """What was read of a dump so far."""

    def __init__(self) -> None:
        self.databases = {"": Dumped()}
        self.charset, self.whole, self.size = "utf8mb4", False, 0
        self._current, self._table = "", ""
        self._columns: dict[str, list[str]] = {}
        """Of the tables of the current database, as they were created."""
        self._inserted: list[str] = []

    def see(self, line: bytes) -> None:
        """Take the next line."""
        self.size += len(line)
        if line.startswith(b"("):
            self._keep(line)
        elif named := COLUMN.match(line):
            self._columns.get(self._table, []).append(_name(named[1]))
        elif started := INSERT.match(line):
            self._table = _name(started[1])
            self._inserted = _names(started[2]) if started[2] else self._columns.get(self._table, [])
            self._keep(line[started.end() :])
        else:
            self._see_structure(line)

    def _see_structure(self, line: bytes) -> None:
        if created := CREATE.match(line):
            self._table = _name(created[1])
            self._columns[self._table] = []
            self.databases[self._current].tables.add(self._table)
        elif chosen := CURRENT.match(line) or USE.match(line):
            self._current = _name(chosen[1])
            self.databases.setdefault(self._current, Dumped())
        elif charset := NAMES.match(line):
            self.charset = charset[1].decode()
        elif line.startswith(TRAILER):
            self.whole = True

    def _keep(self, values: bytes) -> None:
        if self._table in READ:
            kept = self.databases[self._current].rows.setdefault(self._table, [])
            kept.extend(islice(_rows(values, self._inserted), READ[self._table] - len(kept)))


def _not_a_dump(file: Path) -> Said:
    return message(
        "dump_of_nobody",
        "{file} is no dump of mariadb-dump or mysqldump, plain or packed with gzip. Name the database's container instead: --database CONTAINER, or make a dump as docs/from-the-blog.md says.",
        file=file,
    )


def _wrong_charset(file: Path, charset: str) -> Said:
    return message(
        "dump_charset",
        "{file} is written in {charset}, which has no emoji and maybe no Chinese: they were lost on the way. Make it again with --default-character-set=utf8mb4",
        file=file,
        charset=charset,
    )


def _rows(text: bytes, columns: list[str]) -> Iterator[Row]:
    """Yield the rows of a list of values, `(1,'a'),(2,'b')`."""
    place = NEXT_ROW.match(text)
    while place:
        values, position = [], place.end()
        while found := VALUE.match(text, position):
            values.append(_value(found))
            position = found.end()
            if found[4] == b")":
                break
        yield dict(zip(columns, values, strict=False))
        place = NEXT_ROW.match(text, position)


def _value(found: re.Match[bytes]) -> str | None:
    quoted, digits, plain = found[1], found[2], found[3]
    if quoted is not None:
        content = ESCAPED.sub(lambda mark: ESCAPES.get(mark[1], mark[1]) if mark[1] else b"'", quoted)
    elif digits is not None:
        content = b""
        with suppress(ValueError):
            content = bytes.fromhex(digits.decode())
    elif plain == b"NULL":
        return None
    else:
        content = plain
    return content.decode("utf-8", "surrogateescape")


def _name(quoted: bytes) -> str:
    return quoted.replace(b"``", b"`").decode("utf-8", "surrogateescape")


def _names(quoted: bytes) -> list[str]:
    return [_name(name.strip(b"` ")) for name in quoted.split(b",")]
