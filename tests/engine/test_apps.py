"""What is declared inside the running apps, with the real engine and the real Syncthing: shown, healed, removed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.docker_host import connect
from tests.docker.phone import Api, camera_folder, digest, new_phone, picture
from tests.engine.world import Dialogue, World, free_port, own_name
from tests.waiting import until

STACK = own_name("apps")
MUM = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"
DAD = "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2"
PHONE, OPTIONS = "Phone", "Options"


@pytest.fixture(scope="module", name="family")
def scenario(world: World) -> World:
    world.write(STACK)
    world.change(STACK, "services.syncthing.phones", {"mum": {"device": MUM.lower()}})
    world.photos("up", STACK, "--yes")
    return world


def syncthing(world: World) -> Api:
    with connect() as client:
        done = client.containers.get(f"photos-{STACK}-syncthing").exec_run(["cat", "/run/secrets/syncthing_api_key"])
    assert isinstance(done.output, bytes)
    key = done.output.decode().strip()
    return Api(f"http://127.0.0.1:{world.port(STACK, 'syncthing')}", key)


def folder(api: Api) -> dict[str, Any]:
    return dict(api.get("/rest/config/folders/phone-mum"))


def test_a_phone_is_in_syncthing_after_up(family: World) -> None:
    api = syncthing(family)

    assert folder(api)["type"] == "receiveonly"
    assert folder(api)["ignoreDelete"] is True
    assert folder(api)["versioning"]["type"] == "trashcan"
    assert api.get(f"/rest/config/devices/{MUM}")["name"] == "mum"
    assert api.get("/rest/config/options")["urAccepted"] == -1


def test_nothing_is_left_to_change(family: World) -> None:
    assert family.preview(STACK) == {}
    assert family.preview(STACK, "--refresh") == {}


@pytest.mark.parametrize(
    ("method", "path", "edit", "kind"),
    [
        ("PATCH", "folders/phone-mum", {"type": "sendreceive"}, PHONE),
        ("PATCH", "folders/phone-mum", {"ignoreDelete": False}, PHONE),
        ("PATCH", "folders/phone-mum", {"paused": True}, PHONE),
        ("PATCH", "folders/phone-mum", {"versioning": {"type": ""}}, PHONE),
        ("PATCH", f"devices/{MUM}", {"introducer": True}, PHONE),
        ("DELETE", "folders/phone-mum", {}, PHONE),
        ("DELETE", f"devices/{MUM}", {}, PHONE),
        ("PATCH", "options", {"crashReportingEnabled": True}, OPTIONS),
    ],
)
def test_a_hand_edit_is_shown_and_healed(
    family: World, method: str, path: str, edit: dict[str, Any], kind: str
) -> None:
    api = syncthing(family)
    before = {place: api.get(f"/rest/config/{place}") for place in ("options", "devices", "folders")}
    api.send(method, f"/rest/config/{path}", edit)

    shown = family.preview(STACK, "--refresh")
    family.photos("up", STACK, "--yes", "--refresh")

    assert [name.rsplit(":", 1)[-1] for name in shown] == [kind], shown
    assert {place: api.get(f"/rest/config/{place}") for place in before} == before
    assert family.preview(STACK, "--refresh") == {}


def test_a_phone_that_is_taken_out_of_the_stack_file_may_not_connect_any_more(family: World) -> None:
    family.change(STACK, "services.syncthing.phones", {})
    family.photos("up", STACK, "--yes")
    api = syncthing(family)

    assert api.get("/rest/config/folders") == []
    assert MUM not in {device["deviceID"] for device in api.get("/rest/config/devices")}


def test_what_opens_syncthing_is_nowhere_in_clear(family: World) -> None:
    """Reads the state as Pulumi keeps it, with the phone's resources in it, and all that was printed."""
    state = "\n".join(file.read_text("utf-8", "replace") for file in (family.data / "state").rglob("*.json"))
    with connect() as client:
        done = client.containers.get(f"photos-{STACK}-syncthing").exec_run(["cat", "/run/secrets/syncthing_api_key"])
    assert isinstance(done.output, bytes)
    key = done.output.decode().strip()

    assert "dynamic/syncthing:Phone" in state
    assert len(key) > 20
    assert key not in state
    assert not any(key in text for text in family.output)
    assert not any(key in line for line in family.arguments)


