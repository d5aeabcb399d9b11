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
from components.messages import Message, Said, message

RELEASES = "https://get.pulumi.com/releases/sdk"
# The release's own checksum file; no checksum is written down here (pulumi/pulumi, .github/workflows/sign.yml).
CHECKSUMS = "https://github.com/pulumi/pulumi/releases/download/v{version}"
MIRROR, PLUGIN_MIRROR = "PHOTOS_PULUMI_MIRROR", "PHOTOS_PLUGIN_MIRROR"
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}


class UnreachableError(Exception):
    """Something that has to be fetched cannot be; the text says what, and what to do."""

    def __init__(self, said: Said) -> None:
        super().__init__(str(said))
        self.said = said


def ensure(stack: str) -> None:
    """Install what is missing, after asking.

    Raises:
        UnreachableError: Pulumi's server, or the mirror in its place, does not hand it over.
    """
    lacking = tools.missing(stack)
    if not lacking:
        return
    release = version("pulumi")
    if not confirm(
        message(
            "download_tools",
            "Download {lacking} (Pulumi {release}, 50-150 MB each) into {folder}?",
            lacking=", ".join(lacking),
            release=release,
            folder=paths.data_folder(),
        )
    ):
        fail(unavailable(lacking, message("not_agreed_to", "not agreed to")))
    try:
        if "pulumi" in lacking:
            install_pulumi(release)
        for name in lacking:
            if name != "pulumi":
                _install_plugin(name, version(tools.used(stack)[name]), stack)
    except (httpx.HTTPError, OSError, subprocess.CalledProcessError) as error:
        raise UnreachableError(unavailable(lacking, str(error))) from None


def unavailable(lacking: list[str], reason: Said) -> Message:
    """Say what is missing and what works without it."""
    return message(
        "tools_unavailable",
        "Missing: {lacking} ({reason}).\n"
        "With a mirror: {mirror}=https://... (holds pulumi-v{version}-linux-x64.tar.gz and its checksum file) "
        "and {plugin_mirror}=https://...\n"
        "Without any network: ./photos plan shows what would be created, and ./photos demo starts a whole album on "
        "this machine from Debian packages.",
        lacking=", ".join(lacking),
        reason=reason,
        mirror=MIRROR,
        version=version("pulumi"),
        plugin_mirror=PLUGIN_MIRROR,
    )


def install_pulumi(release: str) -> None:
    """Download the Pulumi command, compare it with the release's published checksum, unpack it."""
    machine = MACHINES.get(platform.machine())
    if not machine:
        fail(
            message(
                "pulumi_no_machine",
                "Pulumi is not published for {machine}. Build it from its source and put it on PATH.",
                machine=platform.machine(),
            )
        )
    archive = f"pulumi-v{release}-linux-{machine}.tar.gz"
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    expected = _published_checksum(mirror or CHECKSUMS.format(version=release), release, archive)
    with tempfile.TemporaryDirectory(dir=paths.make_private(paths.data_folder())) as scratch:
        file = Path(scratch, archive)
        found = _download(f"{mirror or RELEASES}/{archive}", file)
        if found != expected:
            fail(
                message(
                    "archive_altered",
                    "{archive} has the SHA-256 {found}, its release says {expected}. Nothing was installed.",
                    archive=archive,
                    found=found,
                    expected=expected,
                )
            )
        # Not tarfile: what keeps a member inside of the folder came with Python 3.11.4, and Debian 12 has 3.11.2.
        unpack = ["tar", "--extract", "--gzip", "--no-same-owner", "--file", str(file), "--directory", scratch]
        subprocess.run(unpack, check=True, capture_output=True)
        shutil.rmtree(paths.tools_folder(), ignore_errors=True)
        paths.make_private(paths.tools_folder().parent)
        shutil.move(Path(scratch, "pulumi"), paths.tools_folder())
    whose = (
        message("checksum_of_mirror", "in the checksum file of the mirror {mirror}, which you trust", mirror=mirror)
        if mirror
        else message("checksum_of_release", "published with the release")
    )
    say(
        message(
            "pulumi_is_in",
            "Pulumi {release} is in {folder}; its SHA-256 is the one {whose}.",
            release=release,
            folder=paths.tools_folder(),
            whose=whose,
        )
    )


def _published_checksum(base: str, release: str, archive: str) -> str:
    url = f"{base}/pulumi-{release}-checksums.txt"
    response = httpx.get(url, follow_redirects=True, timeout=30).raise_for_status()
    for line in response.text.splitlines():
        digest, _, name = line.partition(" ")
        if name.strip().lstrip("*") == archive:
            return digest.lower()
    return fail(
        message("archive_not_listed", "{url} does not list {archive}. Nothing was installed.", url=url, archive=archive)
    )


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
            message(
                "plugin_no_checksum",
                "Plugin {name} {wanted}: Pulumi's server publishes no checksum for it; the connection (TLS) is what is checked.",
                name=name,
                wanted=release,
            )
        )
    server = ["--server", mirror] if mirror else []
    subprocess.run(
        ["pulumi", "plugin", "install", "resource", name, release, "--exact", *server],
        env=engine.environment(stack),
        check=True,
    )
