"""The two networks: what is on `db` alone reaches nothing and nobody."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from example_stack import STACK_ID, declared, resource

from components.network import Networks, NetworksArgs, _ipv4_subnet
from stacks.recording import Recorded, Recorder, record


@pytest.mark.parametrize(("role", "internal"), [("db", True), ("apps", None)])
def test_only_apps_has_a_way_out(role: str, internal: bool | None) -> None:
    inputs = resource(declared("dev"), "Network", f"networks-{role}").inputs

    assert inputs.get("internal") is internal
    assert (inputs["name"], inputs["driver"]) == (f"photos-dev-{role}", "bridge")
    assert {"label": "photos.id", "value": STACK_ID} in inputs["labels"], "sweep and adopt find it by its label"


class Numbered(Recorder):
    """Gives a network an id of its own, as Docker does."""

    def create(self, resource: Recorded) -> dict[str, Any]:
        return {**super().create(resource), "id": f"id of {resource.name}"}


def test_it_hands_on_ids_so_that_a_network_made_anew_takes_its_services_along() -> None:
    found: dict[str, str] = {}

    def program() -> pulumi.Output[None]:
        networks = Networks("networks", NetworksArgs(prefix="photos-x", labels={"photos.id": "1"}))
        outputs = pulumi.Output.all(db=networks.db, apps=networks.apps, subnet=networks.apps_subnet)
        return outputs.apply(found.update)

    record(program, stack="x", recorder=Numbered())

    assert found == {"db": "id of networks-db", "apps": "id of networks-apps", "subnet": "172.30.0.0/16"}


class Config:
    """One entry of what Docker answers."""

    def __init__(self, subnet: str | None) -> None:
        self.subnet = subnet


@pytest.mark.parametrize(
    ("subnets", "expected"),
    [(["fd00::/64", "172.18.0.0/16"], "172.18.0.0/16"), ([None], ""), (["fd00::/64"], ""), ([], "")],
)
def test_the_trusted_subnet_is_the_ipv4_one(subnets: list[str | None], expected: str) -> None:
    assert _ipv4_subnet([Config(subnet) for subnet in subnets]) == expected
