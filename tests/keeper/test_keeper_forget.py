"""One photo out of all snapshots of all copies that allow it, for good."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from keeper.backup.gate import accept
from keeper.copies.restic import Restic
from keeper.errors import Exit, KeeperError, Problem
from keeper.restore.forgetting import Forgotten, forget
from keeper.restore.snapshots import find
from tests.keeper.home import Home
from tests.keeper.server import Server

SECRET = b"what nobody should ever have photographed " * 5000
PHOTO = "2024/that $one [1] .jpg "


@pytest.fixture(scope="module")
def made(server: Server, restic: str, tmp_path_factory: pytest.TempPathFactory) -> Home:  # noqa: ARG001 - the keeper runs it
    """A home with a disk, a vault and an album; the photo is in two snapshots of the disk, and not at home any more."""
    server.fresh_album()
    home = Home(tmp_path_factory.mktemp("made"), server)
    home.copies = [home.local("disk"), home.local("vault", "vault"), home.local("look", "album")]
    home.fill(30)
    home.write(PHOTO, SECRET)
    home.write("2024/that Xone [1] .jpg", b"another one")
    home.good_backup()
    home.write("new.jpg", b"new")
    home.good_backup()
    home.good_backup("vault")
    (home.originals / PHOTO).unlink()
    return home


@pytest.fixture
def kept(made: Home, tmp_path: Path) -> Home:
    """The same, for one test."""
    shutil.copytree(made.root, tmp_path, symlinks=True, dirs_exist_ok=True)
    home = Home(tmp_path, made.server)
    home.copies = [home.local("disk"), home.local("vault", "vault"), home.local("look", "album")]
    return home


def codes(result: Forgotten) -> dict[str, str]:
    return {str(problem.values["copy"]): problem.code for problem in result.kept}


def held(home: Home) -> dict[str, int]:
    """Return copy → so many of its snapshots hold the photo."""
    return forget(home.settings, f"originals/{PHOTO}", sure=False).snapshots


def test_without_being_sure_it_only_says_where_the_photo_is(kept: Home) -> None:
    result = forget(kept.settings, f"originals/{PHOTO}", sure=False)

    assert (result.snapshots, result.gone) == ({"disk": 2, "vault": 1}, [])
    assert codes(result) == {"vault": "forget.vault", "look": "forget.album"}
    assert held(kept) == {"disk": 2, "vault": 1}


def test_it_goes_from_all_snapshots_with_its_content_and_everything_else_stays(kept: Home) -> None:
    size = sum(file.stat().st_size for file in (kept.root / "copy-disk/data").rglob("*") if file.is_file())
    result = forget(kept.settings, f"originals/{PHOTO}", sure=True)

    assert result.gone == ["disk"]
    assert codes(result) == {"vault": "forget.vault", "look": "forget.album"}
    assert held(kept) == {"vault": 1}
    assert kept.restorable() == kept.content()
    left = sum(file.stat().st_size for file in (kept.root / "copy-disk/data").rglob("*") if file.is_file())
    assert left < size
    (other,) = find(kept.settings, ["that Xone"]).found
    assert other.versions[0].copies == ["disk", "vault"]


def test_the_next_backup_misses_no_snapshot_and_sees_no_loss(kept: Home) -> None:
    forget(kept.settings, f"originals/{PHOTO}", sure=True)

    assert [snapshot.whole for snapshot in kept.known().snapshots] == [True, True]
    assert [snapshot.number for snapshot in kept.known().snapshots] == [1, 2]
    kept.good_backup()


def test_killed_on_the_way_it_looks_like_no_loss_and_can_be_asked_again(
    kept: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Restic, "prune", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            forget(kept.settings, f"originals/{PHOTO}", sure=True)
    kept.good_backup()

    assert held(kept) == {"vault": 1}


def test_a_photo_that_is_in_the_library_still_is_refused(kept: Home) -> None:
    kept.write(PHOTO, b"an edited one")
    with pytest.raises(KeeperError) as caught:
        forget(kept.settings, f"originals/{PHOTO}", sure=True)

    assert (caught.value.exit, caught.value.problem.code) == (Exit.FAILED, "forget.at_home")


def test_no_content_goes_while_a_snapshot_is_not_listed(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, rewrite = Restic.snapshots, Restic.rewrite

    def rewritten(self: Restic, patterns: list[str]) -> None:
        rewrite(self, patterns)
        monkeypatch.setattr(Restic, "snapshots", lambda self: listed(self)[1:])

    monkeypatch.setattr(Restic, "rewrite", rewritten)
    monkeypatch.setattr(Restic, "prune", lambda *_: pytest.fail("what the other snapshot names is gone"))

    result = forget(kept.settings, f"originals/{PHOTO}", sure=True)

    assert result.gone == []
    reasons = [problem.values.get("reason") for problem in result.kept if problem.code == "restore.because"]
    assert [reason.code for reason in reasons if isinstance(reason, Problem)] == ["copy.listing"]


def test_what_a_vanished_snapshot_named_stays_until_its_alarm_is_answered(kept: Home) -> None:
    """Pruning would take it along, and with it the last hope that the alarm is about."""
    lost, *_ = kept.known().snapshots
    file = kept.root / "copy-disk/snapshots" / lost.id
    content = file.read_bytes()
    file.unlink()

    unasked = forget(kept.settings, f"originals/{PHOTO}", sure=True)
    report = kept.backup()
    unanswered = forget(kept.settings, f"originals/{PHOTO}", sure=True)
    waits = dict(kept.known().held)
    file.write_bytes(content)
    restored = kept.restorable("disk", lost.id)
    file.unlink()
    accept(kept.state, report.alarm)
    answered = forget(kept.settings, f"originals/{PHOTO}", sure=True)

    for refused in (unasked, unanswered):
        assert refused.gone == []
        reasons = [problem.values.get("reason") for problem in refused.kept if problem.code == "restore.because"]
        assert [reason.code for reason in reasons if isinstance(reason, Problem)] == ["forget.vanished"]
    assert list(waits) == [report.alarm]
    assert f"originals/{PHOTO}".encode() in restored
    assert answered.gone == ["disk"]


def test_folders_and_unknown_names_are_refused(kept: Home) -> None:
    for name, code in (("originals/2024", "forget.folder"), ("originals/2024/nope.jpg", "forget.not_found")):
        with pytest.raises(KeeperError) as caught:
            forget(kept.settings, name, sure=True)
        assert caught.value.problem.code == code


def test_a_name_that_cannot_be_told_without_meaning_others_is_refused(home: Home) -> None:
    home.write("two\nlines.jpg", b"one")
    home.good_backup()
    (home.originals / "two\nlines.jpg").unlink()
    with pytest.raises(KeeperError) as caught:
        forget(home.settings, "originals/two\nlines.jpg", sure=True)

    assert caught.value.problem.code == "forget.no_pattern"


def test_a_copy_at_which_a_job_works_keeps_it_and_says_so(kept: Home) -> None:
    with kept.repository().alone("backup"):
        result = forget(kept.settings, f"originals/{PHOTO}", sure=True)

    assert (result.gone, codes(result)["disk"]) == ([], "restore.because")
