"""Run a Pulumi program under mocks, in a Python of its own, and print how long it took to its last resource.

    python program_time.py STARTED CONFIG PROGRAM

STARTED is the time at which this process was started, CONFIG a JSON file with stack, values and secret_keys, PROGRAM a
`__main__.py`, or "declare" for the photo system without a look at the host. Started in the folder of a checkout.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, os.getcwd())  # noqa: PTH109 - pathlib costs no less

from stacks.recording import Recorded, Recorder, record


class Clock(Recorder):
    """A recorder that notes when the last resource came."""

    last = 0.0

    def create(self, resource: Recorded) -> dict[str, Any]:
        """Note the time."""
        self.last = time.time()
        return super().create(resource)


def program(name: str) -> Callable[[], object]:
    """Return what to run."""
    if name != "declare":
        return lambda: runpy.run_path(name, run_name="__main__")

    def declare_alone() -> None:
        from components.service import Owner  # noqa: PLC0415 - part of what is measured
        from stacks.config import load  # noqa: PLC0415
        from stacks.program import declare  # noqa: PLC0415

        declare(load(), Owner(uid=1000, gid=1000))

    return declare_alone


def peak_megabytes() -> float:
    """Return the most memory that this process had; what `getrusage` tells may be that of the process it came from."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Print the figures as JSON."""
    started, config, name = float(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text("utf-8")), sys.argv[3]
    clock = Clock()
    record(
        program(name),
        stack=config["stack"],
        config=config["values"],
        secret_keys=set(config["secret_keys"]),
        recorder=clock,
    )
    print(
        json.dumps(
            {
                "seconds": clock.last - started,
                "resources": len([item for item in clock.resources if item.custom]),
                "megabytes": peak_megabytes(),
            }
        )
    )


main()
