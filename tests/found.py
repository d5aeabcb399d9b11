"""What this machine has for the tiers that need more than the requirements."""

from __future__ import annotations

import gc
import warnings

from cli import docker_host


def docker_answers() -> bool:
    """Whether Docker answers; the SDK leaves an open socket behind where it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        answered = docker_host.answers()
        gc.collect()
    return answered
