"""Test restores and restores: from any remote, of any run, never over what is newer (F19, F25, F39, F48, F50)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from components.restore import LOGIN
from keeper import drill as drill_module
from keeper.dump import inspect
from keeper.errors import Code, KeeperError
from keeper.report import DrillReport
from keeper.restore import PASSWORD, Request, restore
from keeper.run import open_remotes
from keeper.runs import DATABASE, MANIFEST, OK, ok_text
from keeper.settings import MARKER
from tests.keeper.home import Home


def test_the_stack_and_the_keeper_call_the_file_of_the_login_the_same() -> None:
    assert LOGIN == PASSWORD


def drill(home: Home, name: str = "disk") -> DrillReport:
    remote = next(r for r in open_remotes(home.settings) if r.name == name)
    return drill_module.drill(home.settings, remote)


def tamper(home: Home, run: str, name: str, content: bytes, *, vouched: bool = False) -> None:
    """Replace one object of a run at the remote; `vouched`: as if the run had been made so."""
    (remote,) = open_remotes(home.settings)
    remote.rclone.write(remote.at("runs", run, name), content)
    if vouched:
        packed = remote.rclone.read(remote.at("runs", run, MANIFEST)) or b""
        hashes = {MANIFEST: hashlib.sha256(packed).hexdigest(), DATABASE: hashlib.sha256(content).hexdigest()}
        remote.rclone.write(remote.at("runs", run, OK), ok_text(hashes))


@pytest.fixture
def kept(home: Home) -> Home:
    """A home with 250 photos, an index that names them, and one good run."""
    names = home.fill(250)
    rows = ",".join(f"('f{n}', '{name.removeprefix('originals/')}', '/', 0, '')" for n, name in enumerate(names))
    home.server.sql(f"INSERT INTO files VALUES {rows}", "photoprism")
    home.secret(PASSWORD, "owns-it")
    home.good_backup()
    return home


def test_a_test_restore_passes_and_says_what_it_proved(kept: Home) -> None:
    report = drill(kept)

    assert report.passed, report.reason
    assert (report.files_checked, report.tables, report.rows) == (200, 2, 253)
    assert kept.status().remotes["disk"].last_drill == report
    assert list((kept.state / "scratch").iterdir()) == []


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, "statement"])
def test_a_cut_dump_fails_the_test_restore_and_a_restore_takes_the_run_before(kept: Home, share: float | str) -> None:
    first = kept.runs()[0]
    second = kept.good_backup().run
    packed = (kept.state / "runs" / second / DATABASE).read_bytes()
    text = zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    end = text.rindex(b";\n", 0, len(text) // 2) + 2 if share == "statement" else int(len(text) * float(share))
    tamper(kept, second, DATABASE, zstandard.ZstdCompressor().compress(text[:end]), vouched=True)
    report = drill(kept)

    assert not report.passed
    assert "cut short" in report.reason
    with pytest.raises(KeeperError, match="cut short"):
        restore(kept.settings, Request(database=True, run=second))
    assert restore(kept.settings, Request(database=True, run=first)).database_rows == {"albums": 3, "files": 250}


@pytest.mark.parametrize("name", [MANIFEST, DATABASE])
def test_a_run_whose_objects_are_not_those_of_its_ok_fails(kept: Home, name: str) -> None:
    tamper(kept, kept.runs()[0], name, b"something else")
    report = drill(kept)

    assert not report.passed
    assert "damaged" in report.reason


def test_a_damaged_newest_run_is_passed_over_by_a_restore(kept: Home) -> None:
    first = kept.runs()[0]
    second = kept.good_backup().run
    tamper(kept, second, MANIFEST, b"something else")
    shutil.rmtree(kept.originals / "2024")

    assert restore(kept.settings, Request(paths=["originals"])).run == first


def test_a_lost_object_fails_the_test_restore(kept: Home) -> None:
    (remote,) = open_remotes(kept.settings)
    remote.rclone.delete(remote.at("current"), [f"originals/2024/IMG_{n:05}.jpg" for n in range(100)])
    report = drill(kept)

    assert not report.passed
    assert "do not read back right" in report.reason


def test_a_file_that_the_index_names_and_the_run_lacks_fails_the_test_restore(kept: Home) -> None:
    kept.server.sql("INSERT INTO files VALUES ('fx', '2020/gone.jpg', '/', 0, '')", "photoprism")
    kept.good_backup()
    report = drill(kept)

    assert not report.passed
    assert "2020/gone.jpg" in report.reason


def test_the_remotes_are_tested_in_turn(home: Home) -> None:
    home.fill(3)
    home.remotes = [home.local("disk"), home.local("second", "mirror")]
    home.good_backup()
    names = []
    for _ in range(3):
        remote = drill_module.in_turn(open_remotes(home.settings), home.status())
        assert drill_module.drill(home.settings, remote).passed
        names.append(remote.name)

    assert names == ["disk", "second", "disk"]


def test_a_folder_comes_back_as_it_was_with_its_times(kept: Home) -> None:
    before = {f: f.stat().st_mtime_ns for f in kept.originals.rglob("*.jpg")}
    hashes = kept.hashes()
    shutil.rmtree(kept.originals / "2024")
    report = restore(kept.settings, Request(paths=["originals/2024"]))

    assert report.placed == 250
    assert kept.hashes() == hashes
    assert {f: f.stat().st_mtime_ns for f in kept.originals.rglob("*.jpg")} == before
    assert not list(kept.originals.glob(".photos-restore*"))


def test_every_single_remote_alone_brings_everything_back(home: Home) -> None:
    home.fill(20)
    home.write("2024/IMG_00000.jpg", b"one")
    home.remotes = [home.local("disk"), home.local("far", "mirror"), home.local("vault", "vault")]
    home.good_backup()
    home.write("2024/IMG_00000.jpg", b"one, edited")
    (home.originals / "2024/IMG_00001.jpg").unlink()
    hashes = home.hashes()
    home.good_backup()
    for name in ("disk", "far", "vault"):
        shutil.rmtree(home.originals / "2024")
        report = restore(home.settings, Request(paths=["originals"], remote=name))

        assert report.remote == name
        assert home.hashes() == hashes


@pytest.mark.parametrize("kind", ["disk", "vault"])
def test_an_older_run_comes_back_as_it_was(home: Home, kind: str) -> None:
    home.fill(5)
    home.remotes = [home.local("copy", kind)]
    states = []
    for number in range(3):
        home.write("2024/IMG_00000.jpg", f"version {number}".encode())
        states.append((home.good_backup().run, home.hashes()))
    (home.originals / "2024/IMG_00001.jpg").unlink()
    states.append((home.good_backup().run, home.hashes()))
    for run, hashes in states:
        shutil.rmtree(home.originals / "2024")
        restore(home.settings, Request(paths=["originals"], run=run))
        assert home.hashes() == hashes


def test_a_newer_file_stays_and_the_restored_one_comes_beside_it(kept: Home) -> None:
    newer = kept.write("2024/IMG_00007.jpg", b"edited since")
    report = restore(kept.settings, Request(paths=["originals/2024/IMG_00007.jpg"]))

    assert newer.read_bytes() == b"edited since"
    assert [file for file in report.beside if file.startswith(str(newer.with_name("IMG_00007.restored-")))]


def test_a_rotten_file_gives_way_and_is_kept_aside(kept: Home) -> None:
    file = kept.originals / "2024/IMG_00007.jpg"
    good, status = file.read_bytes(), file.stat()
    file.write_bytes(b"X" + good[1:])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    report = restore(kept.settings, Request(paths=["originals/2024/IMG_00007.jpg"]))

    assert file.read_bytes() == good
    assert len(report.replaced) == 1
    assert Path(report.replaced[0]).read_bytes() == b"X" + good[1:]


def test_a_file_missing_at_the_remote_stops_all_unless_asked_for_the_rest(kept: Home) -> None:
    (remote,) = open_remotes(kept.settings)
    remote.rclone.delete_one(remote.at("current/originals/2024/IMG_00003.jpg"))
    shutil.rmtree(kept.originals / "2024")
    with pytest.raises(KeeperError, match="Nothing was changed") as caught:
        restore(kept.settings, Request(paths=["originals"]))

    assert caught.value.code == Code.VERIFY
    assert not (kept.originals / "2024").exists()
    report = restore(kept.settings, Request(paths=["originals"], incomplete=True))
    assert report.missing == ["originals/2024/IMG_00003.jpg"]
    assert report.placed == 249


def test_a_wrong_key_restores_nothing_and_says_so(kept: Home) -> None:
    kept.secret("backup_disk_crypt_password", "another key")
    shutil.rmtree(kept.originals / "2024")
    with pytest.raises(KeeperError, match="does not open it"):
        restore(kept.settings, Request(everything=True))


def test_asking_for_nothing_or_for_an_unknown_file_says_what_to_write(kept: Home) -> None:
    with pytest.raises(KeeperError, match="say what to restore"):
        restore(kept.settings, Request())
    with pytest.raises(KeeperError, match="Names start with a root"):
        restore(kept.settings, Request(paths=["2024/IMG_00003.jpg"]))


def test_the_database_comes_back_with_a_restore_point_of_what_it_was(kept: Home) -> None:
    kept.server.sql("DELETE FROM files; CREATE TABLE later (id INTEGER)", "photoprism")
    report = restore(kept.settings, Request(database=True))

    assert kept.server.sql("SELECT COUNT(*) FROM files", "photoprism") == "250"
    assert kept.server.sql("SHOW TABLES", "photoprism").split() == ["albums", "files"]
    assert inspect(Path(report.restore_point)) == {"albums": 3, "files": 0, "later": 0}


def test_a_database_restore_that_fails_half_way_puts_the_present_one_back(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.server.sql("INSERT INTO albums VALUES ('a9', 'made since')", "photoprism")
    monkeypatch.setattr("keeper.exchange.prove_rows", _fail())
    with pytest.raises(KeeperError, match="The database is what it was before"):
        restore(kept.settings, Request(database=True))

    assert kept.server.sql("SELECT album_title FROM albums WHERE album_uid = 'a9'", "photoprism") == "made since"


def _fail() -> Callable[[dict[str, int], dict[str, int]], None]:
    def prove(_dumped: dict[str, int], _found: dict[str, int]) -> None:
        raise KeeperError(Code.VERIFY, "table files has 3 rows after loading, 250 were dumped")

    return prove


def test_syncthing_s_home_comes_back(kept: Home) -> None:
    (kept.library / "syncthing/config").mkdir()
    (kept.library / "syncthing/config/config.xml").write_text("<configuration/>")
    (kept.library / "syncthing/config/cert.pem").write_text("identity")
    kept.good_backup()
    before = kept.hashes()
    shutil.rmtree(kept.library / "syncthing/config")
    restore(kept.settings, Request(paths=["syncthing"]))

    assert kept.hashes() == before


PRIVATE = {"syncthing/key.pem": 0o600, "syncthing/config.xml": 0o640, "photoprism/run.sh": 0o755}


def modes(home: Home) -> dict[str, int]:
    """Return path → permission bits of the services' own files."""
    return {name: (home.library / name).stat().st_mode & 0o7777 for name in PRIVATE}


