"""How a job can end: the exit codes, and the one exception that carries a problem.

A problem is a code and its values. It becomes text, in either language, only where a person reads it: `keeper/texts/`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Exit(IntEnum):
    """Exit codes of every command of the keeper."""

    OK = 0
    FAILED = 1
    LOCKED = 3
    GATE = 4
    COPY = 5
    VERIFY = 6
    DUMP = 7
    PREFLIGHT = 8


class Problem(BaseModel):
    """What is wrong. `code` names a text, `values` fill it in; a value that is a problem itself is told in its place."""

    model_config = ConfigDict(frozen=True)

    code: str
    values: dict[str, Problem | str | int | float] = {}

    @classmethod
    def of(cls, code: str, **values: Any) -> Problem:
        """Make a problem from its code and values; what is neither text nor number becomes text."""
        kept = {name: v if isinstance(v, Problem | str | int | float) else str(v) for name, v in values.items()}
        return cls(code=code, values=kept)


class KeeperError(Exception):
    """Something that ends a job, with the exit code that it ends with."""

    def __init__(self, exit_code: Exit, code: str, **values: Any) -> None:
        self.exit = exit_code
        self.problem = Problem.of(code, **values)
        super().__init__(f"{code} {self.problem.values}")
