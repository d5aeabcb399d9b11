"""Before an `up`: is each image here, or does its registry hand it out?"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import docker
import pytest
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker_settings import CANARY, DockerSettings
from example_stack import example, secret_keys, sections
from requests.exceptions import ConnectTimeout

from stacks.config import StackConfig, parse
from stacks.host.images import check_images

DEV = ("mariadb:11.8.8", "photoprism/photoprism:260728-ce", "syncthing/syncthing:2.1.3", "openlistteam/openlist:v4.2.5")


MIRROR = "mirror.lan:5000"
NO_LOGIN = 'Head "http://mirror.lan:5000/v2/library/mariadb/manifests/11.8.8": no basic auth credentials'


def config(**changes: str) -> StackConfig:
    keys = {key.removeprefix("photos:") for key in secret_keys()}
    return parse("dev", sections({**example("dev"), **changes}), secret_keys=keys)


def through_mirror() -> StackConfig:
    return config(**{"photos:image_registry": MIRROR})


def refusal(status: int, text: str) -> APIError:
    response: Any = SimpleNamespace(status_code=status)
    return APIError("refused", response, text)


def use(monkeypatch: pytest.MonkeyPatch, here: tuple[str, ...], answer: Exception | None) -> dict[str, dict[str, str]]:
    """Let Docker have the images `here`; for others the registry gives `answer`. Return who asked for which."""
    asked: dict[str, dict[str, str]] = {}

    def get(image: str) -> None:
        if image not in here:
            raise ImageNotFound(image)

    def get_registry_data(image: str, auth_config: dict[str, str]) -> None:
        asked[image] = auth_config
        if answer:
            raise answer

    images: Any = SimpleNamespace(get=get, get_registry_data=get_registry_data)
    monkeypatch.setattr(docker, "from_env", lambda **_: SimpleNamespace(images=images, close=lambda: None))
    return asked


def test_what_is_here_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = use(monkeypatch, DEV, ConnectTimeout())

    (found,) = check_images(config())
    assert (found.level, asked) == ("ok", {})


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
    assert str(found.text) == f"not here, and the registry {says}: mariadb:11.8.8"
    assert "photos:image_registry" in str(found.fix)


@pytest.fixture
def with_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the docker command, and no sudo around."""
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if name == "docker" else None)
    monkeypatch.delenv("SUDO_USER", raising=False)


@pytest.mark.usefixtures("with_docker")
def test_a_registry_that_wants_a_login_is_told_from_one_that_lacks_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = use(monkeypatch, (), refusal(500, NO_LOGIN))

    (found,) = check_images(through_mirror())
    assert str(found.text).startswith(f"not here, and the registry {MIRROR} wants a login: {MIRROR}/library/mariadb")
    assert str(found.fix) == f"Run: docker login {MIRROR}"
    assert found.level == "error", "a person can do that here and now"
    assert set(map(str, asked.values())) == {"{}"}, "nobody logged in"


@pytest.mark.usefixtures("with_docker")
def test_docker_hub_is_logged_in_to_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, (), refusal(401, "unauthorized: authentication required"))

    (found,) = check_images(config())
    assert str(found.fix) == "Run: docker login"


def test_the_kept_login_is_shown_to_its_own_registry_alone(
    monkeypatch: pytest.MonkeyPatch, docker_settings: DockerSettings
) -> None:
    docker_settings.log_in(MIRROR)
    asked = use(monkeypatch, (), None)

    list(check_images(through_mirror()))
    list(check_images(config()))

    given = {image: login.get("password") for image, login in asked.items()}
    assert given[f"{MIRROR}/library/mariadb:11.8.8"] == CANARY
    assert given["mariadb:11.8.8"] is None


@pytest.mark.usefixtures("with_docker")
def test_a_login_that_is_refused_is_told_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, docker_settings: DockerSettings
) -> None:
    docker_settings.log_in(MIRROR)
    use(monkeypatch, (), refusal(401, "unauthorized: authentication required"))

    (found,) = check_images(through_mirror())
    assert "refuses the login that is kept for it" in str(found.text)
    assert str(found.fix) == f"Log in anew: docker login {MIRROR}"
    assert CANARY not in str(found)


@pytest.mark.usefixtures("with_docker")
def test_a_program_for_logins_that_does_not_work_is_named_only_where_a_login_is_wanted(
    monkeypatch: pytest.MonkeyPatch, docker_settings: DockerSettings
) -> None:
    docker_settings.write({"credsStore": "desktop.exe"})  # what Docker Desktop leaves behind in WSL

    use(monkeypatch, (), None)
    (public,) = check_images(config())
    use(monkeypatch, (), refusal(500, NO_LOGIN))
    (private,) = check_images(through_mirror())

    assert public.level == "ok"
    assert "docker-credential-desktop.exe, which should keep it, does not work" in str(private.text)
    assert str(private.fix).endswith(f"then run: docker login {MIRROR}")


def test_a_token_that_only_dockers_own_command_can_use_is_refused_before_pulumi_fails(
    monkeypatch: pytest.MonkeyPatch, docker_settings: DockerSettings
) -> None:
    docker_settings.write({"auths": {MIRROR: {"auth": "", "identitytoken": CANARY}}})
    use(monkeypatch, (), None)

    (found,) = check_images(through_mirror())
    assert "with a token, which Pulumi cannot use" in str(found.text)
    assert CANARY not in str(found)


def test_without_the_docker_command_it_says_where_that_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv("SUDO_USER", "anna")
    use(monkeypatch, (), refusal(500, NO_LOGIN))

    (found,) = check_images(through_mirror())
    assert str(found.fix) == f"Run: sudo apt-get install docker-cli, then sudo docker login {MIRROR}"


def test_they_are_looked_for_on_the_docker_of_the_stack_file(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def from_env(*, environment: dict[str, str], **_: object) -> None:
        asked.append(environment["DOCKER_HOST"])
        raise DockerException

    monkeypatch.setattr(docker, "from_env", from_env)
    list(check_images(replace(config(), docker={"docker:host": "unix:///run/mine.sock"})))

    assert asked == ["unix:///run/mine.sock"]


def test_without_docker_another_check_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(**_: object) -> None:
        raise DockerException

    monkeypatch.setattr(docker, "from_env", absent)

    assert list(check_images(config())) == []
