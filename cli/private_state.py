"""What is read of Pulumi's own files, and why its Automation API cannot tell it. Everything else of `./photos` asks that.

Written for Pulumi 3.x with a state in a folder (pulumi/pulumi, pkg/backend/diy): a file per stack, a file per lock.

- `resources`, before every `up`, `preview` and `destroy`: `Stack.export_stack` costs a process and the import of Pulumi,
  0.5 s together; it wants the passphrase, and it puts all secrets in clear into this process.
- `exists`: to ask Pulumi whether it has a stack takes two processes, and its command may not be installed yet.
- `content`, for the recovery kit: as it lies there, with its secrets encrypted. An export has them in clear.
- `locks`: the Automation API lists none. `Stack.cancel` removes the locks of whoever: those of a `pulumi` that is at
  work, too. A lock's file says which process on which machine made it, so that only a dead one's is removed.

Why in full: docs/adr/0019-the-automation-api-and-what-it-cannot-do.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli import paths
from cli.console import fail
from components.messages import message


@dataclass(frozen=True)
class Lock:
    """A lock on a stack, and who made it; `pid` is None where the file does not say so."""

    file: Path
    pid: int | None
    hostname: str = ""

    def remove(self) -> None:
        """Take the lock away."""
        self.file.unlink(missing_ok=True)


def resources(stack: str) -> list[dict[str, Any]]:
    """Return the resources that the state of `stack` knows; none when there is no state."""
    if not exists(stack):
        return []
    file = _file(stack)
    try:
        document = json.loads(file.read_text("utf-8"))
    except ValueError:
        fail(
            message(
                "state_damaged",
                "{file} is damaged. Its last good copy: {file}.bak (cp it over, then run again)",
                file=file,
            )
        )
    return list((document.get("checkpoint", {}).get("latest") or {}).get("resources") or ())


def exists(stack: str) -> bool:
    """Whether Pulumi has a state of `stack` here."""
    return _file(stack).exists()


def content(stack: str) -> bytes | None:
    """Return the state as it is stored, None when there is none."""
    return _file(stack).read_bytes() if exists(stack) else None


def locks(stack: str) -> list[Lock]:
    """Return the locks on `stack`."""
    folder = paths.state_folder() / ".pulumi" / "locks" / "organization" / "photos" / stack
    return [read_lock(file) for file in sorted(folder.glob("*.json"))]


def read_lock(file: Path) -> Lock:
    """Return what a lock's file says."""
    try:
        made_by = json.loads(file.read_text("utf-8"))
        return Lock(file, int(made_by["pid"]), str(made_by["hostname"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Lock(file, None)


def _file(stack: str) -> Path:
    return paths.state_folder() / ".pulumi" / "stacks" / "photos" / f"{stack}.json"
