"""`./photos keeper …`: what a person asks of the backup. It is done inside the keeper's container, or in one like it."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import docker
import typer
from docker.errors import APIError
from docker.models.containers import Container
from docker.types import LogConfig, Mount
from docker.utils.socket import STDERR, frames_iter

from cli import docker_host, kit, paths, stackfile, sweep
from cli import setup as preparation
from cli.console import Unattended, confirm, err, fail, say, warn
from components.storage import MARKER, PHONES
from stacks.problems import command

RESTORE_PASSWORD = "restore_database_password"  # noqa: S105 - a file's name
SETTINGS, SECRETS = "/etc/keeper", "/run/secrets"
LIBRARY = "/library/"
PHONE_FOLDERS = ("originals", f"originals/{PHONES}")
"""What Syncthing mounts a part of; a mounted folder that was deleted does not come back by itself."""
SECONDS_TO_STOP = 120

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="The backup: how it goes, a run now, a test restore, bringing photos back, the recovery kit.",
)

Stack = Annotated[str, typer.Option("--stack", "-s", envvar="PHOTOS_STACK", help="the stack")]
Json = Annotated[bool, typer.Option("--json", help="a report for programs")]
Remote = Annotated[str | None, typer.Option("--remote", help="only this copy")]


@app.command()
def status(stack: Stack = "dev", *, json: Json = False) -> None:
    """Show whether everything is safe: each copy, its newest run, the last test restore."""
    _ask(stack, "status", *_flags(json=json))


@app.command()
def backup(
    stack: Stack = "dev",
    *,
    trust_clock: Annotated[
        bool, typer.Option("--trust-clock", help="today's date is right, though the last run is long ago")
    ] = False,
    json: Json = False,
) -> None:
    """Back everything up now."""
    _ask(stack, "backup", *_flags(trust_clock=trust_clock, json=json))


@app.command()
def verify(
    stack: Stack = "dev",
    *,
    everything: Annotated[bool, typer.Option("--all", help="every file, not only the part whose turn it is")] = False,
    remote: Remote = None,
    json: Json = False,
) -> None:
    """Read the copies back, compare them, and mend what is bad."""
    _ask(stack, "verify", *_flags(all=everything, remote=remote, json=json))


@app.command()
def drill(stack: Stack = "dev", *, remote: Remote = None, json: Json = False) -> None:
    """Restore the newest run of a copy for a test, and say PASS or FAIL."""
    _ask(stack, "drill", *_flags(remote=remote, json=json))


@app.command()
def accept(
    run: Annotated[str, typer.Argument(help="the run, as alert and page name it")],
    stack: Stack = "dev",
    *,
    json: Json = False,
) -> None:
    """Let the changes through that stopped a run; once."""
    _ask(stack, "accept", run, *_flags(json=json))


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
        made, page = kit.make(stack, place, _passphrase("A passphrase for the kit, at least 12 characters", twice=True))
        say(f"The kit: {made}\nA page to print: {page}")
        say(
            "Put both outside of this house, and the passphrase where you will find it: nobody can open the kit without."
        )
        if not sys.stdin.isatty() or not confirm("Do they lie in a safe place now?"):
            say("When they do: ./photos keeper kit --is-safe")
            return
    kit.confirm_kept(stack)
    with suppress(typer.Exit), docker_host.connect(stack) as client:
        _execute(client, _keeper(client, stack), ["keeper", "kit-is-safe"])


@app.command()
def restore(
    what: Annotated[list[str] | None, typer.Argument(help="files or folders, e.g. originals/2024")] = None,
    stack: Stack = "dev",
    *,
    everything: Annotated[bool, typer.Option("--everything", help="all files and the database")] = False,
    database: Annotated[bool, typer.Option("--database", help="the album's database")] = False,
    run: Annotated[str | None, typer.Option("--run", help="from this run; by default the newest")] = None,
    remote: Annotated[
        str | None, typer.Option("--remote", help="from this copy; by default the first that answers")
    ] = None,
    incomplete: Annotated[bool, typer.Option("--incomplete", help="what is good, though something is missing")] = False,
    from_kit: Annotated[
        Path | None,
        typer.Option("--kit", help="on an empty machine: open this kit, start the system, restore everything"),
    ] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="change nothing: list the runs, and the files that hold one of the names")
    ] = False,
    json: Json = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="answer every question with yes")] = False,
) -> None:
    """Bring files, the database or everything back. Nothing newer is overwritten."""
    if only_list:
        _ask(stack, "restore", "--list", *(what or []), *_flags(run=run, remote=remote, json=json))
    Unattended.yes = yes
    if from_kit:
        file = Path(os.environ.get("PHOTOS_CWD", ""), from_kit.expanduser()).resolve()
        stack, everything = _from_kit(file), True
    words = _flags(everything=everything, database=database, run=run, remote=remote, incomplete=incomplete, json=json)
    with docker_host.connect(stack) as client:
        keeper = _keeper(client, stack, running=False)
        with _stopped(client, stack, _disturbed(what or [], everything=everything, database=database)):
            code = _in_container_of_its_own(client, stack, keeper, ["restore", *(what or []), *words])
    if what and not code:
        warn("The album shows restored photos after its next index (services.photoprism.index_schedule).")
    raise typer.Exit(code)


def summary(stack: str) -> None:
    """Print in one line how the backup goes, where a keeper runs."""
    with suppress(typer.Exit), docker_host.connect(stack) as client:
        keeper = _keeper(client, stack)
        done = keeper.exec_run(["keeper", "status"])
        if done.exit_code == 0 and isinstance(done.output, bytes):
            say(f"Backup: {done.output.decode(errors='replace').strip().splitlines()[0]}")


def _ask(stack: str, *words: str) -> NoReturn:
    """Run a command inside the keeper and end with its exit code."""
    with docker_host.connect(stack) as client:
        raise typer.Exit(_execute(client, _keeper(client, stack), ["keeper", *words]))


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


def _keeper(client: docker.DockerClient, stack: str, *, running: bool = True) -> Container:
    """Return the keeper's container; end the program when there is none."""
    found = _container(client, stack, "keeper")
    if found is None:
        fail(
            f'The stack "{stack}" has no keeper here. Write photos:backup into stacks/Pulumi.{stack}.yaml (README, Backup) '
            f"and run ./photos up {stack}"
        )
    if running and found.status != "running":
        fail(
            f"The keeper is {found.status}. Why: ./photos logs keeper --stack {stack}. Start it: ./photos up {stack} --refresh"
        )
    return found


