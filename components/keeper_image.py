"""The image of the keeper: built from `keeper/` on the stack's own MariaDB image, and named after what goes into it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from docker.utils.build import exclude_paths

from components.fields import PROJECT

SOURCES = "keeper"
IGNORED = ".dockerignore"


def source_hash(build_args: Mapping[str, str], folder: Path = PROJECT / SOURCES) -> str:
    """Return what tells one image of the keeper from another: the hash of its sources and of what its build is told.

    All that replaces the image must be in it: the old one is removed by its name, after the new one is made.
    """
    digest = hashlib.sha256(json.dumps(build_args, sort_keys=True).encode())
    for name in sources(folder):
        content = (folder / name).read_bytes()
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def sources(folder: Path = PROJECT / SOURCES) -> list[str]:
    """Return the files that the build reads, by Docker's own reading of .dockerignore, which itself says nothing new."""
    lines = (line.strip() for line in (folder / IGNORED).read_text("utf-8").splitlines())
    patterns = [line for line in lines if line and not line.startswith("#")]
    names = (str(name) for name in exclude_paths(str(folder), patterns))
    return sorted(name for name in names if name != IGNORED and (folder / name).is_file())


def build_args(
    base_image: str, programs: Mapping[str, str], apt_mirror: str | None, pip_index: str | None
) -> dict[str, str]:
    """Return what the build is told: the image to build on, program → image to take it from, and the package mirrors."""
    args = {"BASE": base_image} | {name.upper(): image for name, image in programs.items()}
    if apt_mirror:
        args["APT_MIRROR"] = apt_mirror
    if pip_index:
        args["PIP_INDEX_URL"] = pip_index
        where = urlsplit(pip_index)
        if where.scheme == "http" and where.hostname:
            args["PIP_TRUSTED_HOST"] = where.hostname
    return args
