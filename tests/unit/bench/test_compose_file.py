"""The compose file of the bench has the same containers as the photo system, under the same rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from example_stack import EXAMPLES
from traced_stack import traced

from bench.compose import compose_file

each_stack = pytest.mark.parametrize("stack", ["dev", "wsl"])


def composed(stack: str, folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(compose_file(traced(stack), folder))
    return document


def containers(stack: str) -> dict[str, dict[str, Any]]:
    return {item.name: item.inputs for item in traced(stack) if item.type.endswith(":Container")}


@each_stack
def test_each_container_is_a_service(stack: str, tmp_path: Path) -> None:
    services = composed(stack, tmp_path)["services"]

    assert stack in EXAMPLES
    assert services.keys() == containers(stack).keys()
    for name, inputs in containers(stack).items():
        service = services[name]
        assert service["container_name"] == inputs["name"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"] == f"{inputs['memory']:.0f}m"
        assert len(service["ports"]) == len(inputs.get("ports", []))
        assert service["healthcheck"]["test"] == inputs["healthcheck"]["tests"]


@each_stack
def test_each_file_is_bound_with_its_permissions(stack: str, tmp_path: Path) -> None:
    services = composed(stack, tmp_path)["services"]

    for name, inputs in containers(stack).items():
        bound = {item["target"]: Path(item["source"]) for item in services[name]["volumes"]}
        uploads = inputs["uploads"]["value"] if isinstance(inputs["uploads"], dict) else inputs["uploads"]
        for upload in uploads:
            assert oct(bound[upload["file"]].stat().st_mode)[-4:] == upload["permissions"]


@each_stack
def test_networks_volumes_and_images_have_the_names_of_the_stack(stack: str, tmp_path: Path) -> None:
    document = composed(stack, tmp_path)

    assert set(document["networks"]) == {f"photos-{stack}-{role}" for role in ("db", "edge", "apps")}
    assert document["networks"][f"photos-{stack}-db"]["internal"] is True
    assert f"photos-{stack}-mariadb" in document["volumes"]
    assert document["services"]["photos-mariadb"]["image"] == "mariadb:11.8.8"
    assert "«" not in str(document), "an output that compose cannot know"


def test_the_album_waits_for_the_database(tmp_path: Path) -> None:
    services = composed("dev", tmp_path)["services"]

    assert services["photos-photoprism"]["depends_on"] == {"photos-mariadb": {"condition": "service_healthy"}}


def test_a_dollar_is_no_variable_to_compose(tmp_path: Path) -> None:
    resources = [
        replace(item, inputs={**item.inputs, "command": ["sh", "-c", "echo $HOME"]})
        if item.name in containers("dev")
        else item
        for item in traced("dev")
    ]
    services = yaml.safe_load(compose_file(resources, tmp_path))["services"]

    assert services["photos-drive"]["command"] == ["sh", "-c", "echo $$HOME"]
