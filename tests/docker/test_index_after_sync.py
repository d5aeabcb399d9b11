"""A phone brings photos: real Syncthing on both sides, the keeper's index after sync, and the album (a double)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from keeper import library
from keeper.report import read_status
from keeper.settings import Settings
from keeper.sync_index import Album, Pace, SyncIndex
from tests.docker.phone import MB, Api, camera_folder, digest, phone, picture
from tests.docker.running_stack import Stack, free_port
from tests.waiting import PATIENCE, until

BIG = 200 * MB


def key_of(stack: Stack) -> str:
    return stack.secret_files("syncthing")["syncthing_api_key"]


@contextmanager
def indexing(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=SyncIndex(settings, Album(settings), Pace(poll=2, settle=1)).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def settings_of(stack: Stack, folder: Path) -> Settings:
    for name in ("state", "secrets"):
        (folder / name).mkdir()
    (folder / "secrets" / "syncthing_api_key").write_text(key_of(stack))
    (folder / "secrets" / "photoprism_admin_password").write_text(stack.secrets["photoprism_admin_password"])
    return Settings.model_validate(
        {
            "stack": stack.name,
            "id": stack.id,
            "roots": {"originals": stack.root / "originals"},
            "marked": [],
            "database": {"host": "127.0.0.1"},
            "remotes": [],
            "state": folder / "state",
            "secrets": folder / "secrets",
            "syncthing_url": stack.url("syncthing"),
            "photoprism_url": stack.url("photoprism"),
        }
    )


def album_files(stack: Stack) -> list[str]:
    return stack.sql("SELECT file_name FROM files WHERE file_missing = 0 ORDER BY file_name").split()


def test_a_phone_s_photos_appear_and_a_kill_in_the_middle_shows_no_half_one(stack: Stack, tmp_path: Path) -> None:
    """F27: SIGKILL in a transfer of 200 MB; nothing half is indexed or backed up, and all is whole at the end."""
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
        backed_up = set(library.survey(settings).files)
        stack.container("syncthing").start()
        until(lambda: "phones/anna/big.jpg" in album_files(stack))
        whole = digest(phones / "big.jpg")

    assert left, "it was killed in the middle"
    assert at_the_kill == ["phones/anna/first.jpg"]
    assert {path for path in backed_up if path.startswith("originals/phones/")} == {"originals/phones/anna/first.jpg"}
    assert whole == sent
    assert album_files(stack) == ["phones/anna/big.jpg", "phones/anna/first.jpg"]
    assert set(read_status(settings.state).indexed) == {"phones/anna"}
