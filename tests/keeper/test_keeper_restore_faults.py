"""Restores that meet trouble: damage at the copy, full disks, kills, other mounts, names and times of every kind."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keeper.copies.restic import Restic, Restored
from keeper.errors import Exit, KeeperError, Problem
from keeper.restore import stage as stage_module
from keeper.settings import STAGING
from tests.keeper.home import PROJECT, Home
from tests.keeper.restoring import bring, refused
from tests.keeper.server import Server
from tests.waiting import until

BIG = 400_000


def noise(seed: int, size: int = BIG) -> bytes:
    """Return bytes that nothing packs any smaller."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - no secret


@pytest.fixture(scope="module")
def made(server: Server, restic: str, tmp_path_factory: pytest.TempPathFactory) -> Home:  # noqa: ARG001 - the keeper runs it
    """A home with some small photos and some large ones, and one good snapshot."""
    server.fresh_album()
    home = Home(tmp_path_factory.mktemp("made"), server)
    home.fill(12)
    for number in range(20):
        home.write(f"2025/{number:02}.jpg", noise(number))
    home.good_backup()
    return home


@pytest.fixture
def kept(made: Home, tmp_path: Path) -> Home:
    """The same, for one test."""
    shutil.copytree(made.root, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Home(tmp_path, made.server)


def data_packs(home: Home) -> list[Path]:
    """Return the packs in which photos lie."""
    listed = [json.loads(home.repository().restic._text("cat", "index", each)) for each in home.repository().indexes()]
    ids = [str(p["id"]) for index in listed for p in index["packs"] if p["blobs"][0]["type"] == "data"]
    return [home.root / f"copy-disk/data/{pack[:2]}/{pack}" for pack in ids]


def flip(pack: Path, place: int) -> None:
    content = bytearray(pack.read_bytes())
    content[place] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)


def test_a_damaged_file_is_named_and_the_rest_comes_back_when_asked(kept: Home) -> None:
    (pack,) = data_packs(kept)
    flip(pack, 3_000_000)
    before = kept.content()
    shutil.rmtree(kept.originals / "2025")
    error = refused(kept, "originals")

    assert (error.exit, error.problem.code, error.problem.values["count"]) == (Exit.VERIFY, "restore.missing", 1)
    assert not (kept.originals / "2025").exists()
    report = bring(kept, "originals", incomplete=True)
    (missing,) = report.missing
    assert report.placed == 19
    assert {path: digest for path, digest in before.items() if path != missing.encode()} == kept.content()


def test_a_long_file_of_which_one_piece_is_damaged_is_none(home: Home) -> None:
    home.write("long.mp4", noise(1, 12_000_000))
    home.write("short.jpg", noise(2))
    home.good_backup()
    (pack,) = data_packs(home)
    flip(pack, 6_000_000)
    for name in ("long.mp4", "short.jpg"):
        (home.originals / name).unlink()
    report = bring(home, "originals", incomplete=True)

    assert (report.missing, report.placed) == (["originals/long.mp4"], 1)
    assert not (home.originals / "long.mp4").exists()
    assert not (home.originals / STAGING).exists()


def test_what_is_damaged_at_one_copy_is_said_to_be_at_another(kept: Home) -> None:
    kept.copies = [*kept.copies, kept.local("far", "mirror")]
    kept.good_backup("far")
    (pack,) = data_packs(kept)
    flip(pack, 3_000_000)
    shutil.rmtree(kept.originals / "2025")
    hint = refused(kept, "originals", snapshot=kept.repository().snapshots()[0].id).problem.values["hint"]

    assert isinstance(hint, Problem)
    assert (hint.code, hint.values["copy"]) == ("restore.has_it", "far")
    assert bring(kept, "originals", copy_name="far").placed == 20


