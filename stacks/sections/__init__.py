"""The stack file as a model, one file per section: every key that a person may write under `photos:`.

Plain data: no Pulumi, no look at the host. `stacks/config.py` reads it from Pulumi, the tables of docs/configuration.md are written from it.
What a person may choose of one service is described in the file of that service.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from components.database import Database, DatabaseConfig
from components.fields import ForeignNetwork, Registry, Section, TimeZone
from components.service import Service
from components.service_config import ServiceConfig
from components.services import SERVICES, services_by_name
from components.services.https import HttpsConfig
from stacks.sections.backup import BackupConfig
from stacks.sections.data import DataConfig
from stacks.sections.hosts import HostConfig, HostName, SshHost
from stacks.sections.library import LibraryConfig
from stacks.sections.owner import OwnerConfig
from stacks.sections.pins import PinConfig
from stacks.sections.presets import Preset, with_preset
from stacks.sections.publish import PublishConfig
from stacks.sections.secrets import made_keys, service_keys, typed_keys
from stacks.sections.services import ServicesConfig
from stacks.sections.updates import UpdatesConfig


class Settings(Section):
    """Every key under `photos:` that holds no secret."""

    id: UUID | None = Field(None, description="identity of the stack; written by `./photos` at first use")
    timezone: TimeZone = Field(description="the family's time zone, e.g. Asia/Shanghai")
    owner: OwnerConfig | None = Field(None, description="whom the photos belong to; default: the owner of originals")
    library: LibraryConfig = Field(description="the folders that hold your photos")
    preset: Preset | None = Field(
        None, description="small: for a machine with 2 cores and 4 GB; what you write beside it wins"
    )
    host: SshHost | None = Field(
        None, description="another machine that all of it runs on, e.g. ssh://family@nas; see docs/hosts.md"
    )
    image_registry: Registry | None = Field(None, description="mirror to pull all images through, without https://")
    panel_network: ForeignNetwork | None = Field(
        None,
        description="a network of a panel or proxy that the album and OpenList join, e.g. 1panel-network; see docs/panels.md",
    )
    neighbours: Literal["closed", "trusted"] = Field(
        "closed",
        description="trusted: a Docker before 28 runs without the rule that keeps who is on the LAN out; see docs/lan.md",
    )
    database: DatabaseConfig = Field(default_factory=DatabaseConfig, description="MariaDB")
    services: ServicesConfig = Field(description="the services to run")
    publish: PublishConfig | None = Field(None, description="what the internet may reach, see below")
    backup: BackupConfig | None = Field(None, description="what is copied where, and when, see below")
    updates: UpdatesConfig = Field(default_factory=UpdatesConfig, description="newer releases of the images")
    pins: dict[str, PinConfig] = Field(
        {}, description="image: what its tag stood for at first; written by `./photos pin`"
    )
    hosts: dict[HostName, HostConfig] = Field(
        {}, description="name: Docker host, where the stack runs on several, see below"
    )
    place: dict[str, str] = Field(
        {}, description="service: host. What is not named here is on the host without a `docker`"
    )
    data: DataConfig = Field(default_factory=DataConfig, description="what destroy does with the volumes")

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, values: Any) -> Any:
        return with_preset(values) if isinstance(values, dict) else values

    def enabled(self) -> dict[str, ServiceConfig]:
        """Return the configured services by name."""
        names = [service.service for service in SERVICES]
        return {name: config for name in names if (config := getattr(self.services, name))}

    def public_urls(self) -> dict[str, str]:
        """Return service → the address that it has beside its port: on the internet, else at home by HTTPS.

        Of several it is the one that its own `site_url` names, else the first.
        """
        urls = {name: (self.publish and self.publish.url_of(name)) or self._home_url(name) for name in self.enabled()}
        return {name: getattr(self.enabled()[name], "site_url", None) or url for name, url in urls.items() if url}

    def _home_url(self, service: str) -> str | None:
        https = self.enabled().get("https")
        return https.url_of(service) if isinstance(https, HttpsConfig) else None

    def generated_secret_keys(self) -> list[str]:
        """Return the flat secrets that the stack needs and `./photos` makes."""
        services: list[type[Service[Any, Any]]] = [Database, *(services_by_name()[name] for name in self.enabled())]
        keys = [key for service in services for key in service_keys(service).values()]
        keys += made_keys(self._as_written())
        return keys + (self.backup.repository_keys() if self.backup else [])

    def typed_keys(self) -> list[str]:
        """Return the flat secrets that only a person can supply."""
        return typed_keys(self._as_written()) + (self.backup.typed_keys() if self.backup else [])

    def secret_keys(self) -> list[str]:
        """Return the flat secrets that the stack needs, those among them that only a person can supply."""
        return self.generated_secret_keys() + self.typed_keys()

    def _as_written(self) -> dict[str, Any]:
        return {name: config.model_dump() for name, config in self.enabled().items()}
