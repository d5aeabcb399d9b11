"""Three ways to run the same containers: the photo system, the flat program, docker compose."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from bench.compose import compose_file
from bench.flat import flat_program
from bench.house import QUIET, House
from bench.measuring import Command
from cli.docker_host import connect
from demo.docker_runner import remove_all
from tests.engine.world import World

OURS, FLAT, COMPOSE = "photo system", "flat program", "docker compose"
WAIT_SECONDS = "600"


class Side(ABC):
    """One way to run the stacks of some houses; stacks are counted from 0."""

    name: str

    def __init__(self, houses: list[House]) -> None:
        self.houses = houses

    @abstractmethod
    def operations(self, number: int) -> Mapping[str, Command]:
        """Return "up", "preview", "again" (an `up` with nothing to do) and "destroy" of one stack.

        The two in the middle fail where there is something to do: then they would measure something else.
        """

    def forget(self) -> None:
        """Remove the data of what was destroyed, so that the next side's first up is one."""
        with connect() as client:
            for house in self.houses:
                remove_all(client, house.world.id(house.name))


class PhotoSystems(Side):
    """The program as it is, by plain pulumi."""

    name = OURS

    def operations(self, number: int) -> Mapping[str, Command]:
        """Return the commands of pulumi."""
        house = self.houses[number]
        return {
            "up": house.pulumi("up", "--yes", "--skip-preview"),
            "preview": house.pulumi("preview", "--expect-no-changes"),
            "again": house.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes"),
            "destroy": house.pulumi("destroy", "--yes", "--skip-preview"),
        }


class FlatPrograms(Side):
    """The same resources without components, configuration and checks."""

    name = FLAT

    def __init__(self, houses: list[House]) -> None:
        super().__init__(houses)
        for house in houses:
            folder = self.folder(house)
            folder.mkdir()
            (folder / "__main__.py").write_text(flat_program(house.declared()))
            runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
            (folder / "Pulumi.yaml").write_text(json.dumps({"name": "flat", "runtime": runtime}))
            self.command(house, "stack", "init").run()

    @staticmethod
    def folder(house: House) -> Path:
        """Return where the flat program of a stack lies."""
        return house.world.root / f"flat-{house.name}"

    def command(self, house: House, *words: str) -> Command:
        """Return a command of pulumi for the flat program."""
        options = ("--stack", house.name, *(QUIET if words[0] != "stack" else ()))
        return Command(words=("pulumi", *words, *options), folder=self.folder(house), environment=house.environment)

    def operations(self, number: int) -> Mapping[str, Command]:
        """Return the commands of pulumi."""
        house = self.houses[number]
        return {
            "up": self.command(house, "up", "--yes", "--skip-preview"),
            "preview": self.command(house, "preview", "--expect-no-changes"),
            "again": self.command(house, "up", "--yes", "--skip-preview", "--expect-no-changes"),
            "destroy": self.command(house, "destroy", "--yes", "--skip-preview"),
        }


class Composed(Side):
    """The same containers from a compose file."""

    name = COMPOSE

    def __init__(self, houses: list[House], command: list[str]) -> None:
        super().__init__(houses)
        self._compose = command
        for house in houses:
            folder = self.folder(house)
            folder.mkdir()
            (folder / "compose.yaml").write_text(compose_file(house.declared(), folder))

    @staticmethod
    def folder(house: House) -> Path:
        """Return where the compose file of a stack lies."""
        return house.world.root / f"compose-{house.name}"

    def operations(self, number: int) -> Mapping[str, Command]:
        """Return the commands of compose; its preview is a dry run."""
        house = self.houses[number]
        up = ("up", "--detach", "--wait", "--wait-timeout", WAIT_SECONDS)
        return {
            "up": self._command(house, *up),
            "preview": self._command(house, "--dry-run", "up", "--detach"),
            "again": self._command(house, *up),
            "destroy": self._command(house, "down"),
        }

    def forget(self) -> None:
        """Remove the volumes, which carry compose's labels here."""
        for house in self.houses:
            self._command(house, "down", "--volumes").run()

    def _command(self, house: House, *words: str) -> Command:
        return Command(words=(*self._compose, *words), folder=self.folder(house), environment=house.world.environment)


def compose_command() -> list[str] | None:
    """Return the words that start Compose v2, None where this machine has none."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if not shutil.which(words[0]):
            continue
        done = subprocess.run([*words, "version", "--short"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and not done.stdout.startswith("1."):
            return words
    return None


def clean(world: World) -> None:
    """Remove what compose leaves; what carries a stack's id goes with the world."""
    for folder in world.root.glob("compose-*"):
        words = compose_command() or []
        subprocess.run([*words, "down", "--volumes"], cwd=folder, capture_output=True, check=False)
