"""What is mounted where, as the kernel tells it: also a folder of the same disk that is mounted once more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FILE = Path("/proc/self/mountinfo")
"""proc_pid_mountinfo(5): the fifth field is the place, the first after the dash the kind."""


@dataclass(frozen=True)
class Mount:
    """A place where something is mounted, and the kind of its file system."""

    point: Path
    kind: str


def mounts() -> list[Mount]:
    """Return all of them, in the order in which they were made."""
    found = []
    for line in FILE.read_text("utf-8", "surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), before.split()[4])
        found.append(Mount(Path(point), after.split()[0] if after else ""))
    return found


def file_system(folder: Path) -> str:
    """Return the kind of the file system on which a folder lies."""
    place, best = folder.resolve(), Mount(Path("/"), "")
    for mount in mounts():
        if place.is_relative_to(mount.point) and len(mount.point.parts) >= len(best.point.parts):
            best = mount
    return best.kind
