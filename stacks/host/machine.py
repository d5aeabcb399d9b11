"""The machine that a stack lives on, as the checks look at it: this one, or one at the end of a line by ssh.

Its folders are paths like those of `pathlib`, so that a check reads the same for both.
"""

from __future__ import annotations

import ipaddress
import os
import shlex
import socket
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from stacks.host.far_path import FarPath
from stacks.host.mounts import MOUNTS, Mount, parsed
from stacks.host.ssh import Line, LineError, line, no_files

if TYPE_CHECKING:
    from paramiko.sftp_client import SFTPClient

MachinePath = Path | FarPath
"""A path of the machine that a stack lives on."""
ENTER_AND_WRITE = stat.S_IWOTH | stat.S_IXOTH
LISTENING = ("0A", "07")
"""TCP_LISTEN of net/tcp_states.h, and what a bound UDP socket that talks to nobody has (TCP_CLOSE)."""


class Machine(ABC):
    """A machine: its folders, mounts and addresses."""

    here = False
    """Whether it is the one that this runs on."""
    name = ""
    """What ssh calls it; "" for this one."""

    @abstractmethod
    def path(self, path: str) -> MachinePath:
        """Return a path of that machine."""

    @abstractmethod
    def mounts(self) -> Iterable[tuple[str, str]]:
        """Return mount point → type of the file system, e.g. "ext4"."""

    @abstractmethod
    def addresses(self) -> Mapping[str, list[str]]:
        """Return network interface → its addresses."""

    @abstractmethod
    def free_bytes(self, folder: MachinePath) -> int:
        """Return how much the user may still write on the file system of `folder`."""

    @abstractmethod
    def may_write(self, folder: MachinePath) -> bool:
        """Whether who runs this may make something in `folder`."""

    @abstractmethod
    def is_free(self, address: str, port: int) -> bool:
        """Whether nothing listens on this port there, be it TCP or UDP."""

    @abstractmethod
    def person(self) -> tuple[int, int]:
        """Return uid and gid of who makes something there; 0 for root."""

    @abstractmethod
    def give(self, path: MachinePath, uid: int, gid: int) -> None:
        """Give a file or folder to somebody; -1 leaves user or group as it is."""

    @abstractmethod
    def files(self, folder: MachinePath) -> Iterator[tuple[str, int, float]]:
        """Return name, size in bytes and time of change of each file below `folder`; what may not be seen is left out."""

    @abstractmethod
    def swap_bytes(self) -> int:
        """Return how much swap it has."""

    def own_addresses(self) -> set[str]:
        """Return every address that it has, of whatever kind."""
        return {address for found in self.addresses().values() for address in found}

    def is_mount(self, path: MachinePath) -> bool:
        """Whether something is mounted exactly there."""
        return str(path) in {point for point, _ in self.mounts()}

    def file_system(self, path: str | MachinePath) -> str:
        """Return the type of the file system that holds `path`, e.g. "ext4" or "9p"."""
        real = str(self.path(str(path)).resolve())
        holding = [
            (len(point), kind)
            for point, kind in self.mounts()
            if real == point or real.startswith(point.rstrip("/") + "/")
        ]
        return max(holding, default=(0, "unknown"))[1]


