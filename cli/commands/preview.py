"""`./photos preview`, which people wait for most often: what is not needed for it is not imported."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import differences, engine
from cli.commands.options import Refresh, Stack, Yes
from cli.console import Unattended
from cli.prepared import is_prepared


def preview(
    stack: Stack = "dev",
    *,
    refresh: Refresh = False,
    diff: Annotated[bool, typer.Option(help="show every changed value")] = False,
    json: Annotated[bool, typer.Option("--json", help="for programs: pulumi's own JSON")] = False,
    yes: Yes = False,
) -> None:
    """Show what `up` would change. Creates and changes nothing of the stack."""
    Unattended.yes = yes
    if not is_prepared(stack):
        from cli import setup  # noqa: PLC0415 - takes Pulumi and pydantic along, half a second

        setup.prepare(stack, marking=False)
    changed = differences.told_differences(stack)
    options = {"--refresh": refresh or changed, "--diff": diff, "--json": json}
    chosen = [name for name, is_on in options.items() if is_on]
    raise typer.Exit(engine.run(stack, "preview", "--stack", stack, *chosen))
