"""One run of the Pulumi program: load, check the host, declare, export."""

from __future__ import annotations

import os

import pulumi

from stacks.checks.library import library_owner
from stacks.config import load
from stacks.photo_system import declare
from stacks.preflight import HostError, check
from stacks.problems import ConfigError

DESTROYING = "PHOTOS_DESTROY"
"""Set by `./photos destroy`: what is on its way out needs no healthy host."""


def run() -> None:
    """Run the program that `pulumi up`, `preview` and `destroy --run-program` ask for."""
    try:
        config = load()
        for warning in check(config, leaving=bool(os.environ.get(DESTROYING))):
            pulumi.log.warn(warning)
    except (ConfigError, HostError) as error:
        msg = f"nothing was created or changed:\n{error}"
        raise pulumi.RunError(msg) from None
    for name, value in declare(config, library_owner(config.settings)).outputs.items():
        pulumi.export(name, value)
