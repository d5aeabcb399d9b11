"""What is asked for newer releases: the images that a stack pulls, by the name under which a person upgrades them."""

from __future__ import annotations

from components.cloudflared import Cloudflared
from components.database import Database
from components.service_config import ServiceConfig
from keeper.settings import UpdateSettings
from stacks.sections import Settings
from stacks.sections.backup.programs import RCLONE, RESTIC


def release_settings(settings: Settings) -> UpdateSettings:
    """Return what to ask, and whether to; the keeper's own image is built here and has no releases."""
    configs: dict[str, ServiceConfig] = {Database.service: settings.database, **settings.enabled()}
    if settings.publish and not settings.publish.adopt.tunnel:
        configs[Cloudflared.service] = settings.publish.cloudflared
    images = {name: config.image for name, config in configs.items()}
    if settings.backup:
        images |= {RESTIC.name: settings.backup.restic_image, RCLONE.name: settings.backup.rclone_image}
    # Without digests: to pin what runs must not change what the keeper is told.
    images = {name: image.partition("@")[0] for name, image in images.items()}
    return UpdateSettings(
        check=settings.updates.check,
        registry=settings.image_registry,
        images=images,
        series={name: config.release_series for name, config in configs.items()},
    )
