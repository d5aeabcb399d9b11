"""What a container writes, shown as it comes."""

from __future__ import annotations

import socket
import sys
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
    try:
        for number, content in frames_iter(connection, terminal):  # type: ignore[no-untyped-call]
            target = sys.stderr if number == STDERR else sys.stdout
            target.buffer.write(content)
            target.flush()
    finally:
        # Docker's client keeps the connection open with the answer that it belongs to.
        connection._response.close()  # noqa: SLF001
        connection.close()
