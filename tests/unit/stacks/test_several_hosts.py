"""A stack on several hosts: everything is where its service is, and nothing else about it differs."""

from __future__ import annotations

from typing import Any

import pytest
from example_stack import (
    ON_GPU,
    OnTwoHosts,
    changed,
    container,
    declare_stack,
    declared,
    example,
    resource,
    role,
    secret_keys,
    sections,
)

from components.hosts import THE_FIRST, Host, Hosts
from components.service import BETWEEN_HOSTS
from stacks.config import StackConfig, parse
from stacks.expected import expected
from stacks.host.docker import unreachable
from stacks.host.endpoint import DockerEndpoint
from stacks.host.endpoints import endpoints
from stacks.problems import ConfigError
from stacks.recording import Recorded, plain
from stacks.sections.places import KINDS, host_of, library_host

TWO = OnTwoHosts("home")
THERE = {*ON_GPU, "watch", "restore"}
FAR = "ssh://photos@gpu.lan"
ONE_BY_ONE = {"uploads", "labels"}
"""Inputs in which passwords stand, or digests of them: each recording makes its own."""


def parsed(changes: dict[str, Any], name: str = "home") -> StackConfig:
    config = changed(example(name), changes)
    keys = {key.removeprefix("photos:") for key in secret_keys(config)}
    return parse(name, sections(config), secret_keys=keys)


def mistakes(changes: dict[str, Any], name: str = "home") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parsed(changes, name)
    return [str(problem) for problem in caught.value.problems]


def provider_of(item: Recorded) -> str:
    return str(item.options["provider"].split("::")[-2])


def service_of(item: Recorded) -> str:
    return role(item).split("-")[0]


@pytest.mark.parametrize("kind", ["Container", "Volume", "RemoteImage"])
def test_what_a_service_consists_of_is_on_its_host(kind: str) -> None:
    found = {(role(item), provider_of(item)) for item in declared(TWO).of_type(kind)}

    assert found
    for name, provider in found:
        assert provider == ("docker-gpu" if name.split("-")[0] in THERE else "docker"), name


@pytest.mark.parametrize("kind", ["Volume", "RemoteImage"])
def test_a_volume_and_an_image_are_made_anew_where_their_service_is_placed_anew(kind: str) -> None:
    for item in declared(TWO).of_type(kind):
        assert item.options["replacement_trigger"] == ("gpu" if service_of(item) in THERE else THE_FIRST), role(item)
    for item in declared("home").of_type(kind):
        assert item.options["replacement_trigger"] == THE_FIRST, (
            "from nothing to something, the engine replaces nothing"
        )


def test_a_volume_that_is_not_kept_is_never_replaced_since_that_would_delete_it() -> None:
    config = changed(example(TWO), {"data": {"on_destroy": "delete", "confirm": "home"}})

    assert {item.options["replacement_trigger"] for item in declare_stack(config, "home").of_type("Volume")} == {None}


def test_the_networks_are_overlays_of_the_first_host_that_containers_may_join() -> None:
    for item in declared(TWO).of_type("Network"):
        assert (item.inputs["driver"], item.inputs["attachable"]) == ("overlay", True)
        assert provider_of(item) == "docker"
        assert item.inputs.get("internal") is (True if role(item) == "networks-db" else None)
        assert "options" not in item.inputs, "an encrypted overlay passes nothing where the kernel has no ESP"
    for item in declared("home").of_type("Network"):
        assert (item.inputs["driver"], item.inputs.get("attachable")) == ("bridge", None)


@pytest.mark.parametrize("item", declared("home").of_type("Container"), ids=role)
def test_a_container_is_the_same_on_one_host_and_on_two(item: Recorded) -> None:
    one, two = plain(item.inputs), container(declared(TWO), role(item))

    assert two.pop("sysctls") == BETWEEN_HOSTS, "a host without power closes no connection"
    assert one.keys() == two.keys()
    assert [key for key in one if one[key] != two[key] and key not in ONE_BY_ONE] == []
    assert [upload["file"] for upload in one["uploads"]] == [upload["file"] for upload in two["uploads"]]
    assert {label["label"] for label in one["labels"]} == {label["label"] for label in two["labels"]}


