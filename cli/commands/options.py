"""What several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

Stack = Annotated[str, typer.Argument(envvar="PHOTOS_STACK", help="the stack: dev, wsl, home or your own")]
StackOption = Annotated[str, typer.Option("--stack", "-s", envvar="PHOTOS_STACK", help="the stack")]
Refresh = Annotated[bool, typer.Option(help="first look at what is really there")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="answer every question with yes")]


def agreed(yes: bool) -> list[str]:
    """Return the option with which `pulumi` does not ask."""
    return ["--yes"] if yes else []
