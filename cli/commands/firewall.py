"""`./photos firewall`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import firewall as rule
from cli.commands.options import Yes
from cli.console import Unattended, fail
from components.messages import message


def firewall(
    *,
    set_: Annotated[bool, typer.Option("--set", help="set it now and at every boot, after asking")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="take it away")] = False,
    yes: Yes = False,
) -> None:
    """Show the rule that keeps neighbours on the LAN out of a Docker before 28, or set it."""
    Unattended.yes = yes
    if set_ and remove:
        fail(message("firewall_both", "Write --set or --remove, not both. Nothing was changed."))
    if set_:
        rule.set_rule()
    elif remove:
        rule.remove_rule()
    else:
        rule.show()
