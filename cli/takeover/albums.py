"""The old album: containers of PhotoPrism on this host that are no stack's. They are looked at, never touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.models.containers import Container

from cli import containers
from cli.console import fail
from components.messages import message
from stacks.shell import command

OWN_LABEL = "photos.id"
COMES_BACK = "always"
"""The restart policy with which Docker starts a stopped container again at the next boot (docs.docker.com, restart policies)."""


@dataclass(frozen=True)
class OldAlbum:
    """A container of PhotoPrism: what it mounts of this host, and its environment."""

    container: Container
    folders: tuple[Path, ...]
    variables: dict[str, str]

    @property
    def name(self) -> str:
        """What Docker calls it."""
        return str(self.container.name)

    @property
    def comes_back(self) -> bool:
        """Whether Docker starts it again by itself once it was stopped."""
        policy = self.container.attrs.get("HostConfig", {}).get("RestartPolicy") or {}
        return bool(policy.get("Name") == COMES_BACK)

    def uses(self, folder: Path) -> bool:
        """Whether it mounts `folder`, something in it or something around it."""
        real = folder.resolve()
        return any(mine.is_relative_to(real) or real.is_relative_to(mine) for mine in self.folders)


def old_albums(client: docker.DockerClient) -> list[OldAlbum]:
    """Return the containers of PhotoPrism that no stack made."""
    listed = client.containers.list(all=True, ignore_removed=True)
    return [_seen(container) for container in listed if _is_photoprism(container)]


def refuse_two_on_one_library(albums: list[OldAlbum], folders: list[Path]) -> None:
    """End the program where an old album still runs on the folders: two that change one library lose edits."""
    running = [album for album in albums if containers.runs(album.container) and any(map(album.uses, folders))]
    if running:
        names = [album.name for album in running]
        fail(
            message(
                "takeover_still_runs",
                "The old album still runs on these folders: {names}. Two albums on one library undo each other's work. Stop it, then run this again: {command}",
                names=", ".join(names),
                command=command("docker", "stop", *names),
            )
        )


def variables_of(container: Container) -> dict[str, str]:
    """Return the environment that a container was made with."""
    lines = container.attrs.get("Config", {}).get("Env") or ()
    return dict(line.partition("=")[::2] for line in lines)


def _seen(container: Container) -> OldAlbum:
    return OldAlbum(container, tuple(_sources(container)), variables_of(container))


def _sources(container: Container) -> Iterator[Path]:
    for mount in container.attrs.get("Mounts") or ():
        if mount.get("Type") == "bind":
            yield Path(mount["Source"]).resolve()


def _is_photoprism(container: Container) -> bool:
    config = container.attrs.get("Config", {})
    of_its_own = any(name.startswith("PHOTOPRISM_ORIGINALS") for name in variables_of(container))
    return OWN_LABEL not in (config.get("Labels") or {}) and ("photoprism" in str(config.get("Image")) or of_its_own)
