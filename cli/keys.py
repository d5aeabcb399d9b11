"""`./photos keeper rotate` and `add-key`: what opens a copy. The order is such that at every moment something known opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cli import engine, generated, stack_config, sweep
from cli.console import confirm, fail, say
from components.messages import message
from stacks.names import NAMESPACE
from stacks.sections.backup.secret_values import KEY_LENGTH
from stacks.sections.backup.secrets import OWN_KEYS, secret_key


class Ask(Protocol):
    """Run a command of the keeper, with what it reads, and return its exit code."""

    def __call__(self, *words: str, stdin: bytes = b"") -> int:
        """Run it."""


def check(password: str) -> None:
    """End the program when a password is no good."""
    if len(password) not in KEY_LENGTH or not password.isprintable():
        fail(
            message(
                "key_unfit",
                "Nothing was changed: {least}-{most} printable characters, please.",
                least=KEY_LENGTH.start,
                most=KEY_LENGTH.stop - 1,
            )
        )


def rotate(stack: str, copy: str, ask: Ask, held: Callable[[str], str]) -> int:
    """Give a copy a new password and take the one away that the keeper has; return the exit code of a step that failed, or 0.

    `held` returns a secret of the keeper by its flat key.
    """
    backup = stack_config.offline(stack).settings.backup
    (own,) = OWN_KEYS
    if backup is None or copy not in backup.repositories:
        known = ", ".join(backup.repositories) if backup else "-"
        fail(
            message(
                "copy_unknown", 'There is no copy "{copy}" with a key here. There is: {known}', copy=copy, known=known
            )
        )
    question = message(
        "rotate_copy",
        "Give {copy} a new password? Recovery kits from before do not open it any more: make a new one afterwards.",
        copy=copy,
    )
    if not confirm(question):
        fail(message("key_kept", "Nothing was changed."))
    key, made = secret_key(copy, own), generated.password()
    old = held(key)
    if code := ask("add-key", copy, stdin=f"{made}\n".encode()):
        return code
    # From here on both open it: wherever this stops, the stack file holds one of them.
    engine.set_secret(stack, NAMESPACE + key, made)
    if code := sweep.run_up(stack, "--yes"):
        return code
    if code := ask("rotate", "--copy", copy, "--ask-old", stdin=f"{old}\n".encode()):
        return code
    say(
        message(
            "key_rotated",
            "The copy {copy} has its new password. Make a new recovery kit now: ./photos keeper kit --stack {stack}",
            copy=copy,
            stack=stack,
        )
    )
    return 0
