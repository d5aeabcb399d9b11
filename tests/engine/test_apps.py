"""What is declared inside the running apps, with the real engine and the real Syncthing: shown, healed, removed."""

from __future__ import annotations

from typing import Any

import pytest

from cli.docker_host import connect
from tests.docker.phone import Api
from tests.engine.world import World, own_name

STACK = own_name("apps")
MUM = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"
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


def test_destroy_does_not_need_the_app(family: World) -> None:
    family.change(STACK, "services.syncthing.phones", {"mum": {"device": MUM, "deletions": "follow"}})
    family.photos("up", STACK, "--yes")
    with connect() as client:
        client.containers.get(f"photos-{STACK}-syncthing").stop()
    family.photos("destroy", STACK, "--yes")
    family.photos("up", STACK, "--yes")

    assert folder(syncthing(family))["ignoreDelete"] is False
    assert family.preview(STACK, "--refresh") == {}