@pytest.fixture
def private(home: Home) -> Home:
    """A home with a key that only its owner may read, other services' files, a photo, and one good run."""
    for name, mode in PRIVATE.items():
        (home.library / name).write_text(name)
        (home.library / name).chmod(mode)
    home.write("a.jpg", b"photo").chmod(0o600)
    home.good_backup()
    return home


def unset_mode() -> int:
    """Return the mode of a file for which nobody asked for one."""
    umask = os.umask(0o022)
    os.umask(umask)
    return 0o666 & ~umask


def wipe(home: Home) -> None:
    for file in [file for file in home.library.rglob("*") if file.is_file() and file.name != MARKER]:
        file.unlink()


def test_a_service_s_file_comes_back_readable_to_those_who_could_read_it(private: Home) -> None:
    private.good_backup()  # from remembered hashes
    wipe(private)
    restore(private.settings, Request(paths=["syncthing", "photoprism", "originals"]))

    assert modes(private) == PRIVATE
    assert (private.originals / "a.jpg").stat().st_mode & 0o7777 == unset_mode(), "photos: as the drive makes them"


def test_a_manifest_without_permissions_restores_as_before(private: Home) -> None:
    (remote,) = open_remotes(private.settings)
    run = private.runs()[0]
    packed = remote.rclone.read(remote.at("runs", run, MANIFEST)) or b""
    lines = [json.loads(line) for line in _unpacked(packed).splitlines()]
    assert {line.pop("mode") for line in lines} == {*PRIVATE.values()}
    old = zstandard.ZstdCompressor().compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    dump = remote.rclone.read(remote.at("runs", run, DATABASE)) or b""
    tamper(private, run, MANIFEST, old)
    tamper(private, run, DATABASE, dump, vouched=True)
    before = private.hashes()
    wipe(private)
    restore(private.settings, Request(paths=["syncthing", "photoprism"]))

    assert set(modes(private).values()) == {unset_mode()}
    assert private.hashes() == {path: digest for path, digest in before.items() if path != "originals/a.jpg"}


