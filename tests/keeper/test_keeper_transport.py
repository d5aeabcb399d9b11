"""How patient, how wide and in how large pieces the way to each kind of copy is."""

from __future__ import annotations

import pytest

from keeper.copies.transport import transport
from keeper.settings import CopySettings


def copy(type_: str, **more: object) -> CopySettings:
    return CopySettings.model_validate({"name": "net", "kind": "mirror", "type": type_, "path": "photos", **more})


@pytest.mark.parametrize(("type_", "mib"), [("local", 128), ("s3", 64), ("webdav", 64), ("openlist", 32)])
def test_an_object_is_as_large_as_the_kind_of_place_likes_it(type_: str, mib: int) -> None:
    way = transport(copy(type_))

    assert way.environment["RESTIC_PACK_SIZE"] == str(mib)
    assert way.pack_bytes == mib << 20


@pytest.mark.parametrize(
    ("bandwidth", "mib"),
    [
        ("512K", 16), ("900", 16), ("0.5M", 16), ("2M", 64), ("1024K", 64), ("off", 64), ("0", 64), ("1G", 64),
        ("08:00,512K 23:00,off", 16), ("Mon-08:00,4M Sun-23:00,off", 64), ("200K:8M", 16), ("8M:200K", 64),
    ],
)  # fmt: skip
def test_a_slow_line_carries_small_objects_one_at_a_time(bandwidth: str, mib: int) -> None:
    way = transport(copy("s3", bandwidth=bandwidth))

    assert way.environment["RESTIC_PACK_SIZE"] == str(mib)
    assert way.environment["RCLONE_BWLIMIT"] == bandwidth
    assert way.options == ["-o", f"rclone.connections={1 if mib == 16 else 4}"]


def test_openlist_gets_time_and_few_requests_at_once() -> None:
    way = transport(copy("openlist", connections=8))

    assert way.environment["RCLONE_TIMEOUT"] == "15m"
    assert way.options == ["-o", "rclone.connections=2"]
    assert (way.environment["RCLONE_TRANSFERS"], way.environment["RCLONE_CHECKERS"]) == ("2", "2")


def test_another_cloud_is_given_up_sooner_and_asked_as_often_as_the_stack_says() -> None:
    way = transport(copy("s3", connections=8))

    assert way.environment["RCLONE_TIMEOUT"] == "2m"
    assert way.options == ["-o", "rclone.connections=8"]


def test_a_folder_of_this_machine_needs_no_rclone() -> None:
    assert transport(copy("local", connections=3)).options == ["-o", "local.connections=3"]
