"""Can the images be had that are not on this machine yet? Asked through Docker, which is what will pull them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host import Finding, ok, warning

CHECK = "images"
SECONDS_FOR_A_REGISTRY = 30
MIRROR = "Where Docker Hub is blocked name a mirror that you trust: photos:image_registry (README)"


def check_images(config: StackConfig) -> Iterator[Finding]:
    """Ask the registry for each image that is not here. A warning stops `up`, and nothing else: what runs needs no pull."""
    wanted = [service.image for service in expected(config.stack, config.settings).services if service.image]
    try:
        with closing(docker.from_env(timeout=SECONDS_FOR_A_REGISTRY)) as client:
            absent = [image for image in wanted if not _is_here(client, image)]
            with ThreadPoolExecutor(max_workers=len(wanted)) as all_at_once:
                problems = list(all_at_once.map(partial(_problem, client), absent))
    except DockerException:
        return  # another check says so
    lacking: dict[str, list[str]] = {}
    for image, problem in zip(absent, problems, strict=True):
        if problem:
            lacking.setdefault(problem, []).append(image)
    for problem, images in lacking.items():
        yield warning(CHECK, f"not here, and the registry {problem}: {', '.join(images)}", MIRROR)
    if not lacking:
        yield ok(CHECK, f"{len(wanted) - len(absent)} here, {len(absent)} to be pulled")


def _is_here(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True


def _problem(client: docker.DockerClient, image: str) -> str | None:
    """Say why `image` cannot be pulled now; None when it can."""
    try:
        client.images.get_registry_data(image)
    except NotFound:
        return "does not have it"
    except APIError as error:
        if error.status_code in (401, 403) and "denied" in str(error.explanation):
            return "does not hand it out"
        return f"cannot be reached ({_short(error.explanation)})"
    except (DockerException, RequestException):
        return f"did not answer within {SECONDS_FOR_A_REGISTRY} s"
    return None


def _short(reason: object) -> str:
    """Return the cause, which Docker writes last."""
    return str(reason).strip().rpartition(": ")[2][-100:]
