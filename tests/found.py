"""What this machine has for the tiers that need more than the requirements."""

from __future__ import annotations

import fcntl
import gc
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli import docker_host

PROJECT = Path(__file__).parents[1]
DEMO_LOCK = PROJECT / ".cache" / "demo.lock"
PINNED_RCLONE = Path(sys.executable).with_name("rclone")
"""The rclone of the development requirements; another one, such as Debian's, is not what the keeper runs."""
DEVELOPMENT = ".venv/bin/pip install -r requirements-dev.lock"


@contextmanager
def only_demo() -> Iterator[None]:
    """Be the only test with a demo: a host has one, and two test files run side by side."""
    DEMO_LOCK.parent.mkdir(exist_ok=True)
    with DEMO_LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def mark_tier(items: list[pytest.Item], folder: Path, mark: pytest.MarkDecorator, lacking: str | None) -> None:
    """Mark the tests below `folder`, and skip them by the folder's name where this machine lacks something for them."""
    for item in items:
        if folder in item.path.parents:
            item.add_marker(mark)
            if lacking:
                item.add_marker(pytest.mark.skip(reason=f"{folder.name} tier: {lacking}"))


def docker_answers() -> bool:
    """Whether Docker answers; the SDK leaves an open socket behind where it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        answered = docker_host.answers()
        gc.collect()
    return answered


def missing_package(error: BaseException | None) -> str | None:
    """Return the package that an import lacked, where it is one that `./photos` does not install."""
    name = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    package = named(name.partition(".")[0])
    return package if package in packages("keeper/requirements.txt") - packages("requirements.txt") else None


def packages(file: str) -> set[str]:
    """Return what a requirements file names."""
    lines = (PROJECT / file).read_text("utf-8").splitlines()
    return {named(re.split("[=<>\\[]", line)[0]) for line in lines if line and not line.startswith(("#", "-"))}


def named(name: str) -> str:
    """Return a package's name in the spelling that all its spellings share (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
