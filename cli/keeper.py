"""`./photos keeper …`: what a person asks of the backup. It is done inside the keeper's container, or the restore's."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import AbstractContextManager, suppress
from json import dumps
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from docker.models.containers import Container

from cli import containers, estimate, kept_kit, keys, kit, kit_copies, sweep
from cli import setup as preparation
from cli.attached import send, show
from cli.console import Unattended, confirm, fail, say, warn
from cli.dockers import Dockers
from cli.restore import carry_out, services_disturbed, settle
from components.keeper import SECRETS, Keeper
from components.messages import Said, message
from stacks.languages import language, text
from stacks.shell import command

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="The backup: how it goes, a run now, a test restore, snapshots, bringing photos back, keys, the recovery kit.",
)

Stack = Annotated[str, typer.Option("--stack", "-s", envvar="PHOTOS_STACK", help="the stack")]
Json = Annotated[bool, typer.Option("--json", help="a report for programs")]
Copy = Annotated[str | None, typer.Option("--copy", help="only this copy")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="answer every question with yes")]


@app.command()
def status(stack: Stack = "dev", *, json: Json = False) -> None:
    """Show whether everything is safe: each copy, its newest run, the last test restore."""
    _ask(stack, "status", *_flags(json=json))


@app.command()
def backup(
    stack: Stack = "dev",
    *,
    copy: Copy = None,
    trust_clock: Annotated[
        bool, typer.Option("--trust-clock", help="today's date is right, though the last run is long ago")
    ] = False,
    json: Json = False,
) -> None:
    """Back everything up now, to every copy or to one."""
    _ask(stack, "backup", *_flags(copy=copy, trust_clock=trust_clock, json=json))


@app.command()
def verify(
    stack: Stack = "dev",
    *,
    everything: Annotated[bool, typer.Option("--all", help="all of it, not only the share whose turn it is")] = False,
    copy: Copy = None,
    json: Json = False,
) -> None:
    """Read the copies back, and say what is damaged."""
    _ask(stack, "verify", *_flags(all=everything, copy=copy, json=json))


@app.command()
def drill(stack: Stack = "dev", *, copy: Copy = None, json: Json = False) -> None:
    """Restore the newest snapshot of a copy for a test, and say PASS or FAIL."""
    _ask(stack, "drill", *_flags(copy=copy, json=json))


@app.command()
def scrub(stack: Stack = "dev", *, json: Json = False) -> None:
    """Read a share of the library at home, and name what changed by itself."""
    _ask(stack, "scrub", *_flags(json=json))


@app.command()
def drives(stack: Stack = "dev", *, json: Json = False) -> None:
    """Look whether the net drives of OpenList that hold a copy still answer."""
    _ask(stack, "drives", *_flags(json=json))


@app.command()
def snapshots(stack: Stack = "dev", *, copy: Copy = None, json: Json = False) -> None:
    """List the snapshots of each copy."""
    _ask(stack, "snapshots", *_flags(copy=copy, json=json))


@app.command()
def find(
    names: Annotated[list[str], typer.Argument(help="a file's name or a part of it, as you type it")],
    stack: Stack = "dev",
    *,
    copy: Copy = None,
    json: Json = False,
) -> None:
    """Find a photo in all snapshots: which of them hold it, and how it was."""
    _ask(stack, "find", *names, *_flags(copy=copy, json=json))


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="a snapshot")],
    new: Annotated[str, typer.Argument(help="a later one")],
    stack: Stack = "dev",
    *,
    copy: Copy = None,
    json: Json = False,
) -> None:
    """Show what came, went and changed between two snapshots."""
    _ask(stack, "diff", old, new, *_flags(copy=copy, json=json))


@app.command()
def accept(
    alarm: Annotated[str, typer.Argument(help="the alarm, as alert and page name it")],
    stack: Stack = "dev",
    *,
    json: Json = False,
) -> None:
    """Say that the changes are right for which old snapshots are kept: these may be forgotten again."""
    _ask(stack, "accept", alarm, *_flags(json=json))


@app.command()
def forget(
    photo: Annotated[str, typer.Argument(help="a file, e.g. originals/2024/secret.jpg")],
    stack: Stack = "dev",
    *,
    json: Json = False,
    yes: Yes = False,
) -> None:
    """Take a photo that the library has no more out of all snapshots of all copies that allow it, for good."""
    Unattended.yes = yes
    if not yes and not json:  # it says where the photo is
        with _connected(stack) as dockers:
            _execute(_keeper(dockers, stack), ["keeper", "forget", photo])
    question = message(
        "forget_for_ever", "Take {photo} out of every snapshot? Nobody can bring it back then.", photo=photo
    )
    if not confirm(question):
        fail(message("nothing_forgotten", "Nothing was forgotten."))
    _ask(stack, "forget", photo, *_flags(yes=True, json=json))


@app.command(name="keys")
def keys_(stack: Stack = "dev", *, copy: Copy = None, json: Json = False) -> None:
    """List what opens each copy."""
    _ask(stack, "keys", *_flags(copy=copy, json=json))


@app.command(name="add-key")
def add_key(copy: Annotated[str, typer.Argument(help="the copy")], stack: Stack = "dev", *, json: Json = False) -> None:
    """Let a password of your own open a copy, too."""
    password = _passphrase(message("key_new", "A password for this copy, at least 12 characters"), twice=True)
    keys.check(password)
    _ask(stack, "add-key", copy, *_flags(json=json), stdin=f"{password}\n".encode())


@app.command()
def rotate(
    copy: Annotated[str, typer.Option("--copy", help="the copy")],
    stack: Stack = "dev",
    *,
    yes: Yes = False,
) -> None:
    """Give a copy a new password, and take away all that opened it before."""
    Unattended.yes = yes

    def ask(*words: str, stdin: bytes = b"") -> int:
        with _connected(stack) as dockers:
            return _execute(_keeper(dockers, stack), ["keeper", *words], stdin)

    def held(key: str) -> str:
        with _connected(stack) as dockers:
            return containers.content(_keeper(dockers, stack), f"{SECRETS}/{key}").decode().rstrip("\n")

    raise typer.Exit(keys.rotate(stack, copy, ask, held))


@app.command(name="estimate")
def estimate_(
    stack: Stack = "dev",
    *,
    copy: Copy = None,
    json: Json = False,
) -> None:
    """Say what each copy costs in traffic, before it is switched on: reads the stack file and counts the library."""
    raise typer.Exit(estimate.show(stack, copy, as_json=json))


@app.command(name="import")
def import_(stack: Stack = "dev", *, json: Json = False) -> None:
    """Have the album take over copies of what lies in the import folder."""
    _ask(stack, "import", *_flags(json=json))


@app.command(name="kit")
def kit_(
    folder: Annotated[Path, typer.Argument(help="where to write it, e.g. a USB stick")] = Path(),
    stack: Stack = "dev",
    *,
    is_safe: Annotated[bool, typer.Option("--is-safe", help="it lies in a safe place now: stop asking for it")] = False,
) -> None:
    """Write the recovery kit: with it and its passphrase, everything comes back on an empty machine."""
    if not is_safe:
        # The shim changes directory; PHOTOS_CWD is where the person stands.
        place = Path(os.environ.get("PHOTOS_CWD", ""), folder.expanduser()).resolve()
        made, page = kit.make(
            stack,
            place,
            _passphrase(message("kit_new_passphrase", "A passphrase for the kit, at least 12 characters"), twice=True),
            _what_opens_the_copies(stack),
        )
        say(message("kit_made", "The kit: {made}\nA page to print: {page}", made=made, page=page))
        say(
            message(
                "kit_put_away",
                "Put both outside of this house, and the passphrase where you will find it: nobody can open the kit without.",
            )
        )
        if not sys.stdin.isatty() or not confirm(message("kit_is_safe", "Do they lie in a safe place now?")):
            say(message("kit_when_safe", "When they do: ./photos keeper kit --is-safe"))
            return
    kept = kept_kit.confirm(stack)
    with suppress(typer.Exit), _connected(stack) as dockers:
        held = ["--keys", dumps(kept.fingerprints)] if kept.fingerprints else []
        _execute(_keeper(dockers, stack), ["keeper", "kit-is-safe", *held])


@app.command()
def restore(
    what: Annotated[list[str] | None, typer.Argument(help="files or folders, e.g. originals/2024")] = None,
    stack: Stack = "dev",
    *,
    everything: Annotated[bool, typer.Option("--everything", help="all files and the database")] = False,
    database: Annotated[bool, typer.Option("--database", help="the album's database")] = False,
    snapshot: Annotated[
        str | None, typer.Option("--snapshot", help="from this snapshot; by default the newest")
    ] = None,
    date: Annotated[str | None, typer.Option("--date", help="as it was then, e.g. 2026-11-01")] = None,
    copy: Annotated[
        str | None, typer.Option("--copy", help="from this copy; by default the one with the newest snapshot")
    ] = None,
    into: Annotated[
        str | None, typer.Option("--into", help="into this folder of the library, e.g. originals/as-it-was")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="change nothing: say what would be brought back")] = False,
    incomplete: Annotated[bool, typer.Option("--incomplete", help="what is good, though something is missing")] = False,
    from_kit: Annotated[
        Path | None,
        typer.Option("--kit", help="on an empty machine: open this kit, start the system, restore everything"),
    ] = None,
    only_list: Annotated[
        bool,
        typer.Option("--list", help="change nothing: list the snapshots, and the files that hold one of the names"),
    ] = False,
    json: Json = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="answer every question with yes")] = False,
) -> None:
    """Bring files, the database or everything back. Nothing newer is overwritten."""
    origin = {"snapshot": snapshot, "date": date, "copy": copy}
    if only_list:
        _ask(stack, "restore", "--list", *(what or []), *_flags(**origin, json=json))
    if dry_run and not from_kit:
        wanted = _flags(everything=everything, database=database, **origin, into=into, incomplete=incomplete, json=json)
        _ask(stack, "restore", "--dry-run", *(what or []), *wanted)
    Unattended.yes = yes
    if from_kit:
        file = Path(os.environ.get("PHOTOS_CWD", ""), from_kit.expanduser()).resolve()
        stack, everything = _from_kit(file), True
    words = _flags(everything=everything, database=database, **origin, into=into, incomplete=incomplete, json=json)
    with _connected(stack) as dockers:
        _keeper(dockers, stack, running=False)
        disturbed = services_disturbed(what or [], everything=everything, database=database, into=into or "")
        code = carry_out(dockers, stack, [*(what or []), *words], disturbed)
    if from_kit and not code and not settle(stack):
        warn(
            message(
                "restored_unsettled",
                "Everything is restored. What is inside the apps is not as the stack file says yet: ./photos up {stack} --refresh",
                stack=stack,
            )
        )
    if what and not code:
        warn(
            message(
                "restored_after_index",
                "The album shows restored photos after its next index (services.photoprism.index_schedule).",
            )
        )
    raise typer.Exit(code)


def summary(stack: str) -> None:
    """Print how everything goes, where a keeper runs: in the words of its page, and in the person's language."""
    with suppress(typer.Exit), _connected(stack) as dockers:
        keeper = _keeper(dockers, stack)
        done = keeper.exec_run(["keeper", "status", "--brief", "--language", language()])
        if done.exit_code == 0 and isinstance(done.output, bytes):
            say("\n" + done.output.decode(errors="replace").strip())


