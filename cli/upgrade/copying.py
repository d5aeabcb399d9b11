"""Volumes copied cold, by a container that lives for it: of an image that is here, without a network and with few rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import LogConfig, Mount

from cli.upgrade.pulling import pull
from components.messages import Said, message
from components.service import stack_labels
from stacks.expected import prefix

FROM, TO = "/from", "/to"
MEMORY, SCRATCH = "512m", "256m"
RIGHTS = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID")
"""What a copy that keeps owners and modes needs; nothing else."""
NO_LOG = LogConfig(type="none")
# Folders as Docker's name has them, without a slash or a quote: they are the program's own.
SIZE = "cd /from; du -s -B1 --apparent-size {without} . | cut -f1; df -B1 --output=avail /from | tail -n1"
LIST = (
    "list() {{ cd $1; find . -mindepth 1 {prune} \\( -type d -printf 'd %m %U:%G %P\\n' -o ! -type s "
    "-printf '%y %m %U:%G %s %P %l\\n' \\) | LC_ALL=C sort -S 64M; }}; "
)
COPY = (
    "set -euo pipefail; " + LIST + "find /to -mindepth 1 -maxdepth 1 {keep} -exec rm -rf {{}} +; "
    "tar -C /from --numeric-owner --sparse {without} -cf - . | tar -C /to --numeric-owner --same-owner -xpf -; "
    "sync -f /to; cmp -s <(list /from) <(list /to) || {{ echo differs >&2; exit 9; }}; list /to | grep -c '^f' || true"
)
VANISHED = (
    "set -euo pipefail; names() {{ cd $1; find {wanted} -type f -printf '%p\\n' 2>/dev/null | LC_ALL=C sort || true; }}; "
    "LC_ALL=C comm -23 <(names /from) <(names /to) | head -n {most}"
)
MOST_NAMED = 5


class CopyError(Exception):
    """A copy that could not be made; `said` is what a person is told."""

    def __init__(self, said: Said) -> None:
        super().__init__(str(said))
        self.said = said


class Copier:
    """Copies volumes of one stack on one host.

    `tool` is the id of an image with bash and GNU's tools: MariaDB's, which every stack has. `otherwise` is its name, to be
    pulled on a host that does not have it, since the database is on another.
    """

    def __init__(self, client: docker.DockerClient, stack: str, stack_id: str, tool: str, otherwise: str = "") -> None:
        self._client, self._stack, self._id = client, stack, stack_id
        self._tool, self._otherwise = tool, otherwise

    def measure(self, volume: str, left_out: Sequence[str] = ()) -> tuple[int, int]:
        """Return the size of a volume, and what is free where Docker keeps it; in bytes."""
        used, free = self.run(SIZE.format(without=_without(left_out)), {FROM: volume}, read_only=(FROM,)).split()
        return int(used), int(free)

    def copy(self, source: str, target: str, left_out: Sequence[str] = ()) -> int:
        """Make `target` hold what `source` holds, but for the folders `left_out`, which stay there as they are; return how many files.

        It can be cut short and done again: the source is only read.
        """
        prune = "".join(f"-path './{name}' -prune -o " for name in left_out)
        keep = " ".join(f"! -path '/to/{name}'" for name in left_out)
        script = COPY.format(prune=prune, keep=keep, without=_without(left_out))
        return int(self.run(script, {FROM: source, TO: target}, read_only=(FROM,)) or 0)

    def vanished(self, before: str, now: str, wanted: Sequence[str]) -> list[str]:
        """Return some files that are in `before` and not in `now`, of those that are wanted there."""
        script = VANISHED.format(wanted=" ".join(f"'./{name}'" for name in wanted), most=MOST_NAMED)
        return self.run(script, {FROM: before, TO: now}, read_only=(FROM, TO)).splitlines()

    def make(self, name: str, service: str) -> None:
        """Make an empty volume of the stack for a copy."""
        labels = {**stack_labels(self._stack, self._id), "photos.restore-point": service}
        self._client.volumes.create(name, labels=labels)

    def remove(self, name: str) -> None:
        """Remove a copy; one that is gone already is fine."""
        with suppress(NotFound):
            self._client.volumes.get(name).remove()

    def clear(self) -> None:
        """Remove the container of a copy that was cut short."""
        with suppress(NotFound):
            self._client.containers.get(self._name).remove(force=True, v=True)

    @property
    def _name(self) -> str:
        return f"{prefix(self._stack)}-upgrade"

    def run(self, script: str, volumes: Mapping[str, str], read_only: Sequence[str]) -> str:
        """Return what a script writes that sees volumes at these places.

        Raises:
            CopyError: it fails.
        """
        with self.container(script, volumes, read_only) as container:
            container.start()
            code = int(container.wait(timeout=None)["StatusCode"])
            output = container.logs(stdout=True, stderr=False).decode("utf-8", "replace").strip()
            errors = container.logs(stdout=False, stderr=True).decode("utf-8", "replace").strip()
        if code:
            raise CopyError(
                message("upgrade_copy_failed", "{volumes}: {said}", volumes=" → ".join(volumes.values()), said=errors)
            )
        return str(output)

    def _image(self) -> str:
        if not self._otherwise or (self._tool and self._has_tool()):
            return self._tool
        pull(self._client, self._otherwise)
        return self._otherwise

    def _has_tool(self) -> bool:
        with suppress(ImageNotFound):
            return bool(self._client.images.get(self._tool))
        return False

    @contextmanager
    def container(
        self,
        script: str,
        volumes: Mapping[str, str],
        read_only: Sequence[str],
        *,
        stdin: bool = False,
        log: bool = True,
    ) -> Iterator[Container]:
        """Make the container for a script, which is not started yet; it goes with the block.

        `stdin`: it reads what it is sent. `log` off: what it writes is kept nowhere.
        """
        self.clear()
        try:
            container = self._client.containers.create(
                self._image(),
                ["-c", script],
                name=self._name,
                entrypoint=["/bin/bash"],
                labels=stack_labels(self._stack, self._id),
                user="0:0",
                mounts=[
                    Mount(target, volume, type="volume", read_only=target in read_only, no_copy=True)
                    for target, volume in volumes.items()
                ],
                network_mode="none",
                read_only=True,
                tmpfs={"/tmp": f"size={SCRATCH}"},  # noqa: S108 - sort's, inside
                cap_drop=["ALL"],
                cap_add=list(RIGHTS),
                security_opt=["no-new-privileges:true"],
                mem_limit=MEMORY,
                memswap_limit=MEMORY,
                pids_limit=64,
                init=True,
                stdin_open=stdin,
                log_config=LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}) if log else NO_LOG,
            )
        except ImageNotFound:
            raise CopyError(
                message("upgrade_no_tool", "the image of the database, which copies volumes, is gone from this machine")
            ) from None
        try:
            yield container
        except DockerException as problem:
            raise CopyError(str(problem)) from problem
        finally:
            with suppress(APIError):
                container.remove(force=True, v=True)


def _without(left_out: Sequence[str]) -> str:
    return " ".join(f"--exclude='./{name}'" for name in left_out)
