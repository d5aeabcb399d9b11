"""How `./photos` speaks: short lines, questions only where it matters."""

from __future__ import annotations

import sys
import textwrap
from typing import NoReturn

import typer
from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Unattended:
    """Whether questions are answered with yes; set by `--yes`."""

    yes = False


def say(text: str) -> None:
    """Print a line for the user."""
    out.print(text, markup=False)


def warn(text: str) -> None:
    """Print a line that the user should not miss."""
    err.print(text, style="yellow", markup=False)


def fail(text: str) -> NoReturn:
    """Print what is wrong and what to do, and end with exit code 1."""
    err.print(text, style="red", markup=False)
    raise typer.Exit(1)


def wrapped(text: str, width: int, *, first: str, then: str) -> str:
    """Wrap between words to `width` columns, never inside of a path or an address."""
    return textwrap.fill(
        text,
        width=width,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )


def confirm(question: str) -> bool:
    """Ask yes or no. Yes with `--yes`; no where nobody can answer."""
    if Unattended.yes:
        say(f"{question} yes (--yes)")
        return True
    if not sys.stdin.isatty():
        warn(f"{question} Nobody can answer here: add --yes to agree.")
        return False
    return typer.confirm(question)
