"""The stacks of the bench: a checkout in a world of its own, with stacks that are set up and not started."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.measuring import BenchError, Command
from bench.trace import trace
from stacks.config import load
from stacks.host.library import library_owner
from stacks.program import declare
from stacks.recording import Recorded
from tests.engine.world import World, own_name

QUIET = ("--non-interactive", "--color", "never", "--suppress-outputs")


@dataclass(frozen=True)
class House:
    """One stack of the photo system, ready for plain `pulumi up`."""

    world: World
    name: str

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """The environment in which plain pulumi knows the stack, as `./photos setup` prints it."""
        lines = [line for line in self._setup.splitlines() if line.startswith("export ")]
        exported = dict(shlex.split(line)[1].split("=", 1) for line in lines)
        exported.pop("PATH", None)
        return {**self.world.environment, "PULUMI_SKIP_UPDATE_CHECK": "true", **exported}

    @cached_property
    def _setup(self) -> str:
        self.world.write(self.name)
        return self.world.photos("setup", self.name, "--yes")

    def pulumi(self, *words: str) -> Command:
        """Return a command of pulumi for this stack."""
        options = ("--stack", self.name, *QUIET)
        return Command(words=("pulumi", *words, *options), folder=self.world.project, environment=self.environment)

    def photos(self, *words: str) -> Command:
        """Return a command of ./photos, which looks for its interpreter itself, as for a person."""
        environment = {key: value for key, value in self.world.environment.items() if key != "PHOTOS_PYTHON"}
        return Command(words=("./photos", *words), folder=self.world.project, environment=environment)

    @cached_property
    def config(self) -> dict[str, dict[str, object]]:
        """The stack's configuration with its secrets in clear: they are made for the bench."""
        command = ["pulumi", "config", "--json", "--show-secrets", "--stack", self.name]
        done = subprocess.run(
            command, cwd=self.world.project, env=dict(self.environment), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BenchError(done.stderr)
        return dict(json.loads(done.stdout))

    @property
    def values(self) -> dict[str, str]:
        """Full key → value, as Pulumi hands them to the program."""
        return {key: str(item["value"]) for key, item in self.config.items()}

    @property
    def secret_keys(self) -> set[str]:
        """The full keys of what is secret."""
        return {key for key, item in self.config.items() if item["secret"]}

    def declared(self) -> list[Recorded]:
        """Return what the program declares for this stack, with references between the resources."""

        def program() -> None:
            config = load()
            declare(config, library_owner(config.settings))

        return trace(program, self.name, config=self.values, secret_keys=self.secret_keys)


def new_house(world: World, name: str) -> House:
    """Set a stack up in `world`."""
    house = House(world, own_name(name))
    house.environment  # noqa: B018 - runs ./photos setup
    return house


def interpreter(folder: Path) -> None:
    """Give the checkout in `folder` a `.venv` that `./photos` finds complete, with the packages of this run.

    Links, and nothing is installed through them: the bench must not change the environment that it runs in.
    """
    venv = folder / ".venv"
    venv.unlink()
    venv.mkdir()
    for part in ("bin", "lib"):
        (venv / part).symlink_to(Path(sys.prefix) / part)
    shutil.copy2(Path(sys.prefix) / "pyvenv.cfg", venv)
    shutil.copy2(folder / "requirements.lock", venv)
