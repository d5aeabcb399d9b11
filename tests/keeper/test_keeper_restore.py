"""Restores: from the newest snapshot that any copy has, to where it was, never over what is newer (cases 29-31, 43, 44)."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from keeper.backup.dump import inspect
from keeper.errors import Exit
from keeper.restore.restore import PASSWORD, RestoreReport
from keeper.settings import MARKER, STAGING
from keeper.state import now
from tests.keeper.home import Home
from tests.keeper.restoring import bring, refused
from tests.keeper.server import Server


def test_the_stack_and_the_keeper_call_the_file_of_the_login_the_same() -> None:
    from components.restore import LOGIN  # noqa: PLC0415 - it takes half of the project along

    assert LOGIN == PASSWORD


@pytest.fixture(scope="module")
def made(server: Server, restic: str, tmp_path_factory: pytest.TempPathFactory) -> Home:  # noqa: ARG001 - the keeper runs it
    """A home with 30 photos, and one good snapshot."""
    server.fresh_album()
    home = Home(tmp_path_factory.mktemp("made"), server)
    home.fill(30)
    home.secret(PASSWORD, "owns-it")
    home.good_backup()
    return home


@pytest.fixture
def kept(made: Home, server: Server, tmp_path: Path) -> Home:
    """The same, for one test."""
    server.fresh_album()
    shutil.copytree(made.root, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Home(tmp_path, server)


def codes(report: RestoreReport) -> list[str]:
    return [note.code for note in report.notes]


def test_a_folder_comes_back_as_it_was_with_its_times_and_modes(kept: Home) -> None:
    folder = kept.originals / "2024"
    folder.chmod(0o750)
    (folder / "IMG_00001.jpg").chmod(0o444)
    kept.good_backup()
    before = {f: (f.stat().st_mtime_ns, f.stat().st_mode) for f in [folder, *folder.iterdir()]}
    content = kept.content()
    shutil.rmtree(folder)
    report = bring(kept, "originals/2024")

    assert (report.placed, report.unchanged, report.missing) == (30, 0, [])
    assert kept.content() == content
    assert {f: (f.stat().st_mtime_ns, f.stat().st_mode) for f in [folder, *folder.iterdir()]} == before
    assert not (kept.originals / STAGING).exists()


def test_only_what_is_lacking_is_fetched(kept: Home) -> None:
    (kept.originals / "2024/IMG_00003.jpg").unlink()
    (kept.originals / "2024/IMG_00007.jpg").unlink()
    report = bring(kept, "originals")

    assert (report.placed, report.unchanged) == (2, 28)
    assert report.bytes == 2 * (kept.originals / "2024/IMG_00003.jpg").stat().st_size


def test_a_name_is_found_as_a_person_types_it(home: Home) -> None:
    home.write("Ferien 2024/Ka\u0308fer.JPG", b"a beetle, named by a Mac")
    home.good_backup()
    (home.originals / "Ferien 2024/Ka\u0308fer.JPG").unlink()
    report = bring(home, "originals/ferien 2024/K\u00e4fer.jpg")

    assert report.placed == 1
    assert (home.originals / "Ferien 2024/Ka\u0308fer.JPG").exists()


def test_a_newer_file_stays_and_the_restored_one_comes_beside_it(kept: Home) -> None:
    newer = kept.write("2024/IMG_00007.jpg", b"edited since")
    reports = [bring(kept, "originals/2024/IMG_00007.jpg") for _ in range(2)]

    assert newer.read_bytes() == b"edited since"
    assert len(list(newer.parent.glob("IMG_00007.restored-*.jpg"))) == 1
    assert all("IMG_00007.restored-" in report.beside[0] for report in reports)


def test_a_restored_file_beside_another_has_a_name_that_the_disk_takes(kept: Home) -> None:
    newer = kept.write("照" * 83 + ".jpg", b"first")
    kept.good_backup()
    newer.write_bytes(b"edited since")
    (beside,) = bring(kept, "originals").beside

    assert len(os.fsencode(Path(beside).name)) <= 255
    assert Path(beside).read_bytes() == b"first"


def test_a_rotten_file_that_is_asked_for_gives_way_and_is_kept_aside(kept: Home) -> None:
    file = kept.originals / "2024/IMG_00007.jpg"
    good, status = file.read_bytes(), file.stat()
    file.write_bytes(b"X" + good[1:])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    report = bring(kept, "originals/2024/IMG_00007.jpg")

    assert file.read_bytes() == good
    assert Path(report.replaced[0]).read_bytes() == b"X" + good[1:]


def test_what_the_scrub_found_rotten_comes_back_with_its_folder(kept: Home) -> None:
    file = kept.originals / "2024/IMG_00007.jpg"
    good, status = file.read_bytes(), file.stat()
    file.write_bytes(b"X" + good[1:])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    (kept.state / "scrub.json").write_text(f'{{"rotten": {{"originals/2024/IMG_00007.jpg": "{now().isoformat()}"}}}}')
    bring(kept, "originals")

    assert file.read_bytes() == good


def test_what_an_earlier_restore_put_aside_is_not_overwritten_by_the_next(kept: Home) -> None:
    file, past = kept.originals / "2024/IMG_00002.jpg", 1_000_000_000
    asides, besides = [], []
    for text in ("first", "second"):
        file.write_text(text)
        os.utime(file, (past, past))
        asides += bring(kept, "originals/2024/IMG_00002.jpg").replaced
    for _ in range(2):
        file.write_text("edited since")
        besides += bring(kept, "originals/2024/IMG_00002.jpg").beside
        Path(besides[-1]).write_text(f"edited {len(besides)}")

    assert [Path(aside).read_text() for aside in asides] == ["first", "second"]
    assert [Path(beside).read_text() for beside in besides] == ["edited 1", "edited 2"]


def test_a_folder_in_the_place_of_a_photo_stays_with_what_is_in_it(kept: Home) -> None:
    file, past = kept.originals / "2024/IMG_00002.jpg", 1_000_000_000
    file.unlink()
    kept.write("2024/IMG_00002.jpg/new.jpg", b"new")
    os.utime(file, (past, past))
    report = bring(kept, "originals/2024/IMG_00002.jpg")

    assert (file / "new.jpg").read_bytes() == b"new"
    assert len(report.beside) == 1


def test_a_link_in_the_place_of_a_folder_is_not_followed(kept: Home) -> None:
    elsewhere = kept.root / "elsewhere"
    (kept.originals / "2024").rename(elsewhere)
    (kept.originals / "2024").symlink_to(elsewhere)
    shutil.rmtree(elsewhere)
    elsewhere.mkdir()
    report = bring(kept, "originals/2024")

    assert list(elsewhere.iterdir()) == []
    assert len(list(Path(report.beside[0]).iterdir())) == 30


def test_a_dry_run_says_what_would_happen_and_changes_nothing(kept: Home) -> None:
    (kept.originals / "2024/IMG_00001.jpg").unlink()
    kept.write("2024/IMG_00002.jpg", b"edited since")
    old = kept.write("2024/IMG_00003.jpg", b"older")
    os.utime(old, (1, 1))
    before = kept.content()
    report = bring(kept, "originals", dry_run=True)

    assert report.restored == [f"originals/2024/IMG_0000{n}.jpg" for n in (1, 2, 3)]
    assert report.beside == ["originals/2024/IMG_00002.jpg"]
    assert report.replaced == ["originals/2024/IMG_00003.jpg"]
    assert (report.placed, report.unchanged) == (0, 27)
    assert kept.content() == before
    assert not (kept.originals / STAGING).exists()


def test_everything_can_come_into_another_folder(kept: Home) -> None:
    content = kept.content()
    kept.write("2024/IMG_00007.jpg", b"edited since")
    report = bring(kept, everything=True, into="import/back")
    back = kept.library / "import/back"

    assert (kept.originals / "2024/IMG_00007.jpg").read_bytes() == b"edited since"
    assert {os.fsencode(f.relative_to(back)) for f in back.rglob("*") if f.is_file()} == set(content)
    assert report.placed == len(content) == 31
    assert inspect(back / "database/photoprism.sql") == {"albums": 3, "files": 0}
    assert (report.database_rows, report.restore_point) == ({}, "")


@pytest.mark.parametrize("folder", ["elsewhere", "import/../../etc", f"import/{STAGING}"])
def test_a_folder_outside_of_the_library_is_refused(kept: Home, folder: str) -> None:
    assert refused(kept, everything=True, into=folder).problem.code == "restore.into"


def test_an_older_day_comes_back_as_it_was(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = []
    for number in range(3):
        home.write("a.jpg", f"version {number}".encode())
        home.good_backup()
        contents.append(home.content())
    ids = [snapshot.id for snapshot in home.repository().snapshots()]
    for each, content in zip(ids, contents, strict=True):
        shutil.rmtree(home.originals)
        home.originals.mkdir()
        (home.originals / MARKER).write_text(home.id)
        bring(home, "originals", snapshot=each[:8])
        home_now = {path: digest for path, digest in home.content().items() if path.startswith(b"originals")}
        assert home_now == {path: digest for path, digest in content.items() if path.startswith(b"originals")}

    tomorrow = now().astimezone(home.settings.zone) + timedelta(days=1)
    assert bring(home, "originals", day=tomorrow.date()).snapshot == ids[-1][:8]
    early = refused(home, "originals", day=(tomorrow - timedelta(days=2)).date())
    assert (early.exit, early.problem.code) == (Exit.PREFLIGHT, "restore.no_day")
    monkeypatch.undo()


def test_asking_for_nothing_or_for_an_unknown_name_says_what_to_write(kept: Home) -> None:
    assert refused(kept).problem.code == "restore.say_what"
    assert refused(kept, "2024/IMG_00003.jpg").problem.code == "restore.not_named"
    assert refused(kept, "originals/2023").problem.code == "restore.not_named"
    assert refused(kept, "originals", snapshot="0000").problem.code == "restore.no_snapshot"
    assert refused(kept, "originals", copy_name="nope").problem.code == "copy.unknown"


def test_a_name_that_only_an_older_snapshot_has_is_said_with_it(kept: Home) -> None:
    first = kept.repository().snapshots()[0].id[:8]
    (kept.originals / "2024/IMG_00003.jpg").unlink()
    kept.good_backup()
    error = refused(kept, "originals/2024/img_00003.JPG")

    assert error.problem.code == "restore.elsewhere"
    assert error.problem.values["other"] == first
    assert bring(kept, "originals/2024/IMG_00003.jpg", snapshot=first).placed == 1


def test_the_phones_folders_work_again_after_a_disk_was_lost(home: Home) -> None:
    phone = home.originals / "phones/mum"
    (phone / ".stfolder").mkdir(parents=True)
    (phone / "empty folder").mkdir(mode=0o700)
    home.write("phones/mum/DCIM/1.jpg", b"one")
    os.utime(phone / ".stfolder", (1_500_000_000, 1_500_000_000))
    home.good_backup()
    shutil.rmtree(home.originals / "phones")
    bring(home, "originals")

    assert sorted(item.name for item in phone.iterdir()) == [".stfolder", "DCIM", "empty folder"]
    assert (phone / ".stfolder").stat().st_mtime == 1_500_000_000
    assert (phone / "empty folder").stat().st_mode & 0o777 == 0o700
    (phone / ".stfolder").rmdir()
    bring(home, "originals/phones/mum")
    assert (phone / ".stfolder").is_dir()


PRIVATE = {"syncthing/key.pem": 0o600, "syncthing/config/config.xml": 0o640, "photoprism/run.sh": 0o755}


def test_a_service_s_files_come_back_readable_to_those_who_could_read_them(home: Home) -> None:
    for name, mode in PRIVATE.items():
        file = home.library / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
        file.chmod(mode)
    home.write("a.jpg", b"a photo")
    home.good_backup()
    for name in PRIVATE:
        (home.library / name).unlink()
    bring(home, "syncthing", "photoprism")

    assert {name: (home.library / name).stat().st_mode & 0o7777 for name in PRIVATE} == PRIVATE


def test_the_identity_of_syncthing_comes_back_over_the_one_a_new_machine_made(kept: Home) -> None:
    key = kept.library / "syncthing/key.pem"
    key.write_text("ours")
    kept.good_backup()
    key.unlink()
    key.write_text("made by the first start on a new machine")
    report = bring(kept, everything=True)

    assert key.read_text() == "ours"
    assert [Path(file).read_text() for file in report.replaced] == ["made by the first start on a new machine"]


def test_everything_comes_back_although_the_stack_no_longer_has_a_service(kept: Home) -> None:
    (kept.library / "syncthing/config.xml").write_text("<configuration/>")
    kept.good_backup()
    shutil.rmtree(kept.originals / "2024")
    kept.changes = {"roots": {name: str(kept.library / name) for name in ("originals", "import", "photoprism")}}
    report = bring(kept, everything=True)

    assert report.placed == 30
    assert report.left_out == ["syncthing"]


@pytest.mark.parametrize("marker", [None, "99999999-0000-4000-8000-000000000000"])
def test_nothing_is_restored_to_another_disk(kept: Home, marker: str | None) -> None:
    shutil.rmtree(kept.originals)
    kept.originals.mkdir()
    if marker:
        (kept.originals / MARKER).write_text(marker)

    assert refused(kept, "originals").exit == Exit.PREFLIGHT
    assert not (kept.originals / "2024").exists()


def test_the_database_comes_back_with_a_restore_point_of_what_it_was(kept: Home) -> None:
    assert kept.server
    kept.server.sql("DELETE FROM albums; CREATE TABLE later (id INTEGER)", "photoprism")
    report = bring(kept, database=True)

    assert kept.server.sql("SELECT COUNT(*) FROM albums", "photoprism") == "3"
    assert kept.server.sql("SHOW TABLES", "photoprism").split() == ["albums", "files"]
    assert report.database_rows == {"albums": 3, "files": 0}
    assert inspect(Path(report.restore_point)) == {"albums": 0, "files": 0, "later": 0}
