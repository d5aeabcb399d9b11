"""What a container writes, shown as it comes."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

from docker.models.containers import Container
from docker.utils.socket import STDERR, frames_iter


def send(connection: Any, content: bytes) -> None:
    """Write to what a container reads, and say that this is all."""
    # Of a local socket docker-py hands out the reading half alone.
    line = getattr(connection, "_sock", connection)
    line.sendall(content)
    line.shutdown(socket.SHUT_WR)


def show(connection: Any, *, terminal: bool) -> None:
    """Write what a container writes until it ends, output and errors each to its own; then hang up."""
    for number, content in told(connection, terminal=terminal):
        target = sys.stderr if number == STDERR else sys.stdout
        target.buffer.write(content)
        target.flush()


def output_of(
    container: Container, words: list[str], take: Callable[[bytes], Any], environment: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run a program in a container and hand what it writes to `take`; return its exit code, and its errors.

    What its environment holds reaches it through Docker's API alone: a command line could be read by any process.
    """
    api = container.client.api  # type: ignore[union-attr] # it was found through one
    started = api.exec_create(str(container.id), words, environment=environment)
    errors = b""
    for number, content in told(api.exec_start(started["Id"], socket=True)):
        if number == STDERR:
            errors += content
        else:
            take(content)
    return int(api.exec_inspect(started["Id"])["ExitCode"] or 0), errors.decode(errors="replace").strip()


def told(connection: Any, *, terminal: bool = False) -> Iterator[tuple[int, bytes]]:
    """Yield what a container writes until it ends, each piece with the number of where it writes it; then hang up."""
    try:
        yield from frames_iter(connection, terminal)  # type: ignore[no-untyped-call]
    finally:
        hang_up(connection)


def hang_up(connection: Any) -> None:
    """Close a connection to a container."""
    # Docker's client keeps it open with the answer that it belongs to.
    connection._response.close()  # noqa: SLF001
    connection.close()
