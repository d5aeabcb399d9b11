"""What a person can get wrong: one mistake, and what the whole program must say about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from example_stack import CANARY
from fake_host import Break, FakeHost

from stacks.recording import Recorder


@dataclass(frozen=True)
class Bad:
    """One mistake. `says` must all be in the text: where, what is wrong, what to do instead."""

    row: str
    changes: dict[str, Any]
    says: tuple[str, ...]
    host: Break = lambda _: None
    stack: str = "dev"
    secret: frozenset[str] | None = None
    hides: str = CANARY
    note: str = field(default="")

    def __str__(self) -> str:
        return f"{self.row} {next(iter(self.changes), '')} {self.note}".strip()

    def told(self, host: FakeHost) -> tuple[str, Recorder]:
        """Run the program with the mistake. Return what it says, and what it declared."""
        self.host(host)
        secret = None if self.secret is None else set(self.secret)
        return host.run(host.config(self.changes), stack=self.stack, secret=secret)

    def is_explained(self, host: FakeHost) -> None:
        """Run the program with the mistake: it names place, mistake and remedy, and declares nothing."""
        text, recorder = self.told(host)

        for part in self.says:
            assert part in text, "the text must name the place, the mistake and the remedy"
        assert text.startswith("no resource was created or changed:\n")
        assert self.hides not in text, "the text ends up in terminals, logs and bug reports"
        assert CANARY not in text, "the text ends up in terminals, logs and bug reports"
        assert recorder.resources == [], "a half-made stack is worse than none"
        assert host.open_clients == 0, "the connection to Docker stays open"


def key(row: str, path: str, value: object, *says: str, **more: Any) -> Bad:
    """Return the mistake of one bad value at `path`, named in the text."""
    return Bad(row, {path: value}, (f"config photos:{path}: ", *says), **more)


def on_host(row: str, breaks: Break, *says: str, **more: Any) -> Bad:
    """Return the mistake of a machine that is not ready."""
    return Bad(row, {}, says, host=breaks, **more)
