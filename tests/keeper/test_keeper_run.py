"""One run of one copy: what is in it, what stops it, what it leaves to the next."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keeper import state
from keeper.backup import dump, first_upload, retention, run
from keeper.copies import transport, trial
from keeper.copies.restic import Restic
from keeper.errors import Exit, KeeperError
from keeper.settings import MARKER, STAGING
from tests.keeper.home import Home
from tests.waiting import until

LENGTH_OF_AN_ID = 64
"""Of restic's, which are SHA-256 in hexadecimal digits."""


def codes(report: state.RunReport) -> list[str]:
    return [problem.code for problem in report.problems]


def test_by_hand_a_copy_at_which_another_job_works_holds_up_no_other(home: Home) -> None:
    home.copies.append(home.local("second"))
    home.fill(3)

    with home.repository("disk").alone("verify"), home.command("backup", "--json") as child:
        said, _ = child.communicate()

    assert child.returncode == Exit.LOCKED
    made = {each["copy_name"]: each for each in json.loads(said)}
    assert [problem["code"] for problem in made["disk"]["problems"]] == ["copy.locked"]
    assert made["second"]["exit"] == Exit.OK
    assert home.restorable("second") == home.content()


def test_what_is_at_home_lies_at_the_copy_with_the_database_beside_it(home: Home) -> None:
    home.fill(5)
    (home.library / "syncthing/key.pem").write_text("identity")

    report = home.good_backup()

    assert home.restorable() == home.content()
    assert b"database/photoprism.sql" in home.content()
    assert report.files == 7
    assert home.known().last_good == report.ended


def test_every_name_that_a_disk_holds_is_backed_up(home: Home) -> None:
    names = [
        b"a\nb.jpg", b"\xff\xfe.jpg", b" blank .jpg", b"*?[x]\\.jpg", b"case.JPG", b"CASE.jpg", b"-n.jpg",
        ("照" * 81).encode() + b".jpg", b"n" * 255, "e\u0301.jpg".encode(), "\u00e9.jpg".encode(),
    ]  # fmt: skip
    for name in names:
        with open(os.fsencode(home.originals) + b"/" + name, "wb") as file:  # noqa: PTH123 - bytes
            file.write(name)

    home.good_backup()

    assert home.restorable() == home.content()
    assert len([name for name in home.content() if name.startswith(b"originals/")]) == len(names)


