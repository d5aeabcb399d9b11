"""A manifest: every file of a backup with its size, time and SHA-256, and its form as an object of a run."""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Mapping
from typing import NamedTuple

import zstandard

SLICES = 30
"""A thirtieth of everything is read again each day, at home and at each remote."""
PERMISSIONS = 0o777
"""Not the bits that would run a program as someone else."""


class Entry(NamedTuple):
    """One file: size in bytes, time of its last change in nanoseconds, SHA-256 in hex, who may read and write it.

    `mode`: the permission bits alone; None in manifests that were made before they were kept.
    """

    size: int
    mtime_ns: int
    sha256: str
    mode: int | None = None


Manifest = dict[str, Entry]
"""Path, from the root's name on, → entry."""


def slice_of(path: str) -> int:
    """Return which of the thirty slices a file belongs to; always the same one."""
    return zlib.crc32(path.encode("utf-8", "surrogateescape")) % SLICES


def pack(files: Mapping[str, Entry]) -> bytes:
    """Write a manifest as compressed JSON lines, sorted by path."""
    buffer, encode = io.BytesIO(), json.JSONEncoder(separators=(",", ":")).encode
    with zstandard.ZstdCompressor(level=3).stream_writer(buffer, closefd=False) as stream:
        for path in sorted(files):
            entry = files[path]
            line = {"path": os.fsencode(path).decode("latin-1"), "size": entry.size}
            line |= {"mtime_ns": entry.mtime_ns, "sha256": entry.sha256}
            line |= {} if entry.mode is None else {"mode": entry.mode}
            stream.write(encode(line).encode() + b"\n")
    return buffer.getvalue()


def unpack(packed: bytes) -> Manifest:
    """Read what `pack` wrote.

    Raises:
        ValueError: it is cut short or not a manifest.
    """
    try:
        with zstandard.ZstdDecompressor().stream_reader(packed) as stream:
            text = io.TextIOWrapper(stream, "utf-8")
            lines = (json.loads(line) for line in text)
            return {
                os.fsdecode(line["path"].encode("latin-1")): Entry(
                    line["size"], line["mtime_ns"], line["sha256"], line.get("mode")
                )
                for line in lines
            }
    except zstandard.ZstdError as error:
        msg = f"not a manifest: {error}"
        raise ValueError(msg) from error
