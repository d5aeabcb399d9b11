"""The reading of the library at home: what changed by itself is told, once, and nothing else is."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from keeper import state as keeper_state
from keeper.backup import scrub as scrubbing
from keeper.backup.scrub import CATALOGUE, accept, scrub
from keeper.errors import Exit, KeeperError
from keeper.locks import alone
from keeper.settings import MARKER
from keeper.state import ScrubState, State
from tests.keeper.home import PROJECT, Home

LONG_AGO = 1_600_000_000_000_000_000
GRAIN = 2_000_000_000
HOUR = 3600 * 10**9


class Clock:
    """The days of the test; each lets the scrub believe that it is another one."""

    def __init__(self) -> None:
        self.days = 0

    def now(self) -> object:
        return keeper_state.now() + timedelta(days=self.days)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(scrubbing, "now", made.now)
    return made


@pytest.fixture
def house(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    for name in made.fill(40):
        age(made.library / name.strip("/"))
    return made


def age(file: Path, time_ns: int = LONG_AGO) -> Path:
    os.utime(file, ns=(time_ns, time_ns))
    return file


def everything(home: Home) -> ScrubState:
    return scrub(home.settings, everything=True)


def rot(file: Path, content: bytes = b"rotten", time_ns: int | None = None) -> Path:
    """Change a file's content and put its time back."""
    before = file.stat().st_mtime_ns
    file.write_bytes(content)
    return age(file, before if time_ns is None else time_ns)


def photo(home: Home, number: int = 7) -> Path:
    return home.originals / f"2024/IMG_{number:05}.jpg"


SEVEN = "originals/2024/IMG_00007.jpg"


def test_content_that_changed_without_a_new_time_is_told_once_and_stays_on_the_list(house: Home) -> None:
    assert everything(house).rotten == {}
    rot(photo(house))

    found = everything(house)
    assert list(found.rotten) == [SEVEN]
    [problem] = found.problems
    assert (problem.code, problem.values) == ("scrub.rotten", {"count": 1, "path": SEVEN})
    again = everything(house)
    assert again.rotten == found.rotten
    assert again.problems == []
    assert ScrubState.read(State(house.state).scrub_file) == again


def test_one_flipped_bit_is_found(house: Home) -> None:
    everything(house)
    content = bytearray(photo(house).read_bytes())
    content[100] ^= 1
    rot(photo(house), bytes(content))

    assert list(everything(house).rotten) == [SEVEN]


def test_an_edit_is_no_rot(house: Home) -> None:
    everything(house)
    age(house.write("2024/IMG_00007.jpg", b"edited"), LONG_AGO + 90 * HOUR + 7 * 60 * 10**9)

    assert everything(house).rotten == {}
    rot(photo(house), b"and then it rotted")
    assert list(everything(house).rotten) == [SEVEN]


@pytest.mark.parametrize("how", ["restored", "edited", "deleted", "accepted"])
def test_rot_is_over_when_the_file_is_right_again_new_gone_or_accepted(house: Home, how: str) -> None:
    good = photo(house).read_bytes()
    everything(house)
    rot(photo(house))
    everything(house)
    if how == "restored":
        rot(photo(house), good)
    elif how == "edited":
        age(house.write("2024/IMG_00007.jpg", b"edited"), LONG_AGO + 100 * HOUR + 7 * 60 * 10**9)
    elif how == "deleted":
        photo(house).unlink()
    else:
        assert accept(house.settings, [SEVEN]) == [SEVEN]

    assert scrub(house.settings).rotten == {}
    assert everything(house).rotten == {}


def test_only_what_was_accepted_is_accepted(house: Home) -> None:
    everything(house)
    rot(photo(house, 7))
    rot(photo(house, 8))
    everything(house)

    assert accept(house.settings, [SEVEN]) == [SEVEN]
    assert list(everything(house).rotten) == ["originals/2024/IMG_00008.jpg"]
    assert len(accept(house.settings)) == 1


