"""What all commands share at the terminal: standard output is for reports, everything said to a person goes beside it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn

from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import load
from keeper.state import Tell
from keeper.texts import TEXTS, for_stack, problem_text, say

# Names of photos are printed as they are: rich makes a heart of ":heart:", and a style of "[red]".
out = Console(markup=False, emoji=False, highlight=False)
err = Console(markup=False, emoji=False, highlight=False, stderr=True)
Json = Annotated[bool, typer.Option("--json", help="Print a report for machines instead.")]


def tell(text: str, style: str = "") -> None:
    """Say something to the person at the terminal, with commands as that person types them."""
    err.print(for_stack(text, load().stack), style=style, soft_wrap=True)


def tell_problem(problem: Problem, style: str = "red") -> None:
    """Say a problem in the family's language."""
    tell(problem_text(load().language, problem), style)


@contextmanager
def reporting(as_json: bool) -> Iterator[None]:
    """Turn an error into its text and exit code; a request to end lets everything be put away."""
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    except KeeperError as error:
        if as_json:
            print(json.dumps({"exit": error.exit, "problem": error.problem.model_dump()}))
        else:
            tell_problem(error.problem)
        raise typer.Exit(error.exit) from error


def done(as_json: bool, key: str, **values: object) -> None:
    """Say that it is done, under the key of its text."""
    if as_json:
        print(json.dumps({"exit": Exit.OK, "problem": None}))
    else:
        tell(say(load().language, key, **values))


@contextmanager
def bars(*, hidden: bool) -> Iterator[Tell]:
    """Yield what takes progress: one bar per phase, on a terminal only."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=err, disable=hidden or not err.is_terminal) as shown:
        tasks: dict[str, TaskID] = {}

        def take(phase: str, done: int, of: int) -> None:
            if phase not in tasks:
                key = f"phase.{phase}"
                tasks[phase] = shown.add_task(say(load().language, key) if key in TEXTS else phase, total=None)
            shown.update(tasks[phase], completed=done, total=of or None)

        yield take


def _end(*_: object) -> NoReturn:
    sys.exit(Exit.FAILED)
