"""Several Docker daemons on one machine, each in a network namespace of its own, joined by a switch and one swarm.

The switch is in a namespace, too: nothing of the machine's own network is touched. All daemons see one disk: give each host folders of its own.
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
    """One host: its namespace, its address on its cable, and its Docker."""

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

    def plug_in(self) -> None:
        """Give its cable, which leads to the others, its address, and put it in."""
        _run(*self.inside, "ip", "address", "add", f"{self.address}/24", "dev", "cable")
        self.join()

    def join(self, *, cable: str = "cable") -> None:
        """Put its cable back."""
        _run(*self.inside, "ip", "link", "set", cable, "up")


@contextlib.contextmanager
def in_one_swarm(root: Path, names: Sequence[str] = ("nas", "gpu")) -> Iterator[dict[str, Daemon]]:
    """Yield daemons by name, the first of which manages a swarm that all are in; end them with the block."""
    root.mkdir(parents=True, exist_ok=True)
    switch = f"photos{os.getpid()}-switch"
    with contextlib.ExitStack() as cleanup:
        cleanup.enter_context(network(switch))
        _run("ip", "-n", switch, "link", "add", "switch", "type", "bridge")
        _run("ip", "-n", switch, "link", "set", "switch", "up")
        made = {}
        for number, name in enumerate(names, 1):
            daemon = Daemon(namespace=f"photos{os.getpid()}-{name}", address=f"10.221.0.{number}", folder=root / name)
            cleanup.enter_context(network(daemon.namespace))
            _run(
                "ip", "link", "add", "name", name, "netns", switch,
                "type", "veth", "peer", "name", "cable", "netns", daemon.namespace,
            )  # fmt: skip
            _run("ip", "-n", switch, "link", "set", "dev", name, "master", "switch", "up")
            daemon.plug_in()
            cleanup.enter_context(running(daemon))
            made[name] = daemon
        form_swarm(*made.values())
        yield made


@contextlib.contextmanager
def network(namespace: str) -> Iterator[None]:
    """Have a network namespace with nothing but its loopback."""
    _run("ip", "netns", "add", namespace)
    try:
        _run("ip", "-n", namespace, "link", "set", "lo", "up")
        yield
    finally:
        _run("ip", "netns", "del", namespace)


def form_swarm(first: Daemon, *others: Daemon) -> None:
    """Make a swarm that the first manages and the others are in; whichever they were in is lost."""
    with contextlib.ExitStack() as stack:
        manager, *workers = (stack.enter_context(contextlib.closing(each.connect())) for each in (first, *others))
        for client in (*workers, manager):
            if client.info()["Swarm"]["LocalNodeState"] != "inactive":
                client.swarm.leave(force=True)
        manager.swarm.init(advertise_addr=first.address, default_addr_pool=[ADDRESS_POOL])
        token = manager.swarm.attrs["JoinTokens"]["Worker"]
        for daemon, worker in zip(others, workers, strict=True):
            worker.swarm.join([first.address], join_token=token, advertise_addr=daemon.address)


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
            if process.poll() is None:  # else its power was taken
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
