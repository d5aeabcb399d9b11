"""The commands behind `./photos keeper kit`: what it takes along of the copies, and that it is safe."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from keeper.commands.terminal import Json, done, reporting
from keeper.copies.kit import files_of
from keeper.errors import Exit
from keeper.service.kit import keys_of
from keeper.settings import load
from keeper.state import KitState, State, now


def kit_files(as_json: Json = False) -> None:
    """Print what opens each copy, secrets among it: only for the recovery kit, so it wants --json."""
    if not as_json:
        raise typer.BadParameter("--json")
    with reporting(as_json):
        settings = load()
        copies = [files_of(settings, copy).model_dump() for copy in settings.copies]
        print(json.dumps({"copies": copies, "keys": keys_of(settings)}))
    raise typer.Exit(Exit.OK)


def kit_is_safe(
    keys: Annotated[str, typer.Option(help="The keys that it holds: name → fingerprint, as JSON.")] = "",
    as_json: Json = False,
) -> None:
    """Note that the recovery kit lies outside of the house, so that the page stops asking for it."""
    with reporting(as_json):
        settings = load()
        held = {str(name): str(mark) for name, mark in json.loads(keys).items()} if keys else keys_of(settings)
        KitState(confirmed=now(), keys=held).write(State(settings.state).kit_file)
        done(as_json, "done.kit")
