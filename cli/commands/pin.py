"""`./photos pin`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.options import StackOption, Yes
from cli.console import Unattended
from cli.pins import writing


def pin(
    service: Annotated[str | None, typer.Argument(help="the service, e.g. photoprism; without it all")] = None,
    stack: StackOption = "dev",
    *,
    remove: Annotated[bool, typer.Option("--remove", help="take the digests out again")] = False,
    yes: Yes = False,
) -> None:
    """Write into the stack file which content each image has, so that nobody can put other content under its tag."""
    Unattended.yes = yes
    raise typer.Exit((writing.unpin_images if remove else writing.pin_images)(stack, service))
