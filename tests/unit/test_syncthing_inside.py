"""What is declared inside Syncthing: made, looked at, changed, removed, and a lost answer leaves nothing in the way."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN
from syncthing_double import KEY, OWN_ID, SyncthingDouble, serving

from components.apps import resource
from components.apps.resource import AppError, AppProvider, AwayError
from components.apps.syncthing import OptionsProvider, PhoneProvider
from components.services.syncthing import PhoneConfig, SyncthingConfig, options, phone_inputs
from components.storage import Library

MUM = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"
LIBRARY = Library(originals="/photos/originals", imports="/photos/import")
Props = dict[str, Any]


@pytest.fixture(name="there")
def syncthing() -> SyncthingDouble:
    return SyncthingDouble()


@pytest.fixture
def url(there: SyncthingDouble) -> Iterator[str]:
    with serving(there) as address:
        yield address


def phone(url: str, name: str = "mum", **chosen: Any) -> Props:
    """Return the inputs of a phone as they come over the wire: numbers are floats."""
    config = PhoneConfig.model_validate({"device": MUM, **chosen})
    inputs: Props = floats({"url": url, "key": KEY, **phone_inputs(name, config, LIBRARY)})
    return inputs


def made_by(provider: AppProvider, props: Props) -> tuple[str, Props]:
    """Create; return ID and outputs as Pulumi keeps them."""
    made = provider.create(props)
    assert made.outs is not None
    return made.id, made.outs


def seen_by(provider: AppProvider, made: tuple[str, Props]) -> Props:
    """Look at what was made; return the outputs."""
    read = provider.read(*made)
    assert read.outs is not None
    return read.outs


def floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_a_phone_is_a_device_and_its_folder(there: SyncthingDouble, url: str) -> None:
    id_, _ = made_by(PhoneProvider(), phone(url))

    assert id_ == f"mum/{MUM}/phone-mum"
    assert there.devices[MUM]["name"] == "mum"
    folder = there.folders["phone-mum"]
    assert (folder["path"], folder["type"], folder["ignoreDelete"]) == ("/phones/mum", "receiveonly", True)
    assert [each["deviceID"] for each in folder["devices"]] == [OWN_ID, MUM]
    assert folder["versioning"]["fsPath"] == "/var/syncthing/versions/mum", "outside of the album"
    assert type(folder["rescanIntervalS"]) is int, "Syncthing takes no 3600.0"


def test_what_was_made_is_no_difference_when_it_is_looked_at(there: SyncthingDouble, url: str) -> None:
    assert there.devices == {}
    wanted = phone(url)
    seen = seen_by(PhoneProvider(), made_by(PhoneProvider(), wanted))

    assert not PhoneProvider().diff("", seen, wanted).changes


@pytest.mark.parametrize("lost", ["PUT /rest/config/devices/" + MUM, "PUT /rest/config/folders/phone-mum"])
def test_an_answer_that_was_lost_leaves_nothing_in_the_way(there: SyncthingDouble, url: str, lost: str) -> None:
    there.drop = {lost}
    PhoneProvider().create(phone(url))
    once = copy.deepcopy(there.items)
    PhoneProvider().create(phone(url))

    assert there.items == once


@pytest.mark.parametrize(
    ("kind", "id_", "edit"),
    [
        ("folders", "phone-mum", {"type": "sendreceive"}),
        ("folders", "phone-mum", {"ignoreDelete": False}),
        ("folders", "phone-mum", {"versioning": {"type": ""}}),
        ("folders", "phone-mum", {"path": "/elsewhere"}),
        ("folders", "phone-mum", {"devices": []}),
        ("devices", MUM, {"introducer": True}),
        ("devices", MUM, {"paused": True}),
        ("folders", "phone-mum", None),
        ("devices", MUM, None),
    ],
)
def test_a_hand_edit_is_a_difference_and_is_healed(
    there: SyncthingDouble, url: str, kind: str, id_: str, edit: Props | None
) -> None:
    wanted, provider = phone(url), PhoneProvider()
    made = made_by(provider, wanted)
    before = copy.deepcopy(there.items)
    there.answer("DELETE" if edit is None else "PATCH", f"/rest/config/{kind}/{id_}", edit)
    seen = seen_by(provider, made)
    difference = provider.diff("", seen, wanted)
    provider.update("", seen, wanted)

    assert difference.changes
    assert not difference.replaces
    assert there.items == before


def test_what_a_person_sets_that_the_stack_does_not_name_stays(there: SyncthingDouble, url: str) -> None:
    wanted, provider = phone(url), PhoneProvider()
    made = made_by(provider, wanted)
    there.devices[MUM]["addresses"] = ["tcp://192.168.1.9:22000"]
    seen = seen_by(provider, made)

    assert not provider.diff("", seen, wanted).changes
    provider.update("", seen, phone(url, deletions="follow"))
    assert there.devices[MUM]["addresses"] == ["tcp://192.168.1.9:22000"]
    assert there.folders["phone-mum"]["ignoreDelete"] is False


def test_a_phone_that_is_gone_is_gone_for_pulumi_too(there: SyncthingDouble, url: str) -> None:
    provider = PhoneProvider()
    made = made_by(provider, phone(url))
    there.items["devices"].clear()
    there.items["folders"].clear()

    assert provider.read(*made).id == ""


def test_a_removed_phone_leaves_nothing_and_may_be_gone_already(there: SyncthingDouble, url: str) -> None:
    provider = PhoneProvider()
    made = made_by(provider, phone(url))
    provider.delete(*made)
    provider.delete(*made)

    assert there.items == {"devices": {}, "folders": {}}


@pytest.mark.parametrize(
    "changed", [{"name": "anna"}, {"device": OWN_ID}, {"folder": "pixel-photos"}], ids=["name", "device", "folder"]
)
def test_another_name_device_or_folder_is_another_phone(url: str, changed: Props) -> None:
    difference = PhoneProvider().diff("", phone(url), phone(url, **changed))

    assert difference.replaces
    assert difference.delete_before_replace, "two folders in one place would fight"


def test_a_key_that_is_not_known_yet_is_a_change_and_no_error(url: str) -> None:
    difference = PhoneProvider().diff("", phone(url), {**phone(url), "key": UNKNOWN})

    assert difference.changes
    assert not difference.replaces


def test_an_app_that_is_away_tells_nothing_when_looked_at_and_is_an_error_when_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "START_SECONDS", 0.2)
    monkeypatch.setattr(resource, "LOOK_SECONDS", 0.1)
    away, provider = phone("http://127.0.0.1:9"), PhoneProvider()

    assert provider.read("mum", away).outs == away
    with pytest.raises(AwayError, match=r"Syncthing does not answer at http://127\.0\.0\.1:9"):
        provider.create(away)


def test_a_wrong_key_is_said_and_never_shown(url: str) -> None:
    with pytest.raises(AppError, match="refuses the stack's API key") as refused:
        PhoneProvider().create({**phone(url), "key": "hunter2"})

    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(refused.value.__cause__)


def test_a_folder_made_by_hand_is_taken_over_by_its_id(there: SyncthingDouble, url: str) -> None:
    there.answer("PUT", "/rest/config/devices/" + MUM, {"name": "Pixel 8", "addresses": ["tcp://10.0.0.2"]})
    there.answer("PUT", "/rest/config/folders/pixel-photos", {"path": "/phones/mum", "devices": [{"deviceID": MUM}]})
    PhoneProvider().create(phone(url, folder="pixel-photos"))

    assert list(there.folders) == ["pixel-photos"]
    assert there.folders["pixel-photos"]["type"] == "receiveonly"
    assert there.devices[MUM]["name"] == "mum"
    assert "PUT" not in {request.split()[0] for request in there.requests[2:]}


@pytest.mark.parametrize("path", ["/phones/mum", "/phones/mum/", "/phones/Mum"])
def test_a_second_folder_in_one_place_is_refused_with_the_way_over(there: SyncthingDouble, url: str, path: str) -> None:
    there.answer("PUT", "/rest/config/folders/pixel-photos", {"path": path, "devices": []})
    with pytest.raises(AppError, match=r"write `folder: pixel-photos` under services\.syncthing\.phones\.mum"):
        PhoneProvider().create(phone(url))

    assert list(there.folders) == ["pixel-photos"]
    assert there.devices == {}, "nothing is left half-made"


def test_options_that_are_named_are_set_and_the_others_stay(there: SyncthingDouble, url: str) -> None:
    chosen = SyncthingConfig(relays=False)
    wanted = floats({"url": url, "key": KEY, "options": options(chosen)})
    provider = OptionsProvider()
    made = made_by(provider, wanted)

    assert there.options["urAccepted"] == -1
    assert there.options["crashReportingEnabled"] is False
    assert there.options["relaysEnabled"] is False
    assert there.options["globalAnnounceEnabled"] is True
    assert there.options["listenAddresses"] == ["default"]
    assert not provider.diff("", seen_by(provider, made), wanted).changes
    there.options["crashReportingEnabled"] = True
    assert provider.diff("", seen_by(provider, made), wanted).changes
    provider.delete(*made)
    assert there.options["crashReportingEnabled"] is True, "there are always options"
