"""Where a browser on this machine finds a page of the stack: on a host that ssh leads to, at an address of its own."""

from __future__ import annotations

from urllib.parse import urlsplit

from cli import stack_config
from components.addresses import IN_THE_LAN, LOOPBACK, asked_at
from components.keeper import Keeper
from components.services.photoprism import PhotoPrism, PhotoPrismConfig
from stacks.host.endpoint import EndpointError
from stacks.host.endpoints import endpoints
from stacks.host.reaching import reached
from stacks.host.ssh import LineError
from stacks.sections.places import host_of

HERE = "localhost"


def album(stack: str) -> str | None:
    """Return the address of the album; None when the stack has none."""
    found = stack_config.offline(stack).settings.enabled().get(PhotoPrism.service)
    if not isinstance(found, PhotoPrismConfig):
        return None
    if urlsplit(found.url).hostname != HERE:
        return found.url  # one for the whole family
    there = [address for address in found.bind if address != IN_THE_LAN]
    return page(stack, PhotoPrism.service, asked_at(there or [LOOPBACK]), found.port, otherwise=found.url)


def backup(stack: str) -> str | None:
    """Return the address of the keeper's page; None when the stack has none."""
    found = stack_config.offline(stack).settings.backup
    return page(stack, Keeper.service, LOOPBACK, found.port) if found else None


def page(stack: str, service: str, published: str, port: int, otherwise: str = "") -> str:
    """Return the address of a page that is published at an address of loopback, or of all."""
    place = reached_here(stack, service, published, port)
    return f"http://{place}/" if place != f"{published}:{port}" else otherwise or f"http://{HERE}:{port}/"


def reached_here(stack: str, service: str, published: str, port: int) -> str:
    """Return "address:port" at which this machine asks a service; where its host is away, as if it were this one."""
    config = stack_config.offline(stack)
    try:
        return reached(endpoints(config)[host_of(config.settings, service)], published, port)
    except (EndpointError, LineError):
        return f"{published}:{port}"
