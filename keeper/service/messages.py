"""What an alert says: what is wrong, what is safe, what to do, and the reasons as the job reported them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keeper.errors import Problem
from keeper.texts import PROGRAM, Language, problem_text, say

REASONS, REASON_LENGTH = 5, 300


@dataclass(frozen=True)
class Message:
    """One alert. `kind` tells one problem of a topic from another; `well` is what to say when it is over."""

    kind: str
    title: str
    body: str = ""
    well: str = ""


def message(
    language: Language, key: str, reasons: Iterable[Problem] = (), /, *, kind: str = "", **values: object
) -> Message:
    """Return what to say under `key`: there are texts for it, for what is safe, what to do, and that it is over."""
    told = [problem_text(language, reason) for reason in reasons]
    more = [say(language, "alert.more", count=len(told) - REASONS)] if len(told) > REASONS else []
    lines = [
        say(language, "alert.safe", text=say(language, f"{key}.safe", **values)),
        say(language, "alert.do", text=say(language, f"{key}.do", **values)),
        *(f"- {_short(reason)}" for reason in told[:REASONS]),
        *more,
    ]
    well = say(language, "alert.well", what=say(language, f"{key}.well", **values))
    return Message(kind or key, say(language, key, **values), "\n".join(lines), well)


def _short(reason: str) -> str:
    """Cut a reason, but none with a command: half of a path would restore something else."""
    return reason if PROGRAM in reason or len(reason) <= REASON_LENGTH else f"{reason[:REASON_LENGTH]} …"
