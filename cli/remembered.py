"""What `./photos` is at, kept in its data folder so that a kill or a power cut at any moment leaves it whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from cli import paths
from cli.console import fail
from components.messages import message

Kept = TypeVar("Kept", bound=BaseModel)


def read(file: Path, kind: type[Kept]) -> Kept | None:
    """Return what is kept in a file; None where there is none."""
    try:
        return kind.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        fail(
            message(
                "upgrade_unreadable",
                "{file} cannot be read. It says what an upgrade or a move was at, so nothing goes on without it. Run ./photos as the user who owns it; a damaged one: put it back from your copy of the data folder.",
                file=file,
            )
        )


def write(file: Path, content: BaseModel) -> None:
    """Keep something in a file, in the place of what was there."""
    paths.write_private(file, content.model_dump_json(indent=1))
    sync(file.parent)


def sync(place: Path) -> None:
    """Make the names in a folder safe from a power cut: they are not with their files."""
    number = os.open(place, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
