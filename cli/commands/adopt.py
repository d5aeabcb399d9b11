"""`./photos adopt`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import adopt as adoption
from cli.commands.options import StackOption, Yes
from cli.console import Unattended


def adopt(
    folder: Annotated[Path, typer.Argument(help="the library folder to take over")],
    stack: StackOption = "dev",
    *,
    yes: Yes = False,
) -> None:
    """Take over a library folder: a moved one, or one whose stack file is lost."""
    Unattended.yes = yes
    # The shim changes directory; PHOTOS_CWD is where the person stands.
    adoption.adopt(stack, Path(os.environ.get("PHOTOS_CWD", ""), folder.expanduser()).resolve())
