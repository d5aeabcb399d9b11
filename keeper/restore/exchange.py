"""The album's database exchanged for that of a run: a restore point first, and back to it when anything goes wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

from keeper import dump, throwaway
from keeper.drill import prove_rows
from keeper.errors import Code, KeeperError
from keeper.runs import new_run
from keeper.settings import DatabaseSettings, Settings

PASSWORD = "restore_database_password"  # noqa: S105 - a file's name
RESTORE_POINTS = "restore-points"
POINTS_KEPT = 5


def exchange(settings: Settings, packed: Path, rows: dict[str, int]) -> Path:
    """Exchange all tables for those of a proven dump; return the dump of what was there before.

    Raises:
        KeeperError: the database is what it was before, or the message says where that lies.
    """
    owner = settings.model_copy(update={"database": _as_owner(settings.database)})
    point = _restore_point(owner)
    try:
        _load(owner, packed)
        prove_rows(rows, dump.count_rows(owner, list(rows), password=PASSWORD))
    except BaseException as error:
        # A stop from outside, too: half a database must not stay.
        _go_back(owner, point, error)
        if isinstance(error, KeeperError):
            raise KeeperError(Code.FAILED, f"{error}. The database is what it was before") from error
        raise
    return point


def _restore_point(owner: Settings) -> Path:
    folder = owner.state / RESTORE_POINTS
    folder.mkdir(exist_ok=True)
    point = folder / f"{new_run()}.sql.zst"
    try:
        dump.dump(owner, point, password=PASSWORD)
    except KeeperError as error:
        raise KeeperError(
            Code.FAILED,
            f"the present database cannot be kept first, so it was left alone: {error}. If it is broken for good: destroy "
            "the stack, remove MariaDB's volume, start it again and restore into the empty one",
        ) from error
    for old in sorted(folder.glob("*.sql.zst"))[:-POINTS_KEPT]:
        old.unlink()
    return point


def _go_back(owner: Settings, point: Path, error: BaseException) -> None:
    try:
        _load(owner, point)
    except KeeperError as second:
        raise KeeperError(
            Code.FAILED,
            f"{error}. Putting the old database back failed too: {second}. It is whole in {point}, in the keeper's volume",
        ) from error


def _as_owner(database: DatabaseSettings) -> DatabaseSettings:
    """The album's own user may change its database; the one who dumps may only read."""
    return database.model_copy(update={"user": database.name})


def _load(settings: Settings, packed: Path) -> None:
    """Remove all tables and load those of a dump."""
    with dump.client_options(settings, PASSWORD) as options:
        client = ["mariadb", options, *dump.CONNECT, settings.database.name]
        names = sorted(dump.tables(settings.database, options))
        drops = "".join(f"DROP TABLE IF EXISTS `{name}`;\n" for name in names)
        script = f"SET FOREIGN_KEY_CHECKS=0;\n{drops}"
        done = subprocess.run(client, input=script, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KeeperError(Code.FAILED, f"the old tables cannot be removed: {done.stderr.strip()}")
        throwaway.load(packed, client)
