"""The commands that show something of a stack and change nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import doctor as diagnosis
from cli import logins, pages
from cli import plan as planning
from cli import status as overview
from cli.commands.options import Stack, StackOption
from cli.console import fail, say
from components.messages import message


def status(stack: StackOption = "dev") -> None:
    """Show each service and whether it is healthy."""
    raise typer.Exit(overview.show(stack))


def logs(
    service: Annotated[str, typer.Argument(help="the service, e.g. photoprism")],
    stack: StackOption = "dev",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until Ctrl-C")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="how many lines to start with")] = 100,
) -> None:
    """Show what a service writes."""
    overview.logs(stack, service, follow=follow, lines=lines)


def open_(stack: StackOption = "dev") -> None:
    """Open the album in the browser."""
    url = pages.album(stack)
    if url is None:
        fail(message("no_album", 'The stack "{stack}" has no photoprism section, so there is no album.', stack=stack))
    say(url)
    typer.launch(url)


def password(
    service: Annotated[
        str, typer.Argument(help="photoprism, drive, syncthing, or a service token's name")
    ] = "photoprism",
    stack: StackOption = "dev",
) -> None:
    """Show the user name and the password of a service, as they were at its first start."""
    logins.show(stack, service)


def doctor(stack: Stack = "dev") -> None:
    """Check this machine and the stack file, and say how to fix what is wrong."""
    raise typer.Exit(diagnosis.examine(stack))


def schema() -> None:
    """Print the JSON schema of a stack file, from which an editor completes keys. Writes nothing."""
    from stacks.schema import schema_text  # noqa: PLC0415 - what none of the other commands here loads

    typer.echo(schema_text(), nl=False)


def plan(stack: Stack = "dev") -> None:
    """Show all resources, without Pulumi, Docker or network. Writes nothing."""
    planning.show(stack)
