"""A mirror with a password: said before anything is made, then `docker login` is enough; and one Docker for all."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cli.docker_host import connect
from demo.images.build import IMAGES
from demo.images.build import registry as new_registry
from tests.engine.world import FAR, World, free_port, own_name
from tests.wheels import wheel_index

USER, PASSWORD = "anna", "canary-of-a-registry-4711"
HASH = "$2y$06$7ZpYD3V7ZMJqjzxL5jRrZeyjK0FY1vDBc8YjzdCN0HP9h3ms4LvCu"
"""Of the password, by bcrypt."""
STACK = own_name("login")


@pytest.fixture(scope="module", name="mirror")
def a_mirror_with_a_password(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the images of a stack to who logs in; what is on this machine carries other names."""
    logins = tmp_path_factory.mktemp("mirror") / "htpasswd"
    logins.write_text(f"{USER}:{HASH}\n")
    with new_registry(logins=logins) as host, connect() as client:
        for image in IMAGES:
            name = f"{host}/{image.repository}"
            assert client.images.get(f"{registry}/{image.name}").tag(name, image.tag)
            pushed = client.images.push(name, image.tag, auth_config={"username": USER, "password": PASSWORD})
            assert "error" not in pushed
            client.images.remove(f"{name}:{image.tag}")
        yield host
        for kept in client.images.list():
            for tag in kept.tags:
                if tag.startswith(f"{host}/"):
                    client.images.remove(tag)


@pytest.fixture(scope="module", name="through")
def a_world_that_pulls_through_it(world: World, mirror: str) -> Iterator[World]:
    """A checkout, Docker settings of its own, and a stack with a keeper, which is built on an image of the mirror."""
    settings = world.root / "docker"
    settings.mkdir()
    (settings / "config.json").write_text("{}")
    world.variables["DOCKER_CONFIG"] = str(settings)
    with wheel_index() as wheels:
        backup = {"port": free_port(), "mirrors": {"pip": wheels.url}, "remotes": {"far": FAR}}
        world.write(STACK, image_registry=mirror, backup=backup)
        yield world
    del world.variables["DOCKER_CONFIG"]


def log_in(world: World, mirror: str) -> None:
    """Log in as a person does; without the docker command, leave what it would have left."""
    settings = Path(world.variables["DOCKER_CONFIG"])
    if not shutil.which("docker"):
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (settings / "config.json").write_text(json.dumps({"auths": {mirror: {"auth": login}}}))
        return
    subprocess.run(
        ["docker", "login", "--username", USER, "--password-stdin", mirror],
        input=PASSWORD,
        env=world.environment,
        text=True,
        check=True,
    )


def name_docker(world: World, url: str | None) -> None:
    """Write into the stack file where Docker listens, or take it out."""
    document = yaml.safe_load(world.stack_file(STACK).read_text())
    document["config"] |= {"docker:host": url}
    document["config"] = {key: value for key, value in document["config"].items() if value is not None}
    world.stack_file(STACK).write_text(yaml.safe_dump(document, sort_keys=False))


def test_without_a_login_one_line_says_which_before_anything_is_made(through: World, mirror: str) -> None:
    text = through.photos("up", STACK, "--yes", check=False)

    (line,) = [line for line in text.splitlines() if "wants a login" in line]
    assert line.endswith(f"Run: docker login {mirror}")
    assert through.ours_by_name(STACK) == []
    assert "photos:id" not in through.config(STACK)


def test_with_the_login_it_starts_and_nothing_changes_after_it(through: World, mirror: str) -> None:
    log_in(through, mirror)
    through.photos("up", STACK, "--yes")

    assert len(through.ours(STACK)) == 6, "the keeper, too, whose image is built on one of the mirror"
    assert through.preview(STACK) == {}
    assert through.preview(STACK, "--refresh") == {}
    assert "unchanged" in through.photos("up", STACK, "--yes", "--refresh")


def test_no_password_of_a_registry_is_in_the_state_or_on_the_screen(through: World) -> None:
    hidden = [PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()]
    places = {str(file): file.read_text() for file in (through.data / "state").rglob("*.json*") if file.is_file()}
    places |= {"screen": "\n".join(through.output), "arguments": "\n".join(through.arguments)}

    assert len(places) > 2
    assert [(place, secret) for place, text in places.items() for secret in hidden if secret in text] == []


def test_another_name_of_the_same_docker_replaces_nothing_and_wins_over_a_context(through: World) -> None:
    """In the stack file it is for all: the checks, `status`, and the provider, which prefers DOCKER_CONTEXT by itself."""
    before = through.ours(STACK)
    through.variables["DOCKER_CONTEXT"] = "not-there"
    refused = through.photos("up", STACK, "--yes", check=False)
    name_docker(through, "unix:///run/docker.sock")
    changed = through.preview(STACK)
    through.photos("up", STACK, "--yes")
    after = through.preview(STACK, "--refresh")
    through.photos("status", "--stack", STACK)
    name_docker(through, None)
    del through.variables["DOCKER_CONTEXT"]

    assert 'DOCKER_CONTEXT is "not-there", and Docker has no such context' in refused
    assert changed == {"docker:docker": "update"}
    assert after == {}
    assert through.ours(STACK) == before


def test_after_docker_logout_what_is_here_goes_on_and_goes_away(through: World) -> None:
    Path(through.variables["DOCKER_CONFIG"], "config.json").unlink()

    assert through.preview(STACK) == {"docker:docker": "update"}
    through.photos("destroy", STACK, "--yes")
    assert through.ours_by_name(STACK) == []
