"""How a run can end: the exit codes, and the one exception that carries them."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """Exit codes of every command of the keeper."""

    OK = 0
    FAILED = 1
    LOCKED = 3
    GATE = 4
    REMOTE = 5
    VERIFY = 6
    DUMP = 7
    PREFLIGHT = 8


class KeeperError(Exception):
    """Something that ends a run; the message says what is wrong and what to do."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
