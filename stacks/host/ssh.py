"""A line to another machine: one connection of OpenSSH, through which Docker's socket, files and pages there are reached.

It is the person's own `ssh`: his keys, agent, known hosts and `~/.ssh/config` count. The connection stays for a while
after its last use (ssh_config(5), ControlPersist), so that `pulumi`, the provider and the next command find it.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import stat
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from components.messages import Message
from stacks.findings import advice

if TYPE_CHECKING:
    from paramiko.channel import Channel
    from paramiko.sftp_client import SFTPClient

DOCKER_SOCKET = "/var/run/docker.sock"
FOLDER = Path("/tmp") / f"photos-{os.geteuid()}"  # noqa: S108 - made for its owner alone, or refused
"""Where the sockets of all lines are: short, since a socket's path has 107 bytes, and the same at every run, since the
provider's state holds it."""
PERSIST_SECONDS, CONNECT_SECONDS = 900, 15
FIRST_FREE_PORT = 1024
OPTIONS = {
    "ControlPersist": str(PERSIST_SECONDS),
    "ConnectTimeout": str(CONNECT_SECONDS),
    "ServerAliveInterval": "10",
    "ServerAliveCountMax": "3",
    "ExitOnForwardFailure": "yes",
    "StreamLocalBindUnlink": "yes",
    "StreamLocalBindMask": "0177",
}


class LineError(Exception):
    """There is no way to that machine. `said`: why, and what to do."""

    def __init__(self, said: tuple[Message, Message]) -> None:
        self.said = said
        super().__init__(f"{said[0]}. {said[1]}")


class Line:
    """The line to `url`, e.g. ssh://family@nas or ssh://family@nas:2222. Opened by the first thing that needs it."""

    def __init__(self, url: str) -> None:
        self.url = url
        address = urlsplit(url)
        self.host = address.hostname or ""
        self.user = address.username or getpass.getuser()
        port = f"-p {address.port} " if address.port else ""
        self.login = f"ssh {port}{address.netloc.removesuffix(f':{address.port}')}"
        """What a person types to get there."""
        self._target = f"ssh://{address.netloc}"
        digest = hashlib.sha256(self._target.encode()).hexdigest()[:12]
        self.folder = FOLDER / digest
        """Where the sockets of this line are; nobody else may enter it."""
        self._refused: LineError | None = None

    @property
    def docker_socket(self) -> Path:
        """The socket here that leads to Docker there."""
        return self.folder / "docker.sock"

    def open(self) -> None:
        """Have the line open.

        Raises:
            LineError: when it cannot be opened.
        """
        if self._refused:
            raise self._refused
        if self._control("check").returncode == 0:
            return
        _make_private(FOLDER)
        _make_private(self.folder)
        self._control("exit")  # of one that hangs, nothing is left in the way
        options = [word for name, value in OPTIONS.items() for word in ("-o", f"{name}={value}")]
        if not sys.stdin.isatty():
            options += ["-o", "BatchMode=yes"]
        forward = f"{self.docker_socket}:{DOCKER_SOCKET}"
        done = _ssh("-M", "-N", "-f", "-S", str(self._master), *options, "-L", forward, self._target)
        if done.returncode:
            # Many things ask for a machine that is off, and nobody waits for it more than once.
            self._refused = LineError(_reason(self, done.stderr))
            raise self._refused

    @property
    def address(self) -> str:
        """The address of loopback, e.g. 127.83.12.7, at which this machine finds what is forwarded: one for each line."""
        first, second, third, *_ = hashlib.sha256(self._target.encode()).digest()
        return f"127.{64 + first % 64}.{second}.{1 + third % 254}"

    def forward(self, published: str, port: int) -> None:
        """Lead a port of `address` to the same port of an address there; what only root may have here is left out."""
        if port >= FIRST_FREE_PORT or os.geteuid() == 0:
            self.open()
            self._control("forward", "-L", f"{self.address}:{port}:{published}:{port}")

    def close(self) -> None:
        """End the line, with all that uses it."""
        self._control("exit")

    def run(self, *command: str) -> str:
        """Run a program there and return what it writes; `command` goes through a shell, so its words are plain.

        Raises:
            LineError: when it fails.
        """
        self.open()
        done = _ssh("-S", str(self._master), self._target, "--", *command)
        if done.returncode:
            raise LineError(_reason(self, done.stderr))
        return done.stdout

    def files(self) -> SFTPClient:
        """Return the file tree there, by SFTP.

        Raises:
            LineError: when that machine shows none.
        """
        # Half a second, which only a stack on another machine pays.
        from paramiko.sftp_client import SFTPClient  # noqa: PLC0415
        from paramiko.ssh_exception import SSHException  # noqa: PLC0415

        self.open()
        channel = Subsystem(
            self.host, ["ssh", "-S", str(self._master), "-o", "BatchMode=yes", "-s", self._target, "sftp"]
        )
        try:
            return SFTPClient(cast("Channel", channel))
        except (SSHException, LineError):
            channel.close()
            raise LineError(no_files(self.host)) from None

    @property
    def _master(self) -> Path:
        return self.folder / "control"

    def _control(self, order: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _ssh("-S", str(self._master), "-O", order, *arguments, self._target)


class Subsystem:
    """A program that speaks SFTP, as much of a channel of paramiko as its `SFTPClient` needs."""

    def __init__(self, host: str, command: list[str]) -> None:
        self._host = host
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )

    def get_name(self) -> str:
        """Return what the log calls it."""
        return "sftp"

    def send(self, data: bytes) -> int:
        """Send some of `data`; return how much."""
        assert self._process.stdin
        try:
            return self._process.stdin.write(data) or 0
        except BrokenPipeError:
            raise self._lost() from None

    def recv(self, size: int) -> bytes:
        """Return at most `size` bytes."""
        assert self._process.stdout
        if data := self._process.stdout.read(size):
            return data
        raise self._lost()

    def _lost(self) -> LineError:
        """Return what is no OSError: a file that cannot be asked for is not one that is not there."""
        return LineError(
            advice(
                "ssh_line_lost",
                "the connection to {host} was cut",
                "Run it again; nothing is half done that the next run does not finish",
                host=self._host,
            )
        )

    def close(self) -> None:
        """End it."""
        with self._process as process:
            process.terminate()


