"""The two networks: what is on `db` alone reaches nothing and nobody."""

from __future__ import annotations

import pulumi
import pytest
from example_stack import STACK_ID, declared, resource

from cli.recording import record
from components.network import Networks, NetworksArgs, _ipv4_subnet


@pytest.mark.parametrize(("role", "internal"), [("db", True), ("apps", None)])
def test_only_apps_has_a_way_out(role: str, internal: bool | None) -> None:
    inputs = resource(declared("dev"), "Network", f"networks-{role}").inputs

    assert inputs.get("internal") is internal
    assert (inputs["name"], inputs["driver"]) == (f"photos-dev-{role}", "bridge")
    assert {"label": "photos.id", "value": STACK_ID} in inputs["labels"], "sweep and adopt find it by its label"


def test_it_hands_on_names_and_the_subnet() -> None:
    found: dict[str, str] = {}

    def program() -> pulumi.Output[None]:
        networks = Networks("networks", NetworksArgs(prefix="photos-x", labels={"photos.id": "1"}))
        outputs = pulumi.Output.all(db=networks.db, apps=networks.apps, subnet=networks.apps_subnet)
        return outputs.apply(found.update)

    record(program, stack="x")

    assert found == {"db": "photos-x-db", "apps": "photos-x-apps", "subnet": "172.30.0.0/16"}


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
