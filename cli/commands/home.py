"""The commands for the LAN: the certificate that phones install, and the name that they find the album by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import certificate as of_the_family
from cli import home_name
from cli.commands.options import StackOption, Yes
from cli.console import Unattended


def certificate(
    stack: StackOption = "dev",
    *,
    file: Annotated[Path | None, typer.Option("--file", help="also write it into this file")] = None,
) -> None:
    """Show where a phone gets the family's certificate, and its fingerprint."""
    of_the_family.show(stack, file)


def name(
    stack: StackOption = "dev",
    *,
    undo: Annotated[bool, typer.Option("--undo", help="take it back")] = False,
    yes: Yes = False,
) -> None:
    """Let every device at home find the album by its name, e.g. photos.local; shows what it does, and asks."""
    Unattended.yes = yes
    if undo:
        home_name.withdraw(stack)
    else:
        home_name.announce(stack)
