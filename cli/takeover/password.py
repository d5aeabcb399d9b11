"""The password of the old album's admin becomes the stack's: the database that is taken over knows no other."""

from __future__ import annotations

import sys

import typer

from cli import engine, paths, stackfile, workspace
from cli.console import fail, say, warn
from cli.takeover.findings import Admin
from components.messages import Message, message
from stacks.languages import text
from stacks.names import NAMESPACE
from stacks.sections.passwords import password_problem
from stacks.shell import command

KEY = f"{NAMESPACE}photoprism_admin_password"
TRIES = 3


def settle(stack: str, admin: Admin, old: str) -> str | None:
    """Return the admin's password where the stack file does not hold it yet; None where nothing is to be written.

    It is asked for, or is the first line of the input. `old` is the old album's container.
    """
    if admin.hash is None:
        say(
            message(
                "takeover_no_password", "The old album's admin has no password. It gets the one that the stack makes."
            )
        )
        return None
    if admin.opens(_written(stack)):
        return None
    if not sys.stdin.isatty():
        typed = sys.stdin.readline().rstrip("\n")
        return _good(typed, old) if admin.opens(_cut(typed)) else fail(_wrong(stack))
    question = message("takeover_password", 'Password of "admin" in the old album (it stays the one of the new)')
    for _ in range(TRIES):
        typed = str(typer.prompt(text(question), hide_input=True))
        if admin.opens(_cut(typed)):
            return _good(typed, old)
        warn(message("takeover_not_it", "That is not it."))
    return fail(_wrong(stack))


def write(stack: str, password: str | None) -> None:
    """Write the password into the stack file, encrypted."""
    if password is not None:
        engine.set_secret(stack, KEY, password)


def _written(stack: str) -> str:
    """Return what the stack file has; "" where that is nothing."""
    file = paths.stack_file(stack)
    present = file.exists() and KEY in stackfile.read(file)
    return _cut(workspace.secrets(stack).get(KEY, "")) if present else ""


def _cut(password: str) -> str:
    """Return what of a password bcrypt looks at: no null, and 72 bytes; a library refuses the rest."""
    return password.encode()[:72].decode("utf-8", "ignore").replace("\0", "")


def _good(password: str, old: str) -> str:
    if reason := password_problem(password):
        fail(
            message(
                "takeover_password_weak",
                "The old album's password {reason}. Start the old album, choose another one with {command} , stop the album, and run this again.",
                reason=reason,
                command=command("docker", "exec", "-it", old or "CONTAINER", "photoprism", "passwd", "admin"),
            )
        )
    return password


def _wrong(stack: str) -> Message:
    return message(
        "takeover_wrong_password",
        'This is not the password of "admin" in the old album. Nothing was created or changed. Forgotten? photoprism passwd admin in the old container sets a new one. Without a terminal: hand it over as the first line of the input, or {command}',
        command=command("./photos", "config", "set", "--secret", KEY, "--stack", stack),
    )
