"""Test restores: what they prove, what fails them, and what is no verdict (case 30; the dump as the album's user loads it)."""

from __future__ import annotations

import os
import random
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from keeper.backup import dump
from keeper.copies.restic import WHOLE, Restic
from keeper.errors import Exit, KeeperError, Problem
from keeper.restore import drill as drill_module
from keeper.restore import throwaway
from keeper.restore.drill import drill, in_turn
from keeper.settings import DATABASE
from keeper.state import DrillReport, State, now
from tests.keeper.home import Home
from tests.keeper.server import Server
from tests.waiting import until


@pytest.fixture(scope="module")
def made(server: Server, restic: str, tmp_path_factory: pytest.TempPathFactory) -> Home:  # noqa: ARG001 - the keeper runs it
    """A home with 250 photos, an index that names them, and one good snapshot."""
    server.fresh_album()
    home = Home(tmp_path_factory.mktemp("made"), server)
    names = home.fill(250)
    rows = ",".join(f"('f{n}', '{name.removeprefix('/originals/')}', '/', 0, '')" for n, name in enumerate(names))
    server.sql(f"INSERT INTO files VALUES {rows}", "photoprism")
    home.good_backup()
    return home


@pytest.fixture
def kept(made: Home, tmp_path: Path) -> Home:
    """The same, for one test."""
    shutil.copytree(made.root, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Home(tmp_path, made.server)


def reason(report: DrillReport) -> str:
    assert not report.passed
    assert report.reason
    return report.reason.code


def snapshot(home: Home) -> None:
    """Make a snapshot of what lies there, with the dump as it is."""
    home.repository().restic.backup(home.library, [*home.settings.roots, DATABASE], tags=[WHOLE, "run-2"])


def test_a_test_restore_passes_and_says_what_it_proved(kept: Home) -> None:
    report = drill(kept.settings, kept.repository())

    assert report.passed, report.reason
    assert (report.files_checked, report.tables, report.rows) == (200, 2, 253)
    assert kept.known().drill == report
    assert kept.known().last_passed == report.ended
    assert list((kept.state / "scratch").iterdir()) == []


@pytest.mark.parametrize("cut", ["in a row", "after a statement"])
def test_a_dump_that_is_cut_fails_it(kept: Home, cut: str) -> None:
    file = kept.library / DATABASE / dump.FILE
    text = file.read_bytes()
    file.write_bytes(
        text[: text.rindex(b";\n", 0, len(text) // 2) + 2 if cut == "after a statement" else len(text) // 2]
    )
    snapshot(kept)

    assert reason(drill(kept.settings, kept.repository())) == "dump.cut"


def test_a_snapshot_without_a_dump_fails_it(kept: Home) -> None:
    (kept.library / DATABASE / dump.FILE).unlink()
    snapshot(kept)

    assert reason(drill(kept.settings, kept.repository())) == "drill.no_dump"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE DEFINER=`root`@`localhost` TRIGGER t BEFORE INSERT ON albums FOR EACH ROW SET NEW.album_title = 'x';",
        "SET GLOBAL max_connections = 10;",
        "INSERT INTO mysql.user SELECT * FROM mysql.user LIMIT 1;",
    ],
    ids=["another's trigger", "a server's setting", "another database"],
)
def test_a_dump_that_the_album_s_own_user_cannot_load_fails_it(kept: Home, statement: str) -> None:
    file = kept.library / DATABASE / dump.FILE
    text = file.read_bytes()
    end = text.rindex(b"-- Dump completed")
    file.write_bytes(text[:end] + statement.encode() + b"\n" + text[end:])
    snapshot(kept)

    assert reason(drill(kept.settings, kept.repository())) == "dump.not_loaded"


def test_rows_that_are_not_there_after_loading_fail_it(kept: Home) -> None:
    file = kept.library / DATABASE / dump.FILE
    text = file.read_bytes()
    end = text.rindex(b"-- Dump completed")
    file.write_bytes(text[:end] + b"DELETE FROM files LIMIT 3;\n" + text[end:])
    snapshot(kept)

    assert reason(drill(kept.settings, kept.repository())) == "dump.rows"


def test_a_photo_that_the_index_names_and_the_snapshot_lacks_fails_it(kept: Home) -> None:
    (kept.originals / "2024/IMG_00007.jpg").unlink()
    snapshot(kept)
    report = drill(kept.settings, kept.repository())

    assert reason(report) == "drill.not_there"
    assert report.reason
    assert report.reason.values["path"] == "2024/IMG_00007.jpg"


def test_the_index_may_name_a_link_and_names_of_every_kind(home: Home) -> None:
    assert home.server
    home.write("2024/照片 1.jpg", "照片".encode())
    (home.originals / "2024/家人.jpg").symlink_to("照片 1.jpg")
    home.server.sql(
        "INSERT INTO files VALUES ('f1', '2024/家人.jpg', '/', 0, ''), ('f2', '2024/照片 1.jpg', '/', 0, '')",
        "photoprism",
    )
    home.good_backup()
    report = drill(home.settings, home.repository())

    assert report.passed, report.reason


def test_a_damaged_photo_fails_it(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_module, "SAMPLE_FILES", 1000)
    big = kept.write("2024/big.jpg", random.Random(1).randbytes(3_000_000))  # noqa: S311 - no secret
    old = set((kept.root / "copy-disk/data").rglob("*"))
    snapshot(kept)
    pack = max(set((kept.root / "copy-disk/data").rglob("*")) - old, key=lambda file: file.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[1_000_000] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    report = drill(kept.settings, kept.repository())

    assert big.exists()
    assert report.reason
    assert reason(report) == "drill.files"
    assert report.reason.values["path"] == "originals/2024/big.jpg"


def test_a_photo_at_home_that_changed_without_a_new_time_fails_it(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_module, "SAMPLE_FILES", 1000)
    file = kept.originals / "2024/IMG_00007.jpg"
    good, status = file.read_bytes(), file.stat()
    file.write_bytes(b"X" + good[1:])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    report = drill(kept.settings, kept.repository())

    assert reason(report) == "drill.differs"
    file.write_bytes(b"edited, with a new time")
    assert drill(kept.settings, kept.repository()).passed


def test_a_line_that_breaks_is_no_verdict_about_what_lies_there(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeeperError(Exit.COPY, "cause.unreachable", said="TLS handshake timeout")

    monkeypatch.setattr(Restic, "dump", broken)
    report = drill(kept.settings, kept.repository())

    assert reason(report) == "drill.not_reached"
    assert report.reason == Problem.of(
        "drill.not_reached", reason=Problem.of("cause.unreachable", said="TLS handshake timeout")
    )


def test_a_copy_without_a_snapshot_fails_it(home: Home) -> None:
    home.repository().open(may_begin=True)

    assert reason(drill(home.settings, home.repository())) == "drill.nothing"


def test_no_room_for_the_database_is_said(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))

    assert reason(drill(kept.settings, kept.repository())) == "drill.no_room"


def test_the_copies_are_tested_in_turn(home: Home) -> None:
    home.copies = [home.local("disk"), home.local("second", "mirror"), home.local("look", "album")]
    state = State(home.state)
    tested = []
    for day in range(4):
        tested.append(in_turn(home.settings))
        report = DrillReport(copy_name=tested[-1], started=now() - timedelta(days=9 - day), ended=now(), passed=True)
        state.change_copy(tested[-1], lambda known, report=report: setattr(known, "drill", report))  # type: ignore[misc]

    assert tested == ["disk", "second", "disk", "second"]


def test_a_test_restore_waits_for_no_run_but_says_who_is_at_it(kept: Home) -> None:
    with kept.repository().alone("backup"), pytest.raises(KeeperError) as caught:
        drill(kept.settings, kept.repository())

    assert caught.value.exit == Exit.LOCKED
    assert kept.known().drill is None


def test_a_killed_test_restore_leaves_no_server_and_its_scratch_goes_the_next_time(kept: Home) -> None:
    scratch = kept.state / "scratch"
    process = kept.command("drill")
    until(lambda: servers(scratch))
    process.kill()
    process.communicate()
    until(lambda: not servers(scratch))

    assert list(scratch.iterdir())
    assert drill(kept.settings, kept.repository()).passed
    assert list(scratch.iterdir()) == []


def servers(scratch: Path) -> list[str]:
    """Return the throw-away servers that run below a scratch folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = process.read_bytes().decode(errors="replace").split("\0")
            if "--skip-networking" in words and any(str(scratch) in word for word in words):
                found.append(process.parent.name)
    return found


def test_the_throwaway_server_leaves_alone_what_another_one_keeps_in_the_folder_for_temporary_files(
    kept: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that starts deletes every #sql file there; the other one ended with an error (seen)."""
    (others := tmp_path / "tmp").mkdir()
    (others / "#sql-temptable-5c24-1-26.MAI").write_bytes(b"of a server that runs")
    monkeypatch.setenv("TMPDIR", str(others))

    with throwaway.running(kept.settings) as server:
        assert server.query("SELECT 1") == [["1"]]

    assert (others / "#sql-temptable-5c24-1-26.MAI").exists()
