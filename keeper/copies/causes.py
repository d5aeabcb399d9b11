"""What rclone, restic, their back ends and the kernel say when the way to a copy is blocked, and what it means for a person."""

from __future__ import annotations

import re

# The first that fits counts: a remote that asks for fewer requests does so with 403, too.
CAUSES = (
    ("cause.busy", r"\b429\b|too many requests|rate.?limit|userRateLimitExceeded|SlowDown"),
    (
        "cause.full",
        (
            r"\b507\b|insufficient storage|no space left|storageQuotaExceeded|quota (?:exceeded|limit)|over quota"
            r"|disk quota exceeded|not enough (?:free )?space"
        ),
    ),
    (
        "cause.credentials",
        (
            r"\b401\b|\b403\b|unauthori[sz]ed|invalid_grant|AccessDenied|SignatureDoesNotMatch|InvalidAccessKey|oauth2: "
            r"|couldn't fetch token|unable to authenticate"
        ),
    ),
    ("cause.refused", r"\b405\b|method not allowed"),
    (
        "cause.unreachable",
        (
            r"connection refused|no such host|network is unreachable|i/o timeout|context deadline|connection reset|\bEOF\b"
            r"|no route to host|broken pipe|GOAWAY|TLS handshake|stream error|\b50[0234]\b"
            r"|lookup .* (?:server misbehaving|on )"
        ),
    ),
    ("cause.disk", r"input/output error|read-only file system|structure needs cleaning"),
    ("cause.rights", r"permission denied|operation not permitted"),
)
PATTERNS = tuple((code, re.compile(pattern, re.IGNORECASE)) for code, pattern in CAUSES)
LASTING = frozenset({"cause.credentials", "cause.full", "cause.rights"})
"""Causes that no patience cures, while restic tries every object again for a quarter of an hour."""
LONGEST = 300


def cause_of(line: str) -> str | None:
    """Return the code of what a line complains of; None when it names no known cause."""
    return next((code for code, pattern in PATTERNS if pattern.search(line)), None)


def shortened(line: str) -> str:
    """Return a line as it may stand in a report."""
    return line.strip()[:LONGEST]
