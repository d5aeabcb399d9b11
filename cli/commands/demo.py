"""`./photos demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import demo as demonstration
from cli.commands.options import Yes
from cli.console import Unattended


def demo(
    *,
    down: Annotated[bool, typer.Option("--down", help="remove the demo, and only it")] = False,
    engineless: Annotated[bool, typer.Option("--without-pulumi", help="create through Docker alone")] = False,
    yes: Yes = False,
) -> None:
    """Start a complete album with sample photos on this machine, from Debian packages: no registry, no account."""
    Unattended.yes = yes
    if down:
        demonstration.down()
    else:
        demonstration.start(with_pulumi=not engineless)