class Here(Machine):
    """This machine."""

    here = True

    def path(self, path: str) -> MachinePath:  # noqa: D102
        return Path(path)

    def mounts(self) -> Iterable[tuple[str, str]]:  # noqa: D102
        return ((part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True))

    def addresses(self) -> Mapping[str, list[str]]:  # noqa: D102
        return {name: [each.address for each in entries] for name, entries in psutil.net_if_addrs().items()}

    def free_bytes(self, folder: MachinePath) -> int:  # noqa: D102
        return int(psutil.disk_usage(str(folder)).free)

    def may_write(self, folder: MachinePath) -> bool:  # noqa: D102
        return os.access(folder, os.W_OK | os.X_OK)

    def is_mount(self, path: MachinePath) -> bool:  # noqa: D102
        return os.path.ismount(path)

    def person(self) -> tuple[int, int]:  # noqa: D102
        return os.geteuid(), os.getegid()

    def give(self, path: MachinePath, uid: int, gid: int) -> None:  # noqa: D102
        os.chown(path, uid, gid)

    def files(self, folder: MachinePath) -> Iterator[tuple[str, int, float]]:  # noqa: D102
        for above, _, names in os.walk(folder):
            for name in names:
                with suppress(OSError):  # it went meanwhile
                    found = Path(above, name).lstat()
                    yield name, found.st_size, found.st_mtime

    def swap_bytes(self) -> int:  # noqa: D102
        return int(psutil.swap_memory().total)

    def is_free(self, address: str, port: int) -> bool:
        """Whether both can be bound; a port below 1024, which only Docker may, is looked for."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(family, kind) as probe:
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                if kind is socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except PermissionError:
                    return port not in {held.laddr.port for held in psutil.net_connections("inet") if held.laddr}
                except OSError:
                    return False
        return True


class Far(Machine):
    """The machine at the end of a line. What does not change while one looks is asked once."""

    def __init__(self, to: Line) -> None:
        self._line, self.name = to, to.host

    def path(self, path: str) -> MachinePath:  # noqa: D102
        return self._paths(path)

    def mounts(self) -> Iterable[tuple[str, str]]:  # noqa: D102
        return ((mount.point, mount.kind) for mount in self._mounts)

    def addresses(self) -> Mapping[str, list[str]]:  # noqa: D102
        return self._addresses

    @cached_property
    def _addresses(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for words in (row.split() for row in self._line.run("ip -o address").splitlines()):
            found.setdefault(words[1].partition("@")[0], []).append(words[3].partition("/")[0])
        return found

    def free_bytes(self, folder: MachinePath) -> int:  # noqa: D102
        table = self._line.run("df -Pk --", shlex.quote(str(folder)))
        return int(table.splitlines()[-1].split()[-3]) * 1024

    def may_write(self, folder: MachinePath) -> bool:  # noqa: D102
        uid, groups = self._ids
        found = folder.stat()
        if uid == 0:
            return True
        shift = 6 if found.st_uid == uid else 3 if found.st_gid in groups else 0
        return found.st_mode >> shift & ENTER_AND_WRITE == ENTER_AND_WRITE

    def person(self) -> tuple[int, int]:  # noqa: D102
        uid, groups = self._ids
        return uid, groups[0]

    def give(self, path: MachinePath, uid: int, gid: int) -> None:  # noqa: D102
        found = path.stat()
        self._files.chown(str(path), found.st_uid if uid < 0 else uid, found.st_gid if gid < 0 else gid)

    def files(self, folder: MachinePath) -> Iterator[tuple[str, int, float]]:  # noqa: D102
        with suppress(OSError):
            for entry in self._files.listdir_attr(str(folder)):
                if stat.S_ISDIR(entry.st_mode or 0):
                    yield from self.files(folder / entry.filename)
                else:
                    yield entry.filename, entry.st_size or 0, entry.st_mtime or 0

    def swap_bytes(self) -> int:  # noqa: D102
        text = self.path("/proc/meminfo").read_text()
        return next((int(row.split()[1]) * 1024 for row in text.splitlines() if row.startswith("SwapTotal:")), 0)

    def is_free(self, address: str, port: int) -> bool:
        """Whether the kernel lists nobody at it: proc(5), /proc/net/tcp."""
        tables = [self.path(f"/proc/net/{name}") for name in ("tcp", "tcp6", "udp", "udp6")]
        rows = [row.split() for table in tables if table.exists() for row in table.read_text().splitlines()[1:]]
        held = {_address(row[1]) for row in rows if row[3] in LISTENING}
        everywhere = {"0.0.0.0", "::"}  # noqa: S104 - compared with
        return not any(
            number == port and (address in everywhere or holder in {address, *everywhere}) for holder, number in held
        )

    def close(self) -> None:
        """End what shows the files."""
        if "_files" in vars(self):
            self._files.close()

    @cached_property
    def _ids(self) -> tuple[int, list[int]]:
        uid, *groups = self._line.run("id -u; id -g; id -G").split()
        return int(uid), list(map(int, groups))

    @cached_property
    def _paths(self) -> type[FarPath]:
        return FarPath.bound(self._files, tuple((mount.point, mount.device) for mount in self._mounts))

    @cached_property
    def _mounts(self) -> tuple[Mount, ...]:
        try:
            text = FarPath.bound(self._files, ())(MOUNTS).read_text("utf-8", "surrogateescape")
        except OSError:
            raise LineError(no_files(self.name)) from None
        return tuple(parsed(text))

    @cached_property
    def _files(self) -> SFTPClient:
        return self._line.files()


HERE = Here()


@cache
def machine_at(url: str | None) -> Machine:
    """Return the machine that `photos:host` names; without one, this. Opens nothing yet."""
    return Far(line(url)) if url else HERE


def _address(text: str) -> tuple[str, int]:
    """Return address and port as /proc/net has them: words in the machine's order of bytes.

    >>> _address("0100007F:0926")
    ('127.0.0.1', 2342)
    """
    words, _, port = text.partition(":")
    packed = b"".join(bytes.fromhex(words[at : at + 8])[::-1] for at in range(0, len(words), 8))
    return str(ipaddress.ip_address(packed)), int(port, 16)
