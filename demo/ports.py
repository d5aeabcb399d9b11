"""Free ports for what is started here, below the range from which the kernel takes those of outgoing connections."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import suppress


def free_ports(first: int, after: int) -> Iterator[int]:
    """Yield ports from `first` on and below `after` that nothing listens on, in no order and each once."""
    ports = range(first, after)
    yield from filter(_is_free, secrets.SystemRandom().sample(ports, k=len(ports)))


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("0.0.0.0", port))  # noqa: S104 - for a moment
        return True
    return False
