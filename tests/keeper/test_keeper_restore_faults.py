"""What can go wrong while something comes back: damaged objects, broken lines, other mounts, stops, the wrong disk."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keeper.drill import drill
from keeper.errors import Code, KeeperError
from keeper.manifest import Entry, pack
from keeper.preflight import only_run
from keeper.rclone import Rclone, RcloneError
from keeper.restore import PASSWORD, Request, find, restore
from keeper.run import open_remotes
from keeper.runs import DATABASE, MANIFEST, OK, ok_text
from keeper.settings import MARKER, STAGING
from tests.keeper.home import PROJECT, Home
from tests.keeper.proxy import webdav
from tests.waiting import until


@pytest.fixture
def kept(home: Home) -> Home:
    """A home with a few photos and one good run."""
    home.fill(5)
    home.secret(PASSWORD, "owns-it")
    home.good_backup()
    return home


def damage(home: Home, path: str) -> None:
    """Flip a byte of one object, as a rotting disk does; a photo of this size is the only one in its run."""
    home.write(path, b"x" * 5000)
    home.good_backup()
    (file,) = (f for f in (home.root / "remote-disk").rglob("*") if f.is_file() and 5000 < f.stat().st_size < 5100)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_a_damaged_object_is_named_and_the_rest_comes_back_when_asked(kept: Home) -> None:
    damage(kept, "2024/IMG_00003.jpg")
    shutil.rmtree(kept.originals / "2024")
    with pytest.raises(KeeperError, match="IMG_00003") as caught:
        restore(kept.settings, Request(paths=["originals"]))

    assert caught.value.code == Code.VERIFY
    report = restore(kept.settings, Request(paths=["originals"], incomplete=True))
    assert (report.placed, report.missing) == (4, ["originals/2024/IMG_00003.jpg"])


def test_everything_comes_from_the_run_before_when_the_newest_dump_is_damaged(kept: Home) -> None:
    first = kept.runs()[0]
    second = kept.good_backup().run
    (remote,) = open_remotes(kept.settings)
    remote.rclone.write(remote.at("runs", second, DATABASE), b"something else")
    shutil.rmtree(kept.originals / "2024")
    with pytest.raises(KeeperError, match=first):
        restore(kept.settings, Request(everything=True, run=second))

    assert not (kept.originals / "2024").exists()
    assert restore(kept.settings, Request(everything=True)).run == first


def test_what_an_earlier_restore_put_aside_is_not_overwritten_by_the_next(kept: Home) -> None:
    file, past = kept.originals / "2024/IMG_00002.jpg", 1_000_000_000
    asides, besides = [], []
    for text in ("first", "second"):
        file.write_text(text)
        os.utime(file, (past, past))
        asides += restore(kept.settings, Request(paths=["originals/2024/IMG_00002.jpg"])).replaced
    for _ in range(2):
        file.write_text("edited since")
        besides += restore(kept.settings, Request(paths=["originals/2024/IMG_00002.jpg"])).beside
        Path(besides[-1]).write_text(f"edited {len(besides)}")

    assert [Path(aside).read_text() for aside in asides] == ["first", "second"]
    assert [Path(beside).read_text() for beside in besides] == ["edited 1", "edited 2"]


def test_a_folder_in_the_place_of_a_photo_stays_with_what_is_in_it(kept: Home) -> None:
    file, past = kept.originals / "2024/IMG_00002.jpg", 1_000_000_000
    file.unlink()
    kept.write("2024/IMG_00002.jpg/new.jpg", b"new")
    os.utime(file, (past, past))
    report = restore(kept.settings, Request(paths=["originals/2024/IMG_00002.jpg"]))

    assert (file / "new.jpg").read_bytes() == b"new"
    assert len(report.beside) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="keeper tier: only root may mount")
def test_a_library_that_is_mounted_inside_originals_comes_back(kept: Home) -> None:
    other = kept.root / "other disk"
    other.mkdir()
    (kept.originals / "uncle").mkdir()
    mount = f"mount --bind '{other}' '{kept.originals}/uncle'"
    kept.write("uncle/1.jpg", b"uncle's")
    kept.good_backup()
    shutil.rmtree(kept.originals / "uncle")
    (kept.originals / "uncle").mkdir()
    (kept.root / "keeper.json").write_text(kept.settings.model_dump_json())
    command = f"{mount} && exec '{sys.executable}' -m keeper restore originals"
    environment = os.environ | {"KEEPER_SETTINGS": str(kept.root / "keeper.json"), "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert (other / "1.jpg").read_bytes() == b"uncle's"
    assert not (other / STAGING).exists()


@pytest.mark.parametrize("marker", [None, "99999999-0000-4000-8000-000000000000"])
def test_nothing_is_restored_to_another_disk(kept: Home, marker: str | None) -> None:
    shutil.rmtree(kept.originals)
    kept.originals.mkdir()
    if marker:
        (kept.originals / MARKER).write_text(marker)
    with pytest.raises(KeeperError, match="originals") as caught:
        restore(kept.settings, Request(paths=["originals"]))

    assert caught.value.code == Code.PREFLIGHT
    assert not (kept.originals / "2024").exists()
    assert str(caught.value).endswith("Nothing was backed up or restored")


def test_the_identity_of_syncthing_comes_back_over_the_one_a_new_machine_made(kept: Home) -> None:
    key = kept.library / "syncthing/key.pem"
    key.write_text("ours")
    kept.good_backup()
    key.unlink()
    key.write_text("made by the first start on a new machine")
    report = restore(kept.settings, Request(everything=True))

    assert key.read_text() == "ours"
    assert [Path(file).read_text() for file in report.replaced] == ["made by the first start on a new machine"]


def test_a_stop_while_the_tables_are_exchanged_puts_the_old_ones_back(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.server.sql("INSERT INTO albums VALUES ('a9', 'made since')", "photoprism")
    calls = []

    def stop(*_: object, **__: object) -> None:
        calls.append(1)
        raise SystemExit(1)

    monkeypatch.setattr("keeper.dump.count_rows", stop)
    with pytest.raises(SystemExit):
        restore(kept.settings, Request(database=True))

    assert calls
    assert kept.server.sql("SELECT album_title FROM albums WHERE album_uid = 'a9'", "photoprism") == "made since"


def test_everything_comes_back_although_the_stack_no_longer_has_a_service(kept: Home) -> None:
    (kept.library / "syncthing/config.xml").write_text("<configuration/>")
    kept.good_backup()
    shutil.rmtree(kept.originals / "2024")
    roots = {name: str(kept.library / name) for name in ("originals", "import", "photoprism")}
    kept.changes = {"roots": roots}
    report = restore(kept.settings, Request(everything=True))

    assert report.placed == 5


def test_a_line_that_breaks_keeps_what_was_fetched_and_the_next_restore_goes_on(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(kept.originals / "2024")
    copy, asked, broken = Rclone.copy, [], RcloneError("no connection, or it broke off", 1)

    def breaking(self: Rclone, source: str, target: str, files: list[str], *flags: str, **options: Any) -> None:
        asked.append(len(files))
        copy(self, source, target, files[:3] if len(asked) == 1 else files, *flags, **options)
        if len(asked) == 1:
            raise broken

    monkeypatch.setattr(Rclone, "copy", breaking)
    with pytest.raises(KeeperError, match="goes on from there"):
        restore(kept.settings, Request(paths=["originals"]))

    assert not (kept.originals / "2024").exists()
    assert restore(kept.settings, Request(paths=["originals"])).placed == 5
    assert asked == [5, 2]
    assert not (kept.originals / STAGING).exists()


def test_a_file_that_cannot_take_its_place_is_named_and_the_next_restore_goes_on(kept: Home) -> None:
    shutil.rmtree(kept.originals / "2024")
    (kept.originals / "2024").write_text("a file in the place of a folder")
    with pytest.raises(KeeperError, match=r"2024/IMG_00000.jpg could not be: File exists"):
        restore(kept.settings, Request(paths=["originals"]))

    (kept.originals / "2024").unlink()
    assert restore(kept.settings, Request(paths=["originals"])).placed == 5


def test_a_manifest_that_names_a_file_outside_of_the_library_is_refused(kept: Home) -> None:
    (remote,) = open_remotes(kept.settings)
    packed = pack({"originals/../../escaped.jpg": Entry(1, 1, "0" * 64)})
    hashes = {MANIFEST: hashlib.sha256(packed).hexdigest()}
    remote.rclone.write(remote.at("runs", kept.runs()[0], MANIFEST), packed)
    remote.rclone.write(remote.at("runs", kept.runs()[0], OK), ok_text(hashes))
    with pytest.raises(KeeperError, match="no place in the library"):
        restore(kept.settings, Request(paths=["originals"]))


def test_no_room_is_said_before_anything_is_fetched(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(kept.originals / "2024")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    monkeypatch.setattr(Rclone, "copy", lambda *_, **__: pytest.fail("something was fetched"))
    with pytest.raises(KeeperError, match="Free some space first"):
        restore(kept.settings, Request(paths=["originals"]))
    with pytest.raises(KeeperError, match="no room to unpack the database"):
        restore(kept.settings, Request(database=True))
    (remote,) = open_remotes(kept.settings)

    assert "no room to unpack the database" in drill(kept.settings, remote).reason


def test_a_dump_that_was_packed_well_needs_the_room_of_what_is_in_it(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.server.sql("INSERT INTO files VALUES ('f1', 'a.jpg', 'elsewhere', 0, REPEAT('x', 60000))", "photoprism")
    run = kept.good_backup().run
    packed = (kept.state / "runs" / run / DATABASE).stat().st_size
    assert packed < 10_000
    free = SimpleNamespace(free=(256 << 20) + 60_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    (remote,) = open_remotes(kept.settings)

    assert "no room to unpack the database" in drill(kept.settings, remote).reason


def test_a_database_that_cannot_be_kept_first_is_left_alone(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeeperError(Code.DUMP, "table files is corrupt")

    monkeypatch.setattr("keeper.dump.dump", fail)
    kept.server.sql("INSERT INTO albums VALUES ('a9', 'made since')", "photoprism")
    with pytest.raises(KeeperError, match=r"it was left alone: table files is corrupt\. If it is broken for good"):
        restore(kept.settings, Request(database=True))

    assert kept.server.sql("SELECT COUNT(*) FROM albums WHERE album_uid = 'a9'", "photoprism") == "1"


def test_where_the_old_database_lies_is_said_when_it_cannot_be_put_back(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeeperError(Code.FAILED, "the server went away")

    monkeypatch.setattr("keeper.exchange._load", fail)
    with pytest.raises(KeeperError, match=r"It is whole in .*restore-points/.*\.sql\.zst"):
        restore(kept.settings, Request(database=True))


def test_a_test_restore_waits_for_no_run_but_says_who_is_at_it(kept: Home) -> None:
    (remote,) = open_remotes(kept.settings)
    with only_run(kept.settings, "the nightly run"), pytest.raises(KeeperError, match="nightly run") as caught:
        drill(kept.settings, remote)

    assert caught.value.code == Code.LOCKED
    assert kept.status().last_drill is None


def test_a_killed_test_restore_leaves_no_server_and_its_scratch_goes_the_next_time(kept: Home) -> None:
    scratch = kept.state / "scratch"
    process = kept.command("drill")
    until(lambda: servers(scratch))
    process.kill()
    process.wait()
    until(lambda: not servers(scratch))

    assert list(scratch.iterdir())
    (remote,) = open_remotes(kept.settings)
    assert drill(kept.settings, remote).passed
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


def test_the_index_may_name_what_the_run_said_it_does_not_hold(kept: Home) -> None:
    (kept.originals / "2024/家人.jpg").symlink_to("IMG_00000.jpg")
    kept.write("2024/照片 1.jpg", "照片".encode())
    kept.server.sql(
        "INSERT INTO files VALUES ('f1', '2024/家人.jpg', '/', 0, ''), ('f2', '2024/照片 1.jpg', '/', 0, '')",
        "photoprism",
    )
    kept.good_backup()
    (remote,) = open_remotes(kept.settings)
    report = drill(kept.settings, remote)

    assert report.passed, report.reason


def test_runs_and_files_can_be_looked_for(kept: Home) -> None:
    second = kept.good_backup().run
    kept.remotes = [*kept.remotes, kept.local("gone")]
    listing = find(kept.settings, ["img_00003"])

    assert listing.runs == {"disk": kept.runs()[::-1]}
    assert "gone" in listing.problems[0]
    assert (listing.run, listing.remote) == (second, "disk")
    assert [file.path for file in listing.files] == ["originals/2024/IMG_00003.jpg"]


def test_names_that_are_no_text_can_be_reported(kept: Home) -> None:
    file = kept.originals / os.fsdecode(b"2024/\xff.jpg")
    file.write_text("one")
    kept.good_backup()
    file.write_text("edited since")
    report = restore(kept.settings, Request(everything=True))

    assert len(report.beside) == 1
    assert "restored-" in report.model_dump_json()


@pytest.mark.parametrize("name", ["disk", "far", "vault"])
def test_each_remote_alone_brings_everything_back_to_a_bare_host(home: Home, name: str) -> None:
    home.secret(PASSWORD, "owns-it")
    with webdav(home.root / "remote-far") as port:
        options = {"url": f"http://127.0.0.1:{port}", "vendor": "other"}
        far = home.remote("far", "mirror", type="webdav", path="photos", options=options)
        home.remotes = [home.local("disk"), far, home.local("vault", "vault", encrypt=False)]
        home.fill(20)
        home.good_backup()
        home.write("2024/IMG_00000.jpg", b"edited")
        home.write("2024/\u5bb6\u4eba.jpg", b"new")
        (home.originals / "2024/IMG_00001.jpg").unlink()
        (home.library / "syncthing/key.pem").write_text("identity")
        home.good_backup()
        before = home.hashes()
        for other in {"disk", "far", "vault"} - {name}:
            shutil.rmtree(home.root / f"remote-{other}")
        for folder in (home.state, *(home.library / root for root in ("originals", "photoprism", "syncthing"))):
            shutil.rmtree(folder)
            folder.mkdir()
        (home.originals / MARKER).write_text(home.id)
        home.server.sql("DROP TABLE files; DROP TABLE albums", "photoprism")
        report = restore(home.settings, Request(everything=True))

    assert report.remote == name
    assert home.hashes() == before
    assert home.server.sql("SELECT COUNT(*) FROM albums", "photoprism") == "3"
