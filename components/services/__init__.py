"""One file per service, and here one line: nothing else needs to know it (docs/adr/0021)."""

from __future__ import annotations

from typing import Any

from components.service import Platform, Service
from components.services.drive import Drive
from components.services.photoprism import PhotoPrism
from components.services.syncthing import Syncthing

LeafService = Service[Any, Platform]

SERVICES: tuple[type[LeafService], ...] = (
    Drive,
    PhotoPrism,
    Syncthing,
)
"""Every service that a stack may run, in the order in which they are declared and listed."""


def services_by_name() -> dict[str, type[LeafService]]:
    """Return the name of its section → service."""
    return {service.service: service for service in SERVICES}
