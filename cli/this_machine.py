"""Commands that change the machine itself, beside its Docker and its folders: they run on it, not over ssh."""

from __future__ import annotations

from cli import stackfile
from cli.console import fail
from components.messages import message


def need(stack: str, command: str) -> None:
    """End the program where the stack lives on another machine."""
    if host := stackfile.ssh_host(stack):
        fail(
            message(
                "on_that_machine",
                "{command} works on the machine itself, and this stack lives on {host}. Run it there, in a checkout of this project with this stack file without photos:host.",
                command=command,
                host=host,
            )
        )
