"""Can the images be had that are not on this machine yet? Asked through Docker, which is what will pull them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import NamedTuple

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host import Finding, ok, warning
from stacks.host.credentials import GuardError, Login, login_at, login_command, registry_of
from stacks.host.endpoint import EndpointError, resolve

CHECK = "images"
SECONDS_FOR_A_REGISTRY = 30
MIRROR = "Where Docker Hub is blocked name a mirror that you trust: photos:image_registry (README)"
WANTS_A_LOGIN = re.compile("no basic auth credentials|unauthorized|authentication required", re.IGNORECASE)


class Obstacle(NamedTuple):
    """Why a registry does not hand an image out, and what to do."""

    text: str
    fix: str


def check_images(config: StackConfig) -> Iterator[Finding]:
    """Ask the registry for each image that is not here. A warning stops `up`, and nothing else: what runs needs no pull."""
    wanted = images(config)
    try:
        with closing(resolve(config.docker).connect(SECONDS_FOR_A_REGISTRY)) as client:
            absent = [image for image in wanted if not _is_here(client, image)]
            with ThreadPoolExecutor(max_workers=len(wanted)) as all_at_once:
                obstacles = list(all_at_once.map(partial(_obstacle, client), absent))
    except (DockerException, EndpointError):
        return  # another check says so
    lacking: dict[Obstacle, list[str]] = {}
    for image, obstacle in zip(absent, obstacles, strict=True):
        if obstacle:
            lacking.setdefault(obstacle, []).append(image)
    for obstacle, names in lacking.items():
        yield warning(CHECK, f"not here, and the registry {obstacle.text}: {', '.join(names)}", obstacle.fix)
    if not lacking:
        yield ok(CHECK, f"{len(wanted) - len(absent)} here, {len(absent)} to be pulled")


def images(config: StackConfig) -> list[str]:
    """Return the images of a stack that are pulled."""
    return [service.image for service in expected(config.stack, config.settings).services if service.image]


def _is_here(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True


def _obstacle(client: docker.DockerClient, image: str) -> Obstacle | None:
    """Say why `image` cannot be pulled now; None when it can."""
    registry = registry_of(image)
    login, broken = _login(registry)
    try:
        client.images.get_registry_data(image, auth_config=dict(login.words) if login else {})
    except NotFound:
        return Obstacle("does not have it", MIRROR)
    except APIError as error:
        return _refusal(error, registry, login, broken)
    except (DockerException, RequestException):
        return Obstacle(f"did not answer within {SECONDS_FOR_A_REGISTRY} s", MIRROR)
    if login and not login.password:
        fix = f"Use a password: {login_command(registry)}"
        return Obstacle("was logged in to with a token, which Pulumi cannot use", fix)
    return None


def _refusal(error: APIError, registry: str, login: Login | None, broken: str) -> Obstacle:
    """Say what is meant by the answer of a registry, which Docker hands on under many a number."""
    reason = str(error.explanation)
    if error.status_code in (401, 403) and "denied" in reason:
        return Obstacle("does not hand it out", f"It may want a login: {login_command(registry)}. {MIRROR}")
    if not WANTS_A_LOGIN.search(reason):
        return Obstacle(f"cannot be reached ({_short(reason)})", MIRROR)
    if broken:
        fix = f"Install it, or take it out of Docker's config.json, then run: {login_command(registry)}"
        return Obstacle(f"{registry} wants a login, and {broken}, which should keep it, does not work", fix)
    if login:
        return Obstacle(f"{registry} refuses the login that is kept for it", f"Log in anew: {login_command(registry)}")
    return Obstacle(f"{registry} wants a login", f"Run: {login_command(registry)}")


def _login(registry: str) -> tuple[Login | None, str]:
    """Return the login at a registry, and the name of the program that should have it and does not work."""
    try:
        return login_at(registry), ""
    except GuardError as error:
        return None, str(error)


def _short(reason: str) -> str:
    """Return the cause, which Docker writes last."""
    return reason.strip().rpartition(": ")[2][-100:]
