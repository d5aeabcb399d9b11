"""A phone: a second, real Syncthing that sends its camera folder to the stack's, and photos to put there."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import httpx
from docker.models.containers import Container
from PIL import Image

from cli.generated import syncthing_identity
from components.device_id import device_id_of
from stacks.host.library import DEFAULT_OWNER
from tests.waiting import until

MB = 1 << 20
PHONE_KEY = "the-phone-s-key"


class Api:
    """Syncthing's REST API of one side; waits until it answers."""

    def __init__(self, address: str, key: str) -> None:
        self._address, self._headers = address, {"X-API-Key": key}

    def get(self, path: str, **query: str) -> Any:
        return (
            httpx.get(self._address + path, params=query, headers=self._headers, timeout=60).raise_for_status().json()
        )

    def send(self, method: str, path: str, body: dict[str, Any], *, check: bool = True) -> None:
        answer = httpx.request(method, self._address + path, json=body, headers=self._headers, timeout=60)
        if check:
            answer.raise_for_status()

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


def picture(file: Path, number: int, size: int = 0) -> str:
    """Write a photo of at least `size` bytes, whole at once; return its SHA-256."""
    draft = file.parent.with_name(f"{file.name}.draft")  # outside of what is synced
    Image.new("RGB", (64, 48), (number * 40 % 256, 90, 120)).save(draft, "JPEG")
    with draft.open("ab") as stream:
        stream.write(os.urandom(max(0, size - stream.tell())))
    os.chown(draft, DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)
    draft.rename(file)
    return digest(file)


def digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def camera_folder(parent: Path) -> Path:
    """Make a folder below `parent` that the phone's container can read."""
    folder = parent / "camera"
    folder.mkdir()
    for place in (folder, *parent.parents):
        with suppress(PermissionError):
            place.chmod(place.stat().st_mode | 0o055)
    os.chown(folder, DEFAULT_OWNER.uid, DEFAULT_OWNER.gid)
    return folder


@dataclass
class Phone:
    """A phone and the folder that its camera fills. `device` is its ID, `server` that of the stack's Syncthing."""

    api: Api
    camera: Path
    device: str
    server: str

    def scan(self) -> None:
        """Do as if a person had scanned the server's QR code, and as if the phone had found its address."""
        address = {"deviceID": self.server, "addresses": ["tcp://syncthing:22000"]}
        self.api.send("POST", "/rest/config/devices", address)
        self.api.send("PATCH", "/rest/config/options", {"reconnectionIntervalS": 5})

    def accept(self, folder: str) -> None:
        """Take the folder that the server offers, as one that is only sent."""
        until(lambda: self.server in self._offers().get(folder, {}).get("offeredBy", {}))
        taken = {"id": folder, "path": "/camera", "type": "sendonly", "devices": [{"deviceID": self.server}]}
        self.api.send("POST", "/rest/config/folders", {**taken, "fsWatcherDelayS": 1})

    def look(self, folder: str) -> None:
        """Look through the camera now."""
        self.api.send("POST", f"/rest/db/scan?folder={folder}", {}, check=False)

    def _offers(self) -> dict[str, Any]:
        return dict(self.api.get("/rest/cluster/pending/folders"))


@dataclass
class Identity:
    """What a phone is known by, made before it is there."""

    certificate: str
    key: str

    @classmethod
    def new(cls) -> Identity:
        return cls(*syncthing_identity())

    @property
    def device(self) -> str:
        return device_id_of(self.certificate)

    def packed(self) -> bytes:
        """Return the identity as an archive of the configuration's folder, which the phone's user owns."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as bundle:
            for name, content in (("config", ""), ("config/cert.pem", self.certificate), ("config/key.pem", self.key)):
                info = tarfile.TarInfo(name)
                info.type, info.mode = (tarfile.REGTYPE, 0o600) if content else (tarfile.DIRTYPE, 0o700)
                info.uid, info.gid, info.size = DEFAULT_OWNER.uid, DEFAULT_OWNER.gid, len(content)
                bundle.addfile(info, io.BytesIO(content.encode()))
        return buffer.getvalue()


@contextmanager
def new_phone(
    client: docker.DockerClient, stack: str, camera: Path, port: int, *, server: str, identity: Identity | None = None
) -> Iterator[Phone]:
    """Run a second Syncthing beside the stack's, of the same image; it knows nobody yet."""
    identity = identity or Identity.new()
    name = f"photos-{stack}-phone-{port}"
    container: Container = client.containers.create(
        client.containers.get(f"photos-{stack}-syncthing").attrs["Config"]["Image"],
        name=name,
        environment={"STGUIAPIKEY": PHONE_KEY},
        network=f"photos-{stack}-apps",
        ports={"8384/tcp": ("127.0.0.1", port)},
        volumes={str(camera): {"bind": "/camera"}},
    )
    try:
        container.put_archive("/var/syncthing", identity.packed())
        container.start()
        api = Api(f"http://127.0.0.1:{port}", PHONE_KEY)
        assert api.device == identity.device
        yield Phone(api, camera, identity.device, server)
    finally:
        container.remove(force=True, v=True)


@contextmanager
def phone(client: docker.DockerClient, stack: str, server: Api, camera: Path, port: int) -> Iterator[Api]:
    """Run a second Syncthing that sends `camera`; it is joined with the stack's `server`, which receives only.

    `port` is where its own API answers; its image is that of the stack's.
    """
    container: Container = client.containers.run(
        client.containers.get(f"photos-{stack}-syncthing").attrs["Config"]["Image"],
        detach=True,
        name=f"photos-{stack}-phone",
        environment={"STGUIAPIKEY": PHONE_KEY},
        network=f"photos-{stack}-apps",
        ports={"8384/tcp": ("127.0.0.1", port)},
        volumes={str(camera): {"bind": "/camera"}},
    )
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
