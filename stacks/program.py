"""One run of the Pulumi program: load, check the host, declare, export."""

from __future__ import annotations

import os

import pulumi

from components.messages import message
from stacks.config import load
from stacks.host.library import library_owner
from stacks.languages import text
from stacks.photo_system import declare
from stacks.preflight import look

DESTROYING = "PHOTOS_DESTROY"
"""Set by `./photos destroy`: what is on its way out needs no healthy host."""


def run() -> None:
    """Run the program that `pulumi up`, `preview` and `destroy --run-program` ask for."""
    report = look(load, leaving=bool(os.environ.get(DESTROYING)))
    config = report.config
    if report.errors or config is None:
        # What `./photos` writes before (folders, markers, the id) it writes only after the same look.
        nothing = message("nothing_declared", "no resource was created or changed:")
        raise pulumi.RunError("\n".join([text(nothing), *(text(finding.line) for finding in report.errors)]))
    for line in (*(text(finding.line) for finding in report.warnings), *config.still_needed):
        pulumi.log.warn(line)
    for name, value in declare(config, library_owner(config.settings)).outputs.items():
        pulumi.export(name, value)
