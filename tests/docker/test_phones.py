"""Phones as the stack file declares them, with two real Syncthings: what a phone does to its photos, and what stays.

F22-F24 and F26 of the faults. A phone is a second Syncthing that shares its camera folder with the stack's.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from components.apps.resource import PROVIDER, whole
from components.apps.syncthing import PhoneProvider
from components.device_id import device_id_of
from stacks.recording import plain
from tests.docker.phone import Api, Identity, Phone, camera_folder, digest, new_phone, picture
from tests.docker.running_stack import Stack, free_port
from tests.waiting import until

PHOTOS = 30
NUMBERS = count()
NAMES = {"keep": "妈妈", "follow": "dad"}
"""Deletions → the phone. A name may be Chinese."""


@dataclass
class Family:
    """The stack, its Syncthing, and the phones by what happens to what they delete."""

    stack: Stack
    server: Api
    phones: dict[str, Phone]

    def album(self, deletions: str) -> Path:
        """Return where the album has the photos of a phone."""
        return self.stack.root / "originals" / "phones" / NAMES[deletions]

    def trash(self, deletions: str) -> list[str]:
        """Return what lies in the trash-can of a phone's folder, outside of the album."""
        listed = self.stack.run(
            "syncthing", f"find /var/syncthing/versions/{NAMES[deletions]} -type f 2>/dev/null || true"
        )
        return sorted(line.rsplit("/", 1)[-1] for line in listed.splitlines())

    def folder(self, deletions: str) -> str:
        return f"phone-{NAMES[deletions]}"

    def status(self, deletions: str) -> dict[str, Any]:
        return dict(self.server.get("/rest/db/status", folder=self.folder(deletions)))


