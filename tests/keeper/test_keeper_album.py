"""A copy to look at: plain files that nothing of ours deletes or overwrites; what a place cannot take is named."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keeper.backup.run import backup
from keeper.copies.place import Place
from keeper.errors import Exit, KeeperError
from keeper.settings import MARKER
from keeper.state import RunReport, State
from tests.keeper.home import Home
from tests.keeper.proxy import Proxy, _Handler, proxied, webdav
from tests.waiting import until


@pytest.fixture
def house(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.copies = [made.local("wall", "album")]
    made.fill(5)
    return made


@pytest.fixture
def drive(house: Home) -> Iterator[Proxy]:
    """A WebDAV server behind a proxy, as the only copy."""
    with webdav(house.root / "copy-net") as port, proxied(port) as proxy:
        house.copies = [{**house.webdav("net", proxy.url, "album"), "connections": 1}]
        yield proxy


def shown(home: Home, name: str = "wall") -> dict[str, bytes]:
    folder = home.root / f"copy-{name}" / ("photos" if name == "net" else "")
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def copied(home: Home, name: str = "wall") -> RunReport:
    report = backup(home.settings, name)
    assert report.exit == Exit.OK, report.problems
    return report


def test_originals_alone_lie_there_as_plain_files(house: Home) -> None:
    house.changes["leave_out"] = {"originals": [".trash"]}
    for name in (
        "photoprism/index.db",
        "originals/.trash/a.jpg",
        "originals/.photos-restore/a",
        "originals/.stfolder/a",
    ):
        file = house.library / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    (house.originals / "2024/.syncthing.IMG.jpg.tmp").write_bytes(b"half")
    report = copied(house)

    there = shown(house)
    assert set(there) == {f"2024/IMG_{number:05}.jpg" for number in range(5)}
    assert there["2024/IMG_00003.jpg"] == (house.originals / "2024/IMG_00003.jpg").read_bytes()
    assert (report.files, report.sent_bytes) == (5, sum(map(len, there.values())))
    assert State(house.state).copy("wall").run == report
    assert State(house.state).copy("wall").last_good == report.ended


def test_a_second_run_sends_nothing_of_the_same_size_whatever_its_time(house: Home) -> None:
    copied(house)
    for file in (house.originals / "2024").iterdir():
        file.write_bytes(b"x" * file.stat().st_size)
        os.utime(file, (1, 1))
    report = copied(house)

    assert (report.files, report.sent_bytes) == (5, 0)
    assert len(shown(house)) == 5


def test_what_is_gone_at_home_stays_there(house: Home) -> None:
    copied(house)
    before = shown(house)
    shutil.rmtree(house.originals / "2024")
    house.write("new.jpg", b"new")
    copied(house)

    assert shown(house) == before | {"new.jpg": b"new"}


def test_what_changed_at_home_is_renamed_there_and_not_lost(house: Home) -> None:
    copied(house)
    before = shown(house)
    house.write("2024/IMG_00001.jpg", b"edited")
    copied(house)
    time.sleep(1.1)  # the next suffix is of another second
    house.write("2024/IMG_00001.jpg", b"edited again")
    copied(house)

    there = shown(house)
    assert there["2024/IMG_00001.jpg"] == b"edited again"
    assert {*before.values(), b"edited", b"edited again"} == set(there.values())
    assert all(name.endswith(".jpg") for name in there)


def test_it_is_a_copy_of_its_own_on_a_net_drive_too(house: Home, drive: Proxy) -> None:
    copied(house, "net")
    before = shown(house, "net")
    house.write("2024/IMG_00001.jpg", b"edited")
    copied(house, "net")

    assert set(before.values()) < set(shown(house, "net").values())
    assert shown(house, "net")["2024/IMG_00001.jpg"] == b"edited"
    assert not drive.count("DELETE")


def test_a_file_whose_place_is_taken_is_named_and_all_others_are_there(house: Home) -> None:
    (house.root / "copy-wall/2024/IMG_00002.jpg/in the way").mkdir(parents=True)
    report = copied(house)

    assert list(report.unreadable) == ["originals/2024/IMG_00002.jpg"]
    [problem] = report.problems
    assert (problem.code, problem.values["count"]) == ("album.refused", 1)
    assert len(shown(house)) == 4


@pytest.mark.parametrize("status", [413, 414, 400, 422])
def test_an_upload_that_is_refused_is_named_and_no_failure(
    house: Home, drive: Proxy, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def refusal(handler: _Handler) -> int:
        return status if handler.command == "PUT" and handler.path.endswith("IMG_00002.jpg") else 0

    monkeypatch.setattr(_Handler, "_refusal", refusal)
    report = copied(house, "net")

    assert list(report.unreadable) == ["originals/2024/IMG_00002.jpg"]
    assert len(shown(house, "net")) == 4
    assert drive.count("PUT", "IMG_00002")


def test_a_place_that_is_full_is_not_asked_for_every_file(
    house: Home, drive: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.fill(200, "many")
    monkeypatch.setattr(_Handler, "_refusal", lambda handler: 507 if handler.command == "PUT" else 0)
    report = backup(house.settings, "net")

    assert (report.exit, report.problems[0].code) == (Exit.COPY, "cause.full")
    assert 20 <= len({request.path for request in drive.seen if request.method == "PUT"}) < 100


@pytest.mark.parametrize(("fault", "code"), [("401", "cause.credentials"), ("507", "cause.full")])
def test_a_place_that_takes_nothing_is_a_failure(house: Home, drive: Proxy, fault: str, code: str) -> None:
    drive.fault = fault  # type: ignore[assignment]
    report = backup(house.settings, "net")

    assert (report.exit, report.problems[0].code) == (Exit.COPY, code), report.problems


def test_case_pairs_on_a_disk_that_knows_none_do_not_replace_each_other_night_after_night(
    house: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keeper.backup.album.file_system", lambda _: "exfat")
    house.write("a.jpg", b"small")
    house.write("A.jpg", b"capital letter")
    report = copied(house)

    assert [path for path in report.unreadable if path.lower() == "originals/a.jpg"]
    assert len(shown(house)) == 6


def test_another_disk_in_place_of_the_library_is_not_copied(house: Home) -> None:
    (house.originals / MARKER).write_text("another id")
    report = backup(house.settings, "wall")

    assert (report.exit, report.problems[0].code) == (Exit.PREFLIGHT, "library.of_another")
    assert shown(house) == {}


def test_a_disk_that_is_not_plugged_in_is_named(house: Home) -> None:
    (house.root / "copy-wall").rmdir()
    report = backup(house.settings, "wall")

    assert (report.exit, report.problems[0].code) == (Exit.PREFLIGHT, "copy.no_folder")


def test_one_job_at_a_time_is_at_a_place(house: Home) -> None:
    place = Place(house.settings, house.settings.copies[0])
    with place.alone("by hand"), pytest.raises(KeeperError) as caught:
        backup(house.settings, "wall")
    assert caught.value.exit == Exit.LOCKED
    assert State(house.state).copy("wall").last_good is None, "a run that was none is no good one"


def _is_free(home: Home) -> bool:
    place = Place(home.settings, home.settings.copies[0])
    with contextlib.suppress(KeeperError), place.alone("to see"):
        return True
    return False


def test_a_kill_on_the_way_leaves_whole_files_and_the_next_run_goes_on(house: Home) -> None:
    for number in range(30):
        house.write(f"big/{number}.jpg", os.urandom(1 << 20))
    house.copies[0]["bandwidth"] = "20M"
    with house.command("backup", "--copy", "wall") as child:
        while not (house.root / "copy-wall/big").exists() and child.poll() is None:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    house.copies[0].pop("bandwidth")
    until(lambda: _is_free(house))  # rclone dies with the keeper, a moment later
    copied(house)

    there = shown(house)
    assert all(there[f"big/{n}.jpg"] == (house.originals / f"big/{n}.jpg").read_bytes() for n in range(30))
