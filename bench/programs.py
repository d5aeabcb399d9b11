"""From the start of the program to its last resource, without the engine: what Python and our code take."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.flat import flat_program
from bench.house import House
from bench.measuring import BenchError, Figures
from bench.sides import FLAT, OURS
from bench.trace import trace
from components.service import Owner
from stacks.config import load
from stacks.program import declare
from stacks.recording import config_text

SCRIPT = Path(__file__).with_name("program_time.py")
PROGRAM, MEMORY = "program", "memory (MB)"
ZONE = "family.org"


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program with its configuration, and the folder and environment that it runs in."""

    main: str
    stack: str
    values: Mapping[str, str]
    secret_keys: set[str]
    folder: Path
    environment: Mapping[str, str]

    def run(self) -> dict[str, float]:
        """Return seconds, resources and megabytes of one run.

        Raises:
            BenchError: it failed.
        """
        file = self.folder.parent / "program.json"
        file.write_text(
            json.dumps({"stack": self.stack, "values": dict(self.values), "secret_keys": sorted(self.secret_keys)})
        )
        command = [sys.executable, str(SCRIPT), str(time.time()), str(file), self.main]
        done = subprocess.run(
            command, cwd=self.folder, env=dict(self.environment), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BenchError(done.stderr[-3000:])
        return dict(json.loads(done.stdout.splitlines()[-1]))


def measured(who: str, hostnames: int, program: Program, figures: Figures, repeats: int) -> int:
    """Measure a program, and return how many resources it declares."""
    result: dict[str, float] = {}
    for _ in range(repeats):
        result = program.run()
        figures.add(who, PROGRAM, hostnames, result["seconds"])
    figures.add(who, MEMORY, hostnames, result["megabytes"])
    return int(result["resources"])


def published(values: Mapping[str, str], hostnames: int) -> dict[str, Any]:
    """Return a stack's values with so many hostnames."""
    names = [
        {"hostname": f"album{number}.{ZONE}", "service": "photoprism", "allow": {"emails": ["mum@example.com"]}}
        for number in range(hostnames)
    ]
    section = {"account": "a" * 32, "zones": {ZONE: "b" * 32}, "access": {"team": "family"}, "hostnames": names}
    return config_text({**values, "photos:publish": section, "cloudflare:apiToken": "t" * 40})


def ours_and_flat(house: House, hostnames: int) -> dict[str, Program]:
    """Return both programs for so many hostnames; with none the checks of the host are part of ours."""
    values = published(house.values, hostnames) if hostnames else house.values
    keys = house.secret_keys | ({"cloudflare:apiToken"} if hostnames else set())
    resources = trace(lambda: declare(load(), Owner(uid=1000, gid=1000)), house.name, config=values, secret_keys=keys)
    main = house.world.root / f"flat-{hostnames}-hostnames.py"
    main.write_text(flat_program(resources))
    programs = {OURS: "declare" if hostnames else "__main__.py", FLAT: str(main)}
    return {
        who: Program(
            main=program,
            stack=house.name,
            values=values,
            secret_keys=keys,
            folder=house.world.project,
            environment=house.environment,
        )
        for who, program in programs.items()
    }