def _ask(stack: str, *words: str, stdin: bytes = b"") -> NoReturn:
    """Run a command inside the keeper and end with its exit code."""
    with _connected(stack) as dockers:
        raise typer.Exit(_execute(_keeper(dockers, stack), ["keeper", *words], stdin))


def _what_opens_the_copies(stack: str) -> kit_copies.KitFiles:
    """Return what the keeper hands over for the kit; nothing where none runs."""
    with suppress(typer.Exit), _connected(stack) as dockers:
        return kit_copies.ask(dockers.of(Keeper.service), _keeper(dockers, stack))
    warn(
        message(
            "kit_without_keeper",
            "So the kit opens the copies only together with this project. Make it again once the keeper runs.",
        )
    )
    return kit_copies.KitFiles()


def _flags(**values: str | bool | None) -> list[str]:
    """Write options as the keeper's own command line has them."""
    words: list[str] = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif value:
            words += [option, str(value)]
    return words


def _connected(stack: str) -> AbstractContextManager[Dockers]:
    """Connect to the Docker that the keeper is on: what another host does is no matter of this."""
    return containers.connected(stack, service=Keeper.service)


def _keeper(dockers: Dockers, stack: str, *, running: bool = True) -> Container:
    """Return the keeper's container; end the program when there is none."""
    container = containers.of_service(dockers, stack, Keeper.service)
    if container is None:
        fail(
            message(
                "no_keeper",
                'The stack "{stack}" has no keeper here. Write photos:backup into stacks/Pulumi.{stack}.yaml (docs/backup.md) and run ./photos up {stack}',
                stack=stack,
            )
        )
    if running and container.status != "running":
        fail(
            message(
                "keeper_not_running",
                "The keeper is {status}. Why: ./photos logs keeper --stack {stack}. Start it: ./photos up {stack} --refresh",
                status=container.status,
                stack=stack,
            )
        )
    return container


