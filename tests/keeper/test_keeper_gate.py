"""The gate: what a person must be asked about stops forgetting, never a backup."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from keeper.backup import gate, retention
from keeper.copies.restic import Restic
from keeper.errors import Exit, KeeperError
from keeper.state import RunReport
from tests.keeper.home import Home


@pytest.fixture
def kept(home: Home) -> Home:
    home.fill(60)
    home.fill(60, "2023")
    home.good_backup()
    return home


def codes(report: RunReport) -> set[str]:
    return {problem.code for problem in report.problems}


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def is_safe(home: Home, report: RunReport) -> None:
    """Everything is backed up all the same, and everything from before is held."""
    assert report.snapshot
    assert home.restorable(snapshot=report.snapshot) == home.content()
    held = [snapshot for snapshot in home.known().snapshots if snapshot.held]
    assert [snapshot.alarm for snapshot in held] == [report.alarm]


def test_a_mass_deletion_is_asked_about_and_what_was_is_held(kept: Home) -> None:
    before = kept.content()
    for number in range(30):
        (kept.originals / f"2024/IMG_{number:05}.jpg").unlink()

    report = kept.backup()

    assert report.exit == Exit.GATE
    assert codes(report) == {"gate.vanished"}
    is_safe(kept, report)
    held = next(snapshot for snapshot in kept.known().snapshots if snapshot.held)
    assert kept.restorable(snapshot=held.id) == before


def test_ransomware_is_asked_about(kept: Home) -> None:
    for file in kept.originals.rglob("*.jpg"):
        file.write_bytes(os.urandom(len(file.read_bytes())))

    report = kept.backup()

    assert codes(report) == {"gate.changed"}
    is_safe(kept, report)


def test_ransomware_that_renames_what_it_encrypts_is_asked_about(kept: Home) -> None:
    for file in list(kept.originals.rglob("*.jpg")):
        file.with_suffix(".jpg.locked").write_bytes(os.urandom(300))
        file.unlink()

    report = kept.backup()

    assert "gate.vanished" in codes(report)
    is_safe(kept, report)


def test_a_vanished_folder_is_asked_about_however_small(kept: Home) -> None:
    kept.fill(2, "2001")
    kept.good_backup()
    shutil.rmtree(kept.originals / "2001")

    report = kept.backup()

    assert codes(report) == {"gate.folder"}
    is_safe(kept, report)


def test_content_that_changed_without_a_new_time_is_told(kept: Home) -> None:
    photo = kept.originals / "2024/IMG_00007.jpg"
    status = photo.stat()
    photo.write_bytes(photo.read_bytes()[:-1] + b"\0")
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))

    report = kept.backup()

    assert codes(report) == {"gate.rotten"}
    is_safe(kept, report)


def test_a_year_that_was_moved_is_no_alarm(kept: Home) -> None:
    (kept.originals / "2023").rename(kept.originals / "sorted")

    assert kept.good_backup().alarm == ""


def test_a_year_that_was_moved_while_the_album_was_indexed_is_no_alarm(kept: Home) -> None:
    sidecars = kept.library / "photoprism/sidecar"
    sidecars.mkdir()
    for number in range(80):
        (sidecars / f"{number}.yml").write_text("old" * number)
    kept.good_backup()
    (kept.originals / "2023").rename(kept.originals / "sorted")
    for number in range(80):
        (sidecars / f"{number}.yml").write_text("new" * number)

    assert kept.good_backup().alarm == ""


def test_the_albums_import_with_move_is_no_alarm(kept: Home) -> None:
    folder = kept.library / "import/2026-11 beach"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.jpg").write_bytes(os.urandom(400))
    kept.good_backup()
    # Its new time is that of the import, as PhotoPrism writes it across two mounts.
    (kept.originals / "2026/11").mkdir(parents=True)
    for file in folder.iterdir():
        (kept.originals / "2026/11" / f"20261101_{file.name}").write_bytes(file.read_bytes())
    shutil.rmtree(folder)

    assert kept.good_backup().alarm == ""


def test_notes_beside_photos_that_a_program_rewrites_are_no_alarm(kept: Home) -> None:
    for number in range(60):
        kept.write(f"2024/IMG_{number:05}.xmp", b"old")
    kept.good_backup()
    for number in range(60):
        kept.write(f"2024/IMG_{number:05}.xmp", b"new ones")

    assert kept.good_backup().alarm == ""


def test_what_a_person_accepts_is_asked_about_at_no_copy_again(kept: Home) -> None:
    kept.copies.append(kept.local("second"))
    kept.good_backup("second")
    shutil.rmtree(kept.originals / "2023")
    report = kept.backup()

    gate.accept(kept.state, report.alarm)

    assert kept.good_backup("second").alarm == ""
    assert kept.known("second").held == {}
    kept.good_backup()
    assert not [snapshot for snapshot in kept.known().snapshots if snapshot.held]


def test_what_was_accepted_once_is_asked_about_when_it_happens_again(kept: Home) -> None:
    kept.copies.append(kept.local("second"))
    kept.good_backup("second")
    aside = kept.root / "aside"
    shutil.move(kept.originals / "2023", aside)
    gate.accept(kept.state, kept.backup().alarm)
    kept.good_backup()
    kept.good_backup("second")
    shutil.move(aside, kept.originals / "2023")
    kept.good_backup()
    kept.good_backup("second")
    shutil.rmtree(kept.originals / "2023")

    report = kept.backup()
    is_safe(kept, report)
    assert kept.backup("second").alarm == report.alarm
    assert kept.backup().exit == Exit.OK
    is_safe(kept, report.model_copy(update={"snapshot": kept.known().snapshots[-1].id}))


def test_an_alarm_outlives_the_keepers_memory(kept: Home) -> None:
    shutil.rmtree(kept.originals / "2023")
    alarm = kept.backup().alarm
    kept.forget_state()

    kept.good_backup()

    assert list(kept.known().held) == [alarm], "it is written at the copy"
    with pytest.raises(KeeperError, match=alarm):
        gate.accept(kept.state, "0a1b2c3d", kept.known().held)
    gate.accept(kept.state, alarm, kept.known().held)
    kept.good_backup()
    assert kept.known().held == {}
    assert not [snapshot for snapshot in kept.repository().snapshots() if snapshot.held]


def test_an_alarm_that_cannot_be_written_at_home_is_held_at_the_copy(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    shutil.rmtree(kept.originals / "2023")
    monkeypatch.setattr(gate.Alarm, "write", full)

    report = kept.backup()

    assert report.exit == Exit.GATE
    is_safe(kept, report)


def test_a_run_that_was_killed_before_it_compared_hides_nothing(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(kept.originals / "2023")
    with monkeypatch.context() as patched:
        patched.setattr(gate, "check", killed)
        with pytest.raises(KeyboardInterrupt):
            kept.backup()

    report = kept.backup()

    assert "gate.vanished" in codes(report)
    is_safe(kept, report)


def test_a_hold_that_breaks_off_is_made_by_the_next_run(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> str:
        raise KeeperError(Exit.COPY, "cause.unreachable", said="connection reset")

    shutil.rmtree(kept.originals / "2023")
    with monkeypatch.context() as patched:
        patched.setattr(Restic, "tag", broken)
        assert kept.backup().exit == Exit.COPY

    report = kept.backup()

    assert "gate.vanished" in codes(report)
    is_safe(kept, report)


def test_a_run_that_was_stopped_while_it_held_a_snapshot_makes_none_look_lost(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = Restic.tag

    def stopped(self: Restic, snapshot: str, **changes: str) -> str:
        tag(self, snapshot, **changes)
        raise KeyboardInterrupt

    shutil.rmtree(kept.originals / "2023")
    with monkeypatch.context() as patched:
        patched.setattr(Restic, "tag", stopped)
        with pytest.raises(KeyboardInterrupt):
            kept.backup()

    report = kept.backup()

    assert codes(report) == {"gate.vanished", "gate.folder"}, "nobody was told yet, and nothing is gone"
    is_safe(kept, report)
    assert kept.good_backup().problems == []


def test_a_held_snapshot_and_all_before_it_are_never_forgotten(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(kept.originals / "2023")
    kept.backup()
    first = kept.known().snapshots[0].id

    def never(*_: object) -> list[str]:
        raise AssertionError

    monkeypatch.setattr(retention, "too_old", never)
    kept.good_backup()

    assert first in {snapshot.id for snapshot in kept.repository().snapshots()}


def test_only_what_waits_can_be_accepted(kept: Home) -> None:
    with pytest.raises(KeeperError) as refused:
        gate.accept(kept.state, "../../etc/passwd")

    assert refused.value.problem.code == "gate.unknown"


def test_an_unreadable_file_is_named_and_its_last_content_held(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.fill(3)
    home.good_backup()
    before = home.content()
    photo = home.originals / "2024/IMG_00001.jpg"
    photo.write_bytes(b"nobody may read this")
    photo.chmod(0)
    os.chown(photo, 1234, 1234)
    monkeypatch.setenv("KEEPER_RESTIC", str(without_privileges(tmp_path)))

    report = home.backup()

    assert report.exit == Exit.VERIFY
    assert codes(report) == {"gate.unreadable", "run.unreadable"}
    assert list(report.unreadable) == ["originals/2024/IMG_00001.jpg"]
    held = next(snapshot for snapshot in home.known().snapshots if snapshot.held)
    assert home.restorable(snapshot=held.id) == before
    assert len(home.restorable(snapshot=report.snapshot)) == len(before) - 1


def without_privileges(folder: Path) -> Path:
    """Return a restic that may read no more than its user: root reads everything otherwise."""
    script = folder / "restic"
    drop = "--bounding-set -dac_override,-dac_read_search --inh-caps -dac_override,-dac_read_search"
    script.write_text(f'#!/bin/sh\nexec setpriv {drop} {os.environ["KEEPER_RESTIC"]} "$@"\n')
    script.chmod(0o755)
    return script


def test_rot_on_the_way_to_a_new_disk_is_told_though_the_state_is_lost(kept: Home) -> None:
    before = kept.content()
    # rsync -a: other inodes, the same names, sizes and times.
    kept.originals.rename(kept.root / "old disk")
    shutil.copytree(kept.root / "old disk", kept.originals)
    photo = kept.originals / "2024/IMG_00007.jpg"
    status = photo.stat()
    photo.write_bytes(photo.read_bytes()[:-1] + b"\0")
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    kept.forget_state()

    report = kept.backup()

    assert "gate.rotten" in codes(report)
    assert kept.restorable(snapshot=kept.known().snapshots[0].id) == before
    is_safe(kept, report)
