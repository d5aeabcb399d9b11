"""The command of the reading at home."""

from __future__ import annotations

from typing import Annotated

import typer

from keeper.backup import scrub as reading
from keeper.commands.terminal import Json, bars, reporting, tell, tell_problem
from keeper.errors import Exit
from keeper.settings import load
from keeper.texts import say


def scrub(
    everything: Annotated[bool, typer.Option("--all", help="All photos, not only the share whose turn it is.")] = False,
    as_json: Json = False,
) -> None:
    """Read photos at home, and name those that changed by themselves or cannot be read."""
    with reporting(as_json):
        settings = load()
        with bars(hidden=as_json) as progress:
            found = reading.scrub(
                settings, everything=everything, progress=lambda done, of: progress("scrub", done, of)
            )
        if as_json:
            print(found.model_dump_json(indent=1))
        else:
            for problem in found.problems:
                tell_problem(problem)
            for path in found.rotten:
                tell(say(settings.language, "scrub.rotten_file", path=path), "red")
            for path, said in found.unreadable.items():
                tell(say(settings.language, "scrub.unreadable_file", path=path, said=said), "red")
            if not found.rotten and not found.unreadable:
                tell(say(settings.language, "done.scrub", files=found.read_files), "green")
    raise typer.Exit(Exit.VERIFY if found.rotten or found.unreadable else Exit.OK)