def _container(client: docker.DockerClient, stack: str, service: str) -> Container | None:
    identity = stackfile.stack_id(paths.stack_file(stack))
    labels = [f"photos.id={identity}", f"photos.service={service}"]
    return next(iter(client.containers.list(all=True, ignore_removed=True, filters={"label": labels})), None)


def _execute(client: docker.DockerClient, container: Container, command: list[str]) -> int:
    """Run a command in a running container, with a terminal where there is one, and return its exit code."""
    size = shutil.get_terminal_size()
    terminal = sys.stdout.isatty() and sys.stderr.isatty()
    surroundings = {"COLUMNS": str(size.columns), "LINES": str(size.lines), "TERM": os.environ.get("TERM", "dumb")}
    started = client.api.exec_create(str(container.id), command, tty=terminal, environment=surroundings)
    try:
        _show(client.api.exec_start(started["Id"], tty=terminal, socket=True), terminal=terminal)
    except KeyboardInterrupt:
        warn("It goes on inside the keeper. How it goes: ./photos keeper status")
        return 130
    return int(client.api.exec_inspect(started["Id"])["ExitCode"])


def _show(connection: Any, *, terminal: bool) -> None:
    """Write what a container writes until it ends, output and errors each to its own; then hang up."""
    try:
        for number, content in frames_iter(connection, terminal):  # type: ignore[no-untyped-call]
            target = sys.stderr if number == STDERR else sys.stdout
            target.buffer.write(content)
            target.flush()
    finally:
        # Docker's client keeps the connection open with the answer that it belongs to.
        connection._response.close()  # noqa: SLF001
        connection.close()


def _disturbed(what: list[str], *, everything: bool, database: bool) -> list[str]:
    """Return the services that must not run while this is restored, or that hold a folder which may be made anew."""
    paths = [path.strip("/") for path in what]
    album = everything or database or any(path.split("/")[0] == "photoprism" for path in paths)
    phones = everything or any(path.split("/")[0] == "syncthing" or path in PHONE_FOLDERS for path in paths)
    return [*(["photoprism"] if album else []), *(["syncthing"] if phones else [])]


@contextmanager
def _stopped(client: docker.DockerClient, stack: str, services: list[str]) -> Iterator[None]:
    """Keep services from running meanwhile."""
    there = [found for name in services if (found := _container(client, stack, name)) and found.status == "running"]
    for container in there:
        err.print(f"Stopping {container.name} ...", markup=False)
        container.stop(timeout=SECONDS_TO_STOP)
    try:
        yield
    finally:
        for container in there:
            err.print(f"Starting {container.name} ...", markup=False)
            try:
                _start(container)
            except (APIError, OSError) as problem:
                warn(f"{container.name} did not start: {problem}. Mend that, then: ./photos up {stack} --refresh")


