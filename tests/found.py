"""What this machine has for the tiers that need more than the requirements."""

from __future__ import annotations

import fcntl
import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli import docker_host

DEMO_LOCK = Path(__file__).parents[1] / ".cache" / "demo.lock"


@contextmanager
def only_demo() -> Iterator[None]:
    """Be the only test with a demo: a host has one, and two test files run side by side."""
    DEMO_LOCK.parent.mkdir(exist_ok=True)
    with DEMO_LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def docker_answers() -> bool:
    """Whether Docker answers; the SDK leaves an open socket behind where it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        answered = docker_host.answers()
        gc.collect()
    return answered