def test_a_second_folder_in_the_place_of_a_phone_stops_up_and_is_taken_over_by_its_id(family: World) -> None:
    """The way over for a folder that was made by hand."""
    api = syncthing(family)
    api.send("PUT", f"/rest/config/devices/{DAD}", {"deviceID": DAD, "name": "Pixel"})
    api.send(
        "PUT", "/rest/config/folders/pixel", {"id": "pixel", "path": "/phones/dad", "devices": [{"deviceID": DAD}]}
    )
    told = family.photos("phone", "list", "--stack", STACK, code=1)
    family.change(STACK, "services.syncthing.phones.dad", {"device": DAD})
    refused = family.photos("up", STACK, "--yes", check=False)
    family.change(STACK, "services.syncthing.phones.dad", {"device": DAD, "folder": "pixel"})
    family.photos("up", STACK, "--yes")
    taken = api.get("/rest/config/folders/pixel")

    assert f"{DAD} (Pixel)" in told
    assert "pixel at /phones/dad" in told
    assert "write `folder: pixel` under services.syncthing.phones.dad" in refused
    assert (taken["type"], taken["ignoreDelete"]) == ("receiveonly", True)
    assert api.get(f"/rest/config/devices/{DAD}")["name"] == "dad"
    assert family.preview(STACK, "--refresh") == {}


def test_a_phone_is_added_by_who_scans_the_code_sends_its_photos_and_is_removed(family: World, tmp_path: Path) -> None:
    """From the code in the terminal to the photo in the album; the comments of the stack file stay."""
    file = family.stack_file(STACK)
    file.write_text(f"# ours\n{file.read_text()}")
    camera = camera_folder(tmp_path)
    sent = picture(camera / "first.jpg", 1)
    server = syncthing(family).device
    with connect() as client, new_phone(client, STACK, camera, free_port(), server=server) as phone:
        phone.scan()
        with Dialogue.of(family, "phone", "add", "anna", "--stack", STACK) as dialogue:
            asked = dialogue.answer("show this ID", "y")
            dialogue.answer("perform this update", "yes")
            told = asked + dialogue.rest()
        phone.accept("phone-anna")
        album = family.root / f"library-{STACK}" / "originals" / "phones" / "anna"
        until((album / "first.jpg").exists)
        listed = family.photos("phone", "list", "--stack", STACK)
        typed = file.read_text()
        family.photos("phone", "remove", "anna", "--stack", STACK, "--yes")
        with suppress(httpx.HTTPError):
            phone.look("phone-anna")

    assert server in told
    assert phone.device in told
    assert "choose the camera's folder" in told
    assert "anna" in listed
    assert "stays in the album" in listed
    assert typed.startswith("# ours\n")
    assert digest(album / "first.jpg") == sent, "its photos stay"
    assert "anna" not in family.config(STACK)["photos:services"]["syncthing"]["phones"]
    assert phone.device not in {device["deviceID"] for device in syncthing(family).get("/rest/config/devices")}
    assert family.preview(STACK, "--refresh") == {}


def test_nobody_is_let_in_where_nobody_can_compare(family: World) -> None:
    text = family.photos("phone", "add", "anna", "--stack", STACK, "--yes", check=False)

    assert "./photos phone add anna --device ID" in text


def test_destroy_does_not_need_the_app(family: World) -> None:
    family.change(STACK, "services.syncthing.phones", {"mum": {"device": MUM, "deletions": "follow"}})
    family.photos("up", STACK, "--yes")
    with connect() as client:
        client.containers.get(f"photos-{STACK}-syncthing").stop()
    family.photos("destroy", STACK, "--yes")
    family.photos("up", STACK, "--yes")

    assert folder(syncthing(family))["ignoreDelete"] is False
    assert family.preview(STACK, "--refresh") == {}