def test_a_file_that_only_changed_its_permissions_is_not_sent_again(private: Home) -> None:
    (private.library / "syncthing/config.xml").chmod(0o600)
    report = private.good_backup()
    wipe(private)
    restore(private.settings, Request(paths=["syncthing", "photoprism"]))

    assert report.remotes["disk"].sent_files == 0
    assert modes(private)["syncthing/config.xml"] == 0o600


def _unpacked(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(packed).read()


def test_a_bare_host_gets_two_thousand_files_and_fifty_thousand_rows_back(home: Home) -> None:
    for number in range(2000):
        home.write(f"{number // 100}/{number}.jpg", number.to_bytes(2, "big") * 5000)
    rows = ",".join(f"('f{n}', 'row {n}', 'elsewhere', 0, '{'n' * 50}')" for n in range(50_000))
    home.server.sql(f"INSERT INTO files VALUES {rows}", "photoprism")
    home.secret(PASSWORD, "owns-it")
    home.good_backup()
    before = home.hashes()
    for folder in (home.state, *(home.library / root for root in ("originals", "import", "photoprism", "syncthing"))):
        shutil.rmtree(folder)
        folder.mkdir()
    for name in ("originals", "import"):
        (home.library / name / MARKER).write_text(home.id)  # as opening the kit does
    home.server.sql("DELETE FROM files; DROP TABLE albums", "photoprism")
    start = time.monotonic()
    report = restore(home.settings, Request(everything=True))

    assert time.monotonic() - start < 600
    assert home.hashes() == before
    assert report.database_rows == {"albums": 3, "files": 50_000}
    assert home.server.sql("SELECT COUNT(*) FROM files", "photoprism") == "50000"
