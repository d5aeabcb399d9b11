"""What an upgrade of one program touches: its service, whom it disturbs, and the volumes that a newer version may change."""

from __future__ import annotations

from dataclasses import dataclass

from components.database import Database
from components.keeper import Keeper
from components.services.drive import Drive
from components.services.photoprism import PhotoPrism
from components.services.syncthing import Syncthing
from stacks.expected import expected
from stacks.images import ImageKey, image_keys
from stacks.sections import Settings

LEFT_OUT = {PhotoPrism.service: ("cache",), Syncthing.service: ("versions",)}
"""Service → folders of its volume that no restore point holds and no way back touches: thumbnails, which are made again,
and deleted photos, which no upgrade changes."""
MUST_STAY = {
    PhotoPrism.service: ("albums", "sidecar", "users"),
    Syncthing.service: ("config/cert.pem", "config/key.pem", "config/config.xml"),
    Drive.service: ("data.db", "config.json"),
}
"""Service → files, and folders with all their files, which are there after an upgrade if they were before it."""
DISTURBED = {
    Database.service: (PhotoPrism.service, Keeper.service),
    # Its tables are migrated, so that the database's files belong into the restore point; nobody may write meanwhile.
    PhotoPrism.service: (Keeper.service, Database.service),
    # Copies on net drives go through it.
    Drive.service: (Keeper.service,),
}
"""Service → others that stand still while it is upgraded."""


@dataclass(frozen=True)
class KeptVolume:
    """A volume that a newer version may change, by Docker's name, without the folders that are `left_out`."""

    service: str
    name: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One program of a stack. `stopped` are the services that stand still, in the order in which they are stopped."""

    image: ImageKey
    service: str
    stopped: tuple[str, ...]
    volumes: tuple[KeptVolume, ...]

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.image.name

    @property
    def with_database(self) -> bool:
        """Whether the database's files are in its restore point."""
        return any(volume.service == Database.service for volume in self.volumes)


def parts(stack: str, settings: Settings) -> list[Part]:
    """Return everything of a stack that has an image of its own, the database last: who uses it knows newer ones."""
    services = {service.name: service for service in expected(stack, settings).services}
    found = []
    for image in image_keys(settings):
        service = image.service
        stopped = [name for name in (*DISTURBED.get(service, ()), service) if name in services]
        # The database after those who write into it.
        stopped.sort(key=lambda name: name == Database.service)
        holders = (service, *(name for name in stopped if name == Database.service and name != service))
        volumes = tuple(
            KeptVolume(holder, volume, LEFT_OUT.get(holder, ()))
            for holder in holders
            if holder != Keeper.service
            for volume in services[holder].volumes
        )
        found.append(Part(image, service, tuple(stopped), volumes))
    return sorted(found, key=lambda part: part.service == Database.service)
