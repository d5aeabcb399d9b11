"""A machine of its own on this one: other mounts, another network, its own Docker and sshd, and a user who may use both.

Nothing reaches it but `ssh`: its sshd is started by the connection (sshd(8), -i) inside of its namespaces.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker

UID = 1234
"""One that PhotoPrism runs as."""
ADDRESS = "10.77.0.9"
SECONDS_TO_START = 60
BEGIN = """
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /srv
mkdir -p /run/sshd /srv/home /srv/photos/originals/phones /srv/photos/import
cp {root}/key.pub /srv/home/authorized_keys
chown -R {uid}:{uid} /srv/home /srv/photos
mount --bind {root}/passwd /etc/passwd
mount --bind {root}/group /etc/group
ip link set lo up
ip link add eth0 type veth peer name cable
ip address add {address}/24 dev eth0
ip link set eth0 up
exec sleep infinity
"""
SSHD = """
HostKey {root}/host_key
AuthorizedKeysFile /srv/home/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp {sftp}
"""
CLIENT = """
Host {name}
  User family
  ProxyCommand {inside} /usr/sbin/sshd -i -f {root}/sshd_config
Host *
  IdentityFile {root}/key
  IdentitiesOnly yes
  UserKnownHostsFile {root}/known_hosts
"""


@dataclass(frozen=True)
class FarMachine:
    """`name` is what `ssh` calls it; `folder` has its keys, and in `bin` an `ssh` that knows the way."""

    name: str
    folder: Path
    pid: int

    @property
    def inside(self) -> list[str]:
        """What begins a command that runs there."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--net"]

    def run(self, *command: str) -> str:
        """Run a command there and return what it prints."""
        return subprocess.run([*self.inside, *command], check=True, capture_output=True, text=True).stdout

    def connect(self) -> docker.DockerClient:
        """Connect to its Docker past ssh, to see what is there."""
        return docker.DockerClient(base_url=f"unix:///proc/{self.pid}/root/run/docker.sock", timeout=120)

    def cable_to(self, namespace: str) -> None:
        """Put the other end of its cable into a network namespace, where it is called `cable`."""
        inside = ("nsenter", f"--target={self.pid}", "--net")
        subprocess.run([*inside, "ip", "link", "set", "cable", "netns", namespace], check=True)

    def show_files(self, sftp: str) -> None:
        """Let its sshd show files by this program from the next connection on."""
        (self.folder / "sshd_config").write_text(SSHD.format(root=self.folder, sftp=sftp))

    @contextlib.contextmanager
    def docker(self) -> Iterator[None]:
        """Run its Docker until the end of the block; what it keeps stays in its folder."""
        command = [
            *self.inside, "dockerd", "--data-root", f"{self.folder}/docker", "--exec-root", "/run/docker-far",
            "--pidfile", "/run/docker-far.pid",
        ]  # fmt: skip
        with (
            (self.folder / "dockerd.log").open("a") as log,
            subprocess.Popen(command, stdout=log, stderr=log) as daemon,
        ):
            try:
                self._await(daemon)
                yield
            finally:
                with contextlib.suppress(subprocess.CalledProcessError):
                    if names := self.run("docker", "ps", "-aq").split():
                        self.run("docker", "rm", "-f", *names)
                daemon.terminate()

    def load(self, names: list[str]) -> None:
        """Load images of this machine's own Docker: no registry takes part."""
        with subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as saving:
            subprocess.run([*self.inside, "docker", "load", "--quiet"], stdin=saving.stdout, check=True)

    def containers(self) -> dict[str, str]:
        """Return name → Docker's status of its containers."""
        rows = self.run("docker", "ps", "-a", "--format", "{{json .}}").splitlines()
        return {row["Names"]: row["Status"] for row in map(json.loads, rows)}

    def _await(self, daemon: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < end and daemon.poll() is None:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.run("docker", "info", "--format", "{{.ID}}")
                return
            time.sleep(0.3)
        raise RuntimeError((self.folder / "dockerd.log").read_text()[-2000:])


@contextlib.contextmanager
def far_machine(folder: Path, name: str = "nas") -> Iterator[FarMachine]:
    """Yield a machine that `PATH=<folder>/bin` reaches as ssh://family@<name>; it ends with the block."""
    (folder / "bin").mkdir(parents=True)
    for key in ("host_key", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    (folder / "known_hosts").write_text(f"{name} {(folder / 'host_key.pub').read_text()}")
    for account, line in (("passwd", f"family:*:{UID}:{UID}::/srv/home:/bin/sh"), ("group", f"family:x:{UID}:")):
        (folder / account).write_text(_with_family(Path("/etc", account).read_text(), line))
    begin = BEGIN.format(uid=UID, root=folder, address=ADDRESS)
    command = ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", begin]
    with subprocess.Popen(command) as holder:
        try:
            machine = FarMachine(name, folder, holder.pid)
            machine.show_files("internal-sftp")
            (folder / "ssh_config").write_text(CLIENT.format(root=folder, name=name, inside=" ".join(machine.inside)))
            (folder / "bin/ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/ssh_config "$@"\n')
            (folder / "bin/ssh").chmod(0o755)
            _await_eth0(machine)
            yield machine
        finally:
            holder.kill()


def _with_family(accounts: str, line: str) -> str:
    """Return a list of accounts with the family's, which is in the group docker."""
    rows = [
        f"{row}{'' if row.endswith(':') else ','}family" if row.startswith("docker:") else row
        for row in accounts.splitlines()
    ]
    return "\n".join([*rows, line, ""])


def _await_eth0(machine: FarMachine) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        with contextlib.suppress(subprocess.CalledProcessError):
            if ADDRESS in machine.run("ip", "-o", "address"):
                return
        time.sleep(0.1)
    msg = "the far machine did not begin"
    raise RuntimeError(msg)