def test_within_thirty_days_everything_is_read_once_and_no_day_reads_much_more_than_its_share(
    house: Home, clock: Clock
) -> None:
    house.fill(600, "many")
    for file in (house.originals / "many").iterdir():
        age(file)
    read = []
    for clock.days in range(30):
        read.append(scrub(house.settings).read_files)

    assert sum(read) == 640
    assert max(read) < 60
    clock.days = 30
    assert scrub(house.settings).read_files == read[0]


def test_rot_is_found_within_thirty_days(house: Home, clock: Clock) -> None:
    for clock.days in range(30):
        scrub(house.settings)
    rot(photo(house))
    for clock.days in range(30, 60):
        if scrub(house.settings).rotten:
            break

    assert list(scrub(house.settings).rotten) == [SEVEN]


def test_days_on_which_the_machine_was_off_are_made_up_for_a_few_at_a_time(house: Home, clock: Clock) -> None:
    house.fill(600, "many")
    for file in (house.originals / "many").iterdir():
        age(file)
    for clock.days in range(30):
        scrub(house.settings)
    clock.days = 50
    first = scrub(house.settings).read_files
    clock.days = 51

    assert first > 2 * scrub(house.settings).read_files


def test_a_reading_that_ran_out_of_time_goes_on_where_it_was(house: Home, clock: Clock) -> None:
    house.fill(600, "many")
    for file in (house.originals / "many").iterdir():
        age(file)
    stopped = scrub(house.settings, hours=0)
    whole = scrub(house.settings)

    assert stopped.read_files == 0
    assert whole.read_files > 5
    clock.days = 1
    assert scrub(house.settings).read_files > 0


def test_times_that_were_rounded_look_like_no_edit_and_hide_no_rot(house: Home) -> None:
    age(photo(house, 1), LONG_AGO + 1_234_567_890)
    age(photo(house, 2), LONG_AGO + 1_234_567_890)
    everything(house)
    age(photo(house, 1), LONG_AGO)
    rot(photo(house, 2), time_ns=LONG_AGO)

    assert list(everything(house).rotten) == ["originals/2024/IMG_00002.jpg"]


@pytest.mark.parametrize("hours", [1, -1, 5.5, 8])
def test_another_time_zone_looks_like_no_edit_and_hides_no_rot(house: Home, hours: float) -> None:
    everything(house)
    for number in range(40):
        age(photo(house, number), LONG_AGO + int(hours * HOUR))
    rot(photo(house))

    assert list(everything(house).rotten) == [SEVEN]
    for number in range(40):
        age(photo(house, number), LONG_AGO)
    assert list(everything(house).rotten) == [SEVEN]


def test_an_edit_exactly_an_hour_later_is_an_edit_while_all_others_keep_their_times(house: Home) -> None:
    everything(house)
    rot(photo(house), time_ns=LONG_AGO + HOUR)

    assert everything(house).rotten == {}
    rot(photo(house), b"later")
    assert list(everything(house).rotten) == [SEVEN]


def test_what_was_written_just_now_waits(house: Home) -> None:
    house.write("new.jpg", b"new")
    everything(house)
    house.write("new.jpg", b"old").touch()

    assert everything(house).rotten == {}


