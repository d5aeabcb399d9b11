"""The album's database before and after an upgrade: what wrote its data, how many rows it holds, whether they are sound.

Asked inside its container as the album's own user, whose password lies there in a file: no command line holds it.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from docker.errors import APIError, NotFound
from docker.models.containers import Container

from cli import containers
from cli.attached import output_of
from cli.takeover.dump import TRAILER
from components.database import DATA, DATABASE, USER
from components.messages import message

VERSION_FILES = (f"{DATA}/mariadb_upgrade_info", f"{DATA}/mysql_upgrade_info")
"""Where MariaDB notes which version brought its data up to date last: the second until 10.11."""
AS_USER = "MYSQL_PWD=$(cat /run/secrets/mariadb_password); export MYSQL_PWD; exec "
DUMP = (
    f"{AS_USER} mariadb-dump --single-transaction --quick --triggers --hex-blob --no-tablespaces "
    f"--default-character-set=utf8mb4 -u{USER} {DATABASE}"
)
QUERY = f'{AS_USER} mariadb --default-character-set=utf8mb4 -u{USER} -N -B -e "$SQL" {DATABASE}'
OF_THE_ALBUM = ("photos", "files", "albums", "photos_albums", "details", "auth_users", "passwords", "links")
"""Tables whose rows no newer PhotoPrism removes; it may clear others as it starts (sessions, errors, duplicates)."""
PASSING = ("auth_sessions", "errors", "duplicates", "reactions")
"""Tables whose rows come and go while the album runs."""
SOUND = ("status", "note", "info", "warning")
PIECE_ROWS = 5


class DatabaseError(Exception):
    """The database does not answer; with what it said."""


def data_version(container: Container) -> str:
    """Return the version that wrote the data, e.g. "11.8.8-MariaDB"; "" where it says nothing. The container may be stopped."""
    for file in VERSION_FILES:
        try:
            if said := containers.content(container, file).decode("utf-8", "replace").strip("\0\n "):
                return said
        except NotFound:
            continue
        except APIError:
            return ""
    return ""


def rows(container: Container) -> dict[str, int]:
    """Return how many rows each table of the album's database has."""
    tables = [line[0] for line in query(container, "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")]
    counts: dict[str, int] = {}
    for start in range(0, len(tables), PIECE_ROWS):
        piece = tables[start : start + PIECE_ROWS]
        selects = (f"SELECT '{name}', COUNT(*) FROM `{name}`" for name in piece)  # noqa: S608 - the server's own names
        counts |= {name: int(count) for name, count in query(container, " UNION ALL ".join(selects))}
    return counts


def damage(container: Container, before: dict[str, int], *, migrated: bool) -> list[str]:
    """Return what is worse than before: tables with fewer rows, and those that CHECK TABLE does not find sound.

    `migrated`: by a newer album, which may clear tables that are not in `OF_THE_ALBUM`.
    """
    now = rows(container)
    looked_at = [name for name in before if (name in OF_THE_ALBUM if migrated else name not in PASSING)]
    found = [f"{name}: {before[name]} → {now.get(name, 0)}" for name in looked_at if now.get(name, 0) < before[name]]
    for name in now:
        for _, _, kind, said in query(container, f"CHECK TABLE `{name}`"):
            if kind.lower() not in SOUND or (kind.lower() == "status" and said != "OK"):
                found.append(f"{name}: {said}")
    return found


def dump(container: Container, file: Path) -> None:
    """Write a packed dump into a private file.

    Raises:
        DatabaseError: it is not whole; nothing of it is left.
    """
    end = b""
    partial = file.with_name(f".{file.name}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
            with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=1) as packed:

                def take(content: bytes) -> None:
                    nonlocal end
                    packed.write(content)
                    end = (end + content)[-200:]

                code, errors = output_of(container, ["sh", "-c", DUMP], take)
            target.flush()
            os.fsync(target.fileno())
        if code or TRAILER not in end:
            raise DatabaseError(errors or "-- Dump completed is missing")
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)


def query(container: Container, sql: str) -> list[list[str]]:
    """Return the rows of a query as text.

    Raises:
        DatabaseError: it does not answer.
    """
    code, output, errors = containers.answer(container, "sh", "-c", QUERY, environment={"SQL": sql})
    if code:
        raise DatabaseError(errors.strip() or str(message("upgrade_database_silent", "the database does not answer")))
    return [line.split("\t") for line in output.splitlines()]
