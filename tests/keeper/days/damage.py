"""What a copy's disk or provider can do to what lies there: rot, cut short or lose one object."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

How = Literal["rot", "cut", "lose"]
HOWS: tuple[How, ...] = ("rot", "cut", "lose")
WHATS = ("data", "index", "snapshots", "keys")


@dataclass
class Damage:
    """One object that is not what it was; `before` is what it was."""

    how: How
    what: str
    file: Path
    before: bytes

    @property
    def is_silent(self) -> bool:
        """Only reading it back shows it: indexes and snapshots are read from the cache of this machine."""
        return (self.what in ("index", "snapshots", "keys") and self.how != "lose") or (self.how, self.what) == (
            "rot",
            "data",
        )

    def undo(self) -> None:
        """Put back what was there, as a person does who finds a copy of it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.unlink(missing_ok=True)
        self.file.write_bytes(self.before)

    def __str__(self) -> str:
        return f"{self.how} {self.what}/{self.file.name[:8]}"


def do_damage(repository: Path, chance: random.Random, newest: str) -> Damage | None:
    """Damage one object of a repository, of the snapshots the one called `newest`; return what was done."""
    what = chance.choice(WHATS)
    files = sorted(file for file in (repository / what).rglob("*") if file.is_file())
    if what == "snapshots":
        files = [file for file in files if file.name == newest]
    if not files:
        return None
    file, how = chance.choice(files), chance.choice(HOWS)
    before = file.read_bytes()
    file.chmod(0o600)
    if how == "lose":
        file.unlink()
    elif how == "cut":
        file.write_bytes(before[: len(before) // 2])
    else:
        place = chance.randrange(len(before))
        file.write_bytes(before[:place] + bytes([before[place] ^ 0x10]) + before[place + 1 :])
    return Damage(how, what, file, before)
