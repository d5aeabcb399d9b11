"""Commands that a message tells a person to run."""

from __future__ import annotations

import shlex


def command(*words: object) -> str:
    """Write a command as it can be pasted into a shell, whatever is in the names.

    >>> command("mkdir", "/srv/My Photos")
    "mkdir '/srv/My Photos'"
    """
    return shlex.join(map(str, words))