def test_no_name_and_no_size_of_a_photo_can_be_too_much_for_a_remote(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LOCAL_PACK", 4)
    home.write("2024/film.mp4", os.urandom(40_000_000))
    home.write("/".join(["deep" * 20] * 20) + "/" + "n" * 255, b"a path of 2,000 signs")

    home.good_backup()

    there = [file for file in (home.root / "copy-disk").rglob("*") if file.is_file()]
    assert max(len(str(file.relative_to(home.root / "copy-disk"))) for file in there) <= len("snapshots/") + 64
    assert max(file.stat().st_size for file in there) <= 16 << 20
    assert home.restorable() == home.content()


def test_what_is_on_its_way_or_only_a_marker_is_not_backed_up(home: Home) -> None:
    home.changes = {"leave_out": {"photoprism": ["cache"]}}
    home.write("2024/a.jpg", b"photo")
    home.write("2024/.syncthing.b.jpg.tmp", b"half")
    home.write(f"{STAGING}/c.jpg", b"gathered")
    home.write("2024/.stfolder/keep", b"")
    (home.library / "photoprism/cache").mkdir()
    (home.library / "photoprism/cache/d.jpg").write_bytes(b"made again")

    home.good_backup()

    kept = {name for name in home.restorable() if not name.startswith(b"database")}
    assert kept == {b"originals/2024/a.jpg", b"originals/2024/.stfolder/keep"}


@pytest.mark.parametrize("what", ["gone", "no marker", "another's", "empty"])
def test_a_library_that_is_not_there_is_the_only_thing_at_home_that_stops_a_backup(home: Home, what: str) -> None:
    home.fill(3)
    home.good_backup()
    shutil.rmtree(home.originals)
    if what != "gone":
        home.originals.mkdir()
        (home.originals / "2024").mkdir()
    if what in ("another's", "empty"):
        (home.originals / MARKER).write_text(home.id if what == "empty" else "another")

    report = home.backup()

    expected = {"gone": "absent", "no marker": "no_marker", "another's": "of_another", "empty": "empty"}[what]
    assert codes(report) == [f"library.{expected}"]
    assert report.exit == Exit.PREFLIGHT
    assert len(home.repository().snapshots()) == 1


def test_without_the_database_the_photos_are_backed_up_and_the_last_dump_stays(home: Home) -> None:
    home.fill(3)
    home.good_backup()
    home.fill(3, "2025")
    (home.state / "dump.json").unlink()
    home.server = None

    report = home.backup()

    assert codes(report) == ["dump.no_answer"]
    assert report.exit == Exit.DUMP
    assert home.restorable() == home.content()
    assert b"database/photoprism.sql" in home.restorable()


def test_the_first_upload_grows_from_the_newest_year_on_and_goes_on_after_a_stop(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_upload, "BATCH_BYTES", 100_000)
    for year in (2019, 2025, 2022):
        home.write(f"{year}/large.raw", os.urandom(90_000))
        home.write(f"{year}/small.raw", os.urandom(20_000))
    backed_up: list[list[str]] = []
    original = Restic.backup

    def stops(self: Restic, folder: Path, names: list[str], **options: object) -> object:
        if len(backed_up) == 2:
            raise KeyboardInterrupt
        backed_up.append(list(names))
        return original(self, folder, names, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Restic, "backup", stops)
        with pytest.raises(KeyboardInterrupt):
            home.backup()

    assert backed_up == [["database", "originals/2025"], ["database", "originals/2025", "originals/2022"]]
    assert {name.split(b"/")[1] for name in home.restorable() if name.startswith(b"originals")} == {b"2025", b"2022"}
    assert home.known().run is not None
    sent = home.good_backup().sent_bytes
    assert 110_000 <= sent < 140_000, "what was sent is not sent again"
    assert [snapshot.whole for snapshot in home.repository().snapshots()] == [True], "the parts are forgotten"
    assert home.restorable() == home.content()


def test_two_jobs_are_never_at_one_copy(home: Home) -> None:
    home.fill(1)
    repository = home.repository()

    with repository.alone("verify"), pytest.raises(KeeperError) as refused:
        home.backup()

    assert refused.value.exit == Exit.LOCKED
    assert "verify" in str(refused.value.problem.values["holder"])
    home.good_backup()


def test_restic_and_rclone_hold_the_lock_of_a_keeper_that_was_killed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.fill(1)
    slow = home.root / "restic"
    slow.write_text(f'#!/bin/sh\n[ "$1" = version ] && exec {os.environ["KEEPER_RESTIC"]} version\nexec sleep 600\n')
    slow.chmod(0o755)
    monkeypatch.setenv("KEEPER_RESTIC", str(slow))
    repository = home.repository()

    with repository.alone("backup"), repository.restic._child(["snapshots"]) as (child, _):
        lock = next(iter(repository.restic.held))
        inherited = Path(f"/proc/{child.pid}/fd/{lock}").readlink()
        assert inherited == home.state / "copies/disk/lock"
        os.kill(child.pid, signal.SIGKILL)
    with (home.state / "copies/disk/lock").open() as again:
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.skipif(os.geteuid() != 0, reason="keeper tier: only root may have another host name")
def test_a_lock_that_a_dead_run_left_at_the_copy_stops_nothing(home: Home) -> None:
    """In containers it is of another host, or of a process id that is in use again: restic takes it for alive."""
    home.fill(1)
    home.good_backup()
    restic = home.repository().restic
    locks = home.root / "copy-disk/locks"
    elsewhere = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    dead = subprocess.Popen(
        [*elsewhere, restic._program, "backup", "--stdin-from-command", "--", "sleep", "600"],
        env=restic._environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # By its whole name: until it is written, restic's file has another, and is none of its locks.
    until(lambda: [lock for lock in locks.iterdir() if len(lock.name) == LENGTH_OF_AN_ID])
    os.killpg(dead.pid, signal.SIGKILL)
    dead.wait()
    assert list(locks.iterdir())

    home.good_backup()

    assert list(locks.iterdir()) == []


@pytest.mark.parametrize(("days", "code"), [(400, "clock.ahead"), (-400, "clock.back")])
def test_a_clock_that_is_wrong_for_a_night_forgets_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch, days: int, code: str
) -> None:
    home.copies = [home.local("disk", keep={"all_days": 1, "weekly_days": 1, "monthly_days": 1})]
    home.fill(1)
    first = datetime.now(UTC) - timedelta(days=60)
    for day in range(6):
        clock(monkeypatch, first + timedelta(days=day))
        home.write("2024/a.jpg", b"%d" % day)
        home.good_backup()
    before = {snapshot.number for snapshot in home.repository().snapshots()}
    clock(monkeypatch, first + timedelta(days=6 + days))
    home.write("2024/a.jpg", b"the odd night")

    report = home.backup()

    # That the copy is what it is called is tried again: what a clock noted that is ahead of tonight's is not believed.
    assert codes(report) == [code, "trial.same_disk"]
    assert report.exit == Exit.GATE
    assert {snapshot.number for snapshot in home.repository().snapshots()} == {*before, 7}
    clock(monkeypatch, first + timedelta(days=7))
    home.write("2024/a.jpg", b"the night after")
    home.backup()
    assert {snapshot.number for snapshot in home.repository().snapshots()} == {*before, 7, 8}
    assert home.restorable(snapshot=home.known().snapshots[-1].id) == home.content()


def test_a_lost_state_does_not_hide_that_the_clock_went_back(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(1)
    home.good_backup()
    home.forget_state()
    clock(monkeypatch, datetime.now(UTC) - timedelta(hours=18))

    report = home.backup()

    assert (report.exit, codes(report)[0]) == (Exit.GATE, "clock.back")
    assert len(home.repository().snapshots()) == 2


def test_who_says_that_the_date_is_right_after_a_year_is_believed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(1)
    home.good_backup()
    clock(monkeypatch, datetime.now(UTC) + timedelta(days=365))

    assert home.good_backup(trust_clock=True).snapshot


def test_a_run_that_was_broken_off_is_no_good_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SystemExit(1)

    home.fill(1)
    monkeypatch.setattr(dump, "ensure", fail)
    with pytest.raises(SystemExit):
        home.backup()

    known = home.known()
    assert known.last_good is None
    assert known.run
    assert (known.run.exit, codes(known.run)) == (Exit.FAILED, ["run.broken_off"])


def test_what_is_too_old_is_forgotten_and_the_newest_three_never(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.copies = [home.local("disk", keep={"all_days": 3, "weekly_days": 3, "monthly_days": 3})]
    first = datetime.now(UTC) - timedelta(days=60)
    for day in range(8):
        clock(monkeypatch, first + timedelta(days=day))
        home.write("2024/a.jpg", b"%d" % day)
        home.good_backup()

    numbers = [snapshot.number for snapshot in home.repository().snapshots()]

    assert numbers[-3:] == [6, 7, 8]
    assert 1 not in numbers
    assert home.restorable() == home.content()


def test_a_vault_forgets_nothing_and_deletes_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    far = home.root / "far"
    options = {"remote": str(far)}
    keep = {"all_days": 1, "weekly_days": 1, "monthly_days": 1}
    home.copies = [home.copy("vault", "vault", type="alias", path="photos", options=options, keep=keep)]
    first = datetime.now(UTC) - timedelta(days=60)
    for day in range(6):
        clock(monkeypatch, first + timedelta(days=day))
        home.write("2024/a.jpg", b"%d" % day)
        assert home.good_backup("vault").forgotten == 0
        packs = {file.name for file in (far / "photos/data").rglob("*") if file.is_file()}

    assert len(home.repository("vault").snapshots()) == 6
    assert len(packs) >= 6
    with pytest.raises(KeeperError):
        home.repository("vault").restic.forget([home.known("vault").snapshots[0].id])


@pytest.mark.parametrize("broken", ["copies/disk.json", "dump.json", "copies/disk/rclone.conf", "gate/x.json"])
@pytest.mark.parametrize("content", [b"", b"\0" * 300, b"{", b"\xff\xfe[]"])
def test_no_file_of_the_state_stops_a_run(home: Home, broken: str, content: bytes) -> None:
    home.fill(2)
    home.good_backup()
    (home.state / broken).parent.mkdir(exist_ok=True)
    (home.state / broken).write_bytes(content)

    home.good_backup()

    assert home.restorable() == home.content()


def test_a_state_that_cannot_be_written_stops_no_backup(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(2)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    home.good_backup()
    home.write("2025/b.jpg", b"new")
    monkeypatch.setattr(state, "write_whole", full)

    report = home.backup()

    assert report.snapshot
    assert home.restorable() == home.content()


def test_a_password_is_on_no_command_line_and_in_no_report(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.fill(1)
    log = home.root / "commands"
    spy = home.root / "restic"
    spy.write_text(f'#!/bin/sh\necho "$@" >>{log}\nexec {os.environ["KEEPER_RESTIC"]} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("KEEPER_RESTIC", str(spy))

    report = home.good_backup()

    assert "key of disk" not in log.read_text() + report.model_dump_json()
    assert len(log.read_text().splitlines()) > 5


def test_an_older_restic_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    old = home.root / "restic"
    old.write_text("#!/bin/sh\necho 'restic 0.18.1 compiled with go1.24 on linux/amd64'\n")
    old.chmod(0o755)
    monkeypatch.setenv("KEEPER_RESTIC", str(old))

    report = home.backup()

    assert codes(report) == ["program.old"]
    assert report.exit == Exit.PREFLIGHT


def clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let the keeper and restic believe that it is another day."""
    for module in (run, retention, state, trial):
        monkeypatch.setattr(module, "now", lambda: moment)
    original = clock.__dict__.setdefault("original", Restic.backup)

    def dated(self: Restic, *words: object, **options: object) -> object:
        self._options += ["--time", f"{moment:%Y-%m-%d %H:%M:%S}"] if "--time" not in self._options else []
        try:
            return original(self, *words, **options)
        finally:
            self._options = self._options[: self._options.index("--time")]

    monkeypatch.setattr(Restic, "backup", dated)