def test_a_stack_with_one_named_host_is_the_stack_without() -> None:
    named = declare_stack(changed(example("home"), {"hosts": {"nas": {}}}), "home")

    assert {item.urn for item in named.resources} == {item.urn for item in declared("home").resources}
    for item in named.of_type("Network"):
        assert item.inputs == resource(declared("home"), "Network", role(item)).inputs


@pytest.mark.parametrize("name", KINDS)
def test_a_service_says_whether_it_sees_the_library(name: str) -> None:
    binds = [mount for mount in container(declared("home"), name)["mounts"] if mount["type"] == "bind"]

    assert KINDS[name].in_library is bool(binds), "set `in_library` of the service: it must be where the photos are"


@pytest.mark.parametrize("name", KINDS)
def test_who_mounts_the_volume_of_another_is_where_the_other_is(name: str) -> None:
    volumes = [mount["source"] for mount in container(declared("home"), name)["mounts"] if mount["type"] == "volume"]
    others = {volume.removeprefix("photos-home-").split("-")[0] for volume in volumes} - {name}

    for other in others:
        assert (
            KINDS[name].placed_as() == other
            or (KINDS[name].in_library and KINDS[other].in_library)
            or other == "keeper"
        )


def test_each_service_is_expected_on_its_host() -> None:
    services = expected("home", parsed({"hosts": example(TWO)["photos:hosts"], "place": {"mariadb": "gpu"}}).settings)

    assert {service.name for service in services.services if service.host == "gpu"} == {"mariadb"}
    assert {service.host for service in services.services} == {"nas", "gpu"}
    assert {service.host for service in expected("home", parsed({}).settings).services} == {""}


def test_the_host_without_a_docker_is_the_first_whatever_its_name() -> None:
    settings = parsed({"hosts": {"zoo": {}, "ant": {"docker": "unix:///run/ant.sock"}}, "place": {"mariadb": "ant"}})

    assert list(endpoints(settings)) == ["zoo", "ant"], "Pulumi sorts the sections that it hands over"
    assert endpoints(settings)["ant"].url == "unix:///run/ant.sock"
    assert list(endpoints(parsed({}))) == [""]


def test_watch_and_restore_go_where_the_keeper_goes() -> None:
    settings = parsed(
        {key.removeprefix("photos:"): example(TWO)[key] for key in ("photos:hosts", "photos:place")}
    ).settings

    assert {host_of(settings, service) for service in ("keeper", "watch", "restore", "photoprism")} == {"gpu"}
    assert (host_of(settings, "https"), library_host(settings)) == ("nas", "gpu")


