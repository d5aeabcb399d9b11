"""Before an `up`: is each image here, or does its registry hand it out?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import docker
import pytest
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from example_stack import example, secret_keys, sections
from requests.exceptions import ConnectTimeout

from stacks.config import StackConfig, parse
from stacks.host.images import check_images

DEV = ("mariadb:11.8.8", "photoprism/photoprism:260728-ce", "syncthing/syncthing:2.1.3", "openlistteam/openlist:v4.2.5")


def config() -> StackConfig:
    keys = {key.removeprefix("photos:") for key in secret_keys()}
    return parse("dev", sections(example("dev")), secret_keys=keys)


def refusal(status: int, text: str) -> APIError:
    response: Any = SimpleNamespace(status_code=status)
    return APIError("refused", response, text)


def use(monkeypatch: pytest.MonkeyPatch, here: tuple[str, ...], answer: Exception | None) -> list[str]:
    """Let Docker have the images `here`; for others the registry gives `answer`. Return which were asked for."""
    asked: list[str] = []

    def get(image: str) -> None:
        if image not in here:
            raise ImageNotFound(image)

    def get_registry_data(image: str) -> None:
        asked.append(image)
        if answer:
            raise answer

    images: Any = SimpleNamespace(get=get, get_registry_data=get_registry_data)
    monkeypatch.setattr(docker, "from_env", lambda **_: SimpleNamespace(images=images, close=lambda: None))
    return asked


def test_what_is_here_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = use(monkeypatch, DEV, ConnectTimeout())

    (found,) = check_images(config())
    assert (found.level, asked) == ("ok", [])


def test_what_the_registry_hands_out_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = use(monkeypatch, DEV[:1], None)

    (found,) = check_images(config())
    assert found.level == "ok"
    assert sorted(asked) == sorted(DEV[1:])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            refusal(500, "Get https://registry-1.docker.io/v2/: dial tcp: i/o timeout"),
            "cannot be reached (i/o timeout)",
        ),
        (refusal(403, "denied: requested access to the resource is denied"), "does not hand it out"),
        (NotFound("manifest unknown"), "does not have it"),
        (ConnectTimeout(), "did not answer within 30 s"),
    ],
)
def test_what_cannot_be_pulled_is_named_with_the_mirror_as_the_way_out(
    monkeypatch: pytest.MonkeyPatch, answer: Exception, says: str
) -> None:
    use(monkeypatch, DEV[1:], answer)

    (found,) = check_images(config())
    assert found.level == "warning", "a preview pulls nothing"
    assert found.text == f"not here, and the registry {says}: mariadb:11.8.8"
    assert "photos:image_registry" in str(found.fix)


def test_without_docker_another_check_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(**_: object) -> None:
        raise DockerException

    monkeypatch.setattr(docker, "from_env", absent)

    assert list(check_images(config())) == []
