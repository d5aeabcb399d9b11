"""What a move is at, written before each step: a kill at any moment is undone, or brought to its end, by the next command."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from cli import paths, remembered


class Move(BaseModel):
    """A move under way.

    `begun`: nothing of it counts yet. `copied`: all volumes are on the other host and were compared; from then on it only
    goes on. `services` are placed anew, `stopped` stand still meanwhile, in that order; `filled` are the volumes of the
    other host that were written to.
    """

    model_config = ConfigDict(frozen=True)

    stack_id: str
    stage: Literal["begun", "copied"]
    services: tuple[str, ...]
    source: str
    target: str
    stopped: tuple[str, ...]
    filled: tuple[str, ...] = ()


def read(stack: str) -> Move | None:
    """Return what was under way; None where nothing was."""
    return remembered.read(file(stack), Move)


def write(stack: str, move: Move) -> Move:
    """Write a step down before it is done; it survives a power cut."""
    paths.make_private(file(stack).parent)
    remembered.write(file(stack), move)
    return move


def end(stack: str) -> None:
    """Forget what is done."""
    file(stack).unlink(missing_ok=True)
    remembered.sync(file(stack).parent)


def file(stack: str) -> Path:
    """Return where it is written."""
    return paths.data_folder() / "moves" / stack / "journal.json"
