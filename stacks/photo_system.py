"""The whole photo system on one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.cloudflared import Cloudflared
from components.container import image_reference
from components.database import Database
from components.keeper import Keeper, KeeperArgs, Watch
from components.network import Networks, NetworksArgs
from components.publishing import BODY_LIMIT, PublishConfig
from components.service import Foundation, Owner, Platform, stack_labels
from components.services import LeafService, catalog
from stacks.backup import page_url, status_line
from stacks.config import StackConfig
from stacks.expected import expected, prefix

NO_BACKUP = "No backup runs without photos:backup in the stack file: write it, or keep a second copy of your photos."


@dataclass(frozen=True, kw_only=True)
class PhotoSystem:
    """What `declare` made."""

    database: Database
    services: dict[str, LeafService]
    outputs: dict[str, Any]


def declare(config: StackConfig, owner: Owner) -> PhotoSystem:
    """Declare every resource of the stack."""
    settings = config.settings
    start = prefix(config.stack)
    networks = Networks("networks", NetworksArgs(prefix=start, labels=stack_labels(config.stack, config.id)))
    foundation = Foundation(
        stack=config.stack,
        prefix=start,
        id=config.id,
        timezone=settings.timezone,
        owner=owner,
        networks=networks,
        image_registry=settings.image_registry,
        keep_data=settings.data.on_destroy == "keep",
        digest_key=config.secrets[Database.secret_keys[0]],
        secrets=config.secrets,
    )
    database = Database("mariadb", settings.database, foundation, dumped=settings.backup is not None)
    platform = Platform(
        **{name: getattr(foundation, name) for name in foundation.__dataclass_fields__},
        database=database.connection,
        library=settings.library.library(),
        public_urls=settings.public_urls(),
    )
    services = {
        name: catalog()[name](name, service_config, platform) for name, service_config in settings.enabled().items()
    }
    way_in = _publish(settings.publish, foundation, services) if settings.publish else []
    if settings.backup:
        _back_up(config, platform, database, services, [database, *services.values(), *way_in])
    return PhotoSystem(database=database, services=services, outputs=_outputs(config))


def _publish(
    publish: PublishConfig, foundation: Foundation, services: Mapping[str, LeafService]
) -> list[pulumi.Resource]:
    # Here and not above: a stack without a tunnel saves the seconds and the memory of pulumi_cloudflare.
    from components.tunnel import Tunnel, TunnelArgs  # noqa: PLC0415

    origins = {name: service.endpoint.url(name) for name, service in services.items() if service.endpoint}
    label = f"{foundation.prefix}-{foundation.id[:8]}"
    tunnel = Tunnel("tunnel", TunnelArgs(label=label, publish=publish, origins=origins))
    if tunnel.token is None:
        return [tunnel]
    return [tunnel, Cloudflared("cloudflared", publish.cloudflared, foundation, tunnel.token)]


def _back_up(
    config: StackConfig,
    platform: Platform,
    database: Database,
    services: Mapping[str, LeafService],
    after: list[pulumi.Resource],
) -> None:
    """Declare what backs up, after everything else: its image is built here, and a build can fail."""
    backup = config.settings.backup
    assert backup
    assert database.reading
    args = KeeperArgs(
        base_image=image_reference(config.settings.database.image, platform.image_registry),
        reading=database.reading,
        services=services,
        findings=[str(item) for item in config.shortcomings],
        after=after,
    )
    keeper = Keeper("keeper", backup, platform, args)
    Watch("watch", backup, platform, keeper)


def _outputs(config: StackConfig) -> dict[str, Any]:
    album, publish = config.settings.enabled().get("photoprism"), config.settings.publish
    backup = config.settings.backup
    return {
        "album_url": config.settings.public_urls().get("photoprism") or getattr(album, "url", None),
        "album_user": "admin" if album else None,
        "services": list(expected(config.stack, config.settings).names),
        "library": config.settings.library.model_dump(by_alias=True),
        "public": [
            {"url": f"https://{entry.hostname}/", "protected_by": entry.protection, "body_limit": BODY_LIMIT}
            for entry in (publish.hostnames if publish else ())
        ],
        "backup": status_line(backup) if backup else NO_BACKUP,
        "backup_page": page_url(backup) if backup else None,
        "backup_findings": [str(item) for item in config.shortcomings],
    }
