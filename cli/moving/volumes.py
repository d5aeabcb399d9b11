"""Volumes carried from one Docker to another: a stream from a container there into one here, then compared file by file."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from select import select
from typing import Any

import docker
from docker.errors import NotFound
from docker.models.containers import Container
from docker.utils.socket import STDERR

from cli.attached import hang_up, send, told
from cli.upgrade.copying import FROM, TO, Copier, CopyError
from components.messages import message
from components.service import stack_labels

SECONDS_OF_SILENCE = 5
FREE = "df -B1 --output=avail / | tail -n1"
SEEN = (
    "set -euo pipefail; cd /from; du -s -B1 --apparent-size . | cut -f1; find . -mindepth 1 -printf x | wc -c; "
    "find . -mindepth 1 ! -type d -printf '%T@\\n' | sort -n -S 64M | tail -n1"
)
# pax: times to the nanosecond, and names of any length.
SEND = "tar -C /from --numeric-owner --sparse --format=pax -cf - ."
RECEIVE = (
    "set -euo pipefail; find /to -mindepth 1 -maxdepth 1 -exec rm -rf {} +; "
    "tar -C /to --numeric-owner --same-owner --delay-directory-restore -xpf -; sync -f /to"
)
# Of everything type, mode, owner and time, of a file its size, links and content; names as they are, so ended by NUL.
# Sockets are left out: whoever made one makes it again.
LIST = (
    "set -euo pipefail; cd /from; { find . \\( -type d -printf '%y %m %U:%G %T@ %P\\0' -o ! -type s "
    "-printf '%y %m %U:%G %n %s %T@ %P %l\\0' \\) | LC_ALL=C sort -z -S 64M; "
    "find . -type f -print0 | LC_ALL=C sort -z -S 64M | xargs -0r sha256sum -bz; } | sha256sum | cut -d' ' -f1"
)


@dataclass(frozen=True)
class Content:
    """What is in a volume: bytes, how many things, and when one of them was written last."""

    size: int
    entries: int
    written: datetime | None


class Side:
    """One Docker of a move. `tool` is an image with bash and GNU's tools that it has: MariaDB's."""

    def __init__(self, client: docker.DockerClient, stack: str, stack_id: str, tool: str) -> None:
        self.client = client
        self._labels, self._id = stack_labels(stack, stack_id), stack_id
        self._copier = Copier(client, stack, stack_id, tool)

    def clear(self) -> None:
        """Remove the container of a copy that was cut short."""
        self._copier.clear()

    def free(self) -> int:
        """Return how many bytes are free where Docker keeps its data. Makes no volume."""
        return int(self._copier.run(FREE, {}, read_only=()))

    def holds(self, volume: str) -> bool:
        """Whether there is a volume of this name."""
        return self._volume(volume) is not None

    def owns(self, volume: str) -> bool:
        """Whether a volume of this name is the stack's."""
        found = self._volume(volume)
        return found is not None and (found.attrs.get("Labels") or {}).get("photos.id") == self._id

    def users(self, volume: str) -> list[str]:
        """Return the running containers that have a volume mounted."""
        return sorted(str(each.name) for each in self.client.containers.list(filters={"volume": volume}))

    def content(self, volume: str) -> Content:
        """Return what is in a volume."""
        size, entries, *written = self._copier.run(SEEN, {FROM: volume}, read_only=(FROM,)).split()
        return Content(int(size), int(entries), datetime.fromtimestamp(float(written[0]), UTC) if written else None)

    def make(self, volume: str) -> None:
        """Have a volume of the stack."""
        self.client.volumes.create(volume, labels=self._labels)

    def remove(self, volume: str) -> None:
        """Remove a volume; one that is gone already is fine."""
        if found := self._volume(volume):
            found.remove()

    def digest(self, volume: str) -> str:
        """Return what is the same for two volumes only if all that is in them is."""
        return self._copier.run(LIST, {FROM: volume}, read_only=(FROM,))

    def sender(self, volume: str) -> Any:
        """Return the container that writes a volume out."""
        return self._copier.container(SEND, {FROM: volume}, read_only=(FROM,), log=False)

    def receiver(self, volume: str) -> Any:
        """Return the container that makes a volume what it reads."""
        return self._copier.container(RECEIVE, {TO: volume}, read_only=(), stdin=True)

    def _volume(self, name: str) -> Any:
        with suppress(NotFound):
            return self.client.volumes.get(name)
        return None


def carry(source: Side, target: Side, volume: str) -> None:
    """Make a volume of `target` what it is on `source`, which nobody may write to meanwhile; compare both.

    It can be cut short and done again: the source is only read.

    Raises:
        CopyError: it could not be copied, or differs.
    """
    target.make(volume)
    with source.sender(volume) as sender, target.receiver(volume) as receiver:
        errors = _pump(sender, receiver)
        # Where the receiver failed nobody reads any more, and the sender is not waited for.
        whole = all(int(each.wait(timeout=None)["StatusCode"]) == 0 for each in (receiver, sender))
        said = (errors + receiver.logs(stdout=False, stderr=True)).decode("utf-8", "replace").strip()
    if not whole:
        raise CopyError(message("move_copy_failed", "{volume} could not be copied: {said}", volume=volume, said=said))
    with ThreadPoolExecutor(2) as both:
        here, there = both.map(lambda side: side.digest(volume), (source, target))
    if here != there:
        raise CopyError(message("move_copy_differs", "what arrived of {volume} is not what was sent", volume=volume))


def _pump(sender: Container, receiver: Container) -> bytes:
    """Start both, hand what one writes to the other, and return the errors of the first."""
    # Both are listened to before they begin, so that nothing is missed.
    line = receiver.attach_socket(params={"stdin": 1, "stream": 1})
    reading = sender.attach_socket(params={"stdout": 1, "stderr": 1, "stream": 1})
    receiver.start()
    sender.start()
    into: Any = getattr(line, "_sock", line)
    into.setblocking(False)
    errors = b""
    # Who hangs up has a reason, and tells it.
    with suppress(BrokenPipeError, ConnectionError):
        for number, content in told(reading):
            if number == STDERR:
                errors = (errors + content)[-4000:]
            else:
                _write(into, content, receiver)
        send(line, b"")
    hang_up(line)
    return errors


def _write(into: socket.socket, content: bytes, receiver: Container) -> None:
    """Write all of it. Docker goes on holding the line of a container that has ended, and takes nothing any more (seen).

    Raises:
        BrokenPipeError: who should read has ended.
    """
    while content:
        if select([], [into], [], SECONDS_OF_SILENCE)[1]:
            content = content[into.send(content) :]
            continue
        receiver.reload()
        if receiver.status != "running":
            raise BrokenPipeError