def test_pieces_of_which_the_index_knows_nothing_cost_only_their_files(kept: Home) -> None:
    kept.write("2025/98.jpg", noise(98))
    kept.write("2025/99.jpg", noise(99))
    old = set(data_packs(kept))
    kept.good_backup()
    (new,) = set(data_packs(kept)) - old
    new.unlink()
    kept.repository().restic.repair_index()
    shutil.rmtree(kept.originals / "2025")
    report = bring(kept, "originals", incomplete=True)

    assert report.missing == ["originals/2025/98.jpg", "originals/2025/99.jpg"]
    assert report.placed == 20


def test_names_of_every_kind_come_back(home: Home) -> None:
    strange = [
        b"\xff\xfe.jpg", b"two\nlines.jpg", b"a[b] *?\\.jpg", b"$HOME.jpg", b" spaces ", "照".encode() * 85, b"#x", b"!x",
        "é".encode(), "e\u0301".encode(), b"Case.jpg", b"case.jpg", "\u3000ideographic\u3000".encode(), b"\x7f\x01\r", b"-x",
    ]  # fmt: skip
    folder = os.fsencode(home.originals)
    home.write("stays.jpg", b"so that the folder is not fetched as a whole")
    places = [folder, os.path.join(folder, b"\xff folder\n*")]  # noqa: PTH118 - bytes
    os.mkdir(places[1])  # noqa: PTH102 - bytes
    for place in places:
        for number, name in enumerate(strange):
            with open(os.path.join(place, name), "wb") as file:  # noqa: PTH118, PTH123 - bytes
                file.write(b"%d %d" % (number, len(place)))
    home.good_backup()
    before = home.content()
    for name in strange:
        os.unlink(os.path.join(folder, name))  # noqa: PTH108, PTH118 - bytes
    one_by_one = bring(home, "originals")
    assert home.content() == before
    shutil.rmtree(places[1])
    report = bring(home, "originals")

    assert home.content() == before
    assert (one_by_one.placed, report.placed, report.beside, report.replaced) == (len(strange), len(strange), [], [])
    assert "\ufffd" in report.model_dump_json() or not report.beside


def test_a_name_that_no_pattern_can_say_brings_no_other_file_along(home: Home) -> None:
    for name in ("two\nlines.jpg", "two lines.jpg", "stays.jpg"):
        home.write(name, name.encode())
    home.good_backup()
    for name in ("two\nlines.jpg", "two lines.jpg"):
        (home.originals / name).unlink()
    report = bring(home, "originals/two\nlines.jpg")

    assert (report.placed, report.missing) == (1, [])
    assert (home.originals / "two\nlines.jpg").exists()
    assert not (home.originals / "two lines.jpg").exists()


