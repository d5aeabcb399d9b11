"""Make sure that Docker answers: install it, start it, and join its group, each after asking."""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, closing
from pathlib import Path

import docker
import psutil
from docker.errors import DockerException

from cli import paths, stackfile
from cli.console import confirm, fail, say, warn
from components.messages import message
from stacks.findings import Finding
from stacks.host.endpoint import DockerEndpoint, EndpointError, resolve
from stacks.names import OWN_GROUP

SECONDS_TO_START = 60
SECONDS_TO_ANSWER = 10
JOINED = "PHOTOS_JOINED_DOCKER_GROUP"


def ensure(stack: str | None = None) -> None:
    """Return when Docker answers; otherwise set it up or end with what to do."""
    try:
        endpoint = endpoint_of(stack)
    except EndpointError:
        return  # the checks say so, together with everything else
    if os.environ.get(JOINED):
        _await()
    if answers(stack):
        return
    if endpoint.line and (why := _silent_there(endpoint)):
        fail(why.line)
    if endpoint.named_by:
        fail(
            message(
                "docker_named_no_answer",
                "{named_by} is {url}, and nothing answers there.",
                named_by=endpoint.named_by,
                url=endpoint.url,
            )
        )
    if not is_installed():
        _install()
    if not answers() and not (refuses() and _runs()):
        _start()
    if not answers() and os.geteuid() != 0:
        _join_group()
    if not answers():
        fail(
            message(
                "docker_installed_silent",
                "Docker is installed but does not answer. See: sudo journalctl -u docker, or ./photos doctor",
            )
        )


def _silent_there(endpoint: DockerEndpoint) -> Finding | None:
    """Return why the Docker of another machine does not answer; None where it does by now."""
    # The checks bring the models of the stack file along, which most commands do not wait for.
    from stacks.host.docker import unreachable  # noqa: PLC0415

    try:
        endpoint.connect(SECONDS_TO_ANSWER).close()
    except EndpointError as error:
        return error.finding
    except DockerException as problem:
        return unreachable(endpoint, problem)
    return None


def is_installed() -> bool:
    """Whether this machine has a Docker daemon. Debian's is in /usr/sbin, which only root has on PATH."""
    return bool(shutil.which("dockerd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"))


def endpoint_of(stack: str | None) -> DockerEndpoint:
    """Return the Docker of `stack`; without one, that of this environment.

    Raises:
        EndpointError: when it cannot be used.
    """
    return resolve(stackfile.docker_settings(stack) if stack else None)


def connect(stack: str | None = None, seconds: int = 180) -> AbstractContextManager[docker.DockerClient]:
    """Return a connection to the Docker of `stack`, for `with`; end the program where that cannot be used."""
    try:
        return closing(endpoint_of(stack).connect(seconds))
    except EndpointError as error:
        fail(error.finding.line)


def of_stack(identity: str | None) -> dict[str, str | list[str] | bool]:
    """Return the filter for what carries exactly this id."""
    return {"label": f"photos.id={identity}"}


def answers(stack: str | None = None) -> bool:
    """Whether the Docker daemon answers this user."""
    try:
        with closing(endpoint_of(stack).connect(SECONDS_TO_ANSWER)) as client:
            return bool(client.ping())
    except (DockerException, EndpointError):
        return False


def _install() -> None:
    if not shutil.which("apt-get"):
        fail(
            message("docker_missing", "Docker is missing. Install it by your distribution's way, then run this again.")
        )
    if not confirm(message("docker_install", "Docker is missing. Install docker.io with apt-get?")):
        fail(message("docker_not_installed", "Nothing was installed. Run: sudo apt-get install docker.io"))
    as_root("apt-get", "update", "-qq")
    as_root("apt-get", "install", "-y", "--no-install-recommends", "docker.io", "iptables")


def _start() -> None:
    if Path("/run/systemd/system").exists():
        if not confirm(
            message(
                "docker_enable",
                "Docker is not running. Start it, now and at every boot (systemctl enable --now docker)?",
            )
        ):
            fail(message("docker_not_enabled", "Nothing was started. Run: sudo systemctl enable --now docker"))
        as_root("systemctl", "enable", "--now", "docker")
    else:
        warn(
            message(
                "docker_no_systemd",
                "systemd is not running, so Docker will not start by itself after a reboot.\nIn WSL write these two lines into /etc/wsl.conf, then run `wsl --shutdown` in Windows:\n[boot]\nsystemd=true",
            )
        )
        if not confirm(message("docker_start", "Start Docker now, until the next reboot?")):
            fail(message("docker_not_started", "Nothing was started. Start Docker, then run this again."))
        as_root("service", "docker", "start")
    _await()


def _await() -> None:
    """Wait for a Docker that was just started; its socket may be an old one.

    Who may not open that cannot know who listens, so the wait goes on after joining the group.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while not answers() and time.monotonic() < deadline:
        if refuses():
            return
        time.sleep(1)


def refuses(stack: str | None = None) -> bool:
    """Whether the socket is there and closed to this user."""
    socket = endpoint_of(stack).socket
    return socket is not None and Path(socket).exists() and not os.access(socket, os.W_OK)


def _runs() -> bool:
    return any(process.info["name"] == "dockerd" for process in psutil.process_iter(["name"]))


def _join_group() -> None:
    """Add the user to the group `docker` and start this program again as its member."""
    user = pwd.getpwuid(os.getuid()).pw_name
    if os.environ.get(JOINED):
        fail(
            message(
                "docker_group_no_help", "The group docker does not help. Log out and in again, then run this again."
            )
        )
    try:
        members = grp.getgrnam("docker").gr_mem
    except KeyError:
        fail(
            message(
                "docker_no_group",
                "There is no group docker here, so only root may use Docker. Run: sudo groupadd docker, restart Docker, again",
            )
        )
    if user not in members:
        if not confirm(
            message(
                "docker_join_group",
                "Let {user} use Docker (member of the group docker, which is as strong as root)?",
                user=user,
            )
        ):
            fail(
                message(
                    "docker_not_joined",
                    "Nothing was changed. Run: sudo usermod -aG docker {user}, and log in again",
                    user=user,
                )
            )
        as_root("usermod", "-aG", "docker", user)
    say(
        message(
            "docker_group_entered",
            "Starting again as a member of the group docker; elsewhere you are one after your next login ...",
        )
    )
    command = shlex.join([sys.executable, "-m", "cli", *sys.argv[1:]])
    os.chdir(paths.PROJECT)
    os.environ[JOINED] = "1"
    # sg makes docker the group of every new file; a second sg gives up docker again (Debian 13).
    os.environ[OWN_GROUP] = str(os.getgid())
    os.execvp("sg", ["sg", "docker", "-c", command])  # noqa: S606 - the same program again


def as_root(*command: str) -> None:
    """Run a command as root, through sudo where needed; end the program when it fails."""
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    done = subprocess.run([*prefix, *command], check=False)
    if done.returncode:
        fail(message("command_failed", "{command} failed.", command=shlex.join([*prefix, *command])))


def install(file: Path, content: str, mode: str) -> None:
    """Write a file of the system as root; `mode` in octal digits."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="photos-") as written:
        written.write(content)
        written.flush()
        as_root("install", "-D", "-m", mode, written.name, str(file))
