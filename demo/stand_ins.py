"""The demo's images: stand-ins on a Debian base that mmdebstrap makes, which needs root for a minute, once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from cli import docker_host, paths
from cli.console import confirm, fail
from components.messages import Said, message
from demo.images.build import IMAGES, KEYRING, ImagesError, build, lacks_base
from demo.progress import Stages

SECONDS_TO_BUILD = 600
MMDEBSTRAP = ("mmdebstrap", "debian-archive-keyring")


def root_for_the_base() -> tuple[str, ...]:
    """Return what has to stand before mmdebstrap, which needs root; install it where it is missing, after asking."""
    with docker_host.connect() as client:
        if not lacks_base(client, _folder()):
            return ()
    missing = not (shutil.which("mmdebstrap") and KEYRING.exists())
    if os.geteuid() == 0:
        if missing:
            _install_mmdebstrap(
                message(
                    "demo_install_mmdebstrap",
                    "The demo's images are made with mmdebstrap, which is missing. Install it with apt-get?",
                )
            )
        return ()
    if not shutil.which("sudo"):
        fail(
            message(
                "demo_needs_root",
                "Nothing was created. The demo's images are made by mmdebstrap, which needs root once, and there is no sudo here. Run ./photos demo as root.",
            )
        )
    question = message(
        "demo_mmdebstrap", "The demo's images are made by mmdebstrap, which needs root (sudo) for a minute, once."
    )
    if missing:
        _install_mmdebstrap(
            message(
                "demo_install_and_run",
                "{question} It is missing. Install it with apt-get, and run it?",
                question=question,
            )
        )
    elif not confirm(message("demo_run_it", "{question} Run it?", question=question)):
        fail(message("demo_not_agreed", "Nothing was created. Agree, or run ./photos demo as root."))
    _become_root()
    return ("sudo",)


def _install_mmdebstrap(question: Said) -> None:
    if not shutil.which("apt-get"):
        fail(
            message(
                "demo_needs_mmdebstrap",
                "Nothing was created. The demo's images are made by mmdebstrap: install it by your distribution's way.",
            )
        )
    if not confirm(question):
        fail(
            message(
                "demo_not_installed",
                "Nothing was created. Run: sudo apt-get install {packages}, then ./photos demo",
                packages=" ".join(MMDEBSTRAP),
            )
        )
    if os.geteuid() != 0:
        _become_root()
    # A fresh machine has no lists yet.
    docker_host.as_root("apt-get", "update", "-qq")
    docker_host.as_root("apt-get", "install", "-qq", "-y", "--no-install-recommends", *MMDEBSTRAP)


def _become_root() -> None:
    """Let sudo ask for its password now, not below a moving line."""
    if subprocess.run(["sudo", "true"], check=False).returncode:
        fail(
            message(
                "demo_no_sudo",
                "Nothing was created. sudo does not let you in, and the demo's images are made by mmdebstrap, which needs root once. Run ./photos demo as root.",
            )
        )


def build_images(registry: str, stages: Stages, become_root: tuple[str, ...]) -> None:
    """Make what is missing of the stand-in images."""
    stages.stage(message("demo_looking_for_images", "Demo: looking for the stand-in images"))
    try:
        with docker_host.connect(seconds=SECONDS_TO_BUILD) as client:
            build(
                registry,
                cache=_folder(),
                echo=lambda step: stages.stage(message("demo_step", "Demo: {step}", step=step)),
                recipes=IMAGES,
                tell=stages.detail,
                become_root=become_root,
                client=client,
            )
    except ImagesError as error:
        fail(str(error))


def _folder() -> Path:
    return paths.data_folder() / "images"
