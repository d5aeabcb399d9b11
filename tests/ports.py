"""Free ports for what a test starts: below the range from which the kernel takes those of outgoing connections."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

_given: set[int] = set()
"""What was given in this process: it is not listened on yet, and must not be given twice."""


def free_port(first: int, after: int) -> int:
    """Return a port from `first` on and below `after` that nothing listens on, and that was not given before."""
    while True:
        port = random.randrange(first, after)  # noqa: S311 - no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("0.0.0.0", port))  # noqa: S104 - for a moment
            if port not in _given:
                _given.add(port)
                return port
