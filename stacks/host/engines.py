"""Which kind of engine answers: Docker's own daemon on this machine, or something that the album does not run on.

Each kind is known by what the engine says of itself. Rootless, userns-remap and Podman were tried (Docker 20.10.24,
Podman 4.3.1); the others are refused for what was reported of them.
"""

from __future__ import annotations

import platform
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psutil

from components.messages import Message
from stacks.host import Finding, advice, error, warning, wsl
from stacks.host.machine import Machine

CHECK = "docker"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an engine says of itself: `docker info` and `docker version`."""

    info: dict[str, Any]
    version: dict[str, Any]
    machine: Machine
    """Where it is said to run."""

    @property
    def security(self) -> set[str]:
        """The names of its security options."""
        words = (word for option in self.info.get("SecurityOptions") or () for word in option.split(","))
        return {word.removeprefix("name=") for word in words if word.startswith("name=")}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of engine: how it is known, and why the album does not run on it, with what to do instead."""

    is_this: Callable[[Answer], bool]
    said: tuple[Message, Message]


def _is_podman(answer: Answer) -> bool:
    return any(part.get("Name") == "Podman Engine" for part in answer.version.get("Components") or ())


def _is_desktop_in_a_machine_of_its_own(answer: Answer) -> bool:
    return _is_desktop(answer) and not wsl.in_wsl(answer.machine)


def _is_desktop(answer: Answer) -> bool:
    return answer.info.get("OperatingSystem") == "Docker Desktop"


def _is_snap(answer: Answer) -> bool:
    return str(answer.info.get("DockerRootDir")).startswith("/var/snap/")


def _is_elsewhere(answer: Answer) -> bool:
    """Whether it runs on another kernel, or has both another name and another memory than this machine."""
    info = answer.info
    if _is_desktop(answer) or not answer.machine.here:
        return False
    if info.get("KernelVersion", platform.release()) != platform.release():
        return True
    other_name = info.get("Name", socket.gethostname()) != socket.gethostname()
    return other_name and info.get("MemTotal") != psutil.virtual_memory().total


REFUSED = (
    Kind(
        is_this=lambda answer: answer.info.get("OSType") == "windows",
        said=advice(
            "engine_of_windows",
            "this is Docker for Windows containers: the album is made of Linux containers",
            "Install Docker inside WSL: ./photos setup",
        ),
    ),
    Kind(
        is_this=_is_podman,
        said=advice(
            "engine_podman",
            "this is Podman, which answers in Docker's place: it drops the limits of the logs, checks health only where "
            "systemd runs, and cannot ask a registry",
            "Remove podman-docker, or what leads here, and let ./photos setup install Docker",
        ),
    ),
    Kind(
        is_this=_is_desktop_in_a_machine_of_its_own,
        said=advice(
            "engine_desktop",
            "this is Docker Desktop outside of WSL: it runs in a virtual machine, which gets at the photos only through a "
            "share",
            "Use this machine's own Docker: `docker context use default`, then ./photos setup",
        ),
    ),
    Kind(
        is_this=_is_elsewhere,
        said=advice(
            "engine_elsewhere",
            "this is a Docker on another machine: its folders, ports and disks cannot be looked at from here",
            "Write photos:host: ssh://user@host in the stack file, or run ./photos on that machine",
        ),
    ),
    Kind(
        is_this=lambda answer: "rootless" in answer.security,
        said=advice(
            "engine_rootless",
            "this is a rootless Docker: to its containers the photos belong to nobody, and what they write belongs to a "
            "number like 100999",
            "Use the system's Docker: `docker context use default`, `unset DOCKER_HOST`, then ./photos setup",
        ),
    ),
    Kind(
        is_this=lambda answer: "userns" in answer.security,
        said=advice(
            "engine_userns_remap",
            "this is a Docker with userns-remap: to its containers the photos belong to nobody, and what they write belongs "
            "to a number like 100999",
            'Take "userns-remap" out of /etc/docker/daemon.json and restart Docker',
        ),
    ),
    Kind(
        is_this=_is_snap,
        # https://bugs.launchpad.net/snapd/+bug/1908448
        said=advice(
            "engine_snap",
            "this is the Docker of snap: its AppArmor rules stop every container with an init and no-new-privileges, as all "
            "of the album's are",
            "`sudo snap disable docker`, then ./photos setup installs Debian's or Ubuntu's own",
        ),
    ),
)
"""In this order: the first that fits is the one to tell."""


def check_engine(machine: Machine, info: dict[str, Any], version: dict[str, Any]) -> Iterator[Finding]:
    """Say of an engine that the album does not run on which it is; of Docker's own daemon here, nothing."""
    answer = Answer(info=info, version=version, machine=machine)
    for kind in REFUSED:
        if kind.is_this(answer):
            yield error(CHECK, *kind.said)
            return
    if _is_desktop(answer):
        yield warning(
            CHECK,
            *advice(
                "engine_desktop_in_wsl",
                "Docker Desktop is untested here, and starts only when somebody logs in to Windows",
                "docker-ce inside the distribution is tested",
            ),
        )
