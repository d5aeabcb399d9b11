"""Does the album let its admin in and find photos? Asked before an upgrade and after it."""

from __future__ import annotations

from docker.models.containers import Container

from cli import pages, workspace
from components.addresses import in_url
from components.apps.photoprism import PhotoPrismApi
from components.apps.resource import AppError
from components.services.photoprism import HTTP_PORT, PhotoPrism
from stacks.names import NAMESPACE
from stacks.sections.secrets import service_key

PATIENCE_SECONDS = 60.0
"""What an album that has just become healthy may take to answer."""
SEARCH = "/api/v1/photos?count=1&offset=0"
ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with
PASSWORD_KEY = NAMESPACE + service_key(PhotoPrism.service, "admin_password")


def photos_found(stack: str, container: Container | None) -> int | None:
    """Return how many photos a search for one finds, 0 or 1; None where the album does not answer the stack's admin."""
    address = _address(stack, container) if container else None
    if address is None:
        return None
    try:
        found = PhotoPrismApi(address, workspace.secret(stack, PASSWORD_KEY), patience=PATIENCE_SECONDS).get(SEARCH)
    except (AppError, ValueError):
        return None
    return len(found)


def _address(stack: str, container: Container) -> str | None:
    """Return where this machine reaches the album, as Docker has published it."""
    container.reload()
    published = (container.attrs["NetworkSettings"].get("Ports") or {}).get(f"{HTTP_PORT}/tcp") or ()
    for each in published:
        host = ANY.get(each["HostIp"], each["HostIp"])
        return f"http://{pages.reached_here(stack, PhotoPrism.service, in_url(host), int(each['HostPort']))}"
    return None
