"""The whole photo system on one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.database import Database
from components.network import Networks, NetworksArgs
from components.service import Foundation, Owner, Platform, stack_labels
from components.services import LeafService, catalog
from stacks.config import StackConfig

NO_BACKUP = "No backup runs yet: keep a second copy of your photos."


@dataclass(frozen=True, kw_only=True)
class PhotoSystem:
    """What `declare` made."""

    database: Database
    services: dict[str, LeafService]
    outputs: dict[str, Any]


def declare(config: StackConfig, owner: Owner) -> PhotoSystem:
    """Declare every resource of the stack."""
    settings = config.settings
    prefix = f"photos-{config.stack}"
    networks = Networks("networks", NetworksArgs(prefix=prefix, labels=stack_labels(config.stack, config.id)))
    foundation = Foundation(
        stack=config.stack,
        prefix=prefix,
        id=config.id,
        timezone=settings.timezone,
        owner=owner,
        networks=networks,
        image_registry=settings.image_registry,
        keep_data=settings.data.on_destroy == "keep",
        secrets=config.secrets,
    )
    database = Database("mariadb", settings.database, foundation)
    platform = Platform(
        **{name: getattr(foundation, name) for name in foundation.__dataclass_fields__},
        database=database.connection,
        library=settings.library.library(),
    )
    services = {
        name: catalog()[name](name, service_config, platform) for name, service_config in settings.enabled().items()
    }
    return PhotoSystem(database=database, services=services, outputs=_outputs(config))


def _outputs(config: StackConfig) -> dict[str, Any]:
    album = config.settings.enabled().get("photoprism")
    return {
        "album_url": getattr(album, "url", None),
        "album_user": "admin" if album else None,
        "services": ["mariadb", *config.settings.enabled()],
        "library": config.settings.library.model_dump(by_alias=True),
        "backup": NO_BACKUP,
    }
