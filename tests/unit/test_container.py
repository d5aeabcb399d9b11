"""What a service asks for in plain values, and the image names and durations made of it."""

from __future__ import annotations

import doctest

import pytest
from example_stack import changed, declare_stack, declared, example, role

from components import container as container_module
from components.container import go_duration, image_reference


def test_the_examples_in_the_docstrings_are_true() -> None:
    result = doctest.testmod(container_module)

    assert result.attempted >= 3
    assert result.failed == 0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0s"),
        (1, "1s"),
        (59, "59s"),
        (60, "1m0s"),
        (120, "2m0s"),
        (3599, "59m59s"),
        (3600, "1h0m0s"),
        (86400, "24h0m0s"),
    ],
)
def test_durations_are_written_as_docker_prints_them(seconds: int, expected: str) -> None:
    assert go_duration(seconds) == expected


DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("image", "registry", "expected"),
    [
        ("mariadb:11.8.8", None, "mariadb:11.8.8"),
        ("mariadb:11.8.8", "", "mariadb:11.8.8"),
        ("mariadb:11.8.8", "m.lan", "m.lan/library/mariadb:11.8.8"),
        ("mariadb:11.8.8", "m.lan/", "m.lan/library/mariadb:11.8.8"),
        (f"mariadb:11@{DIGEST}", "m.lan", f"m.lan/library/mariadb:11@{DIGEST}"),
        ("syncthing/syncthing:2", "m.lan:5000/hub", "m.lan:5000/hub/syncthing/syncthing:2"),
        ("ghcr.io/a/b:1", "m.lan", "ghcr.io/a/b:1"),
        ("localhost/a:1", "m.lan", "localhost/a:1"),
        ("nas:5000/a:1", "m.lan", "nas:5000/a:1"),
    ],
)
def test_a_mirror_is_put_before_images_of_docker_hub_alone(image: str, registry: str | None, expected: str) -> None:
    assert image_reference(image, registry) == expected


def test_the_mirror_of_the_stack_file_serves_every_image() -> None:
    recorder = declare_stack(changed(example("dev"), {"image_registry": "m.lan:5000"}))

    mirrored = {role(item): item.inputs["name"] for item in recorder.of_type("RemoteImage")}
    direct = {role(item): item.inputs["name"] for item in declared("dev").of_type("RemoteImage")}
    assert mirrored == {name: image_reference(image, "m.lan:5000") for name, image in direct.items()}
    assert all(image.startswith("m.lan:5000/") for image in mirrored.values())
    assert mirrored["mariadb"].startswith("m.lan:5000/library/")


def test_limits_of_the_stack_file_reach_every_container() -> None:
    memory = {"photoprism": 3072, "syncthing": 300, "drive": 200, "mariadb": 700}
    changes = {f"services.{name}.memory": f"{limit}m" for name, limit in memory.items() if name != "mariadb"}
    recorder = declare_stack(changed(example("dev"), {**changes, "database.memory": "700m"}))

    assert {role(item): item.inputs["memory"] for item in recorder.of_type("Container")} == memory
