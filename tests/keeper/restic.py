"""The real restic of the version that the keeper's image holds: Debian's is older, so Go builds it once, at its tag.

`python -m tests.keeper.restic` builds it beforehand; with everything to be fetched this takes three minutes.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.keeper import light_key

VERSION = "0.19.1"
GO = (1, 25)
"""The oldest Go that builds it; Debian 13 has 1.24."""
MODULE = f"github.com/restic/restic/cmd/restic@v{VERSION}"


LIGHT = """#!/bin/sh
for word; do case "$word" in init) making=yes ;; backup) dated=yes ;; esac; done
if [ "${{dated:-}}" ] && [ -e "{folder}/clock" ]; then
  set -- "$@" --time "$(date -d "@$(($(date +%s) + $(cat "{folder}/clock")))" "+%F %T")"
fi
[ "${{making:-}}" ] || exec {ordinary} "{restic}" "$@"
"{restic}" "$@" && "{python}" "{script}"
"""
ORDINARY = "setpriv --bounding-set=-dac_override,-dac_read_search"
"""Root like anybody else: what a file's mode forbids cannot be read."""


class LackingError(Exception):
    """This machine cannot have it; the message names the remedy."""


@cache
def restic() -> Path:
    """Return a restic of this version or a newer one: $KEEPER_RESTIC, that of PATH, or the one built before.

    Raises:
        LackingError: there is none, and nothing to build it with.
    """
    chosen = os.environ.get("KEEPER_RESTIC") or shutil.which("restic")
    if chosen and _version([chosen, "version"]) >= _numbers(VERSION):
        return Path(chosen)
    folder = Path.home() / ".cache" / "photos-tests" / f"restic-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of pytest-xdist ask at the same time
        if not (folder / "restic").exists():
            _build(folder)
    return folder / "restic"


def light(folder: Path, *, ordinary: bool = False) -> Path:
    """Write a program into `folder` that is this restic, but whose repositories open at once: see light_key.py.

    A file `clock` in the folder says by how many seconds its snapshots differ from the time. `ordinary`: modes bind root.
    """
    program, script = folder / "restic", Path(light_key.__file__)
    started = ORDINARY if ordinary and os.geteuid() == 0 else ""
    values = {"folder": folder, "restic": restic(), "python": sys.executable, "script": script, "ordinary": started}
    program.write_text(LIGHT.format(**values))
    program.chmod(0o755)
    return program


def lacking() -> str | None:
    """Return what this machine lacks to run it."""
    try:
        restic()
    except LackingError as lack:
        return f"keeper tier: {lack}"
    return None


def go() -> str | None:
    """Return a Go that is new enough, if there is one."""
    found = shutil.which("go")
    return found if found and _version([found, "version"]) >= GO else None


def _build(folder: Path) -> None:
    program = go()
    if not program:
        msg = f"restic {VERSION} or Go {GO[0]}.{GO[1]} to build it is missing: see .ci/run, or $KEEPER_RESTIC names one"
        raise LackingError(msg)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        asked = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOBIN": place}
        command = [program, "install", MODULE]
        done = subprocess.run(
            command, env=os.environ | asked, cwd=place, capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode:
            msg = f"restic {VERSION} cannot be built: {done.stderr.strip().splitlines()[-1]}"
            raise LackingError(msg)
        (Path(place) / "restic").rename(folder / "restic")


def _version(command: list[str]) -> tuple[int, ...]:
    """Return the first version number that a program tells, (0,) where it does not run."""
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return (0,)
    found = re.search(r"\d+(\.\d+)+", said)
    return _numbers(found[0]) if found else (0,)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


if __name__ == "__main__":
    try:
        print(restic())
    except LackingError as lack:
        raise SystemExit(str(lack)) from None
