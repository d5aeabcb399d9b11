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

from components.messages import Message, Said, message
from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host import Finding, advice, error, ok, warning
from stacks.host.credentials import GuardError, Login, login_at, login_command, registry_of
from stacks.host.endpoint import EndpointError
from stacks.host.endpoints import endpoints

CHECK = "images"
SECONDS_FOR_A_REGISTRY = 30
MIRROR = message(
    "name_a_mirror", "Where Docker Hub is blocked name a mirror that you trust: photos:image_registry (docs/mirrors.md)"
)
WANTS_A_LOGIN = re.compile("no basic auth credentials|unauthorized|authentication required", re.IGNORECASE)


class Obstacle(NamedTuple):
    """Why a registry does not hand an image out, and what to do. `by_hand`: that can be done here and now."""

    text: Message
    fix: Said
    by_hand: bool = False


def check_images(config: StackConfig) -> Iterator[Finding]:
    """Ask the registry for each image that is not here. What is lacking stops `up` alone: what runs needs no pull."""
    wanted, absent = 0, 0
    lacking: dict[str, tuple[Obstacle, list[str]]] = {}
    try:
        for host, endpoint in endpoints(config).items():
            there = images(config, host)
            with closing(endpoint.connect(SECONDS_FOR_A_REGISTRY)) as client:
                asked = _asked(client, there)
            wanted, absent = wanted + len(there), absent + len(asked)
            for image, obstacle in asked.items():
                if obstacle:
                    lacking.setdefault(f"{obstacle.text}{obstacle.fix}", (obstacle, []))[1].append(image)
    except (DockerException, EndpointError):
        return  # another check says so
    for obstacle, names in lacking.values():
        level = error if obstacle.by_hand else warning
        text = message(
            "images_lacking",
            "not here, and the registry {obstacle}: {images}",
            obstacle=obstacle.text,
            images=", ".join(names),
        )
        yield level(CHECK, text, obstacle.fix)
    if not lacking:
        here = wanted - absent
        yield ok(CHECK, message("images_ready", "{here} here, {absent} to be pulled", here=here, absent=absent))


def images(config: StackConfig, host: str | None = None) -> list[str]:
    """Return the images of a stack that are pulled; with `host` those that are pulled there."""
    services = expected(config.stack, config.settings).services
    return [image for service in services if host in (None, service.host) for image in service.images]


def _asked(client: docker.DockerClient, wanted: list[str]) -> dict[str, Obstacle | None]:
    """Return of what is absent what is in the way, if anything."""
    absent = [image for image in wanted if not _is_here(client, image)]
    with ThreadPoolExecutor(max_workers=len(absent) or 1) as all_at_once:
        return dict(zip(absent, all_at_once.map(partial(_obstacle, client), absent), strict=True))


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
        return Obstacle(message("registry_without_image", "does not have it"), MIRROR)
    except APIError as answer:
        return _refusal(answer, registry, login, broken)
    except (DockerException, RequestException):
        silent = message("registry_silent", "did not answer within {seconds} s", seconds=SECONDS_FOR_A_REGISTRY)
        return Obstacle(silent, MIRROR)
    if login and not login.password:
        said = advice(
            "registry_token",
            "was logged in to with a token, which Pulumi cannot use",
            "Use a password: {command}",
            command=login_command(registry),
        )
        return Obstacle(*said, by_hand=True)
    return None


def _refusal(answer: APIError, registry: str, login: Login | None, broken: str) -> Obstacle:
    """Say what is meant by the answer of a registry, which Docker hands on under many a number."""
    reason, command = str(answer.explanation), login_command(registry)
    if answer.status_code in (401, 403) and "denied" in reason:
        return Obstacle(
            *advice(
                "registry_denies",
                "does not hand it out",
                "It may want a login: {command}. {mirror}",
                command=command,
                mirror=MIRROR,
            )
        )
    if not WANTS_A_LOGIN.search(reason):
        return Obstacle(message("registry_unreachable", "cannot be reached ({reason})", reason=_short(reason)), MIRROR)
    if broken:
        said = advice(
            "registry_login_lost",
            "{registry} wants a login, and {program}, which should keep it, does not work",
            "Install it, or take it out of Docker's config.json, then run: {command}",
            registry=registry,
            program=broken,
            command=command,
        )
    elif login:
        said = advice(
            "registry_login_refused",
            "{registry} refuses the login that is kept for it",
            "Log in anew: {command}",
            registry=registry,
            command=command,
        )
    else:
        said = advice(
            "registry_login_absent",
            "{registry} wants a login",
            "Run: {command}",
            registry=registry,
            command=command,
        )
    return Obstacle(*said, by_hand=True)


def _login(registry: str) -> tuple[Login | None, str]:
    """Return the login at a registry, and the name of the program that should have it and does not work."""
    try:
        return login_at(registry), ""
    except GuardError as guard:
        return None, str(guard)


def _short(reason: str) -> str:
    """Return the cause, which Docker writes last."""
    return reason.strip().rpartition(": ")[2][-100:]
