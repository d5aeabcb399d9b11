"""One run of the Pulumi program: load, check the host, declare, export."""

from __future__ import annotations

import os

import pulumi

from stacks.config import load
from stacks.host.library import library_owner
from stacks.names import DESTROYING
from stacks.photo_system import declare
from stacks.preflight import look


def run() -> None:
    """Run the program that `pulumi up`, `preview` and `destroy --run-program` ask for."""
    report = look(load, leaving=bool(os.environ.get(DESTROYING)))
    config = report.config
    if report.errors or config is None:
        lines = "\n".join(map(str, report.errors))
        # What `./photos` writes before (folders, markers, the id) it writes only after the same look.
        msg = f"no resource was created or changed:\n{lines}"
        raise pulumi.RunError(msg)
    for line in (*map(str, report.warnings), *config.still_needed):
        pulumi.log.warn(line)
    for name, value in declare(config, library_owner(config.settings)).outputs.items():
        pulumi.export(name, value)
