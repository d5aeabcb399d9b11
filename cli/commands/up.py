"""`./photos up` and `./photos setup`."""

from __future__ import annotations

from functools import partial
from typing import NoReturn

import typer

from cli import engine, paths, setup, stackfile, status, sweep
from cli.commands import demo
from cli.commands.options import Refresh, Stack, Yes, agreed
from cli.console import Unattended, confirm, fail, say, warn
from cli.crash_loops import CrashLoops
from cli.moving import settling
from cli.upgrade import returning
from components.messages import message

DEMO_STANDS_IN_FOR = "dev"
"""The stack to try things with. Who names another one wants his photos, and no stand-in for them."""


def up(stack: Stack = "dev", *, refresh: Refresh = False, yes: Yes = False) -> None:
    """Set everything up and start the photo system, or bring it to what the stack file says."""
    Unattended.yes = yes
    returning.settle(stack)
    settling.settle(stack)
    setup.prepare(stack, unreachable=partial(_demo_instead, stack))
    crash_loops = CrashLoops(stack)
    code = sweep.run_up(stack, *agreed(yes), refresh=refresh, meanwhile=crash_loops.end)
    crash_loops.tell()
    if code:
        status.explain_failure(stack)
        raise typer.Exit(code)
    raise typer.Exit(status.welcome(stack))


def prepare(stack: Stack = "dev", *, yes: Yes = False) -> None:
    """Do all of `up` except starting anything; then plain `pulumi up` works in this folder."""
    Unattended.yes = yes
    returning.settle(stack)
    settling.settle(stack)
    setup.prepare(stack)
    say(message("setup_ready", "Ready. For plain pulumi commands run these two lines in this folder first:"))
    for line in engine.export_lines(stack):
        say(line)


def _demo_instead(stack: str, lacking: str) -> NoReturn:
    """Say what cannot be fetched; where nothing is there yet, offer the demo, which needs none of it."""
    if stack != DEMO_STANDS_IN_FOR or stackfile.stack_id(paths.stack_file(stack)):
        fail(
            message(
                "nothing_created_of_it",
                "{lacking}\nNothing of the photo system was created or changed.",
                lacking=lacking,
            )
        )
    warn(message("cannot_start", "The photo system cannot be started here now:\n{lacking}", lacking=lacking))
    if not confirm(
        message(
            "demo_instead",
            "Start the demo instead? It is not your photo system: sample photos, and small stand-ins for PhotoPrism and OpenList, built of Debian packages. Your photos are not used.",
        )
    ):
        fail(
            message(
                "nothing_created_later",
                "Nothing of the photo system was created or changed. Later: ./photos up, or ./photos demo",
            )
        )
    demo.start(with_pulumi=True)
    raise typer.Exit
