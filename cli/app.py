"""The commands of `./photos`. What is not one of them goes to `pulumi` with the environment set."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cli import adopt as adoption
from cli import doctor as diagnosis
from cli import engine, keeper, locks, logins, paths, stackfile, sweep, tunnel
from cli import plan as planning
from cli import setup as preparation
from cli import status as overview
from cli.console import Unattended, confirm, fail, say, warn
from cli.crash_loops import CrashLoops
from stacks.program import DESTROYING

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # they print local variables, secrets among them
    help="A family's photo system as one stack. Any other word is handed to pulumi, e.g. ./photos stack ls.",
)
app.add_typer(keeper.app, name="keeper")

DEMO_STANDS_IN_FOR = "dev"
"""The stack to try things with. Who names another one wants his photos, and no stand-in for them."""

THREE_FILES_AT_A_TIME = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
"""The upper tiers wait more than they compute; a file's tests build on each other, so files stay whole.

In their order, since by number of tests the longest files would come last, one after the other.
"""

Stack = Annotated[str, typer.Argument(envvar="PHOTOS_STACK", help="the stack: dev, wsl, home or your own")]
StackOption = Annotated[str, typer.Option("--stack", "-s", envvar="PHOTOS_STACK", help="the stack")]
Refresh = Annotated[bool, typer.Option(help="first look at what is really there")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="answer every question with yes")]


@app.command()
def up(stack: Stack = "dev", *, refresh: Refresh = False, yes: Yes = False) -> None:
    """Set everything up and start the photo system, or bring it to what the stack file says."""
    Unattended.yes = yes
    preparation.prepare(stack, unreachable=partial(_demo_instead, stack))
    crash_loops = CrashLoops(stack)
    code = sweep.run_up(stack, *_agreed(yes), refresh=refresh, meanwhile=crash_loops.end)
    crash_loops.tell()
    if code:
        overview.explain_failure(stack)
        raise typer.Exit(code)
    raise typer.Exit(overview.welcome(stack))


@app.command()
def setup(stack: Stack = "dev", *, yes: Yes = False) -> None:
    """Do all of `up` except starting anything; then plain `pulumi up` works in this folder."""
    Unattended.yes = yes
    preparation.prepare(stack)
    say("Ready. For plain pulumi commands run these two lines in this folder first:")
    for line in engine.export_lines(stack):
        say(line)


@app.command()
def preview(
    stack: Stack = "dev",
    *,
    refresh: Refresh = False,
    diff: Annotated[bool, typer.Option(help="show every changed value")] = False,
    json: Annotated[bool, typer.Option("--json", help="for programs: pulumi's own JSON")] = False,
    yes: Yes = False,
) -> None:
    """Show what `up` would change. Creates and changes nothing of the stack."""
    Unattended.yes = yes
    preparation.prepare(stack, marking=False)
    changed = sweep.told_differences(stack)
    wanted = {"--refresh": refresh or changed, "--diff": diff, "--json": json}
    options = [name for name, on in wanted.items() if on]
    raise typer.Exit(engine.run(stack, "preview", "--stack", stack, *options))


@app.command()
def destroy(stack: Stack = "dev", *, yes: Yes = False) -> None:
    """Remove the containers and networks. The photos stay, and so do the volumes unless the stack file says otherwise."""
    Unattended.yes = yes
    preparation.reach(stack)
    options = ["--refresh"] if sweep.room_for_destroy(stack) else []
    # --run-program: so that `data.on_destroy` of the stack file counts, not what the last `up` knew.
    arguments = ["destroy", "--stack", stack, "--run-program", *options, *_agreed(yes)]
    code = engine.run(stack, *arguments, extra={DESTROYING: "1"})
    if code and tunnel.lingers(stack):
        code = engine.run(stack, *arguments, extra={DESTROYING: "1"})
    if code:
        raise typer.Exit(code)
    sweep.leftovers(stack)
    overview.what_stays(stack)


@app.command()
def refresh(stack: Stack = "dev", *, yes: Yes = False) -> None:
    """Let the state catch up with what was changed by hand on the Docker host."""
    Unattended.yes = yes
    preparation.reach(stack)
    locks.unlock(stack)
    raise typer.Exit(engine.run(stack, "refresh", "--stack", stack, *_agreed(yes)))


@app.command()
def status(stack: StackOption = "dev") -> None:
    """Show each service and whether it is healthy."""
    raise typer.Exit(overview.show(stack))


@app.command()
def logs(
    service: Annotated[str, typer.Argument(help="the service, e.g. photoprism")],
    stack: StackOption = "dev",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until Ctrl-C")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="how many lines to start with")] = 100,
) -> None:
    """Show what a service writes."""
    overview.logs(stack, service, follow=follow, lines=lines)


@app.command(name="open")
def open_(stack: StackOption = "dev") -> None:
    """Open the album in the browser."""
    url = overview.album_url(stack)
    if url is None:
        fail(f'The stack "{stack}" has no photoprism section, so there is no album.')
    say(url)
    typer.launch(url)


@app.command()
def password(
    service: Annotated[
        str, typer.Argument(help="photoprism, drive, syncthing, or a service token's name")
    ] = "photoprism",
    stack: StackOption = "dev",
) -> None:
    """Show the user name and the password of a service, as they were at its first start."""
    logins.show(stack, service)


@app.command()
def doctor(stack: Stack = "dev") -> None:
    """Check this machine and the stack file, and say how to fix what is wrong."""
    raise typer.Exit(diagnosis.examine(stack))


@app.command()
def adopt(
    folder: Annotated[Path, typer.Argument(help="the library folder to take over")],
    stack: StackOption = "dev",
    *,
    yes: Yes = False,
) -> None:
    """Take over a library folder: a moved one, or one whose stack file is lost."""
    Unattended.yes = yes
    # The shim changes directory; PHOTOS_CWD is where the person stands.
    adoption.adopt(stack, Path(os.environ.get("PHOTOS_CWD", ""), folder.expanduser()).resolve())


@app.command()
def plan(stack: Stack = "dev") -> None:
    """Show all resources, without Pulumi, Docker or network. Writes nothing."""
    planning.show(stack)


@app.command()
def demo(
    *,
    down: Annotated[bool, typer.Option("--down", help="remove the demo, and only it")] = False,
    engineless: Annotated[bool, typer.Option("--without-pulumi", help="create through Docker alone")] = False,
    yes: Yes = False,
) -> None:
    """Start a complete album with sample photos on this machine, from Debian packages: no registry, no account."""
    Unattended.yes = yes
    if down:
        from demo.removal import down as remove  # noqa: PLC0415 - the product runs without the room demo/

        remove()
    else:
        _start_demo(with_pulumi=not engineless)


@app.command(name="test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_tests(
    context: typer.Context, *, yes: Annotated[bool, typer.Option("--yes", help="let ./photos install Python")] = False
) -> None:
    """Run the tests that this machine can run, and name the others. What follows goes to pytest, e.g. tests/unit -k name."""
    Unattended.yes = yes
    raise typer.Exit(_python("pytest", *(context.args or THREE_FILES_AT_A_TIME)))


@app.command()
def check() -> None:
    """Check style and types of the code (needs requirements-dev.txt)."""
    steps = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"])
    raise typer.Exit(max(_python(*step) for step in steps))


def _demo_instead(stack: str, lacking: str) -> NoReturn:
    """Say what cannot be fetched; where nothing is there yet, offer the demo, which needs none of it."""
    if stack != DEMO_STANDS_IN_FOR or stackfile.stack_id(paths.stack_file(stack)):
        fail(f"{lacking}\nNothing of the photo system was created or changed.")
    warn(f"The photo system cannot be started here now:\n{lacking}")
    if not confirm(
        "Start the demo instead? It is not your photo system: sample photos, and small stand-ins for PhotoPrism and "
        "OpenList, built of Debian packages. Your photos are not used."
    ):
        fail("Nothing of the photo system was created or changed. Later: ./photos up, or ./photos demo")
    _start_demo(with_pulumi=True)
    raise typer.Exit


def _start_demo(*, with_pulumi: bool) -> None:
    from demo.start import start  # noqa: PLC0415 - the product runs without the room demo/

    start(with_pulumi=with_pulumi)


def _stack_named_in(words: list[str]) -> str:
    """Return the stack that a command for pulumi names with --stack or -s."""
    for word, following in pairwise([*words, ""]):
        if word in ("--stack", "-s"):
            return following
        if word.startswith("--stack="):
            return word.removeprefix("--stack=")
    return os.environ.get("PHOTOS_STACK", "dev")


def _agreed(yes: bool) -> list[str]:
    return ["--yes"] if yes else []


def _python(module: str, *arguments: str) -> int:
    # With the usual umask: the tests share folders with containers of other users.
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=paths.PROJECT, umask=0o022, check=False).returncode


def main() -> None:
    """Run the command line."""
    os.umask(0o077)
    words = sys.argv[1:]
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {str(group.name) for group in app.registered_groups}
    if words and not words[0].startswith("-") and words[0] not in known:
        try:
            if words[0] == "config":
                preparation.begin(_stack_named_in(words))
            sys.exit(engine.run(_stack_named_in(words), *words))
        except typer.Exit as end:
            sys.exit(end.exit_code)
    app(prog_name="./photos")
