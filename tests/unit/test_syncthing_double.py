"""The small double of Syncthing's REST configuration answers as the real one; with SYNCTHING=/path/to/syncthing that is asked.

Run so with upstream's 2.1.3 on 2026-11-29: demo/images/README.md.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from syncthing_double import KEY, SyncthingDouble, serving

from tests.waiting import until

PHONE = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"


@pytest.fixture(scope="module", name="there")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of a Syncthing that runs, with its key."""
    program = os.environ.get("SYNCTHING")
    if not program:
        with serving(SyncthingDouble()) as url, client(url) as made:
            yield made
        return
    home = tmp_path_factory.mktemp("syncthing")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    environment = {
        "STGUIAPIKEY": KEY,
        "STGUIADDRESS": address,
        "STHOMEDIR": str(home),
        "HOME": str(home),
        "STNOUPGRADE": "1",
    }
    with subprocess.Popen([program], env=os.environ | environment, stdout=subprocess.DEVNULL) as server:
        try:
            with client(f"http://{address}") as made:
                until(lambda: answers(made))
                yield made
        finally:
            server.terminate()


def client(url: str) -> httpx.Client:
    return httpx.Client(base_url=f"{url}/rest", headers={"X-API-Key": KEY}, timeout=30)


def answers(made: httpx.Client) -> bool:
    try:
        return made.get("/system/status").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@pytest.fixture(autouse=True)
def nothing_but_itself(there: httpx.Client) -> Iterator[None]:
    yield
    for folder in there.get("/config/folders").json():
        there.delete(f"/config/folders/{folder['id']}")
    there.delete(f"/config/devices/{PHONE}")


def own(there: httpx.Client) -> str:
    return str(there.get("/system/status").json()["myID"])


def device(there: httpx.Client) -> dict[str, Any]:
    there.put(f"/config/devices/{PHONE}", json={"deviceID": PHONE, "name": "mum"}).raise_for_status()
    return dict(there.get(f"/config/devices/{PHONE}").json())


def folder(there: httpx.Client, tmp_path: Path, **more: Any) -> dict[str, Any]:
    wanted = {"id": "phone-mum", "path": str(tmp_path), "devices": [{"deviceID": PHONE}], **more}
    there.put("/config/folders/phone-mum", json=wanted).raise_for_status()
    return dict(there.get("/config/folders/phone-mum").json())


def shared_with(there: httpx.Client) -> set[str]:
    return {each["deviceID"] for each in there.get("/config/folders/phone-mum").json()["devices"]}


def test_a_wrong_key_is_forbidden(there: httpx.Client) -> None:
    told = there.get("/system/status", headers={"X-API-Key": "another"})

    assert (told.status_code, told.text.strip()) == (403, "CSRF Error")


@pytest.mark.parametrize(
    ("path", "text"),
    [("folders/phone-mum", "No folder with given ID"), (f"devices/{PHONE}", "No device with given ID")],
)
def test_what_is_not_there_is_404_with_upstream_s_words(there: httpx.Client, path: str, text: str) -> None:
    told = there.get(f"/config/{path}")

    assert (told.status_code, told.text.strip()) == (404, text)


def test_a_put_fills_in_what_is_not_named(there: httpx.Client, tmp_path: Path) -> None:
    filled = device(there)
    shown = folder(there, tmp_path)

    assert {name: filled[name] for name in ("name", "addresses", "introducer", "paused", "autoAcceptFolders")} == {
        "name": "mum", "addresses": ["dynamic"], "introducer": False, "paused": False, "autoAcceptFolders": False,
    }  # fmt: skip
    assert {name: shown[name] for name in ("type", "paused", "ignoreDelete", "ignorePerms")} == {
        "type": "sendreceive", "paused": False, "ignoreDelete": False, "ignorePerms": False,
    }  # fmt: skip


def test_a_folder_always_lists_the_syncthing_itself(there: httpx.Client, tmp_path: Path) -> None:
    device(there)
    folder(there, tmp_path)

    assert shared_with(there) == {PHONE, own(there)}


def test_a_patch_changes_what_it_names_and_replaces_lists_as_a_whole(there: httpx.Client, tmp_path: Path) -> None:
    device(there)
    folder(there, tmp_path, type="receiveonly")
    there.patch(f"/config/devices/{PHONE}", json={"addresses": ["tcp://192.168.1.9:22000"]}).raise_for_status()
    there.patch("/config/folders/phone-mum", json={"ignoreDelete": True, "devices": []}).raise_for_status()
    changed, shown = (there.get(f"/config/{path}").json() for path in (f"devices/{PHONE}", "folders/phone-mum"))

    assert (changed["name"], changed["addresses"]) == ("mum", ["tcp://192.168.1.9:22000"])
    assert (shown["type"], shown["ignoreDelete"]) == ("receiveonly", True)
    assert shared_with(there) == {own(there)}


def test_a_deleted_device_leaves_its_folders(there: httpx.Client, tmp_path: Path) -> None:
    device(there)
    folder(there, tmp_path)
    there.delete(f"/config/devices/{PHONE}").raise_for_status()

    assert shared_with(there) == {own(there)}


def test_options_are_patched_one_by_one(there: httpx.Client) -> None:
    before = there.get("/config/options").json()
    there.patch("/config/options", json={"urAccepted": -1}).raise_for_status()
    after = there.get("/config/options").json()

    assert after == before | {"urAccepted": -1}


def test_a_device_that_was_never_here_has_the_beginning_of_time(there: httpx.Client) -> None:
    device(there)

    assert there.get("/stats/device").json()[PHONE]["lastSeen"].startswith("1970-01-01T")
    assert there.get("/system/connections").json()["connections"][PHONE]["connected"] is False
    assert there.get("/cluster/pending/devices").json() == {}


def test_an_unknown_path_is_404(there: httpx.Client) -> None:
    assert there.get("/nothing").status_code == httpx.codes.NOT_FOUND