def _execute(container: Container, command: list[str], stdin: bytes = b"") -> int:
    """Run a command in a running container, with a terminal where there is one, and return its exit code.

    What it reads is no word of the command: a secret would stand in Docker's list of what runs.
    """
    size = shutil.get_terminal_size()
    terminal = sys.stdout.isatty() and sys.stderr.isatty() and not stdin
    surroundings = {"COLUMNS": str(size.columns), "LINES": str(size.lines), "TERM": os.environ.get("TERM", "dumb")}
    api = container.client.api  # type: ignore[union-attr] # it was found through one
    started = api.exec_create(str(container.id), command, stdin=bool(stdin), tty=terminal, environment=surroundings)
    try:
        connection = api.exec_start(started["Id"], tty=terminal, socket=True)
        if stdin:
            send(connection, stdin)
        show(connection, terminal=terminal)
    except KeyboardInterrupt:
        warn(message("keeper_goes_on", "It goes on inside the keeper. How it goes: ./photos keeper status"))
        return 130
    return int(api.exec_inspect(started["Id"])["ExitCode"])


def _from_kit(file: Path) -> str:
    """Open a kit on an empty machine and start its stack; return the stack's name."""
    stack = kit.put_back(file, _passphrase(message("kit_passphrase", "The kit's passphrase")))
    preparation.prepare(stack)
    if code := sweep.run_up(stack, "--yes"):
        again = command("./photos", "keeper", "restore", "--kit", file)
        fail(
            message(
                "restore_no_start",
                "The system did not start (exit code {code}). Mend the cause, then: {again}",
                code=code,
                again=again,
            )
        )
    return stack


def _passphrase(question: Said, *, twice: bool = False) -> str:
    """Ask for a passphrase; where nobody can be asked, it is the first line of the input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt(text(question), hide_input=True, confirmation_prompt=twice))
