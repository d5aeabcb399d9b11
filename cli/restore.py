"""Bring things back: order a restore, start its container, show what it writes, and stop meanwhile whom it would disturb.

The container is declared with the stack (`components/restore.py`); it is started here, and nowhere else.
"""

from __future__ import annotations

import io
import os
import shlex
import shutil
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from uuid import uuid4

import docker
from docker.errors import APIError
from docker.models.containers import Container

from cli import containers, sweep, this_machine
from cli.attached import show
from cli.console import err, fail, warn
from cli.dockers import Dockers
from components.messages import message
from components.restore import ORDER_FILE
from components.storage import MARKER, PHONES
from stacks.host.machine import Machine
from stacks.names import RESTORE

PHONE_FOLDERS = ("originals", f"originals/{PHONES}")
"""What Syncthing mounts a part of; a mounted folder that was deleted does not come back by itself."""
SECONDS_TO_STOP = 120


def carry_out(dockers: Dockers, stack: str, words: list[str], disturbed: list[str]) -> int:
    """Let the stack's container of the restore carry out `words`, and return its exit code.

    The services `disturbed` are stopped meanwhile.
    """
    container = containers.of_service(dockers, stack, RESTORE)
    if container is None:
        fail(
            message(
                "restore_missing",
                "The container of the restore is missing. Bring it back, then run this again: ./photos up {stack}",
                stack=stack,
            )
        )
    if containers.runs(container):
        fail(
            message(
                "restore_already",
                "A restore is running already. What it does: ./photos logs {restore} --follow --stack {stack}",
                restore=RESTORE,
                stack=stack,
            )
        )
    with _stopped(dockers, stack, disturbed):
        terminal = sys.stdout.isatty() and sys.stderr.isatty()
        place = PurePosixPath(ORDER_FILE)
        container.put_archive(str(place.parent), _packed(place.name, order(words, terminal=terminal)))
        return _started(dockers.of(RESTORE), container)


def settle(stack: str) -> bool:
    """Bring what is inside the apps of a restored host to what the stack file says; return whether that went well.

    The database that came back knows other passwords of programs than those that this host's first `up` made.
    """
    with containers.connected(stack) as dockers:
        for service in ("photoprism", "syncthing"):
            if container := containers.of_service(dockers, stack, service):
                containers.let_it_start(container)
    return not sweep.run_up(stack, "--yes", "--skip-preview", refresh=True)


def services_disturbed(what: list[str], *, everything: bool, database: bool, into: str = "") -> list[str]:
    """Return the services that must not run while this is restored, or that hold a folder which may be made anew.

    What goes `into` another folder takes no file's place.
    """
    if into:
        what, everything = [into], False
    names = [path.strip("/") for path in what]
    album = everything or database or any(name.split("/")[0] == "photoprism" for name in names)
    phones = everything or any(name.split("/")[0] == "syncthing" or name in PHONE_FOLDERS for name in names)
    return [*(["photoprism"] if album else []), *(["syncthing"] if phones else [])]


def _started(client: docker.DockerClient, container: Container) -> int:
    """Start a container, write what it writes until it ends, and return its exit code."""
    # Before the start: afterwards it would also tell what it wrote the last time.
    attached = client.api.attach_socket(str(container.id), {"stdout": 1, "stderr": 1, "stream": 1})
    try:
        container.start()
        show(attached, terminal=False)
        return int(container.wait()["StatusCode"])
    except APIError as problem:
        fail(
            message("restore_not_started", "The restore did not start: {explanation}", explanation=problem.explanation)
        )
    except KeyboardInterrupt:
        warn(message("restore_stopping", "Stopping; what was gathered already is used the next time ..."))
        container.stop(timeout=SECONDS_TO_STOP)
        return 130


def order(words: list[str], *, terminal: bool) -> bytes:
    """Write an order as the container's start script reads it.

    What a restore writes comes through a pipe, also where that ends in a terminal: its progress is told so.
    """
    size = shutil.get_terminal_size()
    surroundings = {
        "COLUMNS": str(size.columns),
        "LINES": str(size.lines),
        "TERM": os.environ.get("TERM", "dumb"),
        "TTY_COMPATIBLE": "1",
    }
    variables = {"ORDER": str(uuid4())} | (surroundings if terminal else {})
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, f"set -- {shlex.join(words)}", ""]).encode("utf-8", "surrogateescape")


def _packed(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as bundle:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o444
        bundle.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@contextmanager
def _stopped(dockers: Dockers, stack: str, services: list[str]) -> Iterator[None]:
    """Keep services from running meanwhile."""
    candidates = [containers.of_service(dockers, stack, service) for service in services]
    interrupted = [container for container in candidates if container and container.status == "running"]
    for container in interrupted:
        err.print(f"Stopping {container.name} ...")
        container.stop(timeout=SECONDS_TO_STOP)
    try:
        yield
    finally:
        for container in interrupted:
            err.print(f"Starting {container.name} ...")
            try:
                _start(container, this_machine.with_library(stack))
            except (APIError, OSError) as problem:
                warn(
                    message(
                        "service_no_start",
                        "{name} did not start: {problem}. Mend that, then: ./photos up {stack} --refresh",
                        name=container.name,
                        problem=problem,
                        stack=stack,
                    )
                )


def _start(container: Container, machine: Machine) -> None:
    """Start a container again. A folder that it mounts may have been lost with the photos: no backup holds an empty one.

    Only inside a folder with the marker: below the mount point of an absent drive a new one would look like the library.
    """
    for mount in container.attrs["HostConfig"].get("Mounts") or ():
        folder = machine.path(mount["Source"])
        if mount["Type"] == "bind" and (folder.parent / MARKER).is_file() and not folder.exists():
            owner = folder.parent.stat()
            folder.mkdir()
            machine.give(folder, owner.st_uid, owner.st_gid)
    container.start()
