"""Library folders and volumes: no photo is ever created, moved or deleted from here."""

from __future__ import annotations

import pytest
from example_stack import changed, container, declare_stack, declared, example, role

from components.container import BindMount
from components.storage import Library

LIBRARY = Library(originals="/srv/o", imports="/srv/i", others={"scans": "/mnt/e/scans"})


@pytest.mark.parametrize("read_only", [True, False])
def test_other_libraries_appear_inside_originals(read_only: bool) -> None:
    expected = (
        BindMount(source="/srv/o", target="/o", read_only=read_only),
        BindMount(source="/mnt/e/scans", target="/o/scans", read_only=read_only),
        BindMount(source="/srv/i", target="/i", read_only=read_only),
    )

    assert LIBRARY.mounts("/o", "/i", read_only=read_only) == expected
    assert LIBRARY.mounts("/o", read_only=read_only) == expected[:2]


def test_the_library_knows_all_its_folders_and_the_one_for_phones() -> None:
    assert LIBRARY.folders == ("/srv/o", "/srv/i", "/mnt/e/scans")
    assert LIBRARY.phones == "/srv/o/phones"


@pytest.mark.parametrize(("service", "root"), [("photoprism", "/photoprism/originals"), ("drive", "/photos/originals")])
def test_a_further_library_of_the_stack_file_is_shown_by_album_and_drive(service: str, root: str) -> None:
    recorder = declare_stack(changed(example("dev"), {"library.others": {"scans": "/mnt/e/scans"}}))

    shown = {mount["target"]: mount["source"] for mount in container(recorder, service)["mounts"]}
    assert shown[f"{root}/scans"] == "/mnt/e/scans"


def test_nothing_that_runs_but_album_and_phone_sync_can_write_to_the_library() -> None:
    recorder = declared("home")
    writers = {
        role(item)
        for item in recorder.of_type("Container")
        for mount in item.inputs["mounts"]
        if mount["type"] == "bind" and not mount["readOnly"] and mount["source"].startswith("/srv/photos/")
    }

    assert writers - {"restore"} == {"photoprism", "syncthing"}
    assert container(recorder, "restore")["start"] is False, "it writes when a person orders a restore"


def test_every_data_folder_of_an_image_is_a_named_volume() -> None:
    recorder = declared("dev")
    volumes = {
        (role(item), mount["target"], mount["source"])
        for item in recorder.of_type("Container")
        for mount in item.inputs["mounts"]
        if mount["type"] == "volume"
    }

    assert volumes == {
        ("mariadb", "/var/lib/mysql", "photos-dev-mariadb"),
        ("photoprism", "/photoprism/storage", "photos-dev-photoprism-storage"),
        ("syncthing", "/var/syncthing", "photos-dev-syncthing"),
        ("drive", "/opt/openlist/data", "photos-dev-drive"),
    }
