"""The phones of the stack file: what is declared of them, and what follows from the file system below them."""

from __future__ import annotations

from typing import Any

import pytest
from example_stack import changed, declare_stack, example
from fake_host import FakeHost

from components.device_id import device_id
from stacks.host import keeps_permissions, reports_changes
from stacks.recording import Recorded, Recorder, plain

MUM = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"
PHONES = "services.syncthing.phones"


def phone(recorder: Recorder, name: str = "mum") -> Recorded:
    (found,) = [item for item in recorder.of_type("Phone") if item.name == f"photos-syncthing-phone-{name}"]
    return found


def folder(recorder: Recorder) -> dict[str, Any]:
    return dict(plain(phone(recorder).inputs)["folder"])


@pytest.mark.parametrize("name", ["mum", "Mum", "妈妈", "mum-2", "2nd_phone", "grand-mère"])
def test_a_phone_has_a_device_and_a_folder_of_its_name(name: str) -> None:
    inputs = plain(
        phone(declare_stack(changed(example("dev"), {PHONES: {name: {"device": MUM.lower()}}})), name).inputs
    )

    assert inputs["id"] == inputs["device"]["deviceID"] == MUM
    assert (inputs["folder"]["id"], inputs["folder"]["path"]) == (f"phone-{name}", f"/phones/{name}")
    assert inputs["device"]["name"] == name


def test_what_opens_syncthing_is_a_secret() -> None:
    recorder = declare_stack(changed(example("dev"), {PHONES: {"mum": {"device": MUM}}}))

    for resource in (phone(recorder), *recorder.of_type("Options")):
        assert resource.inputs["key"] != plain(resource.inputs)["key"], "it would be in the state in clear"


@pytest.mark.parametrize(("deletions", "ignored"), [("keep", True), ("follow", False)])
def test_what_is_deleted_on_the_phone_stays_unless_it_shall_follow(deletions: str, *, ignored: bool) -> None:
    config = changed(example("dev"), {PHONES: {"mum": {"device": MUM, "deletions": deletions}}})

    assert folder(declare_stack(config))["ignoreDelete"] is ignored


@pytest.mark.parametrize(
    ("kind", "ignore_permissions", "rescan"), [("ext4", False, 3600), ("9p", True, 300), ("nfs4", False, 300)]
)
def test_the_folder_suits_the_file_system_that_the_host_shows(
    host: FakeHost, kind: str, *, ignore_permissions: bool, rescan: int
) -> None:
    host.file_systems[str(host.root)] = kind
    told, recorder = host.run(host.config({PHONES: {"mum": {"device": MUM}}}))

    assert told == ""
    assert folder(recorder)["ignorePerms"] is ignore_permissions
    assert folder(recorder)["rescanIntervalS"] == rescan


@pytest.mark.parametrize(
    ("kind", "modes", "events"),
    [
        ("ext4", True, True),
        ("btrfs", True, True),
        ("", True, True),
        ("9p", False, False),
        ("drvfs", False, False),
        ("cifs", False, False),
        ("nfs4", True, False),
        ("fuse.sshfs", True, False),
        ("fuseblk", False, True),
        ("exfat", False, True),
    ],
)
def test_file_systems(kind: str, *, modes: bool, events: bool) -> None:
    assert (keeps_permissions(kind), reports_changes(kind)) == (modes, events)


def test_an_id_may_be_typed_as_people_read_it() -> None:
    typed = MUM.replace("-", " ").lower().replace("o", "0").replace("i", "1")

    assert device_id(typed) == MUM
