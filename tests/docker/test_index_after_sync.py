"""A phone brings photos: real Syncthing on both sides, the keeper's index after sync, and the album (a double)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from components.apps.photoprism import PhotoPrismApi
from components.keeper import ALBUM_SCOPE
from keeper.backup.run import backup
from keeper.copies.repository import Repository
from keeper.errors import Exit
from keeper.service.album import Album
from keeper.service.alerts import Alerts
from keeper.service.sync_index import Pace, SyncIndex
from keeper.settings import PASSWORD, Settings
from keeper.state import IndexState, State
from tests.docker.phone import MB, Api, camera_folder, digest, phone, picture
from tests.docker.running_stack import Stack, free_port
from tests.keeper import restic
from tests.waiting import PATIENCE, until

BIG = 200 * MB


def key_of(stack: Stack) -> str:
    return stack.secret_files("syncthing")["syncthing_api_key"]


@contextmanager
def indexing(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    index = SyncIndex(settings, Album(settings), Alerts(settings, settings.state), Pace(poll=2, settle=1))
    thread = threading.Thread(target=index.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def settings_of(stack: Stack, folder: Path) -> Settings:
    for name in ("state", "secrets", "copy"):
        (folder / name).mkdir()
    (folder / "secrets" / f"backup_disk_{PASSWORD}").write_text("the key of the disk")
    (folder / "secrets" / "syncthing_api_key").write_text(key_of(stack))
    album = PhotoPrismApi(stack.url("photoprism"), stack.secrets["photoprism_admin_password"], patience=PATIENCE)
    (folder / "secrets" / "photoprism_app_password").write_text(album.new_password("photos keeper", ALBUM_SCOPE))
    return Settings.model_validate(
        {
            "stack": stack.name,
            "id": stack.id,
            "roots": {"originals": stack.root / "originals"},
            "marked": [],
            "database": {"host": "127.0.0.1"},
            "copies": [{"name": "disk", "kind": "disk", "type": "local", "path": str(folder / "copy")}],
            "state": folder / "state",
            "secrets": folder / "secrets",
            "syncthing_url": stack.url("syncthing"),
            "photoprism_url": stack.url("photoprism"),
        }
    )


def backed_up(settings: Settings) -> set[str]:
    """Back up, and return the files of phones that are in the snapshot. No database answers here."""
    report = backup(settings, "disk")
    assert report.exit == Exit.DUMP, report.problems
    copy = Repository(settings, settings.copies[0]).restic
    files = {node.path for node in copy.ls(report.snapshot, "/originals/phones") if node.type == "file"}
    return {path for path in files if "/.stfolder/" not in path}  # without it a folder that is restored would not sync


def album_files(stack: Stack) -> list[str]:
    return stack.sql("SELECT file_name FROM files WHERE file_missing = 0 ORDER BY file_name").split()


def test_a_phone_s_photos_appear_and_a_kill_in_the_middle_shows_no_half_one(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F27: SIGKILL in a transfer of 200 MB; nothing half is indexed or backed up, and all is whole at the end."""
    if reason := restic.lacking():
        pytest.skip(reason)
    monkeypatch.setenv("KEEPER_RESTIC", str(restic.restic()))
    settings, phones = settings_of(stack, tmp_path), stack.root / "originals" / "phones" / "anna"
    camera, server = camera_folder(tmp_path), Api(stack.url("syncthing"), key_of(stack))
    picture(camera / "first.jpg", 1)
    with indexing(settings), phone(stack.client, stack.name, server, camera, free_port()):
        until(lambda: "phones/anna/first.jpg" in album_files(stack))
        sent = picture(camera / "big.jpg", 2, BIG)
        partial = phones / ".syncthing.big.jpg.tmp"
        until(lambda: partial.exists() and partial.stat().st_blocks * 512 > 20 * MB)
        stack.container("syncthing").kill()
        left = partial.exists()
        with closing(Album(settings)) as album:
            album.index("phones/anna")
        at_the_kill = album_files(stack)
        kept = backed_up(settings)
        stack.container("syncthing").start()
        until(lambda: "phones/anna/big.jpg" in album_files(stack))
        whole = digest(phones / "big.jpg")

    assert left, "it was killed in the middle"
    assert at_the_kill == ["phones/anna/first.jpg"]
    assert kept == {"/originals/phones/anna/first.jpg"}
    assert whole == sent
    assert album_files(stack) == ["phones/anna/big.jpg", "phones/anna/first.jpg"]
    assert set(IndexState.read(State(settings.state).index_file).indexed) == {"phones/anna"}
