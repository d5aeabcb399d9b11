"""Fetch the Pulumi command and the plugins that are missing, by Pulumi's official way."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

import httpx
from rich.progress import Progress

from cli import engine, paths, tools
from cli.console import confirm, err, fail, say, warn

RELEASES = "https://get.pulumi.com/releases/sdk"
# The release's own checksum file; no checksum is written down here (pulumi/pulumi, .github/workflows/sign.yml).
CHECKSUMS = "https://github.com/pulumi/pulumi/releases/download/v{version}"
MIRROR, PLUGIN_MIRROR = "PHOTOS_PULUMI_MIRROR", "PHOTOS_PLUGIN_MIRROR"
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}


class UnreachableError(Exception):
    """Something that has to be fetched cannot be; the text says what, and what to do."""


def ensure(stack: str) -> None:
    """Install what is missing, after asking.

    Raises:
        UnreachableError: Pulumi's server, or the mirror in its place, does not hand it over.
    """
    lacking = tools.missing(stack)
    if not lacking:
        return
    release = version("pulumi")
    if not confirm(f"Download {', '.join(lacking)} (Pulumi {release}, 50-150 MB each) into {paths.data_folder()}?"):
        fail(unavailable(lacking, "not agreed to"))
    try:
        if "pulumi" in lacking:
            install_pulumi(release)
        for name in lacking:
            if name != "pulumi":
                _install_plugin(name, version(tools.used(stack)[name]), stack)
    except (httpx.HTTPError, OSError, subprocess.CalledProcessError) as error:
        raise UnreachableError(unavailable(lacking, str(error))) from None


def unavailable(lacking: list[str], reason: str) -> str:
    """Say what is missing and what works without it."""
    return (
        f"Missing: {', '.join(lacking)} ({reason}).\n"
        f"With a mirror: {MIRROR}=https://... (holds pulumi-v{version('pulumi')}-linux-x64.tar.gz and its checksum file) "
        f"and {PLUGIN_MIRROR}=https://...\n"
        "Without any network: ./photos plan shows what would be created, and ./photos demo starts a whole album on "
        "this machine from Debian packages."
    )


def install_pulumi(release: str) -> None:
    """Download the Pulumi command, compare it with the release's published checksum, unpack it."""
    machine = MACHINES.get(platform.machine())
    if not machine:
        fail(f"Pulumi is not published for {platform.machine()}. Build it from its source and put it on PATH.")
    archive = f"pulumi-v{release}-linux-{machine}.tar.gz"
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    expected = _published_checksum(mirror or CHECKSUMS.format(version=release), release, archive)
    with tempfile.TemporaryDirectory(dir=paths.make_private(paths.data_folder())) as scratch:
        file = Path(scratch, archive)
        checksum = _download(f"{mirror or RELEASES}/{archive}", file)
        if checksum != expected:
            fail(f"{archive} has the SHA-256 {checksum}, its release says {expected}. Nothing was installed.")
        # Not tarfile: what keeps a member inside of the folder came with Python 3.11.4, and Debian 12 has 3.11.2.
        unpack = ["tar", "--extract", "--gzip", "--no-same-owner", "--file", str(file), "--directory", scratch]
        subprocess.run(unpack, check=True, capture_output=True)
        shutil.rmtree(paths.tools_folder(), ignore_errors=True)
        paths.make_private(paths.tools_folder().parent)
        shutil.move(Path(scratch, "pulumi"), paths.tools_folder())
    whose = f"in the checksum file of the mirror {mirror}, which you trust" if mirror else "published with the release"
    say(f"Pulumi {release} is in {paths.tools_folder()}; its SHA-256 is the one {whose}.")


def _published_checksum(base: str, release: str, archive: str) -> str:
    url = f"{base}/pulumi-{release}-checksums.txt"
    response = httpx.get(url, follow_redirects=True, timeout=30).raise_for_status()
    for line in response.text.splitlines():
        digest, _, name = line.partition(" ")
        if name.strip().lstrip("*") == archive:
            return digest.lower()
    return fail(f"{url} does not list {archive}. Nothing was installed.")


def _download(url: str, file: Path) -> str:
    """Fetch `url` into `file` and return its SHA-256."""
    digest = hashlib.sha256()
    with httpx.stream("GET", url, follow_redirects=True, timeout=60) as response, Progress(console=err) as progress:
        response.raise_for_status()
        size = int(response.headers.get("content-length", 0)) or None
        task = progress.add_task(file.name, total=size)
        with file.open("wb") as stream:
            for chunk in response.iter_bytes():
                stream.write(chunk)
                digest.update(chunk)
                progress.advance(task, len(chunk))
    return digest.hexdigest()


def _install_plugin(name: str, release: str, stack: str) -> None:
    mirror = os.environ.get(PLUGIN_MIRROR)
    if not mirror:
        warn(
            f"Plugin {name} {release}: Pulumi's server publishes no checksum for it; the connection (TLS) is what is checked."
        )
    server = ["--server", mirror] if mirror else []
    subprocess.run(
        ["pulumi", "plugin", "install", "resource", name, release, "--exact", *server],
        env=engine.environment(stack),
        check=True,
    )