def _start(container: Container) -> None:
    """Start a container again. A folder that it mounts may have been lost with the photos: no backup holds an empty one.

    Only inside a folder with the marker: below the mount point of an absent drive a new one would look like the library.
    """
    for mount in container.attrs["HostConfig"].get("Mounts") or ():
        folder = Path(mount["Source"])
        if mount["Type"] == "bind" and (folder.parent / MARKER).is_file() and not folder.exists():
            owner = folder.parent.stat()
            folder.mkdir()
            os.chown(folder, owner.st_uid, owner.st_gid)
    container.start()


def _in_container_of_its_own(client: docker.DockerClient, stack: str, keeper: Container, command: list[str]) -> int:
    """Run a command in a short-lived container like the keeper's, but with the library writable; return its exit code."""
    terminal = sys.stdout.isatty() and sys.stderr.isatty()
    files = [(folder, _archive_of(keeper, folder)) for folder in (SETTINGS, SECRETS)]
    files.append((f"{SECRETS}/", _database_login(client, stack)))
    container = client.containers.create(**_like(keeper, stack), command=command, tty=terminal)
    try:
        for network in list(keeper.attrs["NetworkSettings"]["Networks"])[1:]:
            client.networks.get(network).connect(container)
        for folder, content in files:
            container.put_archive(str(Path(folder).parent if not folder.endswith("/") else folder), content)
        container.start()
        attached = client.api.attach_socket(str(container.id), {"stdout": 1, "stderr": 1, "logs": 1, "stream": 1})
        _show(attached, terminal=terminal)
        return int(container.wait()["StatusCode"])
    except KeyboardInterrupt:
        warn("Stopping; what was gathered already is used the next time ...")
        container.stop(timeout=SECONDS_TO_STOP)
        return 130
    finally:
        # With the volume without a name that MariaDB's image asks for; those of the stack have names.
        container.remove(force=True, v=True)


def _like(keeper: Container, stack: str) -> dict[str, Any]:
    """Return the arguments of a container with the keeper's image, user, networks, limits and mounts."""
    config, host = keeper.attrs["Config"], keeper.attrs["HostConfig"]
    first = next(iter(keeper.attrs["NetworkSettings"]["Networks"]))
    return {
        "image": keeper.attrs["Image"],
        "name": f"photos-{stack}-restore",
        "user": config["User"],
        "environment": config["Env"],
        "labels": {**config["Labels"], "photos.service": "restore", "com.docker.compose.service": "restore"},
        "network": first,
        "mounts": [_writable(mount) for mount in host["Mounts"]],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "init": True,
        "mem_limit": host["Memory"],
        "log_config": LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}),
    }


def _writable(mount: dict[str, Any]) -> Mount:
    read_only = mount.get("ReadOnly", False) and not mount["Target"].startswith(LIBRARY)
    return Mount(mount["Target"], mount["Source"], type=mount["Type"], read_only=read_only)


def _archive_of(container: Container, path: str) -> bytes:
    chunks, _ = container.get_archive(path)
    return b"".join(chunks)


def _database_login(client: docker.DockerClient, stack: str) -> bytes:
    """Return the password of the album's database user, as a file that the restore reads."""
    album = _container(client, stack, "photoprism") or _container(client, stack, "mariadb")
    if album is None:
        fail(f"The stack is not up, and a restore needs its database. First: ./photos up {stack}")
    with tarfile.open(fileobj=io.BytesIO(_archive_of(album, f"{SECRETS}/mariadb_password"))) as bundle:
        member = bundle.getmembers()[0]
        content = bundle.extractfile(member)
        assert content
        return _packed(RESTORE_PASSWORD, content.read())


def _packed(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as bundle:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o444
        bundle.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _from_kit(file: Path) -> str:
    """Open a kit on an empty machine and start its stack; return the stack's name."""
    stack = kit.put_back(file, _passphrase("The kit's passphrase"))
    preparation.prepare(stack)
    if code := sweep.run_up(stack, "--yes"):
        again = command("./photos", "keeper", "restore", "--kit", file)
        fail(f"The system did not start (exit code {code}). Mend the cause, then: {again}")
    return stack


def _passphrase(question: str, *, twice: bool = False) -> str:
    """Ask for a passphrase; where nobody can be asked, it is the first line of the input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt(question, hide_input=True, confirmation_prompt=twice))
