"""PhotoSystem as somebody else's program uses it: typed arguments, a provider handed down, two of them side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pytest
import two_systems
from example_stack import declared

from components import photo_system
from components.cloudflared import Cloudflared, CloudflaredArgs, CloudflaredConfig
from components.container import ContainerSpec
from components.network import Networks, NetworksArgs
from components.photo_system import PhotoSystem, PhotoSystemArgs
from components.service import Belongings, Foundation, Owner, Platform, Service, ServiceArgs
from components.services import SERVICES
from components.services.drive import DriveConfig
from stacks.recording import Recorded, Recorder, is_secret, plain, record

ROOT_OF_A_STACK = "pulumi:pulumi:Stack::"


@pytest.fixture(scope="module")
def both() -> Recorder:
    return record(two_systems.program, stack="family")


def below(recorder: Recorder, name: str) -> Iterator[Recorded]:
    """Yield everything that stands below the photo system `name`."""
    parents = {next(item.urn for item in recorder.resources if item.name == name and not item.custom)}
    for item in recorder.resources:
        if item.parent in parents:
            parents.add(item.urn)
            yield item


def test_two_systems_in_one_program_share_no_name(both: Recorder) -> None:
    urns = [item.urn for item in both.resources]
    names = [
        (kind, plain(item.inputs)["name"]) for kind in ("Container", "Network", "Volume") for item in both.of_type(kind)
    ]

    assert len(urns) == len(set(urns))
    assert len(names) == len(set(names)) == 2 * (3 + 3 + 3)


@pytest.mark.parametrize("name", two_systems.IDS)
def test_everything_is_below_its_system_and_goes_where_its_provider_goes(both: Recorder, name: str) -> None:
    ours = [item for item in below(both, name) if item.type.startswith("docker:")]

    assert len(ours) == 3 + 3 + 3 + 3, "images, containers, networks, volumes"
    assert {item.options["provider"].split("::")[3] for item in ours} == {f"docker-{name}"}
    for item in both.of_type("Container"):
        labels = {label["label"]: label["value"] for label in item.inputs["labels"]}
        assert (labels["photos.id"] == two_systems.IDS[name]) is (item in ours)


def test_a_system_hands_on_its_endpoints_and_networks() -> None:
    told: dict[str, object] = {}

    def program() -> pulumi.Output[None]:
        system = PhotoSystem("home", two_systems.args("home", "/srv", 21000))
        return pulumi.Output.all(endpoints=system.endpoints, networks=system.network_ids).apply(told.update)

    record(program, stack="family")

    assert told == {
        "endpoints": {"drive": "http://drive:5244", "photoprism": "http://photoprism:2342"},
        "networks": {role: f"photos-home-{role}" for role in ("db", "edge", "apps")},
    }


def test_a_password_that_is_handed_in_as_plain_text_travels_as_a_secret(both: Recorder) -> None:
    canary = two_systems.PLAIN_PASSWORD
    holding = [item for item in both.resources if canary in str(item.inputs)]

    assert holding, "or nothing was tried"
    for item in holding:
        clear = {key: value for key, value in item.inputs.items() if not is_secret(value)}
        assert canary not in str(clear)


def test_a_label_of_a_plain_password_cannot_be_tried_against_a_list(both: Recorder) -> None:
    labels = [
        label["value"]
        for item in both.of_type("Container")
        for label in item.inputs["labels"]
        if label["label"] == "photos.file/run/secrets/photoprism_admin_password"
    ]

    assert len(set(labels)) == 2, "the same password has another digest in each system: it is keyed"


def test_what_stood_at_the_root_of_a_stack_is_known_by_its_old_name() -> None:
    recorder = declared("home")
    children = [item for item in recorder.resources if item.parent.endswith("photos:system:PhotoSystem::photos")]

    assert {item.name.removeprefix("photos-") for item in children} > {
        "networks",
        "mariadb",
        "photoprism",
        "tunnel",
        "keeper",
    }
    for item in children:
        (alias,) = item.options["aliases"]
        assert alias["name"] == item.name.removeprefix("photos-")
        assert ROOT_OF_A_STACK in str(alias.get("parentUrn")) or alias.get("noParent")


def test_a_backup_without_a_user_who_may_read_is_refused() -> None:
    def program() -> None:
        whole = two_systems.args("home", "/srv", 21000)
        PhotoSystem("home", PhotoSystemArgs(**{**vars(whole), "backup": object()}))

    with pytest.raises(ValueError, match=r"write DatabaseArgs\(dumped=True\)"):
        record(program, stack="family")


def test_arguments_of_a_service_that_nobody_lists_are_refused_and_not_left_out() -> None:
    class MyArgs(ServiceArgs):
        pass

    def program() -> None:
        PhotoSystem(
            "home", PhotoSystemArgs(**{**vars(two_systems.args("home", "/srv", 21000)), "services": [MyArgs()]})
        )

    with pytest.raises(ValueError, match="MyArgs is of no service"):
        record(program, stack="family")


def test_the_example_in_the_docs_is_a_program_that_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "components.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    secrets = {"photos:root": "canary-of-root", "photos:admin": "canary-of-admin"}

    recorder = record(lambda: exec(code, {}), stack="family", config=secrets, secret_keys=set(secrets))  # noqa: S102

    assert {plain(item.inputs)["name"] for item in recorder.of_type("Container")} == {
        "photos-home-mariadb",
        "photos-home-photoprism",
    }


def test_a_secret_argument_is_a_secret_also_where_nothing_beside_it_is_one() -> None:
    def program() -> None:
        networks = Networks("networks", NetworksArgs(prefix="photos-home", labels={}))
        foundation = Foundation(
            stack="home",
            prefix="photos-home",
            id=two_systems.IDS["home"],
            timezone="UTC",
            owner=Owner(uid=1000, gid=1000),
            networks=networks,
            image_registry=None,
            keep_data=True,
            digest_key=pulumi.Output.secret("key"),
        )
        token = CloudflaredArgs(config=CloudflaredConfig(), token=two_systems.PLAIN_PASSWORD)
        Cloudflared("connector", token, foundation)

    (container,) = record(program, stack="family").of_type("Container")

    assert is_secret(container.inputs["uploads"])
    assert two_systems.PLAIN_PASSWORD in str(plain(container.inputs["uploads"]))


@dataclass(frozen=True, kw_only=True)
class ProxyArgs(ServiceArgs):
    """What a proxy in the LAN for OpenList is made from."""

    @property
    def serves(self) -> tuple[str, ...]:
        return ("drive",)


class Proxy(Service[ProxyArgs, Platform]):
    """A proxy as a contributor would write it."""

    service = "proxy"
    Args = ProxyArgs
    Config = DriveConfig

    @classmethod
    def spec(cls, args: ProxyArgs, base: Platform, belongings: Belongings) -> ContainerSpec:
        del args, base, belongings
        return ContainerSpec(image="caddy:2.10.0", health=None, memory_mb=64, networks=["edge"])


@pytest.mark.parametrize(("served", "networks"), [(True, ["apps", "edge"]), (False, ["apps"])])
def test_what_a_proxy_in_the_edge_serves_joins_it_there(
    served: bool, networks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_system, "SERVICES", (*SERVICES, Proxy))

    def program() -> None:
        whole = vars(two_systems.args("home", "/srv", 21000))
        services = [*whole["services"], *([ProxyArgs()] if served else [])]
        PhotoSystem("home", PhotoSystemArgs(**{**whole, "services": services}))

    recorder = record(program, stack="family")
    drive = next(item for item in recorder.of_type("Container") if item.name == "home-drive")

    found = [network["name"] for network in plain(drive.inputs)["networksAdvanced"]]
    assert found == [f"photos-home-{role}" for role in networks]