HOSTS = {"nas": {}, "gpu": {"docker": FAR}}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"place": {"mariadb": "gpu"}}, "photos:place: there is one host. Write `photos:hosts` first, or take `place` out"),
    ({"hosts": HOSTS, "place": {"mariadb": "cpu"}}, 'photos:place.mariadb: "cpu" is not among hosts. Write one of: nas, gpu'),
    ({"hosts": HOSTS, "place": {"maria": "gpu"}}, "photos:place.maria: is no service of this stack. Write one of: mariadb, drive, https, photoprism, syncthing, tailscale, cloudflared, keeper"),
    ({"hosts": HOSTS, "place": {"watch": "gpu"}}, "photos:place.watch: is always where keeper is. Take the line out, and place keeper"),
    ({"hosts": {"nas": {}, "gpu": {}}}, "photos:hosts: nas, gpu have no `docker`, and only the host where ./photos finds its own Docker can do without. Write it for the others"),
    ({"hosts": {"gpu": {"docker": FAR}}}, "photos:hosts: every host has a `docker`"),
    ({"hosts": {**HOSTS, "pc": {"docker": f"{FAR}:22/"}}}, "photos:hosts.pc.docker: is that of gpu, too"),
    ({"hosts": HOSTS, "place": {"keeper": "gpu"}}, "photos:place: gpu: keeper; nas: drive, photoprism, syncthing: these see the same photos"),
    ({"hosts": HOSTS, "place": {"drive": "gpu"}}, "photos:place: gpu: drive; nas: photoprism, syncthing, keeper: these see"),
    ({"hosts": HOSTS, "place": dict.fromkeys(["drive", "photoprism", "syncthing", "keeper"], "gpu"), "panel_network": "1panel-network"}, "photos:panel_network: 1panel-network is a network of nas alone, and drive, photoprism would be"),
    ({"hosts": {"Nas": {}}}, 'photos:hosts.Nas: "Nas" cannot name a host'),
    ({"hosts": {"nas": {"address": "8.8.8.8"}}}, "photos:hosts.nas.address: 8.8.8.8 is not an address at home"),
    ({"hosts": {"nas": {"address": "127.0.0.1"}}}, "photos:hosts.nas.address: 127.0.0.1 is not an address at home"),
    ({"hosts": {"nas": {}, "gpu": {"docker": "gpu.lan"}}}, "photos:hosts.gpu.docker: gpu.lan is no machine that ssh reaches"),
    ({"hosts": {"nas": {}, "gpu": {"docker": "tcp://gpu.lan:2375"}}}, "photos:hosts.gpu.docker: tcp://gpu.lan:2375 is no"),
    ({"hosts": {"nas": {}, "gpu": {"docker": "ssh://photos:word@gpu.lan"}}}, "photos:hosts.gpu.docker: ssh://photos:…@gpu.lan is no"),
    ({"hosts": {"nas": {}, "gpu": {"docker": "ssh://gpu.lan"}}}, "photos:hosts.gpu.docker: ssh://gpu.lan is no machine"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_cannot_be_is_refused_with_what_to_write_instead(changes: dict[str, Any], said: str) -> None:
    (found,) = mistakes(changes)

    assert found.startswith(f"config {said}")


@pytest.mark.parametrize("address", ["192.168.1.20", "10.8.0.2", "100.64.3.4", "fd12::5"])
def test_an_address_at_home_or_in_a_vpn_is_taken(address: str) -> None:
    hosts = parsed({"hosts": {"nas": {"address": address}}}).settings.hosts

    assert hosts["nas"].address == address


@pytest.mark.parametrize("docker", ["ssh://photos@gpu.lan", "ssh://photos@192.168.1.20:2222", "unix:///run/gpu.sock"])
def test_a_docker_of_another_host_is_taken(docker: str) -> None:
    hosts = parsed({"hosts": {"nas": {}, "gpu": {"docker": docker}}}).settings.hosts

    assert hosts["gpu"].docker == docker


def test_a_place_that_is_no_host_is_refused_by_the_components_too() -> None:
    with pytest.raises(ValueError, match=r"mariadb on cpu, which is none of the others \(gpu\)"):
        Hosts(others={"gpu": Host()}, place={"mariadb": "cpu"})


def test_an_app_of_another_host_is_asked_where_this_machine_finds_it() -> None:
    assert Host().reach("192.168.1.5") == "192.168.1.5"
    assert Host(loopback="127.83.12.7").reach("192.168.1.5") == "127.83.12.7"


def test_a_host_that_is_off_is_told_by_its_name_with_what_to_do() -> None:
    endpoint = DockerEndpoint(url="unix:///run/gpu.sock", named_by="photos:hosts.gpu.docker")

    line = str(unreachable(endpoint, OSError("gone"), "gpu").line)

    assert line.startswith("docker: nothing answers at unix:///run/gpu.sock. Switch gpu on")
