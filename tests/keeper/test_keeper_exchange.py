"""The database exchanged and put back again, and everything brought back to a bare host from each copy alone (case 48)."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from keeper.backup import dump
from keeper.copies.restic import WHOLE
from keeper.errors import Exit, KeeperError
from keeper.restore import exchange
from keeper.restore.restore import PASSWORD
from keeper.settings import DATABASE, MARKER
from tests.keeper.home import Home
from tests.keeper.proxy import webdav
from tests.keeper.restoring import bring, refused
from tests.keeper.server import Server

ROOTS = ("originals", "import", "photoprism", "syncthing")


@pytest.fixture(scope="module")
def made(server: Server, restic: str, tmp_path_factory: pytest.TempPathFactory) -> Home:  # noqa: ARG001 - the keeper runs it
    server.fresh_album()
    home = Home(tmp_path_factory.mktemp("made"), server)
    home.fill(3)
    home.secret(PASSWORD, "owns-it")
    home.good_backup()
    return home


@pytest.fixture
def kept(made: Home, tmp_path: Path) -> Iterator[Home]:
    """A home with a few photos and one good snapshot; since then an album was made."""
    assert made.server
    made.server.fresh_album()
    made.server.sql("INSERT INTO albums VALUES ('a9', 'made since')", "photoprism")
    shutil.copytree(made.root, tmp_path, symlinks=True, dirs_exist_ok=True)
    yield Home(tmp_path, made.server)
    made.server.fresh_album()


def made_since(home: Home) -> bool:
    assert home.server
    return home.server.sql("SELECT album_title FROM albums WHERE album_uid = 'a9'", "photoprism") == "made since"


def test_an_exchange_that_fails_half_way_puts_the_present_one_back(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "count_rows", lambda *_, **__: {"albums": 1, "files": 0})
    error = refused(kept, database=True)

    assert error.problem.code == "exchange.undone"
    assert made_since(kept)


def test_a_stop_while_the_tables_are_exchanged_puts_the_old_ones_back(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise SystemExit(1)

    monkeypatch.setattr(dump, "count_rows", stop)
    with pytest.raises(SystemExit):
        bring(kept, database=True)

    assert made_since(kept)


def test_a_database_that_cannot_be_kept_first_is_left_alone(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeeperError(Exit.DUMP, "dump.failed", said="table files is corrupt")

    monkeypatch.setattr(dump, "dump", fail)
    assert refused(kept, database=True).problem.code == "exchange.no_point"
    assert made_since(kept)


def test_where_the_old_database_lies_is_said_when_it_cannot_be_put_back(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeeperError(Exit.FAILED, "exchange.no_drop", said="the server went away")

    monkeypatch.setattr(exchange, "_load", fail)
    error = refused(kept, database=True)

    assert error.problem.code == "exchange.stuck"
    assert dump.inspect(Path(str(error.problem.values["file"]))) == {"albums": 4, "files": 0}


def test_everything_comes_from_the_snapshot_before_when_the_newest_dump_is_cut(kept: Home) -> None:
    first = kept.repository().snapshots()[0].id[:8]
    file = kept.library / DATABASE / dump.FILE
    file.write_bytes(file.read_bytes()[:400])
    kept.repository().restic.backup(kept.library, [*kept.settings.roots, DATABASE], tags=[WHOLE, "run-2"])
    second = kept.repository().snapshots()[-1].id[:8]
    shutil.rmtree(kept.originals / "2024")

    assert refused(kept, everything=True, snapshot=second).exit == Exit.PREFLIGHT
    assert not (kept.originals / "2024").exists()
    report = bring(kept, everything=True)
    assert (report.snapshot, [note.code for note in report.notes]) == (first, ["restore.passed_over"])
    assert not made_since(kept)


def test_only_so_many_restore_points_are_kept(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "POINTS_KEPT", 2)
    points = [bring(kept, database=True).restore_point for _ in range(3)]

    assert sorted(map(str, (kept.state / exchange.RESTORE_POINTS).iterdir())) == points[1:]


def test_a_dry_run_leaves_the_database_alone(kept: Home) -> None:
    report = bring(kept, database=True, dry_run=True)

    assert report.database_rows == {"albums": 3, "files": 0}
    assert made_since(kept)
    assert not (kept.state / exchange.RESTORE_POINTS).exists()


def lose_the_host(home: Home) -> None:
    home.forget_state()
    for root in ROOTS:
        shutil.rmtree(home.library / root)
        (home.library / root).mkdir()
    for root in ("originals", "import"):
        (home.library / root / MARKER).write_text(home.id)  # as opening the kit does
    assert home.server
    home.server.sql("DELETE FROM files; DROP TABLE albums", "photoprism")


@pytest.mark.parametrize("name", ["disk", "far", "vault"])
def test_each_copy_alone_brings_everything_back_to_a_bare_host(home: Home, name: str) -> None:
    home.secret(PASSWORD, "owns-it")
    (home.root / "served").mkdir()
    with webdav(home.root / "served") as port:
        home.copies = [home.local("disk"), home.webdav("far", f"http://127.0.0.1:{port}"), home.local("vault", "vault")]
        home.copies = [copy for copy in home.copies if copy["name"] == name]
        home.fill(5)
        home.good_backup(name)
        home.write("2024/IMG_00000.jpg", b"edited")
        home.write("2024/家人.jpg", b"new")
        (home.originals / "2024/IMG_00001.jpg").unlink()
        (home.library / "syncthing/key.pem").write_text("identity")
        home.good_backup(name)
        before = home.content()
        lose_the_host(home)
        report = bring(home, everything=True)

    assert report.copy_name == name
    assert home.content() == before
    assert len(home.known(name).snapshots) == 2, "the page knows what the copy holds"
    assert home.server
    assert home.server.sql("SELECT COUNT(*) FROM albums", "photoprism") == "3"


def test_a_bare_host_gets_two_thousand_files_and_fifty_thousand_rows_back(home: Home) -> None:
    assert home.server
    chance = random.Random(2000)  # noqa: S311 - no secret
    for number in range(2000):
        home.write(f"{number // 100}/{number}.jpg", chance.randbytes(25_000))
    rows = ",".join(f"('f{n}', 'row {n}', 'elsewhere', 0, '{'n' * 50}')" for n in range(50_000))
    home.server.sql(f"INSERT INTO files VALUES {rows}", "photoprism")
    home.secret(PASSWORD, "owns-it")
    home.good_backup()
    before = home.content()
    times = {file: file.stat().st_mtime_ns for file in home.originals.rglob("*") if file.name != MARKER}
    lose_the_host(home)
    report = bring(home, everything=True)

    assert home.content() == before
    assert {file: file.stat().st_mtime_ns for file in times} == times
    assert (report.placed, report.database_rows) == (2000, {"albums": 3, "files": 50_000})
    assert home.server.sql("SELECT COUNT(*) FROM files", "photoprism") == "50000"
