"""The Docker tier: what the program declares, created through the Docker SDK from the test images, without the engine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.docker_host import connect
from tests.docker.running_stack import PROJECT, REGISTRY, Stack
from tests.found import docker_answers, mark_tier, only_demo


def lacking() -> str | None:
    """Name what this machine lacks for the tier."""
    if os.geteuid() != 0:
        return "building the test images needs root: sudo ./photos test tests/docker"
    if not shutil.which("mmdebstrap"):
        return "mmdebstrap is missing: apt-get install mmdebstrap debian-archive-keyring"
    if not docker_answers():
        return "Docker does not answer: apt-get install docker.io iptables, then start dockerd"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_tier(items, Path(__file__).parent, pytest.mark.docker, lacking())


@pytest.fixture(scope="session")
def images() -> str:
    """Build the test images; return their registry's name."""
    from demo.images.build import build  # noqa: PLC0415 - only where the tier runs

    build(REGISTRY, cache=PROJECT / ".cache" / "images", echo=print)
    return REGISTRY


@pytest.fixture(scope="session")
def programs(images: str) -> None:
    """Build the images of restic and rclone, which the keeper's image needs."""
    from tests.programs import provide  # noqa: PLC0415 - only where the tier runs

    provide(images)


@pytest.fixture(scope="module")
def stack(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack; everything of it is removed afterwards."""
    assert images
    root = tmp_path_factory.mktemp("library")
    root.chmod(0o755)
    root.parent.chmod(0o755)
    with connect() as client:
        made = Stack(root, client)
        try:
            made.up()
            yield made
        finally:
            made.down(volumes=True)


@pytest.fixture
def demo_alone() -> Iterator[None]:
    """Keep other tests' demos away."""
    with only_demo():
        yield


@pytest.fixture
def fresh(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that is not created yet."""
    assert images
    root = tmp_path_factory.mktemp("fresh")
    root.chmod(0o755)
    with connect() as client:
        made = Stack(root, client)
        try:
            yield made
        finally:
            made.down(volumes=True)