def test_a_disk_that_keeps_no_modes_gets_its_photos_all_the_same(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = Restic.restore

    def complaining(self: Restic, snapshot: str, target: Path, **more: Any) -> Restored:
        done = fetch(self, snapshot, target, **more)
        file = f"{target}/originals/2025/01.jpg"
        return replace(done, failed={"/originals/2025/01.jpg": f"chmod {file}: operation not permitted"})

    monkeypatch.setattr(Restic, "restore", complaining)
    shutil.rmtree(kept.originals / "2025")
    report = bring(kept, "originals")

    assert (report.placed, report.missing) == (20, [])


def test_what_makes_no_progress_is_given_up_and_who_has_patience_gets_it(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = Restic.restore

    def stalling(self: Restic, snapshot: str, target: Path, **more: Any) -> Restored:
        for _ in range(3):
            more["progress"](1000, 2000)
        return fetch(self, snapshot, target, **more)

    monkeypatch.setattr(Restic, "restore", stalling)
    monkeypatch.setattr(stage_module, "STALL_SECONDS", 0)
    shutil.rmtree(kept.originals / "2025")
    error = refused(kept, "originals")

    assert error.problem.code == "restore.broken_off"
    assert isinstance(error.problem.values["reason"], Problem)
    assert error.problem.values["reason"].code == "restore.stalled"
    assert bring(kept, "originals", incomplete=True).placed == 20


def test_what_is_complete_can_be_restored_while_a_job_is_at_the_copy(kept: Home) -> None:
    shutil.rmtree(kept.originals / "2025")
    with kept.repository().alone("backup"):
        report = bring(kept, "originals")

    assert report.placed == 20


def test_links_times_and_holes_come_back(home: Home) -> None:
    (home.originals / "dangling").symlink_to("nowhere")
    (home.originals / "2024").mkdir()
    (home.originals / "to a folder").symlink_to("2024")
    one = home.write("2024/one.jpg", b"linked")
    (home.originals / "2024/two.jpg").hardlink_to(one)
    os.mkfifo(home.originals / "2024/pipe")
    times = {
        "1904.jpg": -2_082_844_800_123_456_789,
        "2360.jpg": 12_307_161_600_123_456_789,
        "1960.jpg": -315_619_200 * 10**9,
    }
    for name, ns in times.items():
        os.utime(home.write(f"2024/{name}", name.encode()), ns=(ns, ns))
    home.good_backup()
    for item in list(home.originals.iterdir()):
        if item.name.startswith("."):
            continue
        shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()
    bring(home, "originals")

    assert os.readlink(home.originals / "dangling") == "nowhere"  # noqa: PTH115 - as it stands
    assert (home.originals / "to a folder").is_symlink()
    assert (home.originals / "2024/one.jpg").stat().st_nlink == 2
    assert (home.originals / "2024/pipe").is_fifo()
    assert {name: (home.originals / "2024" / name).stat().st_mtime_ns for name in times} == times
    assert bring(home, "originals").placed == 0


def test_a_folder_that_is_a_subvolume_gets_its_files_by_copy(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept.content()
    shutil.rmtree(kept.originals / "2024")
    (kept.originals / "2025/03.jpg").unlink()
    rename = Path.rename

    def across(self: Path, target: Path) -> Path:
        if self.parent.name != STAGING and STAGING in self.parts:
            raise OSError(18, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", across)
    report = bring(kept, "originals")

    assert report.placed == 13
    assert kept.content() == before
    assert not list(kept.originals.rglob(STAGING))


@pytest.mark.skipif(os.geteuid() != 0, reason="keeper tier: only root may mount")
def test_a_library_that_is_mounted_inside_originals_comes_back(home: Home) -> None:
    other = home.root / "other disk"
    other.mkdir()
    home.write("uncle/1.jpg", b"uncle's")
    home.write("uncle/more/2.jpg", b"uncle's, too")
    home.write("mine.jpg", b"mine")
    home.good_backup()
    shutil.rmtree(home.originals / "uncle")
    (home.originals / "uncle").mkdir()
    (home.originals / "mine.jpg").unlink()
    (home.root / "keeper.json").write_text(home.settings.model_dump_json())
    mount = f"mount --bind '{other}' '{home.originals}/uncle'"
    command = f"{mount} && exec '{sys.executable}' -m keeper restore originals"
    environment = {**os.environ, "KEEPER_SETTINGS": str(home.root / "keeper.json"), "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert (other / "1.jpg").read_bytes() == b"uncle's"
    assert (other / "more/2.jpg").read_bytes() == b"uncle's, too"
    assert (home.originals / "mine.jpg").exists()
    assert not (other / STAGING).exists()


def test_what_belongs_on_another_disk_is_gathered_on_that_disk(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = home.root / "mountinfo"
    place = str(home.originals / "my uncle").replace(" ", "\\040")
    mounts.write_text(f"36 35 98:0 / {place} rw,noatime master:1 - ext4 /dev/sdb rw\n")
    home.write("my uncle/more/2.jpg", b"uncle's")
    home.write("mine.jpg", b"mine")
    home.good_backup()
    shutil.rmtree(home.originals / "my uncle/more")
    (home.originals / "mine.jpg").unlink()
    fetch, targets = Restic.restore, []

    def watching(self: Restic, snapshot: str, target: Path, **more: Any) -> Restored:
        targets.append(target.parent)
        return fetch(self, snapshot, target, **more)

    monkeypatch.setattr(Restic, "restore", watching)
    monkeypatch.setattr("keeper.mounts.FILE", mounts)

    assert bring(home, "originals").placed == 2
    assert sorted(targets) == [home.originals / STAGING, home.originals / "my uncle" / STAGING]


def test_a_line_that_breaks_keeps_what_was_fetched_and_the_same_command_goes_on(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, fetch, tries = kept.content(), Restic.restore, []
    shutil.rmtree(kept.originals / "2025")

    def breaking(self: Restic, snapshot: str, target: Path, **more: object) -> object:
        tries.append(1)
        done = fetch(self, snapshot, target, **more)  # type: ignore[arg-type]
        if len(tries) == 1:
            for number in range(10):
                (target / f"originals/2025/{number:02}.jpg").unlink()
            raise KeeperError(Exit.COPY, "cause.unreachable", said="no route to host")
        return done

    monkeypatch.setattr(Restic, "restore", breaking)
    error = refused(kept, "originals")
    assert (error.exit, error.problem.code) == (Exit.COPY, "restore.broken_off")
    assert not (kept.originals / "2025").exists()
    first = kept.repository().snapshots()[-1].time
    kept.write("meanwhile.jpg", b"the night goes on")
    kept.backup()
    report = bring(kept, "originals")

    assert report.time == first, "not from the one of a half-empty library"
    assert "restore.goes_on" in [note.code for note in report.notes]
    assert kept.content().items() >= {p: d for p, d in before.items() if p.startswith(b"originals")}.items()
    assert not (kept.originals / STAGING).exists()
    assert bring(kept, "originals").time > first


def test_no_room_is_said_before_anything_is_fetched(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(kept.originals / "2025")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    monkeypatch.setattr(Restic, "restore", lambda *_, **__: pytest.fail("something was fetched"))

    assert refused(kept, "originals").problem.code == "restore.no_room"
    assert refused(kept, database=True).problem.code == "drill.no_room"


def test_a_file_that_cannot_take_its_place_is_named_and_the_next_restore_goes_on(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept.content()
    for number in range(5):
        (kept.originals / f"2025/{number:02}.jpg").unlink()
    move, moved = stage_module._move, []

    def failing(source: Path, target: Path) -> None:
        moved.append(target)
        if len(moved) == 3:
            raise OSError(5, "Input/output error")
        move(source, target)

    monkeypatch.setattr(stage_module, "_move", failing)
    error = refused(kept, "originals")

    assert error.problem.code == "restore.not_placed"
    assert (error.problem.values["count"], error.problem.values["path"]) == (2, "originals/2025/02.jpg")
    assert bring(kept, "originals").placed == 3
    assert kept.content() == before


def test_killed_at_any_moment_the_same_command_goes_on(kept: Home) -> None:
    before = kept.content()
    chance = random.Random(14)  # noqa: S311 - no secret
    shutil.rmtree(kept.originals / "2025")
    for name in ("2024/IMG_00001.jpg", "2024/IMG_00005.jpg"):
        (kept.originals / name).unlink()
    kept.write("2024/IMG_00007.jpg", b"edited since")
    edited = kept.content()[b"originals/2024/IMG_00007.jpg"]
    for _ in range(6):
        process = kept.command("restore", "originals", "--json")
        time.sleep(chance.uniform(0.3, 6))  # when it dies is left to chance; the verdict does not hang on it
        process.kill()
        process.communicate()
        held = kept.content()
        assert held[b"originals/2024/IMG_00007.jpg"] == edited
        assert all(before.get(path) == digest for path, digest in held.items() if b"IMG_00007" not in path)
    until(lambda: not kept.at_work())
    bring(kept, "originals")
    after = kept.content()

    assert {path: digest for path, digest in after.items() if b"IMG_00007" not in path} == {
        path: digest for path, digest in before.items() if b"IMG_00007" not in path
    }
    assert after[b"originals/2024/IMG_00007.jpg"] == edited
    assert len(list((kept.originals / "2024").glob("IMG_00007.restored-*"))) == 1
    assert not (kept.originals / STAGING).exists()
