"""The three networks: what is on `db` alone reaches nothing, what is on `edge` alone no admin page."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from example_stack import STACK_ID, changed, declare_stack, declared, environment, example, resource, role
from judged import as_rules_see, broken_rules

from components.network import Networks, NetworksArgs, _ipv4_subnet
from stacks.recording import Recorded, Recorder, plain, record


@pytest.mark.parametrize(("role", "internal"), [("db", True), ("edge", None), ("apps", None)])
def test_the_database_s_network_alone_has_no_way_out(role: str, internal: bool | None) -> None:
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
        outputs = pulumi.Output.all(**networks.ids, subnet=networks.edge_subnet)
        return outputs.apply(found.update)

    record(program, stack="x", recorder=Numbered())

    ids = {role: f"id of networks-{role}" for role in ("db", "edge", "apps")}
    assert found == {**ids, "subnet": "172.30.0.0/16"}


def roles_of(recorder: Recorder) -> dict[str, list[str]]:
    """Return service → the networks that it is in."""
    return {
        role(item): [network["name"].rpartition("-")[2] for network in plain(item.inputs)["networksAdvanced"]]
        for item in recorder.of_type("Container")
    }


PUBLISHED = example("home")["photos:publish"]
A_NAME = PUBLISHED["hostnames"][0]


@pytest.mark.parametrize(
    ("services", "drive"),
    [(["photoprism", "drive"], ["apps", "edge"]), (["drive"], ["apps", "edge"]), (["photoprism"], ["apps"])],
)
def test_openlist_is_in_reach_of_the_tunnel_only_where_it_is_published(services: list[str], drive: list[str]) -> None:
    names = [{**A_NAME, "hostname": f"{name}.example.com", "service": name} for name in services]
    publish = {**PUBLISHED, "hostnames": names}
    found = roles_of(declare_stack(changed(example("home"), {"publish": publish}), "home"))

    assert found["drive"] == drive
    assert (found["cloudflared"], found["photoprism"], found["syncthing"]) == (["edge"], ["db", "edge"], ["apps"])


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


PANEL = "1panel-network"


def joined(recorder: Recorder) -> dict[str, list[str]]:
    """Return service → the names that it has in the panel's network, for those that are in it."""
    return {
        role(item): network["aliases"]
        for item in recorder.of_type("Container")
        for network in plain(item.inputs)["networksAdvanced"]
        if network["name"] == PANEL
    }


def test_a_panel_s_network_is_joined_by_what_has_pages_for_the_family_and_never_made() -> None:
    recorder = declare_stack(changed(example("home"), {"panel_network": PANEL}), "home")

    assert joined(recorder) == {"photoprism": ["photos-home-photoprism"], "drive": ["photos-home-drive"]}
    assert PANEL not in {item.inputs["name"] for item in recorder.of_type("Network")}
    assert broken_rules(as_rules_see(recorder.resources)) == {}


def test_in_a_panel_s_network_the_album_asks_for_its_database_by_a_name_that_no_panel_has() -> None:
    """There "mariadb" is the panel's own, and Docker asks that network before `db`: seen with 20.10, tests/docker."""
    alone, beside = example("home"), changed(example("home"), {"panel_network": PANEL})
    server = "PHOTOPRISM_DATABASE_SERVER"

    assert environment(declare_stack(alone, "home"), "photoprism")[server] == "mariadb:3306"
    assert environment(declare_stack(beside, "home"), "photoprism")[server] == "photos-home-mariadb:3306"
