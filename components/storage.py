"""Where data lives: the family's library folders on the host, and named volumes for the services.

Nothing here creates, moves or deletes a photo. Volumes outlive `destroy` unless the stack file says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pulumi
import pulumi_docker as docker

from components.container import BindMount, VolumeMount

MARKER = ".photos-id"
"""The file in each library folder that holds the stack's id: a folder without it is another disk, or none."""

PHONES = "phones"
"""The folder inside originals that Syncthing fills, one folder per person."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """The folders that hold photos, as absolute paths of the host.

    `keeps_permissions`: whether the file system of originals has modes; a Windows drive has none. `reports_changes`:
    whether it tells who watches it what changes; over a network, and from Windows into WSL, nobody learns of it.
    """

    originals: str
    imports: str
    others: Mapping[str, str] = field(default_factory=dict)
    keeps_permissions: bool = True
    reports_changes: bool = True

    @property
    def folders(self) -> tuple[str, ...]:
        """Every folder of the library; each carries the marker."""
        return (self.originals, self.imports, *self.others.values())

    @property
    def phones(self) -> str:
        """The folder that phones sync into."""
        return str(PurePosixPath(self.originals, PHONES))

    def mounts(self, originals: str, imports: str | None = None, *, read_only: bool = False) -> tuple[BindMount, ...]:
        """Return the binds that show the library in a container; other libraries appear inside originals."""
        binds = [BindMount(source=self.originals, target=originals, read_only=read_only)]
        binds += [
            BindMount(source=source, target=f"{originals}/{name}", read_only=read_only)
            for name, source in self.others.items()
        ]
        if imports:
            binds.append(BindMount(source=self.imports, target=imports, read_only=read_only))
        return tuple(binds)


@dataclass(frozen=True, kw_only=True)
class DataVolume:
    """A named volume of Docker that holds data. `keep`: it outlives `destroy`; `place`: what tells its host."""

    name: str
    labels: Mapping[str, str]
    keep: bool
    place: str


def data_volume(name: str, volume: DataVolume, target: str, *, parent: pulumi.Resource) -> VolumeMount:
    """Declare a data volume, called `name` in the program, and return its mount at `target`.

    A kept volume is left on the host by `destroy` and taken up again by the next `up`: Docker finds it by its name.
    """
    declared = docker.Volume(
        name,
        name=volume.name,
        labels=[docker.VolumeLabelArgs(label=key, value=value) for key, value in volume.labels.items()],
        opts=pulumi.ResourceOptions(
            parent=parent,
            retain_on_delete=volume.keep,
            # The provider replaces, that is empties, a volume whose label changed.
            ignore_changes=["labels", "driver", "driverOpts"],
            # Through another provider it would be taken for the same one, and not made there. Its old self stays where it
            # was; one that is not kept would go with all that is in it.
            replacement_trigger=volume.place if volume.keep else None,
        ),
    )
    return VolumeMount(volume=declared.name, target=target)
