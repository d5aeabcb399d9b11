"""What is expected of a stack is what the program declares: there is no second list to forget."""

from __future__ import annotations

from typing import Any

import pytest
from example_stack import (
    DROP,
    EXAMPLES,
    Config,
    canary,
    changed,
    declare_stack,
    example,
    role,
    secret_keys,
    sections,
)

from components.container import image_reference
from stacks.config import parse
from stacks.expected import ExpectedStack, expected
from stacks.recording import plain
from stacks.sections.flat_secrets import flat_secrets
from stacks.sections.secrets import service_key

WITHOUT_A_CHANGE: dict[str, Any] = {}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, WITHOUT_A_CHANGE) for name in EXAMPLES),
    ("dev", {"services.drive": DROP}),
    ("dev", {"services": {"photoprism": {"bind": "192.168.1.5", "port": 20000, "memory": "3g"}}}),
    ("dev", {"image_registry": "mirror.example.com:5000"}),
    ("dev", {"panel_network": "1panel-network"}),
    ("dev", {"backup": {"remotes": {"disk": {"kind": "disk", "type": "local", "path": "/mnt/backup/photos"}}}}),
]


def expectation(config: Config, stack: str) -> ExpectedStack:
    values = sections(config)
    keys = {key.removeprefix("photos:") for key in secret_keys(config)}
    return expected(stack, parse(stack, values, secret_keys=keys).settings)


@pytest.mark.parametrize(("name", "changes"), VARIANTS)
def test_what_is_expected_is_what_is_declared(name: str, changes: dict[str, Any]) -> None:
    config = changed(example(name), changes)
    config |= {f"photos:{key}": canary(key) for key in flat_secrets(sections(config))}
    recorder = declare_stack(config, name)
    wanted = expectation(config, name)
    containers = {role(item): plain(item.inputs) for item in recorder.of_type("Container")}

    assert sorted(wanted.names) == sorted(containers)
    assert sorted(wanted.volumes) == sorted(item.inputs["name"] for item in recorder.of_type("Volume"))
    assert sorted(wanted.networks) == sorted(item.inputs["name"] for item in recorder.of_type("Network"))
    for service in wanted.services:
        inputs = containers[service.name]
        assert service.container == inputs["name"]
        assert service.memory_mb == inputs["memory"]
        assert service.waited_for is inputs["wait"]
        ports = {(port.number, address) for port in service.ports for address in port.addresses}
        assert ports == {(port["external"], port["ip"]) for port in inputs.get("ports") or ()}
    pulled = {item.inputs["name"] for item in recorder.of_type("RemoteImage") if "build" not in item.inputs}
    assert {image for service in wanted.services for image in service.images} == pulled


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_login_is_a_secret_of_its_service_and_none_is_forgotten(name: str) -> None:
    config = example(name)
    recorder = declare_stack(config, name)
    logins = expectation(config, name).logins
    typed = {
        role(item)
        for item in recorder.of_type("Container")
        for upload in plain(item.inputs)["uploads"]
        if upload["file"] in {f"/run/secrets/{role(item)}_{word}_password" for word in ("admin", "gui")}
    }

    assert set(logins) == typed == {"photoprism", "drive", "syncthing"}
    for service, login in logins.items():
        files = {upload["file"] for upload in plain(containers_of(recorder)[service])["uploads"]}
        assert f"/run/secrets/{service_key(service, login.argument)}" in files


def containers_of(recorder: Any) -> dict[str, Any]:
    return {role(item): item.inputs for item in recorder.of_type("Container")}


def test_a_mirror_is_part_of_an_expected_image() -> None:
    config = changed(example("dev"), {"image_registry": "mirror.example.com"})

    images = {service.name: service.images for service in expectation(config, "dev").services}
    assert images["mariadb"] == (image_reference("mariadb:11.8.8", "mirror.example.com"),)
