"""How `./photos` speaks: short lines, questions only where it matters."""

from __future__ import annotations

import sys
import textwrap
from typing import NoReturn

import typer
from rich.cells import cell_len
from rich.console import Console

from components.messages import Said, message
from stacks.languages import text

# What is printed is text as it is: rich makes a disc of ":CD:", also within a fingerprint, and a style of "[red]".
out = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)
err = Console(markup=False, emoji=False, highlight=False, soft_wrap=True, stderr=True)


class Unattended:
    """Whether questions are answered with yes; set by `--yes`."""

    yes = False


def say(said: Said) -> None:
    """Print a line for the user."""
    out.print(text(said))


def warn(said: Said) -> None:
    """Print a line that the user should not miss."""
    err.print(text(said), style="yellow")


def fail(said: Said) -> NoReturn:
    """Print what is wrong and what to do, and end with exit code 1."""
    err.print(text(said), style="red")
    raise typer.Exit(1)


def wrapped(line: str, width: int, *, first: str, then: str) -> str:
    """Wrap between words to `width` columns, never inside of a path or an address; Chinese is left to the terminal."""
    if cell_len(line) > len(line):
        return first + line
    return textwrap.fill(
        line,
        width=width,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )


def confirm(question: Said) -> bool:
    """Ask yes or no. Yes with `--yes`; no where nobody can answer."""
    if Unattended.yes:
        say(message("agreed", "{question} yes (--yes)", question=question))
        return True
    if not sys.stdin.isatty():
        warn(message("nobody_answers", "{question} Nobody can answer here: add --yes to agree.", question=question))
        return False
    return typer.confirm(text(question))
