"""What a container gets from outside, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

from house_rules.docker import CONTAINER, NETWORK, VOLUME
from house_rules.rule import Declared, resource_rule

WRITABLE_BY_ALL = 0o002
FROZEN = {"labels", "driver", "driverOpts"}
"""Inputs of a volume whose change empties it."""


@resource_rule(CONTAINER)
def binds_fail_closed(container: Declared) -> Iterator[str]:
    """A folder of the host is bound with `mounts`, which stops the container when the folder is not there."""
    for volume in container.items("volumes"):
        if path := volume.get("hostPath"):
            yield f"where {path} is missing, `volumes` makes it, empty and root's. Write it as one of `mounts`, type bind."


@resource_rule(CONTAINER)
def uploads_are_read_only(container: Declared) -> Iterator[str]:
    """A file that is put into a container cannot be changed by everyone in it."""
    for upload in container.items("uploads"):
        mode = upload.get("permissions")
        if isinstance(mode, str) and int(mode, 8) & WRITABLE_BY_ALL:
            yield f'{upload.get("file")} can be written by everyone in it. Write permissions "0444", or "0555" to run it.'


@resource_rule(VOLUME)
def volumes_outlive_their_labels(volume: Declared) -> Iterator[str]:
    """A change beside the data does not empty a volume."""
    missing = sorted(FROZEN - set(volume.ignore_changes)) if "*" not in volume.ignore_changes else []
    if missing:
        yield f"a change of {', '.join(missing)} makes it anew, empty. Write them into ignore_changes of its options."


@resource_rule(NETWORK)
def database_network_is_internal(network: Declared, *, suffix: str = "db") -> Iterator[str]:
    """A network for a database has no way out."""
    if str(network["name"] or network.name).rpartition("-")[2] == suffix and not network["internal"]:
        yield "what breaks into the database reaches the internet. Write internal: true."
