"""The engine tier: real Pulumi, real providers, real Docker, images from a loopback registry.

Each world is a copy of the project with its own data folder, Pulumi home, library and stack names: it touches
nothing of the user's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.engine.world import PROJECT, World, new_world
from tests.found import docker_answers, mark_tier, only_demo

TOOLS = ("pulumi", "pulumi-language-python")


def lacking() -> str | None:
    """Name what this machine lacks for the tier."""
    for tool in TOOLS:
        if not shutil.which(tool):
            return f"{tool} is not on PATH: ./photos setup installs it, then put it on PATH"
    for tool in ("mmdebstrap", "docker-registry"):
        if not shutil.which(tool):
            return f"{tool} is missing: apt-get install {tool}"
    if os.geteuid() != 0:
        return "building the test images needs root: see CONTRIBUTING.md"
    if not docker_answers():
        return "Docker does not answer: start dockerd"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_tier(items, Path(__file__).parent, pytest.mark.engine, lacking())


@pytest.fixture(scope="session")
def registry() -> Iterator[str]:
    """A loopback registry with all test images."""
    from demo.images import build as images  # noqa: PLC0415 - imports docker-registry's checks

    cache = PROJECT / ".cache" / "images"
    cache.mkdir(parents=True, exist_ok=True)
    with images.registry() as host:
        images.build(host, cache=cache, echo=print)
        images.push(host)
        yield host
    client = docker.from_env()
    for image in client.images.list():
        for tag in image.tags:
            if tag.startswith(f"{host}/"):
                client.images.remove(tag)
    client.close()


@pytest.fixture(scope="session")
def programs(registry: str) -> None:
    """Put the images of restic and rclone into the registry, which the keeper's image needs."""
    from tests.programs import provide  # noqa: PLC0415 - imports docker-registry's checks

    provide(registry, pushed=True)


@pytest.fixture
def demo_alone() -> Iterator[None]:
    """Keep other tests' demos away."""
    with only_demo():
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, registry: str) -> Iterator[World]:
    """A checkout with nothing in it yet; all its stacks are removed afterwards."""
    with new_world(tmp_path_factory.mktemp("world"), registry) as made:
        made.checkout()
        yield made
