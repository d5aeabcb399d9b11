"""An image that has to be there before anything is stopped for it."""

from __future__ import annotations

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils import parse_repository_tag

from cli.console import fail, say
from components.messages import message


def pull(client: docker.DockerClient, image: str) -> None:
    """Have an image on a host; end the program where it cannot be had. Nothing was stopped for it."""
    try:
        client.images.get(image)
    except ImageNotFound:
        say(message("upgrade_pulling", "Getting {image} ...", image=image))
        repository, tag = parse_repository_tag(image)
        try:
            client.images.pull(repository, tag)
        except (DockerException, OSError) as problem:
            said = problem.explanation if isinstance(problem, APIError) else problem
            fail(
                message(
                    "upgrade_no_image",
                    "{image} cannot be had: {problem}\nNothing was stopped or changed. Where Docker Hub is blocked name a mirror that you trust: photos:image_registry",
                    image=image,
                    problem=said,
                )
            )
