"""What Pulumi's Docker provider is told: the Docker that the checks look at, and never a password in clear."""

from __future__ import annotations

from typing import Any, cast

import pulumi
import pytest
from docker_settings import CANARY, DockerSettings
from example_stack import example, secret_keys, sections
from fake_host import FakeHost

from stacks.config import StackConfig, parse
from stacks.docker_provider import docker_provider_args
from stacks.host.endpoint import resolve

MIRROR = "mirror.lan:5000"


def config(mirror: str | None = None, **docker: str) -> StackConfig:
    keys = {key.removeprefix("photos:") for key in secret_keys()}
    changes = {"photos:image_registry": mirror} if mirror else {}
    named = {f"docker:{key}": value for key, value in docker.items()}
    return parse("dev", sections({**example("dev"), **changes}), secret_keys=keys, docker=named)


def told(config: StackConfig) -> dict[str, object]:
    return {
        key: value
        for key, value in vars(docker_provider_args(config, resolve(config.docker))).items()
        if value is not None
    }


def registries(config: StackConfig) -> list[dict[str, Any]]:
    return [vars(registry) for registry in cast("list[object]", told(config)["registry_auth"])]


def test_where_nobody_named_a_docker_it_is_told_nothing_so_that_no_stack_changes() -> None:
    assert told(config()) == {}


def test_it_gets_the_docker_of_the_stack_file_and_no_context_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "another")

    assert told(config(host="unix:///run/mine.sock")) == {"host": "unix:///run/mine.sock", "context": ""}


def test_it_gets_what_docker_context_use_chose_with_its_certificates(docker_settings: DockerSettings) -> None:
    folder = docker_settings.add_context("near", "tcp://127.0.0.1:2376", certificates=True, chosen=True)

    assert told(config()) == {"host": "tcp://127.0.0.1:2376", "context": "", "cert_path": str(folder)}


def test_a_registry_with_a_login_is_named_and_its_password_is_not(docker_settings: DockerSettings) -> None:
    docker_settings.log_in(MIRROR)

    (registry,) = registries(config(MIRROR))
    assert registry == {"address": MIRROR}
    assert told(config()) == {}, "no image comes from there"


def test_docker_hub_is_named_as_the_provider_calls_it(docker_settings: DockerSettings) -> None:
    docker_settings.log_in("https://index.docker.io/v1/")

    (registry,) = registries(config())
    assert registry == {"address": "registry-1.docker.io"}


def test_what_a_program_keeps_for_docker_hub_is_handed_over_as_a_secret(
    docker_settings: DockerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi.Output, "secret", lambda value: f"encrypted: {value}")
    docker_settings.guard_logins("here", f"""echo '{{"Username": "anna", "Secret": "{CANARY}"}}'""")

    (registry,) = registries(config())
    assert registry == {"address": "registry-1.docker.io", "username": "anna", "password": f"encrypted: {CANARY}"}


def test_what_a_program_keeps_for_a_mirror_the_provider_asks_itself(docker_settings: DockerSettings) -> None:
    docker_settings.guard_logins("here", f"""echo '{{"Username": "anna", "Secret": "{CANARY}"}}'""")

    (registry,) = registries(config(MIRROR))
    assert registry == {"address": MIRROR}


@pytest.mark.parametrize("answer", ["exit 1", "echo credentials not found in native keychain; exit 1"])
def test_a_program_without_a_login_or_that_does_not_work_leaves_public_images_to_be_pulled(
    docker_settings: DockerSettings, answer: str
) -> None:
    docker_settings.guard_logins("here", answer)

    assert told(config()) == {}


def test_the_program_s_provider_gets_it(host: FakeHost) -> None:
    _, recorder = host.run(host.config({"docker:host": "unix:///run/mine.sock"}))

    (provider,) = recorder.of_type("docker")
    assert provider.inputs == {"host": "unix:///run/mine.sock", "context": ""}
