"""The images that a stack pulls, by the name under which a person upgrades each. The keeper's own is built here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from components.cloudflared import Cloudflared
from components.database import Database
from components.keeper import Keeper
from components.service import child_name
from components.service_config import ServiceConfig
from stacks.sections import Settings
from stacks.sections.backup.programs import RCLONE, RESTIC


@dataclass(frozen=True)
class ImageKey:
    """The image of one program. `key` is its place below `photos:`, `resource` its name in the state.

    `current` is what the settings say, `default` what this checkout takes where a stack file says nothing. `series` is how
    many numbers of a tag name the series that a service stays in; None of what is no service.
    """

    name: str
    key: str
    resource: str
    current: str
    default: str
    series: int | None = None

    @property
    def service(self) -> str:
        """The service that runs it: the keeper has programs of others in its image."""
        return Keeper.service if self.name in (RESTIC.name, RCLONE.name) else self.name


def image_keys(settings: Settings) -> Iterator[ImageKey]:
    """Yield the images that a stack pulls; the keeper's own is built here and follows this checkout."""

    def of(name: str, section: str, config: BaseModel, field: str = "image", parent: str = "") -> ImageKey:
        default = str(type(config).model_fields[field].default)
        resource = f"photos-{child_name(parent, name) if parent else name}"
        series = config.release_series if isinstance(config, ServiceConfig) else None
        return ImageKey(name, f"{section}.{field}", resource, str(getattr(config, field)), default, series)

    yield of(Database.service, "database", settings.database)
    for name, config in settings.enabled().items():
        yield of(name, f"services.{name}", config)
    publish, backup = settings.publish, settings.backup
    if publish and not publish.adopt.tunnel:
        yield of(Cloudflared.service, "publish.cloudflared", publish.cloudflared)
    if backup:
        for program in (RESTIC, RCLONE):
            yield of(program.name, "backup", backup, f"{program.name}_image", parent=Keeper.service)
