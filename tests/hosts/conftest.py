"""The hosts tier, part of the engine tier: one stack on two Dockers, with the real Pulumi and its providers."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import docker
import pytest

from tests.engine.conftest import lacking as engine_lacks
from tests.engine.world import PROJECT, World
from tests.found import mark_tier
from tests.hosts.daemons import Daemon, in_one_swarm, load_images

REGISTRY = "photos-hosts.local"
"""Begins the names of the images: nobody has this registry, so they are loaded into each host before."""
CLONE_NEWNET = 0x40000000


def lacking() -> str | None:
    """Name what this machine lacks for the tier."""
    for tool in ("ip", "nsenter", "dockerd", "docker"):
        if not shutil.which(tool):
            return f"{tool} is missing: apt-get install docker.io iproute2 util-linux"
    return engine_lacks()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_tier(items, Path(__file__).parent, pytest.mark.engine, lacking())


@pytest.fixture(scope="session")
def images() -> list[str]:
    """Build the test images on this machine's own Docker; return their names."""
    from demo.images.build import IMAGES, build  # noqa: PLC0415 - only where the tier runs

    with closing(docker.from_env(timeout=600)) as client:
        made = build(REGISTRY, cache=PROJECT / ".cache" / "images", echo=print, recipes=IMAGES, client=client)
    return [f"{REGISTRY}/{name}" for name in made]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, images: list[str]) -> Iterator[dict[str, Daemon]]:
    """Two hosts in one swarm, with the test images; this process is in the network of the first."""
    with in_one_swarm(tmp_path_factory.mktemp("hosts")) as made:
        for daemon in made.values():
            load_images(daemon, images)
        with inside(made["nas"]), pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", made["nas"].url)
            yield made


@contextmanager
def inside(daemon: Daemon) -> Iterator[None]:
    """Put this thread, and what it starts, into the network of a host: its 127.0.0.1 is that of the host."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/task", str(os.getpid()), "ns/net").open() as own, daemon.network.open() as other:
        assert libc.setns(other.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(own.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, hosts: dict[str, Daemon]) -> World:
    """A checkout with nothing in it yet. What it makes goes with its hosts."""
    assert hosts
    made = World(tmp_path_factory.mktemp("world"), REGISTRY)
    made.root.chmod(0o755)
    made.checkout()
    return made
