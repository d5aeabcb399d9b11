"""The commands of `./photos` as a table. What is not in it goes to `pulumi` with the environment set.

The module of a command is imported when that command runs, and not before: all of them together take a second.
`./photos --help` imports none, `./photos preview` not what `up` needs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from stacks.host.ssh import LineError


@dataclass(frozen=True)
class Command:
    """Where a command is: a function, or a group of further commands. `help` is the first line of what it says itself."""

    module: str
    name: str
    help: str
    context: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """Import the function or the group."""
        return getattr(import_module(self.module), self.name)


LIKENESS = 0.8
"""So much like a command of ours is no command of pulumi (tested)."""
FOR_PYTEST = {"allow_extra_args": True, "ignore_unknown_options": True}
COMMANDS = {
    "up": Command(
        "cli.commands.up",
        "up",
        "Set everything up and start the photo system, or bring it to what the stack file says.",
    ),
    "setup": Command(
        "cli.commands.up",
        "prepare",
        "Do all of `up` except starting anything; then plain `pulumi up` works in this folder.",
    ),
    "preview": Command(
        "cli.commands.preview", "preview", "Show what `up` would change. Creates and changes nothing of the stack."
    ),
    "destroy": Command(
        "cli.commands.destroy",
        "destroy",
        "Remove the containers and networks. The photos stay, and so do the volumes unless the stack file says otherwise.",
    ),
    "refresh": Command(
        "cli.commands.destroy", "refresh", "Let the state catch up with what was changed by hand on the Docker host."
    ),
    "status": Command("cli.commands.look", "status", "Show each service and whether it is healthy."),
    "logs": Command("cli.commands.look", "logs", "Show what a service writes."),
    "open": Command("cli.commands.look", "open_", "Open the album in the browser."),
    "password": Command(
        "cli.commands.look",
        "password",
        "Show the user name and the password of a service, as they were at its first start.",
    ),
    "doctor": Command(
        "cli.commands.look", "doctor", "Check this machine and the stack file, and say how to fix what is wrong."
    ),
    "upgrade": Command(
        "cli.commands.upgrade",
        "upgrade",
        "Bring programs to a newer version; what does not come up well goes back by itself, with its data.",
    ),
    "move": Command(
        "cli.commands.move",
        "move",
        "Take a service and its data to another host of the stack; the data stays where it was, too.",
    ),
    "certificate": Command(
        "cli.commands.home", "certificate", "Show where a phone gets the family's certificate, and its fingerprint."
    ),
    "name": Command(
        "cli.commands.home",
        "name",
        "Let every device at home find the album by its name, e.g. photos.local; shows what it does, and asks.",
    ),
    "firewall": Command(
        "cli.commands.firewall",
        "firewall",
        "Show the rule that keeps neighbours on the LAN out of a Docker before 28, or set it.",
    ),
    "adopt": Command(
        "cli.commands.adopt",
        "adopt",
        "Take over a library folder, or with --database and --storage a whole set-up of PhotoPrism that was made by hand.",
    ),
    "plan": Command(
        "cli.commands.look", "plan", "Show all resources, without Pulumi, Docker or network. Writes nothing."
    ),
    "pin": Command(
        "cli.commands.pin",
        "pin",
        "Write into the stack file which content each image has, so that nobody can put other content under its tag.",
    ),
    "schema": Command(
        "cli.commands.look",
        "schema",
        "Print the JSON schema of a stack file, from which an editor completes keys. Writes nothing.",
    ),
    "demo": Command(
        "cli.commands.demo",
        "demo",
        "Start a complete album with sample photos on this machine, from Debian packages: no registry, no account.",
    ),
    "test": Command(
        "cli.commands.development",
        "run_tests",
        "Run the tests that this machine can run, and name the others. What follows goes to pytest, e.g. tests/unit -k name.",
        context=FOR_PYTEST,
    ),
    "check": Command(
        "cli.commands.development", "check", "Check style and types of the code (needs requirements-dev.lock)."
    ),
    "phone": Command(
        "cli.commands.phone", "app", "The phones: add one by its QR code, see what each has sent, take one out."
    ),
    "keeper": Command(
        "cli.keeper",
        "app",
        "The backup: how it goes, a run now, a test restore, snapshots, bringing photos back, keys, the recovery kit.",
    ),
}
STYLE: dict[str, Any] = {
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,  # they print local variables, secrets among them
}


class CommandTable(TyperGroup):
    """A group that lists its commands from the table, and imports the one that runs."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """Return the names in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's signature
        """Import one command; None when there is none of that name."""
        command = COMMANDS.get(cmd_name)
        if command is None:
            return None
        loaded = command.load()
        if isinstance(loaded, typer.Typer):
            return get_command(loaded)
        single = typer.Typer(**STYLE)
        single.command(cmd_name, context_settings=dict(command.context))(loaded)
        return get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's signature
        """Write the table into the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])


app = typer.Typer(cls=CommandTable, no_args_is_help=True, **STYLE)


def _show_version(wanted: bool) -> None:
    if wanted:
        from cli.version import version_lines  # noqa: PLC0415 - as the commands: not for --help

        for line in version_lines():
            typer.echo(line)
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show which program this is and exit.")
]


@app.callback()
def photos(version: Version = False) -> None:
    """A family's photo system as one stack. Any other word is handed to pulumi, e.g. ./photos stack ls."""


def main() -> None:
    """Run the command line."""
    os.umask(0o077)
    words = sys.argv[1:]
    if words and not words[0].startswith("-") and words[0] not in COMMANDS:
        try:
            _refuse_misspelt(words)
            sys.exit(_run_pulumi(words))
        except typer.Exit as end:
            sys.exit(end.exit_code)
    from stacks.host.ssh import LineError as Lost  # noqa: PLC0415 - as the commands: not for --help

    try:
        app(prog_name="./photos")
    except Lost as lost:
        _tell(lost)


def _tell(lost: LineError) -> NoReturn:
    """End the program with why another machine cannot be reached, wherever that was noticed."""
    from cli.console import fail  # noqa: PLC0415 - as the commands
    from stacks.findings import error  # noqa: PLC0415

    try:
        fail(error("ssh", *lost.said).line)
    except typer.Exit as end:
        sys.exit(end.exit_code)


def _refuse_misspelt(words: list[str]) -> None:
    """End the program where the first word is a command of ours but for a letter."""
    if meant := get_close_matches(words[0], COMMANDS, n=1, cutoff=LIKENESS):
        # As the commands: not for --help.
        from cli.console import fail  # noqa: PLC0415
        from components.messages import message  # noqa: PLC0415
        from stacks.shell import command  # noqa: PLC0415

        fail(
            message(
                "no_such_command",
                "There is no command {word}. Is this meant? {command}",
                word=words[0],
                command=command("./photos", *meant, *words[1:]),
            )
        )


def _run_pulumi(words: list[str]) -> int:
    """Hand the words to `pulumi`; before the first `up`, too, so that a secret can be typed that it needs."""
    from cli import engine  # noqa: PLC0415 - as the commands: not for --help

    stack = _stack_named_in(words)
    if words[0] == "config":
        from cli import setup  # noqa: PLC0415

        setup.begin(stack)
    return engine.run(stack, *words)


def _stack_named_in(words: list[str]) -> str:
    """Return the stack that a command for pulumi names with --stack or -s."""
    for word, following in pairwise([*words, ""]):
        if word in ("--stack", "-s"):
            return following
        if word.startswith("--stack="):
            return word.removeprefix("--stack=")
    return os.environ.get("PHOTOS_STACK", "dev")