@pytest.fixture(scope="module", name="family")
def two_phones(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    """A stack with two declared phones, each with its photos in the album already."""
    from cli.docker_host import connect  # noqa: PLC0415 - only where the tier runs

    assert images
    root = tmp_path_factory.mktemp("phones")
    for place in (root, root.parent):
        place.chmod(0o755)
    with connect() as client, ExitStack() as running:
        stack = Stack(root, client)
        running.callback(stack.down, volumes=True)
        known = {deletions: Identity.new() for deletions in NAMES}
        declared = {name: {"device": known[key].device, "deletions": key} for key, name in NAMES.items()}
        stack.config["photos:services"]["syncthing"]["phones"] = declared
        stack.up()
        server = Api(stack.url("syncthing"), stack.secret_files("syncthing")["syncthing_api_key"])
        own_id = device_id_of(stack.secrets["syncthing_cert"])
        phones = {}
        for deletions in NAMES:
            (root / deletions).mkdir()
            camera = camera_folder(root / deletions)
            started = new_phone(client, stack.name, camera, free_port(), server=own_id, identity=known[deletions])
            phones[deletions] = running.enter_context(started)
        family = Family(stack, server, phones)
        for deletions, one in phones.items():
            for number in range(PHOTOS):
                picture(one.camera / f"{number:02}.jpg", number)
            one.scan()
            one.accept(family.folder(deletions))
            until(lambda: names(family.album(deletions)) == ALL)  # noqa: B023 - waits here
        yield family


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.jpg"))


ALL = [f"{number:02}.jpg" for number in range(PHOTOS)]


def test_what_the_program_declares_is_what_syncthing_has(family: Family) -> None:
    """The provider finds no difference to what the real Syncthing says of it."""
    for declared in family.stack.recorder.of_type("Phone"):
        inputs = whole(plain(declared.inputs))
        del inputs[PROVIDER]
        read = PhoneProvider().read("", inputs)

        assert read.outs == inputs
    assert len(family.stack.recorder.of_type("Phone")) == len(NAMES)


def test_a_phone_that_is_wiped_loses_nothing_in_the_album(family: Family) -> None:
    """F22: with `keep` every photo stays where it is; with `follow` the trash-can has all of them."""
    for deletions, one in family.phones.items():
        with restored(one.camera):
            for file in one.camera.glob("*.jpg"):
                file.unlink()
            all_told(family, deletions)
            if deletions == "follow":  # a slow machine takes them away one by one
                until(lambda: not names(family.album(deletions)))  # noqa: B023 - waits here
            kept, trashed = names(family.album(deletions)), family.trash(deletions)
        one.look(family.folder(deletions))
        until(lambda: names(family.album(deletions)) == ALL)  # noqa: B023 - waits here

        assert (kept, trashed) == ((ALL, []) if deletions == "keep" else ([], ALL)), deletions


def all_told(family: Family, deletions: str) -> None:
    """Wait until the server has done everything that it will do about what its phone told until now.

    A photo that arrives after another one was told: deletions are the last that Syncthing does of what it learned at once.
    """
    one, album = family.phones[deletions], family.album(deletions)
    for _ in range(2):
        sentinel = f"later-{next(NUMBERS)}.jpeg"
        picture(one.camera / sentinel, 1)
        one.look(family.folder(deletions))
        until((album / sentinel).exists)


def test_a_folder_made_anew_on_the_phone_deletes_nothing_in_the_album(family: Family) -> None:
    """F23: the marker on an empty folder looks like a camera from which everything was deleted."""
    one = family.phones["keep"]
    with restored(one.camera):
        for file in one.camera.iterdir():
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        (one.camera / ".stfolder").mkdir()
        all_told(family, "keep")
        kept = names(family.album("keep"))
    one.look(family.folder("keep"))

    assert kept == ALL


def test_a_library_that_was_emptied_takes_nothing_from_the_phone(family: Family) -> None:
    """F24: without its marker the server's folder stops, and with a new one it fetches everything again."""
    album, one = family.album("keep"), family.phones["keep"]
    before = {file.name: digest(file) for file in one.camera.glob("*.jpg")}
    shutil.rmtree(album)
    album.mkdir()
    shutil.copystat(album.parent, album)
    own(album, album.parent)
    family.server.send("POST", f"/rest/db/scan?folder={family.folder('keep')}", {}, check=False)
    until(lambda: "marker missing" in str(family.status("keep").get("error", "")))
    on_the_phone = names(one.camera)
    (album / ".stfolder").mkdir()
    own(album / ".stfolder", album.parent)
    family.server.send("POST", f"/rest/db/scan?folder={family.folder('keep')}", {})
    family.server.send("POST", f"/rest/db/revert?folder={family.folder('keep')}", {})
    until(lambda: names(album) == ALL)

    assert on_the_phone == ALL, "while it stopped"
    assert {file.name: digest(file) for file in one.camera.glob("*.jpg")} == before
    assert {file.name: digest(file) for file in album.glob("*.jpg")} == before


def test_a_photo_that_was_changed_on_both_sides_is_kept_twice(family: Family) -> None:
    """F26: both versions exist afterwards, in the album or in the trash-can."""
    album, one = family.album("keep"), family.phones["keep"]
    before = {digest(file) for file in album.rglob("*") if file.is_file()}
    family.server.send("PATCH", f"/rest/config/devices/{one.device}", {"paused": True})
    on_server = picture(album / "00.jpg", 3, 4000)
    family.server.send("POST", f"/rest/db/scan?folder={family.folder('keep')}", {})
    on_phone = picture(one.camera / "00.jpg", 4, 5000)
    one.look(family.folder("keep"))
    family.server.send("PATCH", f"/rest/config/devices/{one.device}", {"paused": False})
    until(lambda: digest(album / "00.jpg") == on_phone)
    places = family.stack.run(
        "syncthing",
        f"find /phones/{NAMES['keep']} /var/syncthing/versions/{NAMES['keep']} -type f -exec sha256sum {{}} + || true",
    )

    assert on_server not in before
    assert {on_server, on_phone} <= {line.split()[0] for line in places.splitlines()}


@contextmanager
def restored(camera: Path) -> Iterator[None]:
    """Give the camera its photos back afterwards, as new ones."""
    kept = camera.with_name("kept")
    shutil.copytree(camera, kept)
    try:
        yield
    finally:
        for file in kept.iterdir():
            target = camera / file.name
            if not target.exists():
                shutil.copytree(file, target) if file.is_dir() else shutil.copy(file, target)
                own(target, camera)
        shutil.rmtree(kept)


def own(target: Path, like: Path) -> None:
    shutil.chown(target, like.stat().st_uid, like.stat().st_gid)
