"""How long a container is waited for, and what is used of what is there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from example_stack import OTHER_ID, STACK_ID
from pulumi.dynamic.dynamic import serialize_provider
from syncthing_double import KEY, SyncthingDouble, serving

from components.apps.resource import PROVIDER
from components.apps.syncthing import OptionsProvider
from demo.docker_runner import DockerRunner, wait_until_healthy
from stacks.recording import Recorded


class FakeContainer:
    """One that has run before, and whose state goes on at each look."""

    name = "photos-demo-mariadb"

    def __init__(self, *states: tuple[str, int]) -> None:
        self._states = iter(states)
        self.attrs: dict[str, Any] = {"RestartCount": 5}
        self.looks = 0

    def reload(self) -> None:
        self.looks += 1
        health, restarts = next(self._states)
        self.attrs = {"RestartCount": restarts, "State": {"Health": {"Status": health}}}

    def logs(self, **_: object) -> bytes:
        return b"the first start of this database was cut short"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.docker_runner.time.sleep", lambda _: None)


def test_a_container_that_ends_again_and_again_is_not_waited_for() -> None:
    container: Any = FakeContainer(("starting", 5), ("starting", 6), ("starting", 7), ("starting", 8), ("healthy", 8))

    with pytest.raises(RuntimeError, match="cut short"):
        wait_until_healthy(container, 300)
    assert container.looks == 4


def test_a_container_that_ended_once_and_comes_up_is_healthy() -> None:
    container: Any = FakeContainer(("starting", 6), ("starting", 7), ("healthy", 7))
    wait_until_healthy(container, 300)

    assert container.looks == 3


def test_what_the_runner_cannot_create_is_not_taken_for_created() -> None:
    with pytest.raises(TypeError, match="cannot create docker:index/plugin:Plugin"):
        DockerRunner(object()).create(Recorded("docker:index/plugin:Plugin", "x", "", True, {}))  # type: ignore[arg-type]


def test_a_provider_and_what_is_only_made_up_are_no_work_for_docker() -> None:
    runner = DockerRunner(object())  # type: ignore[arg-type]

    assert runner.create(Recorded("pulumi:providers:docker", "x", "", True, {"host": "h"})) == {"host": "h"}
    password = Recorded("random:index/randomPassword:RandomPassword", "x", "", True, {"length": 7})
    assert len(runner.create(password)["result"]) == 7


def test_what_is_inside_an_app_is_made_there_by_its_own_provider() -> None:
    there = SyncthingDouble()
    with serving(there) as url:
        inputs = {"url": url, "key": KEY, "options": {"urAccepted": -1.0}}
        packed = {PROVIDER: serialize_provider(OptionsProvider())}
        resource = Recorded("pulumi-python:dynamic/syncthing:Options", "x", "", True, {**inputs, **packed})
        made = DockerRunner(object()).create(resource)  # type: ignore[arg-type]

    assert there.options["urAccepted"] == -1
    assert made["options"] == inputs["options"]


@pytest.mark.parametrize(("kind", "token"), [("network", "network:Network"), ("volume", "volume:Volume")])
@pytest.mark.parametrize("labels", [None, {}, {"photos.id": OTHER_ID}, {"photos.id": STACK_ID}])
def test_a_network_or_volume_of_that_name_is_used_only_when_it_is_ours(
    kind: str, token: str, labels: dict[str, str] | None
) -> None:
    attrs = {"Labels": labels, "IPAM": {"Config": [{"Subnet": "10.0.0.0/24"}]}}
    found = SimpleNamespace(attrs=attrs, reload=lambda: None)
    client: Any = SimpleNamespace(
        networks=SimpleNamespace(list=lambda **_: [found]), volumes=SimpleNamespace(get=lambda _: found)
    )
    inputs: dict[str, Any] = {"name": "photos-x", "labels": [{"label": "photos.id", "value": STACK_ID}]}
    if kind == "network":
        inputs["driver"] = "bridge"
    declared = Recorded(f"docker:index/{token}", "x", "", True, inputs)
    if labels == {"photos.id": STACK_ID}:
        DockerRunner(client).create(declared)
        return

    with pytest.raises(RuntimeError, match=f"the {kind} photos-x belongs to something else"):
        DockerRunner(client).create(declared)
