"""The programs that do the work, restic and rclone: whether they start, and are young enough to be trusted."""

from __future__ import annotations

import re
import subprocess
from functools import cache

from keeper.copies.causes import shortened
from keeper.errors import Exit, KeeperError

Version = tuple[int, ...]


@cache
def usable(name: str, found: str | None, oldest: Version) -> str:
    """Return the program `found` after it told its version.

    Raises:
        KeeperError: with `Exit.PREFLIGHT`: there is none, it does not start, or it is older than `oldest`.
    """
    least = ".".join(map(str, oldest))
    if not found:
        raise KeeperError(Exit.PREFLIGHT, "program.missing", name=name, oldest=least)
    try:
        said = subprocess.run([found, "version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise KeeperError(Exit.PREFLIGHT, "program.broken", name=name, said=error) from error
    version = re.match(rf"{name} v?(\d+(?:\.\d+)*)\S*", said)
    if version is None or tuple(map(int, version[1].split("."))) < oldest:
        told = version[0] if version else shortened(said)
        raise KeeperError(Exit.PREFLIGHT, "program.old", name=name, program=found, version=told, oldest=least)
    return found
