"""`./photos destroy` and `./photos refresh`."""

from __future__ import annotations

import typer

from cli import engine, locks, setup, stack_config, status, swarm, sweep, tunnel
from cli.commands.options import Stack, Yes, agreed
from cli.console import Unattended
from cli.moving import settling
from cli.upgrade import points, returning
from stacks.names import DESTROYING


def destroy(stack: Stack = "dev", *, yes: Yes = False) -> None:
    """Remove the containers and networks. The photos stay, and so do the volumes unless the stack file says otherwise."""
    Unattended.yes = yes
    setup.reach(stack)
    returning.settle(stack, starting=False)
    settling.settle(stack, starting=False)
    options = ["--refresh"] if sweep.room_for_destroy(stack) else []
    # --run-program: so that `data.on_destroy` of the stack file counts, not what the last `up` knew.
    arguments = ["destroy", "--stack", stack, "--run-program", *options, *agreed(yes)]
    code = engine.run(stack, *arguments, extra={DESTROYING: "1"})
    if code and tunnel.lingers(stack):
        code = engine.run(stack, *arguments, extra={DESTROYING: "1"})
    if code:
        raise typer.Exit(code)
    sweep.leftovers(stack)
    points.after_destroy(stack, stack_config.offline(stack).settings)
    status.what_stays(stack)
    swarm.stays(stack_config.offline(stack))


def refresh(stack: Stack = "dev", *, yes: Yes = False) -> None:
    """Let the state catch up with what was changed by hand on the Docker host."""
    Unattended.yes = yes
    setup.reach(stack)
    locks.unlock(stack)
    raise typer.Exit(engine.run(stack, "refresh", "--stack", stack, *agreed(yes)))
