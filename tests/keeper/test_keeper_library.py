"""What a library can hold: links, growing files, hostile names, rot (F37, F43-F45); and a dump that dies (F20, F21)."""

from __future__ import annotations

import os
import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from keeper import dump as dump_module
from keeper import library
from keeper.dump import dump, inspect
from keeper.errors import Code, KeeperError
from keeper.manifest import SLICES
from keeper.names import trouble
from keeper.report import now
from keeper.restore import Request, restore
from tests.keeper.home import Home
from tests.waiting import PATIENCE, until

ROUND_TRIP = [
    "plain.jpg",
    "with space .jpg ",
    "new\nline.jpg",
    "tab\tand\x7f.jpg",
    "IMG.JPG",
    "img.jpg",
    "微信图片_二〇二四年夏天全家在海边.jpg",
    "-starts-with-a-dash.jpg",
    "# comment.jpg",
    ";semi;colon.jpg",
    "é-composed.jpg",
    "e\u0301-decomposed.jpg",
    os.fsdecode(b"not-utf8-\xff\xfe.jpg"),
    "a" * 139 + ".jpg",
]
REFUSED = ["full\uff0fslash.jpg", "\u201bquote.jpg", "\uff0e", "picture-\u240a.jpg", "长" * 64 + ".jpg"]


@pytest.mark.usefixtures("either_way")
def test_hostile_names_make_the_round_trip(home: Home) -> None:
    for number, name in enumerate(ROUND_TRIP):
        home.write(f"names/{name}", f"content {number}".encode())
        home.write(f"names/in {name}"[:140] + "/photo.jpg", f"content below {number}".encode())
    report = home.good_backup()
    before = home.hashes()
    shutil.rmtree(home.originals / "names")
    restore(home.settings, Request(paths=["originals/names"]))

    assert report.skipped == {}
    assert home.hashes() == before


def test_names_that_cannot_be_kept_are_refused_by_name_and_hold_up_nothing_else(home: Home) -> None:
    home.fill(3)
    for name in REFUSED:
        home.write(f"names/{name}", b"x")
    report = home.backup()

    assert report.code == Code.VERIFY
    assert {path.removeprefix("originals/names/") for path in report.skipped} == set(REFUSED)
    assert "names that cannot be backed up" in report.problems[0]
    assert home.runs() == [report.run]
    assert report.remotes["disk"].sent_files == 3


@pytest.mark.parametrize(("encoding", "longest"), [("base32", 143), ("base64", 175), ("base32768", 255)])
def test_the_longest_name_that_fits_really_fits(home: Home, encoding: str, longest: int) -> None:
    home.remotes = [{**home.remotes[0], "name_encoding": encoding}]
    # A folder of this machine takes 255 bytes; base32768 counts characters, as cloud drives do.
    length = longest if encoding != "base32768" else 120
    home.write("x" * length, b"content")
    home.good_backup()

    assert trouble("y" * (longest + 1), frozenset([encoding])) is not None


def test_links_are_reported_and_not_followed(home: Home) -> None:
    home.fill(2)
    outside = home.root / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(b"not the family's")
    (home.originals / "folder-link").symlink_to(outside)
    (home.originals / "dangling").symlink_to(home.root / "nothing")
    report = home.good_backup()

    assert set(report.skipped) == {"originals/folder-link", "originals/dangling"}
    assert "links are not followed" in report.skipped["originals/dangling"]
    assert report.files == 2


def test_unfinished_transfers_and_markers_are_no_photos(home: Home) -> None:
    home.fill(1)
    for name in (
        ".syncthing.IMG.jpg.tmp",
        "~syncthing~IMG.jpg.tmp",
        ".stfolder/x",
        ".stversions/old.jpg",
        ".photos-restore/r/x",
    ):
        home.write(name, b"x")

    assert home.good_backup().files == 1


def test_a_growing_file_is_left_for_the_next_run_and_fails_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(5)
    growing = home.write("film.mp4", b"x" * 1000)
    real = library._digest

    def grow(found: library._Found) -> str | OSError | None:
        if found.file == str(growing):
            with growing.open("ab") as stream:
                stream.write(b"y" * 1000)
        return real(found)

    with monkeypatch.context() as patch:
        patch.setattr(library, "_digest", grow)
        first = home.good_backup()

    assert first.skipped == {"originals/film.mp4": "changed while it was read: the next run takes it"}
    assert first.remotes["disk"].sent_files == 5
    assert home.good_backup().remotes["disk"].sent_files == 1


