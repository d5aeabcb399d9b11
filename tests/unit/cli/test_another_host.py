"""A stack whose file names another machine than at its last run does not start there without its data."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import typer
import yaml
from docker.errors import DockerException
from example_stack import STACK_ID, changed, example

from cli import another_host, paths, stackfile
from stacks.config import StackConfig, parse
from stacks.host.endpoint import DockerEndpoint
from stacks.recording import config_text

NAS = "ssh://family@nas"
Volumes = dict[str, list[str] | None]
"""Machine → its volumes; None for one that is off. "" is this one."""


@pytest.fixture
def looked(checkout: object, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None, str | None, Volumes], None]:
    """Look at a stack that was on one machine and shall be on another."""
    assert checkout

    def look(before: str | None, now: str | None, volumes: Volumes) -> None:
        document = changed(example("dev"), {"id": STACK_ID} | ({"host": before} if before else {}))
        paths.write_private(paths.copies_folder("dev") / "1.yaml", yaml.safe_dump({"config": document}))

        def connect(endpoint: DockerEndpoint, _seconds: int) -> SimpleNamespace:
            found = volumes[NAS if endpoint.line else ""]
            if found is None:
                msg = "it is off"
                raise DockerException(msg)
            listed = [SimpleNamespace(name=name) for name in found]
            return SimpleNamespace(volumes=SimpleNamespace(list=lambda **_: listed), close=lambda: None)

        monkeypatch.setattr(DockerEndpoint, "connect", connect)
        another_host.refuse_without_data(_config(now))

    return look


HOSTS = {"nas": {}, "gpu": {"docker": "unix:///run/gpu.sock"}}
ON_GPU = {"hosts": HOSTS, "place": {"mariadb": "gpu"}}


@pytest.mark.parametrize(
    ("before", "there", "said"),
    [
        (ON_GPU, ["photos-dev-mariadb"], "gpu has the newest data of mariadb, and is no longer in photos:hosts"),
        (ON_GPU, None, "gpu has the newest data of mariadb, is no longer in photos:hosts, and does not answer"),
        (ON_GPU, [], ""),
        ({"hosts": HOSTS}, ["photos-dev-mariadb"], ""),
    ],
    ids=["its data is there", "it is off", "its data was removed", "its data was moved away"],
)
@pytest.mark.usefixtures("checkout")
def test_a_host_that_is_taken_out_keeps_no_data_behind(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: dict[str, Any],
    there: list[str] | None,
    said: str,
) -> None:
    def connect(endpoint: DockerEndpoint, _seconds: int) -> SimpleNamespace:
        if there is None:
            msg = "it is off"
            raise DockerException(msg)
        found = there if endpoint.url == "unix:///run/gpu.sock" else ["photos-dev-mariadb"]
        listed = [SimpleNamespace(name=name) for name in found]
        return SimpleNamespace(volumes=SimpleNamespace(list=lambda **_: listed), close=lambda: None)

    monkeypatch.setattr(DockerEndpoint, "connect", connect)
    document = changed(example("dev"), {"id": STACK_ID, **before})
    paths.write_private(paths.copies_folder("dev") / "1.yaml", yaml.safe_dump({"config": document}))

    if not said:
        another_host.refuse_without_data(_config(None))
        return
    with pytest.raises(typer.Exit):
        another_host.refuse_without_data(_config(None))
    assert said in capsys.readouterr().err


def _config(host: str | None) -> StackConfig:
    values = config_text(changed(example("dev"), {"id": STACK_ID} | ({"host": host} if host else {})))
    plain = {key.removeprefix("photos:"): value for key, value in values.items() if key.startswith("photos:")}
    secret = {key for key in plain if "canary" in plain[key]}
    docker = {"photos:host": host} if host else {}
    return parse("dev", plain, secret_keys=secret, docker=docker)


@pytest.mark.parametrize(
    ("before", "now", "volumes"),
    [
        (None, None, {"": []}),
        (NAS, NAS, {NAS: []}),
        (None, NAS, {"": ["photos-dev-mariadb"], NAS: ["photos-dev-mariadb"]}),
        (None, NAS, {"": [], NAS: []}),
    ],
    ids=["it stays here", "it stays there", "its data came along", "it never had any"],
)
def test_it_goes_on_where_nothing_is_left_behind(
    looked: Callable[..., None], before: str | None, now: str | None, volumes: Volumes
) -> None:
    looked(before, now, volumes)

    assert stackfile.newest_copy("dev")


@pytest.mark.parametrize(
    ("places", "volumes", "said"),
    [
        (
            (None, NAS),
            {"": ["photos-dev-mariadb"], NAS: []},
            "The data of this stack is on this machine (photos-dev-mariadb), and ssh://family@nas has none of it",
        ),
        ((NAS, None), {"": [], NAS: ["photos-dev-mariadb"]}, "is on ssh://family@nas (photos-dev-mariadb)"),
        ((NAS, None), {"": [], NAS: None}, "was on ssh://family@nas, which does not answer (it is off)"),
    ],
)
def test_it_is_refused_where_the_data_is_left_behind(
    looked: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    places: tuple[str | None, str | None],
    volumes: Volumes,
    said: str,
) -> None:
    with pytest.raises(typer.Exit):
        looked(*places, volumes)
    assert said in capsys.readouterr().err
