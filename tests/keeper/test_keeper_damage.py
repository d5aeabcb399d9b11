"""Damage at a copy: found by the run whose turn it is, told apart from a broken connection, mended where that is possible."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from keeper.backup import gate, retention, verify
from keeper.errors import Exit
from keeper.state import State
from tests.keeper.home import Home

Damage = Callable[[Path], None]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "SECOND_LOOK_SECONDS", 0.01)


@pytest.fixture
def kept(home: Home) -> Home:
    """A copy with two nights in it, of which every run reads all."""
    home.copies = [home.local("disk", verify_days=1)]
    home.fill(30)
    for number in range(4):
        home.write(f"2023/large-{number}.raw", random.Random(number).randbytes(3_000_000))  # noqa: S311 - no secret
    home.good_backup()
    home.write("2024/new.jpg", b"of the second night" * 1000)
    home.good_backup()
    return home


def some(copy: Path, kind: str) -> Path:
    """Return the largest file of a kind: of the packs one with photos in it."""
    return max((file for file in (copy / kind).rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def flip(copy: Path) -> None:
    file = some(copy, "data")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    rewrite(file, bytes(content))


def cut(copy: Path) -> None:
    file = some(copy, "data")
    rewrite(file, file.read_bytes()[:1000])


def lose_pack(copy: Path) -> None:
    some(copy, "data").unlink()


def lose_every_index(copy: Path) -> None:
    for file in (copy / "index").iterdir():
        file.unlink()


def flip_index(copy: Path) -> None:
    file = some(copy, "index")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    rewrite(file, bytes(content))


def rewrite(file: Path, content: bytes) -> None:
    file.chmod(0o600)
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [flip, cut, lose_pack, lose_every_index, flip_index])
def test_damage_is_told_and_mended_from_the_photos_at_home(kept: Home, damage: Damage) -> None:
    damage(kept.root / "copy-disk")

    report = kept.backup()

    assert report.exit == Exit.VERIFY, "a mended copy is told, too"
    assert "copy.mended" in {problem.code for problem in report.problems}, report.problems
    assert kept.known().damage is None
    assert kept.restorable() == kept.content()
    assert kept.good_backup().repaired == 0


@pytest.mark.parametrize("damage", [flip, cut, lose_pack])
def test_what_is_nowhere_else_any_more_stays_told(kept: Home, damage: Damage) -> None:
    for number in range(4):
        (kept.originals / f"2023/large-{number}.raw").unlink()
    kept.changes = {"gate": {"floor": 1000}}
    kept.good_backup()
    damage(kept.root / "copy-disk")

    report = kept.backup()

    assert report.exit == Exit.VERIFY
    assert "copy.damage_stays" in {problem.code for problem in report.problems}, report.problems
    assert kept.known().damage is not None
    assert report.forgotten == 0
    assert kept.restorable() == kept.content(), "what is at home is whole there"
    assert kept.backup().exit == Exit.VERIFY, "it is told until someone decides"


def test_what_was_found_by_hand_is_mended_by_the_next_run_whatever_share_that_reads(kept: Home) -> None:
    kept.copies = [kept.local("disk", verify_days=365)]
    kept.good_backup()
    flip(kept.root / "copy-disk")
    assert verify.by_hand(kept.repository(), everything=True, progress=lambda *_: None)

    report = kept.backup()

    assert "copy.mended" in {problem.code for problem in report.problems}, report.problems
    assert kept.known().damage is None
    assert kept.good_backup()
    assert verify.by_hand(kept.repository(), everything=True, progress=lambda *_: None) is None
    assert kept.restorable() == kept.content()


def test_a_damaged_vault_stays_told_though_the_next_run_reads_another_share(kept: Home) -> None:
    kept.copies = [kept.local("disk", "vault", verify_days=365)]
    kept.good_backup()
    flip(kept.root / "copy-disk")
    good = kept.known().last_good
    assert verify.by_hand(kept.repository(), everything=True, progress=lambda *_: None)

    for _ in range(2):
        assert [problem.code for problem in kept.backup().problems] == ["copy.damage"]
        assert kept.known().damage is not None
    assert kept.known().last_good == good


def test_a_damaged_pack_that_is_gone_by_now_is_no_damage(kept: Home) -> None:
    kept.copies = [kept.local("disk", verify_days=365)]
    kept.good_backup()
    State(kept.state).change_copy("disk", lambda known: setattr(known, "broken", ["ab" * 32]))

    kept.good_backup()

    assert kept.known().broken == []


def test_rot_in_a_pack_that_restic_keeps_in_its_cache_is_found_too(kept: Home) -> None:
    """Folders are cached, and restic reads them back from there."""
    cached = {file.name for file in (kept.state / "copies/disk/cache").glob("*/data/*/*")}
    (pack,) = [file for file in (kept.root / "copy-disk/data").rglob("*") if file.name in cached][:1]
    content = pack.read_bytes()
    rewrite(pack, content[:-1] + bytes([content[-1] ^ 1]))

    by_hand_found = verify.by_hand(kept.repository(), everything=True, progress=lambda *_: None)
    report = kept.backup()

    assert by_hand_found is not None
    assert by_hand_found.code == "copy.damage"
    assert "copy.mended" in {problem.code for problem in report.problems}, report.problems
    assert kept.restorable() == kept.content()
    assert kept.good_backup()


def test_a_snapshot_that_cannot_be_read_is_put_aside_and_told(kept: Home) -> None:
    newest = kept.known().snapshots[-1].id
    rewrite(kept.root / "copy-disk/snapshots" / newest, b"rot" * 50)

    report = kept.backup()

    assert report.exit == Exit.VERIFY
    assert "copy.snapshots_gone" in {problem.code for problem in report.problems}, report.problems
    assert kept.restorable() == kept.content()
    assert kept.good_backup()


def test_a_snapshot_that_is_gone_is_told_though_restic_finds_nothing(kept: Home) -> None:
    (kept.root / "copy-disk/snapshots" / kept.known().snapshots[0].id).unlink()

    report = kept.backup()

    assert [problem.code for problem in report.problems] == ["copy.snapshots_gone"]
    assert report.exit == Exit.VERIFY
    assert kept.good_backup()


def test_what_a_snapshot_that_is_gone_named_stays_until_a_person_says_that_it_may_go(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PRUNE_EVERY", timedelta(0))
    kept.write("2024/deleted since.raw", random.Random(9).randbytes(3_000_000))  # noqa: S311 - no secret
    lost, at_home = kept.good_backup(), kept.content()
    (kept.originals / "2024/deleted since.raw").unlink()
    kept.good_backup()
    file = kept.root / "copy-disk/snapshots" / lost.snapshot
    content = file.read_bytes()
    file.unlink()

    alarm = kept.backup().alarm
    assert kept.good_backup().forgotten == 0
    assert kept.known().held == {alarm: lost.snapshot}

    file.write_bytes(content)
    assert kept.restorable(snapshot=lost.snapshot) == at_home
    file.unlink()
    before = size(kept.root / "copy-disk/data")
    gate.accept(kept.state, alarm)
    kept.good_backup()
    assert kept.known().held == {}
    assert size(kept.root / "copy-disk/data") < before - 2_900_000


@pytest.mark.parametrize(("part", "code"), [("keys", "copy.key"), ("config", "copy.gone")])
def test_a_copy_that_nothing_opens_is_never_begun_anew(kept: Home, part: str, code: str) -> None:
    place = kept.root / "copy-disk" / part
    for file in list(place.iterdir()) if place.is_dir() else [place]:
        file.unlink()

    report = kept.backup()

    assert [problem.code for problem in report.problems] == [code]
    assert report.exit == Exit.PREFLIGHT
    assert report.snapshot == ""


def test_a_lost_state_does_not_begin_a_copy_anew_either(kept: Home) -> None:
    (kept.root / "copy-disk/config").unlink()
    kept.forget_state()

    report = kept.backup()

    assert [problem.code for problem in report.problems] == ["copy.not_empty"]


def test_another_repository_in_its_place_is_not_written_to(kept: Home, tmp_path: Path) -> None:
    (kept.root / "copy-disk").rename(tmp_path / "away")
    (kept.root / "copy-disk").mkdir()
    kept.repository().restic.init()

    report = kept.backup()

    assert [problem.code for problem in report.problems] == ["copy.another"]
    assert kept.repository().snapshots() == []


def test_what_is_damaged_in_a_vault_is_told_every_night_and_not_only_when_its_turn_comes(home: Home) -> None:
    home.copies = [home.local("disk", "vault", verify_days=30)]
    home.write("2024/large.raw", random.Random(1).randbytes(3_000_000))  # noqa: S311 - no secret
    home.good_backup()
    flip(home.root / "copy-disk")
    assert verify.by_hand(home.repository(), everything=True, progress=lambda *_: None)

    for _ in range(2):
        report = home.backup()

        assert (report.exit, report.repaired) == (Exit.VERIFY, 0)
        assert home.known().damage is not None
