"""What a container writes, shown as it comes."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from typing import Any

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


def told(connection: Any, *, terminal: bool = False) -> Iterator[tuple[int, bytes]]:
    """Yield what a container writes until it ends, each piece with the number of where it writes it; then hang up."""
    try:
        yield from frames_iter(connection, terminal)  # type: ignore[no-untyped-call]
    finally:
        # Docker's client keeps the connection open with the answer that it belongs to.
        connection._response.close()  # noqa: SLF001
        connection.close()
