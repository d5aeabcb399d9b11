"""One Docker for all: who names it, in which order, and which is refused without asking it."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import docker
import psutil
import pytest
from docker_settings import DockerSettings

from stacks.host.endpoint import DEFAULT_URL, DockerEndpoint, EndpointError, resolve

ONE, OTHER = "unix:///run/one.sock", "unix:///run/other.sock"


def this_machine_has(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"eth0": [SimpleNamespace(address=address)]})


def test_where_nobody_named_one_it_is_the_systems_docker() -> None:
    assert resolve() == DockerEndpoint(url=DEFAULT_URL, named_by=None)


@pytest.mark.parametrize(
    ("stack_file", "variables", "chosen", "url", "named_by"),
    [
        ({"docker:host": ONE}, {"DOCKER_HOST": OTHER}, True, ONE, "docker:host"),
        (
            {"docker:context": "second"},
            {"DOCKER_HOST": OTHER},
            False,
            "unix:///run/second.sock",
            'the context "second"',
        ),
        ({}, {"DOCKER_HOST": ONE, "DOCKER_CONTEXT": "second"}, True, ONE, "DOCKER_HOST"),
        ({}, {"DOCKER_CONTEXT": "second"}, True, "unix:///run/second.sock", 'the context "second"'),
        ({}, {"DOCKER_CONTEXT": "default"}, True, DEFAULT_URL, 'the context "default"'),
        ({}, {}, True, "unix:///run/first.sock", 'the context "first"'),
        ({}, {"DOCKER_HOST": ""}, False, DEFAULT_URL, None),
    ],
)
def test_the_stack_file_comes_first_then_dockers_own_order(
    *,
    docker_settings: DockerSettings,
    monkeypatch: pytest.MonkeyPatch,
    stack_file: dict[str, str],
    variables: dict[str, str],
    chosen: bool,
    url: str,
    named_by: str | None,
) -> None:
    docker_settings.add_context("first", "unix:///run/first.sock", chosen=chosen)
    docker_settings.add_context("second", "unix:///run/second.sock")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    found = resolve(stack_file)

    assert (found.url, found.named_by and str(found.named_by)) == (url, named_by)


def test_the_certificates_of_a_context_come_along(docker_settings: DockerSettings) -> None:
    folder = docker_settings.add_context("near", "tcp://127.0.0.1:2376", certificates=True, chosen=True)

    assert resolve().certificates == str(folder)


def test_the_certificates_of_the_environment_and_of_the_stack_file_come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2376")
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certs")
    named = {"docker:host": "tcp://127.0.0.1:2376"}

    assert resolve().certificates == "/certs"
    assert resolve(named).certificates is None, "what the environment says belongs to its own host"
    assert resolve({**named, "docker:certPath": "/others"}).certificates == "/others"


@pytest.mark.parametrize(
    ("url", "reason", "instead"),
    [
        (
            "ssh://nas.lan",
            "the folders there are looked at, too",
            "Write photos:host: ssh://nas.lan in the stack file instead",
        ),
        ("tcp://nas.lan:2375", "another machine", "or run ./photos on that machine"),
        ("tcp://192.168.1.9:2375", "another machine", "or run ./photos on that machine"),
        ("npipe:////./pipe/docker_engine", "no address of a Docker on Linux", "Write a socket"),
        ("/run/docker.sock", "no address of a Docker on Linux", "Write a socket"),
    ],
)
@pytest.mark.parametrize("named_by", ["docker:host", "DOCKER_HOST", "context"])
def test_what_is_not_on_this_machine_is_refused_by_name(
    *,
    docker_settings: DockerSettings,
    monkeypatch: pytest.MonkeyPatch,
    named_by: str,
    url: str,
    reason: str,
    instead: str,
) -> None:
    addresses = {"nas.lan": "192.168.1.9"}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, _: [(0, 0, 0, "", (addresses.get(host, host), 0))])
    this_machine_has(monkeypatch, "192.168.1.5")
    if named_by == "DOCKER_HOST":
        monkeypatch.setenv("DOCKER_HOST", url)
    elif named_by == "context":
        docker_settings.add_context("far", url, chosen=True)

    with pytest.raises(EndpointError) as refused:
        resolve({"docker:host": url} if named_by == "docker:host" else {})

    name = 'the context "far"' if named_by == "context" else named_by
    assert str(refused.value.finding.text).startswith(f"{name} is {url}")
    assert reason in str(refused.value.finding.text)
    assert instead in str(refused.value.finding.fix)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "192.168.1.5"])
def test_an_address_of_this_machine_is_not_far(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    this_machine_has(monkeypatch, "192.168.1.5")
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{host}:2375")

    assert resolve().url == f"tcp://{host}:2375"


def test_a_context_that_is_gone_is_named_with_who_asks_for_it(docker_settings: DockerSettings) -> None:
    docker_settings.write({"currentContext": "rootless"})

    with pytest.raises(EndpointError, match=r'the current context is "rootless".*`docker context ls`'):
        resolve()


@pytest.mark.parametrize("key", ["docker:registryAuth", "docker:sshOpts"])
def test_a_setting_of_the_provider_that_only_it_would_read_is_refused(key: str) -> None:
    with pytest.raises(EndpointError, match=f"{key} has no effect.* docker login HOST"):
        resolve({key: "x"})


def test_a_connection_goes_to_the_endpoint_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(docker, "from_env", lambda **arguments: asked.append(arguments))
    monkeypatch.setenv("DOCKER_HOST", OTHER)
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certs")

    DockerEndpoint(url=ONE).connect(5)
    DockerEndpoint(url="tcp://127.0.0.1:2376", certificates="/mine").connect(5)

    assert asked[0] == {"timeout": 5, "environment": {"DOCKER_HOST": ONE}, "use_context": False}
    assert asked[1]["environment"] == {
        "DOCKER_HOST": "tcp://127.0.0.1:2376",
        "DOCKER_CERT_PATH": "/mine",
        "DOCKER_TLS_VERIFY": "1",
    }
