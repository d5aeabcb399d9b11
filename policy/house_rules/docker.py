"""The types of the Docker provider, and what several rules read of a container."""

from __future__ import annotations

from collections.abc import Iterator

from house_rules.rule import Declared, known

CONTAINER = "docker:index/container:Container"
IMAGE = "docker:index/remoteImage:RemoteImage"
NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"


def host_folders(container: Declared) -> Iterator[str]:
    """Yield the folders of the host that a container sees, by either of the provider's two ways."""
    for mount in container.items("mounts"):
        if mount.get("type") == "bind" and (source := known(mount.get("source"))):
            yield source
    for volume in container.items("volumes"):
        if path := known(volume.get("hostPath")):
            yield path


def is_started(container: Declared) -> bool:
    """Whether a container is there to run: one with `start: false` waits for a person."""
    return container["start"] is not False
