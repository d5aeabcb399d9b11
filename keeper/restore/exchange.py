"""The album's database exchanged for that of a snapshot: a restore point first, and back to it when anything goes wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

from keeper.backup import dump
from keeper.errors import Exit, KeeperError, Problem
from keeper.restore import throwaway
from keeper.settings import DatabaseSettings, Settings
from keeper.state import now

PASSWORD = "restore_database_password"  # noqa: S105 - a file's name
RESTORE_POINTS = "restore-points"
POINTS_KEPT = 5


def exchange(settings: Settings, file: Path, rows: dict[str, int]) -> Path:
    """Exchange all tables for those of a proven dump; return the dump of what was there before.

    Raises:
        KeeperError: the database is what it was before, or the problem says where that lies.
    """
    owner = settings.model_copy(update={"database": _as_owner(settings.database)})
    point = _restore_point(owner)
    try:
        _load(owner, file)
        prove_rows(rows, dump.count_rows(owner, list(rows), password=PASSWORD))
    except BaseException as error:
        # A stop from outside, too: half a database must not stay.
        reason = error.problem if isinstance(error, KeeperError) else Problem.of("restore.stopped")
        _go_back(owner, point, reason)
        if isinstance(error, KeeperError):
            raise KeeperError(Exit.FAILED, "exchange.undone", reason=reason) from error
        raise
    return point


def prove_rows(dumped: dict[str, int], found: dict[str, int]) -> None:
    """Compare the rows of a dump with those that were loaded.

    Raises:
        KeeperError: with `Exit.VERIFY`, naming the first table that differs.
    """
    for table, rows in dumped.items():
        if found[table] != rows:
            raise KeeperError(Exit.VERIFY, "dump.rows", table=table, found=found[table], dumped=rows)


def _restore_point(owner: Settings) -> Path:
    folder = owner.state / RESTORE_POINTS
    point = folder / f"{now():%Y%m%dT%H%M%S.%fZ}.sql"
    try:
        folder.mkdir(exist_ok=True)
        dump.dump(owner, point, password=PASSWORD)
    except OSError as error:
        raise KeeperError(Exit.FAILED, "exchange.no_point", reason=Problem.of("dump.failed", said=error)) from error
    except KeeperError as error:
        raise KeeperError(Exit.FAILED, "exchange.no_point", reason=error.problem) from error
    for old in sorted(folder.glob("*.sql"))[:-POINTS_KEPT]:
        old.unlink()
    return point


def _go_back(owner: Settings, point: Path, reason: Problem) -> None:
    try:
        _load(owner, point)
    except KeeperError as second:
        values = {"reason": reason, "second": second.problem, "file": point}
        raise KeeperError(Exit.FAILED, "exchange.stuck", **values) from second


def _as_owner(database: DatabaseSettings) -> DatabaseSettings:
    """The album's own user may change its database; the one who dumps may only read."""
    return database.model_copy(update={"user": database.name})


def _load(settings: Settings, file: Path) -> None:
    """Remove all tables and load those of a dump."""
    with dump.client_options(settings, PASSWORD) as options:
        client = ["mariadb", options, *dump.CONNECT, settings.database.name]
        names = sorted(dump.tables(settings.database, options))
        drops = "".join(f"DROP TABLE IF EXISTS `{name}`;\n" for name in names)
        script = f"SET FOREIGN_KEY_CHECKS=0;\n{drops}"
        done = subprocess.run(client, input=script, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KeeperError(Exit.FAILED, "exchange.no_drop", said=done.stderr.strip())
        throwaway.load(file, client)
