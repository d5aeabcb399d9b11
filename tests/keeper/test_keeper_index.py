"""Index after sync, between a fake of Syncthing and a fake of PhotoPrism."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from keeper.service import sync_index
from keeper.service.album import Album
from keeper.service.alerts import Alerts
from keeper.service.sync_index import Folder, Pace, SyncIndex
from keeper.settings import Settings
from keeper.state import IndexState, State
from tests.keeper.phones import KEY, PASSWORD, FakeAlbum, FakeSyncthing, serving
from tests.keeper.service import closed_port, service_settings, sink
from tests.waiting import PATIENCE, Rounds, until

PACE = Pace(poll=0.3, settle=0.05, patience=3600)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_index, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(sync_index, "LONGEST_PAUSE", 0.4)


@pytest.fixture
def phones() -> FakeSyncthing:
    fake = FakeSyncthing()
    fake.folder("anna")
    fake.folder("grandpa")
    return fake


def settings_of(folder: Path, syncthing: str, album: str) -> Settings:
    settings = service_settings(folder, syncthing_url=syncthing, photoprism_url=album)
    (settings.secrets / "syncthing_api_key").write_text(KEY)
    (settings.secrets / "photoprism_app_password").write_text(PASSWORD)
    return settings


@contextmanager
def watching(settings: Settings, pace: Pace = PACE) -> Iterator[Rounds]:
    stop = Rounds()
    index = SyncIndex(settings, Album(settings), Alerts(settings, settings.state), pace)
    thread = threading.Thread(target=index.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextmanager
def both(folder: Path, phones: FakeSyncthing, album: FakeAlbum, pace: Pace = PACE) -> Iterator[Settings]:
    with ExitStack() as stack:
        settings = settings_of(folder, stack.enter_context(serving(phones)), stack.enter_context(serving(album)))
        stack.enter_context(watching(settings, pace))
        yield settings


def state_of(settings: Settings) -> IndexState:
    return IndexState.read(State(settings.state).index_file)


def quiet(phones: FakeSyncthing) -> None:
    """Wait until everything that was told has been looked at."""
    seen = len(phones.requests)
    until(lambda: phones.requests[seen:].count("/rest/events") >= 3)


def test_every_folder_is_indexed_once_at_the_start(tmp_path: Path, phones: FakeSyncthing) -> None:
    album = FakeAlbum()
    with both(tmp_path, phones, album) as settings:
        until(lambda: len(album.indexed) == 2)
        quiet(phones)

    assert album.indexed == ["phones/anna", "phones/grandpa"]
    assert album.bodies[0] == {"path": "phones/anna", "rescan": False, "cleanup": False}
    assert set(state_of(settings).indexed) == {"phones/anna", "phones/grandpa"}


def test_only_the_folder_that_got_something_is_indexed_and_only_when_complete(
    tmp_path: Path, phones: FakeSyncthing
) -> None:
    album = FakeAlbum()
    with both(tmp_path, phones, album):
        until(lambda: len(album.indexed) == 2)
        phones.change("anna", state="syncing", needFiles=3, sequence=5)
        quiet(phones)
        phones.change("anna", state="scanning", needFiles=0, sequence=6)
        quiet(phones)
        at_work = len(album.indexed)
        phones.change("anna", state="idle", needFiles=2, sequence=7)
        quiet(phones)
        incomplete = len(album.indexed)
        phones.change("anna", state="idle", needFiles=0, sequence=9)
        until(lambda: len(album.indexed) == 3)
        quiet(phones)

    assert (at_work, incomplete) == (2, 2)
    assert album.indexed[2:] == ["phones/anna"]


def test_an_event_that_changes_nothing_indexes_nothing(tmp_path: Path, phones: FakeSyncthing) -> None:
    album = FakeAlbum()
    with both(tmp_path, phones, album):
        until(lambda: len(album.indexed) == 2)
        phones.change("anna", state="idle")
        quiet(phones)

    assert len(album.indexed) == 2


def test_a_folder_that_stays_incomplete_is_indexed_after_a_while(tmp_path: Path, phones: FakeSyncthing) -> None:
    """A phone that left the house half way must not hide what it brought."""
    album = FakeAlbum()
    with both(tmp_path, phones, album, Pace(poll=0.3, settle=0.05, patience=0.6)):
        until(lambda: len(album.indexed) == 2)
        phones.change("anna", state="idle", needFiles=2, sequence=7)
        until(lambda: len(album.indexed) == 3)

    assert album.indexed[2:] == ["phones/anna"]


def test_folders_elsewhere_and_paused_ones_are_left_alone(tmp_path: Path) -> None:
    phones, album = FakeSyncthing(), FakeAlbum()
    phones.folder("music", path="/music")
    phones.folder("old", paused=True)
    phones.folder("anna", path="/phones/anna/")
    with both(tmp_path, phones, album):
        until(lambda: album.indexed)
        quiet(phones)

    assert album.indexed == ["phones/anna"]


def test_what_was_indexed_is_known_after_a_restart_of_the_keeper(tmp_path: Path, phones: FakeSyncthing) -> None:
    album = FakeAlbum()
    with serving(phones) as syncthing, serving(album) as photoprism:
        settings = settings_of(tmp_path, syncthing, photoprism)
        with watching(settings):
            until(lambda: len(album.indexed) == 2)
        phones.change("grandpa", tell=False, sequence=4)
        with watching(settings):
            until(lambda: len(album.indexed) == 3)
            quiet(phones)

    assert album.indexed[2:] == ["phones/grandpa"]


def test_a_restart_of_syncthing_that_nobody_saw_loses_nothing(tmp_path: Path, phones: FakeSyncthing) -> None:
    """It counts its events anew: waiting for the old number would wait for ever."""
    album = FakeAlbum()
    for _ in range(50):
        phones.change("anna")
    with both(tmp_path, phones, album):
        until(lambda: len(album.indexed) == 2)
        quiet(phones)
        phones.restart()
        phones.change("anna", sequence=9)
        until(lambda: len(album.indexed) == 3)

    assert album.indexed[2:] == ["phones/anna"]


def test_neither_side_being_away_loses_anything_or_spins(tmp_path: Path, phones: FakeSyncthing) -> None:
    album, syncthing_port, album_port = FakeAlbum(), closed_port(), closed_port()
    settings = settings_of(tmp_path, f"http://127.0.0.1:{syncthing_port}", f"http://127.0.0.1:{album_port}")
    with watching(settings) as rounds:
        until(lambda: len(rounds.pauses) >= 5)
        pauses = rounds.pauses[:5]
        with serving(phones, syncthing_port):
            until(lambda: "/rest/db/status" in phones.requests)
            with serving(album, album_port):
                until(lambda: len(album.indexed) == 2)
                quiet(phones)
        phones.restart()
        phones.change("anna", tell=False, sequence=3)
        with serving(phones, syncthing_port), serving(album, album_port):
            until(lambda: len(album.indexed) == 3)

    assert pauses == [0.1, 0.2, 0.4, 0.4, 0.4], "ever more slowly"
    # A folder whose try failed meanwhile comes after the other: the order of the first two is chance.
    assert sorted(album.indexed[:2]) == ["phones/anna", "phones/grandpa"]
    assert album.indexed[2:] == ["phones/anna"]


def test_a_folder_that_cannot_be_indexed_does_not_hold_up_the_others(tmp_path: Path, phones: FakeSyncthing) -> None:
    album = FakeAlbum(refuse={"phones/anna": 400})
    with both(tmp_path, phones, album):
        until(lambda: album.indexed)

    assert album.indexed == ["phones/grandpa"]


def test_index_and_import_never_run_at_once(tmp_path: Path, phones: FakeSyncthing) -> None:
    album = FakeAlbum(seconds=0.4)
    with serving(phones) as syncthing, serving(album) as photoprism:
        settings = settings_of(tmp_path, syncthing, photoprism)
        with watching(settings), closing(Album(settings)) as other:
            other.take_over(move=False)
            until(lambda: len(album.indexed) == 3)

    assert album.most_at_once == 1
    assert sorted(album.indexed) == ["import", "phones/anna", "phones/grandpa"]


MARKER_MISSING = "folder marker missing (this indicates potential data loss, search docs/forum to get information)"


def troubles(settings: Settings) -> dict[str, str]:
    return {place: problem.code for place, problem in state_of(settings).troubled.items()}


@pytest.mark.parametrize(
    ("values", "code", "told"),
    [
        ({"state": "error", "error": MARKER_MISSING}, "phone.marker", "its marker .stfolder is missing"),
        ({"state": "error", "error": "folder path missing"}, "phone.path", "its folder in originals/phones is gone"),
        ({"state": "error", "error": "insufficient space on disk for folder"}, "phone.full", "the disk is full"),
        ({"state": "error", "error": "permission denied"}, "phone.stopped", "permission denied"),
        ({"errors": 3}, "phone.files", "3 files cannot be fetched"),
        ({"errors": 3, "needFiles": 3}, "phone.files", "3 files cannot be fetched"),
    ],
    ids=["marker missing", "path missing", "disk full", "stopped", "pull errors", "pull errors of what is needed"],
)
def test_a_folder_that_takes_nothing_is_known_told_once_and_told_when_it_is_over(
    tmp_path: Path, phones: FakeSyncthing, values: dict[str, Any], code: str, told: str
) -> None:
    """Case 44: Syncthing stops for good and nobody says so."""
    with sink() as taken, serving(phones) as syncthing, serving(FakeAlbum()) as album:
        settings = settings_of(tmp_path, syncthing, album)
        (settings.secrets / "backup_alert_urls").write_text(taken.channel)
        with watching(settings, Pace(poll=0.3, settle=0.05, patience=0.1)):
            until(lambda: len(state_of(settings).indexed) == 2)
            phones.change("anna", **values)
            until(lambda: troubles(settings))
            quiet(phones)
            known = troubles(settings)
            phones.change("anna", state="idle", error="", errors=0, needFiles=0)
            until(lambda: not troubles(settings))
            quiet(phones)

    assert known == {"phones/anna": code}
    assert taken.titles == [
        "home: The folder of a phone takes no new photos: phones/anna",
        "home: All is well again: photos arrive again: phones/anna",
    ]
    assert told in taken.bodies


def test_files_that_could_not_be_fetched_for_a_moment_are_no_trouble(tmp_path: Path, phones: FakeSyncthing) -> None:
    with both(tmp_path, phones, FakeAlbum()) as settings:
        until(lambda: len(state_of(settings).indexed) == 2)
        phones.change("anna", errors=2)
        quiet(phones)
        during = troubles(settings)
        phones.change("anna", errors=0)
        quiet(phones)

    assert during == {} == troubles(settings)


def test_a_folder_in_trouble_is_looked_at_again_without_an_event_and_after_a_restart(
    tmp_path: Path, phones: FakeSyncthing
) -> None:
    phones.change("anna", state="error", error=MARKER_MISSING)
    with serving(phones) as syncthing, serving(FakeAlbum()) as album:
        settings = settings_of(tmp_path, syncthing, album)
        with watching(settings):
            until(lambda: troubles(settings))
        with watching(settings):
            quiet(phones)
            known = troubles(settings)
            phones.change("anna", tell=False, state="idle", error="")
            until(lambda: not troubles(settings))

    assert known == {"phones/anna": "phone.marker"}


def test_a_folder_that_is_paused_or_removed_is_no_trouble_any_more(tmp_path: Path, phones: FakeSyncthing) -> None:
    for name in ("anna", "grandpa"):
        phones.change(name, state="error", error=MARKER_MISSING)
    with both(tmp_path, phones, FakeAlbum()) as settings:
        until(lambda: len(troubles(settings)) == 2)
        phones.folders["anna"]["config"]["paused"] = True
        del phones.folders["grandpa"]
        until(lambda: not troubles(settings))


@pytest.mark.parametrize("fault", ["album", "syncthing"])
def test_the_fault_of_one_folder_is_told_and_hides_no_other(tmp_path: Path, phones: FakeSyncthing, fault: str) -> None:
    album = FakeAlbum(refuse={"phones/anna": 400} if fault == "album" else {})
    phones.refuse = {"anna"} if fault == "syncthing" else set()
    with both(tmp_path, phones, album, Pace(poll=0.3, settle=0.05, patience=0.1)) as settings:
        until(lambda: album.indexed and troubles(settings))
        album.refuse, phones.refuse = {}, set()
        until(lambda: len(album.indexed) == 2 and not troubles(settings))

    assert album.indexed == ["phones/grandpa", "phones/anna"]


def test_a_full_disk_does_not_have_everything_indexed_again_and_again(
    tmp_path: Path, phones: FakeSyncthing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("keeper.state.write_whole", full)
    album = FakeAlbum()
    with both(tmp_path, phones, album):
        until(lambda: len(album.indexed) == 2)
        for _ in range(3):
            phones.change("anna")
            quiet(phones)

    assert sorted(album.indexed) == ["phones/anna", "phones/grandpa"]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/phones/anna", "phones/anna"),
        ("/phones/family/anna/", "phones/family/anna"),
        ("/phones", "phones"),
        ("/phonesx/anna", None),
        ("/var/syncthing/Sync", None),
    ],
)
def test_a_folders_place_in_the_album(path: str, place: str | None) -> None:
    assert Folder(id="x", path=path).place == place