def test_a_file_that_cannot_be_read_is_named_and_its_hash_is_kept(house: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    everything(house)
    rot(photo(house, 8))

    def broken(file: bytes, *rest: object) -> object:
        if file.endswith(b"IMG_00007.jpg"):
            raise OSError(5, os.strerror(5))
        return digest(file, *rest)  # type: ignore[arg-type]

    digest = scrubbing._digest
    monkeypatch.setattr(scrubbing, "_digest", broken)
    found = everything(house)
    assert found.unreadable == {SEVEN: "Input/output error"}
    assert list(found.rotten) == ["originals/2024/IMG_00008.jpg"]
    monkeypatch.undo()
    rot(photo(house))
    found = scrub(house.settings)
    assert found.unreadable == {}
    assert set(found.rotten) == {SEVEN, "originals/2024/IMG_00008.jpg"}


def test_a_folder_that_cannot_be_listed_is_named(house: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(folder: bytes | str) -> object:
        if os.fsencode(folder).endswith(b"/2024") and isinstance(folder, bytes):
            raise PermissionError(13, os.strerror(13))
        return real(folder)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)

    assert everything(house).unreadable == {"originals/2024": "Permission denied"}


def test_where_the_library_is_not_there_nothing_is_judged(house: Home) -> None:
    everything(house)
    rot(photo(house))
    known = everything(house)
    (house.originals / MARKER).unlink()
    shutil.rmtree(house.originals / "2024")

    with pytest.raises(KeeperError) as caught:
        scrub(house.settings)
    assert caught.value.exit == Exit.PREFLIGHT
    assert ScrubState.read(State(house.state).scrub_file) == known


def test_a_disk_that_goes_away_on_the_way_makes_no_finding_and_ends_none(
    house: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(house)
    rot(photo(house, 8))
    known = everything(house)
    aside = house.root / "unplugged"

    def unplugged(*_: object) -> object:
        if house.originals.exists():
            house.originals.rename(aside)
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(scrubbing, "_digest", unplugged)
    with pytest.raises(KeeperError, match=r"library\.absent"):
        everything(house)
    monkeypatch.undo()
    aside.rename(house.originals)
    found = scrub(house.settings)
    assert (found.rotten, found.unreadable) == (known.rotten, {})


@pytest.mark.parametrize("damage", ["overwritten", "cut", "empty", "a foreign database", "a hot journal"])
def test_a_damaged_catalogue_is_made_anew_and_that_is_said(house: Home, damage: str) -> None:
    everything(house)
    file = house.state / CATALOGUE
    if damage == "overwritten":
        file.write_bytes(os.urandom(8192))
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "a foreign database":
        file.unlink()
        with sqlite3.connect(file) as base:
            base.execute("CREATE TABLE files (name)")
        base.close()
    else:
        file.write_bytes(b"SQLite format 3\0" + bytes(4000))
        (house.state / f"{CATALOGUE}-journal").write_bytes(os.urandom(4096))

    found = everything(house)
    assert [p.code for p in found.problems] == ([] if damage == "empty" else ["scrub.catalogue"])
    assert found.read_files == 40
    rot(photo(house))
    assert list(everything(house).rotten) == [SEVEN]


def test_a_catalogue_that_somebody_holds_is_made_anew(house: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    everything(house)
    monkeypatch.setattr(scrubbing, "LOCKED_SECONDS", 0.1)
    holder = sqlite3.connect(house.state / CATALOGUE)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        assert [p.code for p in everything(house).problems] == ["scrub.catalogue"]
    finally:
        holder.close()


def test_rot_that_was_told_is_not_healed_by_a_lost_catalogue(house: Home) -> None:
    everything(house)
    rot(photo(house))
    known = everything(house)
    (house.state / CATALOGUE).unlink()

    assert everything(house).rotten == known.rotten
    assert everything(house).rotten == known.rotten
    assert accept(house.settings) == [SEVEN]
    assert everything(house).rotten == {}


def test_a_lost_state_is_told_again_from_the_catalogue(house: Home) -> None:
    everything(house)
    rot(photo(house))
    everything(house)
    State(house.state).scrub_file.write_text("{ broken")

    assert list(scrub(house.settings).rotten) == [SEVEN]


def test_inode_numbers_and_copies_to_another_disk_mean_nothing(house: Home) -> None:
    everything(house)
    moved = house.root / "other disk"
    shutil.copytree(house.originals, moved)
    shutil.rmtree(house.originals)
    moved.rename(house.originals)
    rot(photo(house))

    assert list(everything(house).rotten) == [SEVEN]


def test_names_of_any_bytes_are_read_and_told(house: Home) -> None:
    folder = os.fsencode(house.originals)
    for name in (b"\xff\xfe.jpg", b"new\nline.jpg", "照片.jpg".encode()):
        with open(folder + b"/" + name, "wb") as stream:  # noqa: PTH123 - bytes
            stream.write(b"photo")
        os.utime(folder + b"/" + name, ns=(LONG_AGO, LONG_AGO))
    everything(house)
    for name in (b"\xff\xfe.jpg", b"new\nline.jpg", "照片.jpg".encode()):
        with open(folder + b"/" + name, "wb") as stream:  # noqa: PTH123 - bytes
            stream.write(b"rot")
        os.utime(folder + b"/" + name, ns=(LONG_AGO, LONG_AGO))

    told = set(everything(house).rotten)
    assert told == {"originals/\\xff\\xfe.jpg", "originals/new\nline.jpg", "originals/照片.jpg"}
    (house.state / CATALOGUE).unlink()
    assert set(everything(house).rotten) == told


def test_what_is_never_backed_up_and_what_services_write_is_not_read(house: Home) -> None:
    house.changes["leave_out"] = {"originals": [".trash"]}
    for name in ("originals/.trash/a.jpg", "originals/.photos-restore/a.jpg", "photoprism/index.db", "import/b.jpg"):
        file = house.library / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
        age(file)

    assert everything(house).read_files == 41


def test_two_readings_at_a_time_are_one_too_many(house: Home) -> None:
    with alone(house.state / scrubbing.LOCK, "scrub.locked"), pytest.raises(KeeperError) as caught:
        everything(house)

    assert caught.value.exit == Exit.LOCKED


def test_a_reading_that_is_killed_at_any_point_leaves_a_catalogue_that_serves(house: Home) -> None:
    house.fill(3000, "many")
    for file in (house.originals / "many").iterdir():
        age(file)
    everything(house)
    rot(photo(house))
    file = house.root / "keeper.json"
    file.write_text(house.settings.model_dump_json())
    code = (
        "import sys; from pathlib import Path; from keeper.settings import load; from keeper.backup import scrub as s\n"
        "s.COMMIT_SECONDS = 0\n"
        "print('up', flush=True)\n"
        "while True: s.scrub(load(Path(sys.argv[1])), everything=True)\n"
    )
    for pause in (0.0, 0.05, 0.1, 0.2, 0.4):
        words = [sys.executable, "-c", code, str(file)]
        with subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE) as child:
            assert child.stdout
            child.stdout.readline()
            time.sleep(pause)  # where it is killed; what is asserted does not hang on it
            child.send_signal(signal.SIGKILL)
        found = everything(house)
        assert list(found.rotten) == [SEVEN]
        assert not [p for p in found.problems if p.code == "scrub.catalogue"]


def test_a_state_without_room_is_named(house: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        said = "database or disk is full"
        raise sqlite3.OperationalError(said)

    monkeypatch.setattr(scrubbing._Catalogue, "write", full)
    with pytest.raises(KeeperError) as caught:
        everything(house)
    assert caught.value.problem.code == "scrub.no_room"
    assert (house.state / CATALOGUE).exists()


def test_only_names_are_asked_for_where_it_is_not_the_turn_of_a_file(
    house: Home, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    real: Callable[[bytes], os.stat_result] = os.lstat

    def lstat(file: bytes) -> os.stat_result:
        asked.append(file)
        return real(file)

    monkeypatch.setattr(os, "lstat", lstat)
    house.fill(600, "many")
    clock.days = 3
    scrub(house.settings)

    assert 0 < len(asked) < 60


def test_the_command_names_a_file_and_ends_so_that_a_machine_sees_it(house: Home) -> None:
    with house.command("scrub", "--all", "--json") as child:
        assert child.stdout
        assert ScrubState.model_validate_json(child.stdout.read()).read_files == 40
    rot(photo(house))
    with house.command("scrub", "--all") as child:
        assert child.stderr
        told = child.stderr.read().decode()

    assert child.wait() == Exit.VERIFY
    assert SEVEN in told