def test_a_file_that_changes_between_survey_and_sending_is_sent_as_it_is_then(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = home.write("a.jpg", b"before")
    real = library.survey

    def then_change(settings: object) -> library.Survey:
        found = real(settings)  # type: ignore[arg-type]
        photo.write_bytes(b"after, and longer")
        return found

    monkeypatch.setattr("keeper.run.library.survey", then_change)
    home.good_backup()
    monkeypatch.undo()
    hashes = home.hashes()
    photo.unlink()
    restore(home.settings, Request(paths=["originals/a.jpg"]))

    assert home.hashes() == hashes


def test_rot_at_home_is_found_within_a_month_not_uploaded_and_the_good_copy_offered(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.fill(3)
    photo = home.originals / "2024/IMG_00001.jpg"
    home.good_backup()
    there, good, status = home.kept(), photo.read_bytes(), photo.stat()
    photo.write_bytes(b"X" + good[1:])
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    monkeypatch.setattr(library, "now", lambda: now() + timedelta(days=30))
    report = home.backup()

    assert report.code == Code.VERIFY
    assert report.rotten == ["originals/2024/IMG_00001.jpg"]
    assert "./photos keeper restore originals/2024/IMG_00001.jpg" in report.problems[0]
    assert home.kept() == there
    restore(home.settings, Request(paths=["originals/2024/IMG_00001.jpg"]))
    assert photo.read_bytes() == good


def watched_reading(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths of the files that the survey reads from now on, in a list that grows."""
    read: list[str] = []
    real = library._digest

    def watched(found: library._Found) -> library.Digest:
        read.append(found.path)
        return real(found)

    monkeypatch.setattr(library, "_digest", watched)
    return read


def test_an_unchanged_library_is_not_read_twice_in_a_day(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(20)
    home.good_backup()
    read = watched_reading(monkeypatch)
    home.good_backup()

    assert read == []


def test_each_file_is_read_again_once_in_thirty_days_and_no_day_reads_much_more_than_its_share(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, today = home.fill(600), now()
    library.survey(home.settings)
    read, shares = watched_reading(monkeypatch), []
    for day in range(1, SLICES + 1):
        monkeypatch.setattr(library, "now", lambda day=day: today + timedelta(days=day))
        before = len(read)
        library.survey(home.settings)
        shares.append(len(read) - before)

    assert sorted(read) == files
    assert max(shares) < 3 * len(files) / SLICES


def test_an_unreadable_file_stops_the_run_and_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(3)
    home.good_backup()
    there = home.raw()
    broken = home.write("broken.jpg", b"x")
    real = library._digest
    monkeypatch.setattr(
        library,
        "_digest",
        lambda found: OSError(5, "Input/output error") if found.file == str(broken) else real(found),
    )
    report = home.backup()

    assert report.code == Code.GATE
    assert "originals/broken.jpg: Input/output error" in report.problems[0]
    assert home.raw() == there


def test_a_dump_whose_server_dies_gets_no_name_and_the_run_sends_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ",".join(f"('f{n}', '{n}', 'elsewhere', 0, '{'n' * 200}')" for n in range(60_000))
    home.server.sql(f"INSERT INTO files VALUES {rows}", "photoprism")
    home.fill(3)
    see = dump_module._RowCount.see

    def kill(count: dump_module._RowCount, line: bytes) -> None:
        see(count, line)
        if count.rows.get("files") == 1:  # far more are to come than any pipe holds
            home.server.process.kill()

    monkeypatch.setattr(dump_module._RowCount, "see", kill)
    try:
        with pytest.raises(KeeperError, match="no backup was made") as caught:
            dump(home.settings, home.state / "x.sql.zst")
        report = home.backup()
    finally:
        monkeypatch.undo()
        home.server.process.wait(PATIENCE)
        home.server.start()

    assert caught.value.code == Code.DUMP
    assert not list(home.state.glob("x.sql.zst*"))
    assert report.code == Code.DUMP
    assert home.raw() == {}
    assert home.good_backup().database_rows["files"] == 60_000


def test_a_dump_without_its_last_line_or_a_table_does_not_count(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keeper.dump.tables", lambda *_: {"albums", "files", "photos"})
    with pytest.raises(KeeperError, match="it lacks photos"):
        dump(home.settings, home.state / "x.sql.zst")
    monkeypatch.undo()
    monkeypatch.setattr("keeper.dump.TRAILER", b"-- never written")
    with pytest.raises(KeeperError, match="it is cut short"):
        dump(home.settings, home.state / "x.sql.zst")


def test_rows_are_counted_whatever_they_hold(home: Home) -> None:
    home.server.sql(
        r"""INSERT INTO files VALUES ('1', '(', '/', 0, '),\n(2,\'x\'),'), ('2', 'b\nINSERT INTO `albums` VALUES', '/', 0, NULL)""",
        "photoprism",
    )
    file = home.state / "x.sql.zst"

    assert dump(home.settings, file) == inspect(file) == {"albums": 3, "files": 2}


def test_every_file_that_the_dump_names_is_in_the_same_run_though_files_come_meanwhile(home: Home) -> None:
    stop = threading.Event()
    written: list[Path] = []

    def camera() -> None:
        number = 0
        while not stop.is_set():
            written.append(home.write(f"new/{number}.jpg", os.urandom(3000)))
            home.server.sql(f"INSERT INTO files VALUES ('n{number}', 'new/{number}.jpg', '/', 0, '')", "photoprism")
            number += 1

    writer = threading.Thread(target=camera, daemon=True)
    writer.start()
    try:
        until(lambda: len(written) > 3)
        report = home.good_backup()
        named = report.database_rows["files"]
        until(lambda: len(written) > named)
    finally:
        stop.set()
        writer.join(PATIENCE)
    shutil.rmtree(home.originals / "new")
    restore(home.settings, Request(paths=["originals/new"]))

    assert len(written) > named > 0
    assert {file.name for file in written[:named]} <= {file.name for file in (home.originals / "new").iterdir()}
