"""`./photos demo`. The product runs without the room `demo/`, so it is imported when it is asked for."""

from __future__ import annotations

from typing import Annotated

import typer

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
        from demo.removal import down as remove  # noqa: PLC0415 - see above

        remove()
    else:
        start(with_pulumi=not engineless)


def start(*, with_pulumi: bool) -> None:
    """Start the demo."""
    from demo.start import start as start_demo  # noqa: PLC0415 - see above

    start_demo(with_pulumi=with_pulumi)
