"""Several Docker daemons on one machine, each in a network namespace of its own, joined by one cable and one swarm.

No bridge and no rule of the machine's own network is touched. All daemons see one disk: give each host folders of its own.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException

ADDRESS_POOL = "10.222.0.0/16"
"""Out of which the swarm's networks come: none that a home has."""
SECONDS_TO_START = 60


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """One host: its namespace, its address on the cable, and its Docker."""

    namespace: str
    address: str
    folder: Path

    @property
    def url(self) -> str:
        """Where its Docker listens."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def network(self) -> Path:
        """The file that stands for its network."""
        return Path("/run/netns", self.namespace)

    @property
    def inside(self) -> tuple[str, ...]:
        """What begins a command that runs in its network. Not `ip netns exec`: it mounts another /sys, without cgroups."""
        return ("nsenter", f"--net={self.network}")

    def connect(self) -> docker.DockerClient:
        """Connect to its Docker."""
        return docker.DockerClient(base_url=self.url, timeout=120)

    def cut(self, *, cable: str = "cable") -> None:
        """Take its cable out."""
        _run(*self.inside, "ip", "link", "set", cable, "down")

    def join(self, *, cable: str = "cable") -> None:
        """Put its cable back."""
        _run(*self.inside, "ip", "link", "set", cable, "up")


@contextlib.contextmanager
def two_hosts(root: Path, names: Sequence[str] = ("nas", "gpu")) -> Iterator[dict[str, Daemon]]:
    """Yield two daemons by name, the first of which manages a swarm that the second is in; end them with the block."""
    root.mkdir(parents=True, exist_ok=True)
    first, second = (
        Daemon(namespace=f"photos{os.getpid()}-{name}", address=f"10.221.0.{number}", folder=root / name)
        for number, name in enumerate(names, 1)
    )
    with contextlib.ExitStack() as cleanup:
        for daemon in (first, second):
            _run("ip", "netns", "add", daemon.namespace)
            cleanup.callback(_run, "ip", "netns", "del", daemon.namespace)
            _run(*daemon.inside, "ip", "link", "set", "lo", "up")
        _run(
            "ip", "link", "add", "cable", "netns", first.namespace,
            "type", "veth", "peer", "name", "cable", "netns", second.namespace,
        )  # fmt: skip
        for daemon in (first, second):
            _run(*daemon.inside, "ip", "address", "add", f"{daemon.address}/24", "dev", "cable")
            daemon.join()
            cleanup.enter_context(running(daemon))
        form_swarm(first, second)
        yield dict(zip(names, (first, second), strict=True))


def form_swarm(first: Daemon, second: Daemon) -> None:
    """Make a swarm that the first manages and the second is in; whichever they were in is lost."""
    with contextlib.closing(first.connect()) as manager, contextlib.closing(second.connect()) as worker:
        for client in (worker, manager):
            if client.info()["Swarm"]["LocalNodeState"] != "inactive":
                client.swarm.leave(force=True)
        manager.swarm.init(advertise_addr=first.address, default_addr_pool=[ADDRESS_POOL])
        token = manager.swarm.attrs["JoinTokens"]["Worker"]
        worker.swarm.join([first.address], join_token=token, advertise_addr=second.address)


@contextlib.contextmanager
def running(daemon: Daemon) -> Iterator[None]:
    """Run a daemon's dockerd until the end of the block; what it keeps stays in its folder."""
    folder = daemon.folder
    folder.mkdir(exist_ok=True)
    command = [
        *daemon.inside, "dockerd", "--host", daemon.url, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec",
        "--pidfile", f"{folder}/docker.pid", "--containerd-namespace", daemon.namespace,
        "--containerd-plugins-namespace", f"{daemon.namespace}-plugins",
    ]  # fmt: skip
    with (folder / "dockerd.log").open("a") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _await(daemon, process)
            yield
        finally:
            _remove_containers(daemon)
            process.terminate()


def _await(daemon: Daemon, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and process.poll() is None:
        # A client of docker-py that finds nobody leaves its socket open.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as knock:
            knock.connect(str(daemon.folder / "docker.sock"))
            return
        time.sleep(0.1)
    process.terminate()
    msg = f"dockerd of {daemon.namespace} does not answer: {(daemon.folder / 'dockerd.log').read_text()[-2000:]}"
    raise RuntimeError(msg)


def _remove_containers(daemon: Daemon) -> None:
    with contextlib.suppress(DockerException), contextlib.closing(daemon.connect()) as client:
        for container in client.containers.list(all=True):
            container.remove(force=True)


def load_images(daemon: Daemon, names: Sequence[str]) -> None:
    """Load images of this machine's own Docker into a host's, with their names: no registry takes part."""
    with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as saving:
        subprocess.run(
            ["docker", "--host", daemon.url, "load", "--quiet"], stdin=saving.stdout, check=True, capture_output=True
        )


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