@cache
def line(url: str) -> Line:
    """Return the line to `url`; one per process."""
    return Line(url)


def _ssh(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["ssh", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise LineError(
            advice("ssh_missing", "there is no ssh on this machine", "sudo apt-get install openssh-client")
        ) from None


def _make_private(folder: Path) -> None:
    """Make a folder of one's own; refuse one that somebody else made first."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise LineError(
            advice(
                "ssh_folder_foreign",
                "{folder} is not a folder of yours alone, and Docker's socket would be in it",
                "Take it away: {removal}",
                folder=folder,
                removal=f"sudo rm -r {folder}",
            )
        )


def no_files(host: str) -> tuple[Message, Message]:
    """Return that a machine shows nothing by SFTP, or only a part: on some a user sees shares and no /proc."""
    return advice(
        "ssh_no_files",
        "{host} lets you in by ssh, and does not show its files by SFTP",
        "There, in /etc/ssh/sshd_config: `Subsystem sftp internal-sftp`, and no ChrootDirectory for your user",
        host=host,
    )


def no_docker_there(to: Line) -> tuple[Message, Message]:
    """Return why Docker does not answer at the other end of an open line."""
    if not to.run(f"test -S {DOCKER_SOCKET} && echo there || true").strip():
        return advice(
            "ssh_no_docker",
            "no Docker runs on {host}: there is no {socket}",
            "Install and start it there, e.g. sudo apt-get install docker.io",
            host=to.host,
            socket=DOCKER_SOCKET,
        )
    return advice(
        "ssh_docker_closed",
        "the Docker on {host} does not answer {user}",
        "There: sudo usermod -aG docker {user}, and sudo systemctl start docker",
        host=to.host,
        user=to.user,
    )


def _reason(to: Line, errors: str) -> tuple[Message, Message]:
    """Return why ssh did not come through, from what it says (OpenSSH: sshconnect.c, sshconnect2.c, ssh.c)."""
    reason = re.sub(r"\s+", " ", errors.strip().splitlines()[-1] if errors.strip() else "no answer")
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in errors:
        return advice(
            "ssh_key_changed",
            "{host} shows another key than before: it was set up anew, or it is another machine",
            "If you know why: `ssh-keygen -R {host}`, then `{login}` and compare the fingerprint",
            host=to.host,
            login=to.login,
        )
    if "Host key verification failed" in errors:
        return advice(
            "ssh_key_unknown",
            "{host} is not known to ssh here yet",
            "`{login}` once, and compare the fingerprint with the one that it shows there",
            host=to.host,
            login=to.login,
        )
    if "Permission denied" in errors or "Too many authentication failures" in errors:
        return advice(
            "ssh_not_let_in",
            "{host} does not let {user} in by ssh ({reason})",
            "Is the user right? `ssh-copy-id {user}@{host}` brings your key there; one with a passphrase goes into ssh-agent",
            host=to.host,
            user=to.user,
            reason=reason,
        )
    if "Could not resolve hostname" in errors:
        return advice(
            "ssh_no_name",
            "no machine is called {host} here",
            "Write the name or address that `{login}` reaches",
            host=to.host,
            login=to.login,
        )
    return advice(
        "ssh_no_answer",
        "{host} does not answer by ssh ({reason})",
        "Is it on, and in this network? `{login}` must come through first",
        host=to.host,
        reason=reason,
        login=to.login,
    )
