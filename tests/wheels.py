"""The keeper's Python packages as a small package index, since PyPI may be out of reach from inside a build.

The wheels are fetched by this machine's own pip, once per content of keeper/requirements.lock, and served over plain
HTTP on the address under which containers know this machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import psutil

from demo.images.build import ImagesError

PROJECT = Path(__file__).resolve().parents[1]
REQUIREMENTS = PROJECT / "keeper" / "requirements.lock"
CACHE = PROJECT / ".cache" / "wheels"
PYTHON = "3.13"
"""The Python of the test images' Debian trixie."""


@dataclass(frozen=True)
class WheelIndex:
    """What a build is told: `url` for PIP_INDEX_URL and `host` for PIP_TRUSTED_HOST."""

    url: str
    host: str

    @property
    def build_args(self) -> dict[str, str]:
        """The build arguments of keeper/Dockerfile."""
        return {"PIP_INDEX_URL": self.url, "PIP_TRUSTED_HOST": self.host}


def fetched(requirements: Path = REQUIREMENTS, cache: Path = CACHE) -> Path:
    """Return the folder of an index with all wheels, fetching them if need be.

    Raises:
        ImagesError: pip cannot get them.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = cache / hashlib.sha256(PYTHON.encode() + requirements.read_bytes()).hexdigest()[:12]
        if not folder.exists():
            part = cache / "part"
            shutil.rmtree(part, ignore_errors=True)
            _download(requirements, part)
            _lay_out(part)
            part.rename(folder)
    return folder


@contextlib.contextmanager
def wheel_index(address: str | None = None) -> Iterator[WheelIndex]:
    """Serve the index; `address` is by default the gateway of Docker's bridge, which builds can reach."""
    handler = partial(_Handler, directory=str(fetched()))
    host = address or gateway()
    with ThreadingHTTPServer((host, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="wheels")
        thread.start()
        try:
            yield WheelIndex(f"http://{host}:{server.server_port}/simple/", host)
        finally:
            server.shutdown()
            thread.join()


class _Handler(SimpleHTTPRequestHandler):
    """Folder listings are what pip reads (PEP 503)."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Requests are not logged."""


def _download(requirements: Path, folder: Path) -> None:
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
        "--require-hashes", "--implementation=cp", f"--python-version={PYTHON}", f"--dest={folder}",
        f"--requirement={requirements}",
    ]  # fmt: skip
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        msg = f"the keeper's packages cannot be fetched (pip's own settings name a mirror):\n{result.stdout[-2000:]}"
        raise ImagesError(msg)


def _lay_out(folder: Path) -> None:
    """Give each project its page: simple/<normalised name>/<wheel>."""
    for wheel in list(folder.glob("*.whl")):
        page = folder / "simple" / re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower()
        page.mkdir(parents=True, exist_ok=True)
        wheel.rename(page / wheel.name)


def gateway() -> str:
    """Return the address that this machine has on Docker's default bridge; the daemon does not always tell it."""
    client = docker.from_env()
    try:
        options = client.networks.get("bridge").attrs["Options"]
    finally:
        client.close()
    interface = options.get("com.docker.network.bridge.name", "docker0")
    return next(address.address for address in psutil.net_if_addrs()[interface] if address.family == socket.AF_INET)
