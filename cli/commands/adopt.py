"""`./photos adopt`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import adopt as adoption
from cli import status
from cli.commands.options import StackOption, Yes
from cli.console import Unattended, fail
from cli.takeover.taking_over import take_over
from components.messages import message


def adopt(
    folder: Annotated[Path | None, typer.Argument(help="the library folder to take over")] = None,
    stack: StackOption = "dev",
    *,
    database: Annotated[
        str | None,
        typer.Option(
            "--database", help="an old set-up's MariaDB: its container, e.g. 1Panel-mariadb-ab12, or a dump, FILE.sql"
        ),
    ] = None,
    storage: Annotated[
        Path | None, typer.Option("--storage", help="an old set-up's storage folder, e.g. /mnt/d/photoprism/storage")
    ] = None,
    database_name: Annotated[
        str | None, typer.Option("--database-name", help="which database, where several are PhotoPrism's")
    ] = None,
    yes: Yes = False,
) -> None:
    """Take over a library folder, or with --database and --storage a whole set-up of PhotoPrism that was made by hand."""
    Unattended.yes = yes
    # The shim changes directory; PHOTOS_CWD is where the person stands.
    place = Path(os.environ.get("PHOTOS_CWD", ""))
    if folder is not None and database is None and storage is None and database_name is None:
        adoption.adopt(stack, (place / folder.expanduser()).resolve())
        return
    if folder is not None or database is None or storage is None:
        fail(
            message(
                "adopt_what",
                "Write one of: ./photos adopt FOLDER (a library), or ./photos adopt --database CONTAINER|FILE.sql --storage FOLDER (a set-up that was made by hand; its photos are where photos:library says).",
            )
        )
    code = take_over(
        stack, database, (place / storage.expanduser()).resolve(), place=place, database_name=database_name
    )
    if code:
        status.explain_failure(stack)
        raise typer.Exit(code)
    raise typer.Exit(status.welcome(stack))
