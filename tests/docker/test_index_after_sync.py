"""A phone brings photos: real Syncthing on both sides, the keeper's index after sync, and the album (a double)."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from docker.models.containers import Container
from PIL import Image

from keeper import manifest
from keeper.report import read_status
from keeper.settings import Settings
from keeper.sync_index import Album, Pace, SyncIndex
from tests.docker.running_stack import OWNER, REGISTRY, Stack, free_port

MB = 1 << 20
BIG = 200 * MB
PHONE_KEY = "the-phone-s-key"


class Api:
    """Syncthing's REST API of one side; waits until it answers."""

    def __init__(self, address: str, key: str) -> None:
        self._address, self._headers = address, {"X-API-Key": key}

    def get(self, path: str, **query: str) -> Any:
        return (
            httpx.get(self._address + path, params=query, headers=self._headers, timeout=20).raise_for_status().json()
        )

    def send(self, method: str, path: str, body: dict[str, Any]) -> None:
        httpx.request(method, self._address + path, json=body, headers=self._headers, timeout=20).raise_for_status()

    @property
    def device(self) -> str:
        """Its device ID, once it answers."""
        found: list[str] = []

        def asked() -> bool:
            with suppress(httpx.HTTPError):
                found.append(self.get("/rest/system/status")["myID"])
            return bool(found)

        until(asked)
        return found[0]


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def picture(file: Path, number: int, size: int = 0) -> str:
    """Write a photo of at least `size` bytes, whole at once; return its SHA-256."""
    draft = file.parent.with_name(f"{file.name}.draft")  # outside of what is synced
    Image.new("RGB", (64, 48), (number * 40 % 256, 90, 120)).save(draft, "JPEG")
    with draft.open("ab") as stream:
        stream.write(os.urandom(max(0, size - stream.tell())))
    os.chown(draft, OWNER.uid, OWNER.gid)
    draft.rename(file)
    return digest(file)


def digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    folder = tmp_path / "camera"
    folder.mkdir()
    for place in (folder, *tmp_path.parents):
        with suppress(PermissionError):
            place.chmod(place.stat().st_mode | 0o055)
    os.chown(folder, OWNER.uid, OWNER.gid)
    return folder


@contextmanager
def phone(stack: Stack, camera: Path) -> Iterator[Api]:
    """Run a second Syncthing that sends a folder; it is joined with the stack's, which receives only."""
    port = free_port()
    container: Container = stack.client.containers.run(
        f"{REGISTRY}/syncthing/syncthing:2.1.3",
        detach=True,
        name=f"photos-{stack.name}-phone",
        environment={"STGUIAPIKEY": PHONE_KEY},
        network=f"photos-{stack.name}-apps",
        ports={"8384/tcp": ("127.0.0.1", port)},
        volumes={str(camera): {"bind": "/camera"}},
    )
    server = Api(stack.url("syncthing"), stack.secret_files("syncthing")["syncthing_api_key"])
    try:
        mine = Api(f"http://127.0.0.1:{port}", PHONE_KEY)
        both = [{"deviceID": server.device}, {"deviceID": mine.device}]
        server.send("POST", "/rest/config/devices", {"deviceID": mine.device, "name": "phone"})
        target = {"id": "anna", "path": "/phones/anna", "type": "receiveonly", "devices": both, "ignorePerms": True}
        server.send("POST", "/rest/config/folders", target)
        address = {"deviceID": server.device, "addresses": ["tcp://syncthing:22000"]}
        mine.send("POST", "/rest/config/devices", address)
        mine.send(
            "PATCH",
            "/rest/config/options",
            {"maxSendKbps": 40_000, "limitBandwidthInLan": True, "reconnectionIntervalS": 5},
        )
        source = {"id": "anna", "path": "/camera", "type": "sendonly", "devices": both, "fsWatcherDelayS": 1}
        mine.send("POST", "/rest/config/folders", source)
        yield mine
    finally:
        container.remove(force=True, v=True)
        with suppress(httpx.HTTPError):
            server.send("DELETE", "/rest/config/folders/anna", {})


@contextmanager
def indexing(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=SyncIndex(settings, Album(settings), Pace(poll=2, settle=1)).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)


def settings_of(stack: Stack, folder: Path) -> Settings:
    for name in ("state", "secrets"):
        (folder / name).mkdir()
    key = stack.secret_files("syncthing")["syncthing_api_key"]
    (folder / "secrets" / "syncthing_api_key").write_text(key)
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


def test_a_phone_s_photos_appear_and_a_kill_in_the_middle_shows_no_half_one(
    stack: Stack, camera: Path, tmp_path: Path
) -> None:
    """F27: SIGKILL in a transfer of 200 MB; nothing half is indexed or backed up, and all is whole at the end."""
    settings, phones = settings_of(stack, tmp_path), stack.root / "originals" / "phones" / "anna"
    picture(camera / "first.jpg", 1)
    with indexing(settings), phone(stack, camera):
        until(lambda: "phones/anna/first.jpg" in album_files(stack))
        sent = picture(camera / "big.jpg", 2, BIG)
        partial = phones / ".syncthing.big.jpg.tmp"
        until(lambda: partial.exists() and partial.stat().st_blocks * 512 > 20 * MB)
        stack.container("syncthing").kill()
        left = partial.exists()
        with closing(Album(settings)) as album:
            album.index("phones/anna")
        at_the_kill = album_files(stack)
        backed_up = set(manifest.survey(settings).files)
        stack.container("syncthing").start()
        until(lambda: "phones/anna/big.jpg" in album_files(stack), seconds=150)
        whole = digest(phones / "big.jpg")

    assert left, "it was killed in the middle"
    assert at_the_kill == ["phones/anna/first.jpg"]
    assert {path for path in backed_up if path.startswith("originals/phones/")} == {"originals/phones/anna/first.jpg"}
    assert whole == sent
    assert album_files(stack) == ["phones/anna/big.jpg", "phones/anna/first.jpg"]
    assert set(read_status(settings.state).indexed) == {"phones/anna"}
