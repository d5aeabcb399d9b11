"""What the tag of an image stands for: on this machine, at the registry that it comes through, and at Docker Hub itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from components.container import image_reference
from keeper.releases.registry import DOCKER_HUB, Registry, RegistryError, Repository, tag_of, without_tag
from stacks.host.credentials import GuardError, login_at, registry_of

SECONDS_FOR_DOCKER_HUB = 10.0


@dataclass(frozen=True)
class Digests:
    """What a tag stands for, "" where that is not known.

    `pinned`: what the stack file says; `here`: the content that was pulled and runs; `through`: the registry that was asked, and `there` what it said;
    `hub`: what Docker Hub itself said, where the image is from there and came another way; `reason`: why `there` is empty.
    """

    image: str
    through: str
    pinned: str = ""
    here: str = ""
    there: str = ""
    hub: str = ""
    reason: str = ""


def without_digest(image: str) -> str:
    """Return an image by name and tag alone."""
    return image.partition("@")[0]


def look(client: docker.DockerClient, image: str, mirror: str | None) -> Digests:
    """Look at all places for an image, pinned or not; one that does not answer is left out."""
    image, _, pinned = image.partition("@")
    pulled = image_reference(image, mirror)
    daemons_mirror = _daemons_mirror(client) if registry_of(pulled) == DOCKER_HUB else ""
    through = daemons_mirror or registry_of(pulled)
    there, reason = _at_registry(client, pulled)
    is_of_hub = Repository.of(image).registry == DOCKER_HUB
    return Digests(
        image=image,
        through=through,
        pinned=pinned,
        here=_here(client, pulled, pinned),
        there=there,
        hub=docker_hub(image) if is_of_hub and through != DOCKER_HUB else "",
        reason=reason,
    )


def docker_hub(image: str) -> str:
    """Return what Docker Hub says of a tag, asked without Docker: its own settings may name a mirror; "" for silence."""
    place = Repository.of(image)
    with suppress(RegistryError), Registry(place.registry, SECONDS_FOR_DOCKER_HUB) as registry:
        return registry.digest(place.name, tag_of(image))
    return ""


def _daemons_mirror(client: docker.DockerClient) -> str:
    """Return the mirror for Docker Hub that daemon.json names; Docker hands on its answers as Docker Hub's."""
    mirrors = ((client.info() or {}).get("RegistryConfig") or {}).get("Mirrors") or [""]
    return str(mirrors[0]).rstrip("/").partition("://")[2]


def _here(client: docker.DockerClient, pulled: str, pinned: str) -> str:
    """Return the digest under which an image was pulled; one that was built or loaded has none."""
    if pinned:  # such a pull leaves no tag behind
        with suppress(ImageNotFound):
            client.images.get(f"{without_tag(pulled)}@{pinned}")
            return pinned
    try:
        image = client.images.get(pulled)
    except ImageNotFound:
        return ""
    repository = Repository.of(pulled)
    kept = (name.partition("@") for name in image.attrs.get("RepoDigests") or ())
    return next((digest for name, _, digest in kept if Repository.of(without_tag(name)) == repository), "")


def _at_registry(client: docker.DockerClient, pulled: str) -> tuple[str, str]:
    """Return what the registry says, asked by Docker with the login that it has, or why it says nothing."""
    try:
        login = login_at(registry_of(pulled))
        answer = client.images.get_registry_data(pulled, auth_config=dict(login.words) if login else {})
    except APIError as error:
        return "", str(error.explanation)
    except GuardError as error:
        return "", f"{error} does not work"
    except (DockerException, RequestException) as error:
        return "", str(error)
    return str(answer.id), ""
