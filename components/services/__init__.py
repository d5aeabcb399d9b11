"""One file per service, and here one line: nothing else needs to know it (docs/adr/0021)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from components.service import Platform, Service
from components.services.drive import Drive
from components.services.https import Https
from components.services.photoprism import PhotoPrism
from components.services.syncthing import Syncthing
from components.services.tailscale import Tailscale

LeafService = Service[Any, Platform]

SERVICES: tuple[type[LeafService], ...] = (
    Drive,
    Https,
    PhotoPrism,
    Syncthing,
    Tailscale,
)
"""Every service that a stack may run, in the order in which they are declared and listed."""


def services_by_name() -> dict[str, type[LeafService]]:
    """Return the name of its section → service."""
    return {service.service: service for service in SERVICES}


def origins(names: Iterable[str]) -> dict[str, str]:
    """Return service → where it answers in the networks of its stack, of those that answer at all."""
    return {name: kind.endpoint.url(name) for name in names if (kind := services_by_name()[name]).endpoint}
