"""The stack file as a model: every key that a person may write under `photos:`.

Plain data: no Pulumi, no file system. `config.py` reads it from Pulumi, the README tables are tested against it.
"""

from __future__ import annotations

import re
from typing import Literal
from uuid import UUID

from pydantic import Field, create_model, field_validator, model_validator

from components.backup import BackupConfig
from components.database import Database, DatabaseConfig
from components.fields import HostPath, Registry, Section, TimeZone
from components.ports import host_ports
from components.publishing import PublishConfig
from components.service import ServiceConfig
from components.services import catalog
from components.storage import PHONES, Library

# PhotoPrism's entrypoint knows no others: photoprism-docs, config-options.md, "Docker Image".
PHOTOPRISM_IDS = ((0, 0), (33, 33), (50, 99), (500, 600), (900, 1250), (2000, 2100))
PHOTOPRISM_GIDS = (*PHOTOPRISM_IDS, (44, 44), (105, 105), (109, 109), (115, 116))


class OwnerConfig(Section):
    """The user and group (numbers) to whom the photos belong. Default: the owner of the originals folder."""

    uid: int = Field(description="user number, from `id -u`")
    gid: int = Field(description="group number, from `id -g`")

    @field_validator("uid", "gid")
    @classmethod
    def _known_to_photoprism(cls, value: int, info: object) -> int:
        field = getattr(info, "field_name", "uid")
        if problem := id_problem(value, field):
            raise ValueError(problem)
        return value


def id_problem(value: int, field: str) -> str | None:
    """Say why PhotoPrism cannot run as this user or group number; None when it can."""
    if value == 0:
        return "0 is root, which must not own family photos. Write your own number, from `id -u` and `id -g`"
    ranges = PHOTOPRISM_IDS if field == "uid" else PHOTOPRISM_GIDS
    if any(low <= value <= high for low, high in ranges):
        return None
    return f"{value} is not supported by PhotoPrism. Use 33, 50-99, 500-600, 900-1250 or 2000-2100, e.g. 1000"


class LibraryConfig(Section):
    """The folders that hold photos."""

    originals: HostPath = Field(description="folder of the sorted photos, e.g. /mnt/d/photoprism/originals")
    imports: HostPath = Field(
        alias="import", description="folder from which PhotoPrism imports, e.g. /mnt/d/photoprism/import"
    )
    others: dict[str, HostPath] = Field(
        {}, description="more libraries: name: folder. Each is shown inside originals under its name"
    )

    @field_validator("others")
    @classmethod
    def _plain_names(cls, others: dict[str, str]) -> dict[str, str]:
        for name in others:
            if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name) or name == PHONES:
                msg = f'"{name}" cannot be the name of a library. Write lower-case letters, digits and -, e.g. scans'
                raise ValueError(msg)
        return others

    @model_validator(mode="after")
    def _apart(self) -> LibraryConfig:
        folders = {"originals": self.originals, "import": self.imports}
        folders |= {f"others.{name}": path for name, path in self.others.items()}
        names = list(folders)
        for index, name in enumerate(names):
            for other in names[index + 1 :]:
                one, two = folders[name] + "/", folders[other] + "/"
                if one.startswith(two) or two.startswith(one):
                    msg = f"{name} and {other} are the same folder or one lies inside the other. Keep them apart"
                    raise ValueError(msg)
        return self

    def library(self) -> Library:
        """Return the folders as components know them."""
        return Library(originals=self.originals, imports=self.imports, others=self.others)


class DataConfig(Section):
    """What `destroy` does with the named volumes. The library folders are never touched."""

    on_destroy: Literal["keep", "delete"] = Field("keep", description="keep or delete the volumes at destroy")
    confirm: str | None = Field(None, description="the stack's name, to confirm `on_destroy: delete`")


class _Services(Section):
    @model_validator(mode="after")
    def _ports_apart(self) -> _Services:
        taken: dict[int, str] = {}
        for name in type(self).model_fields:
            service = getattr(self, name)
            for port in host_ports(service) if service else ():
                place = f"{name}.{port.field}"
                if port.number in taken:
                    msg = f"{place}: port {port.number} is used by {taken[port.number]} already. Choose another"
                    raise ValueError(msg)
                taken[port.number] = place
        return self


# One optional section per file in components/services: a new service needs no line here.
ServicesConfig = create_model(
    "ServicesConfig",
    __base__=_Services,
    __doc__="The services to run; a service without a section does not exist.",
    **{  # type: ignore[call-overload]
        name: (service.Config | None, Field(None, description=(service.Config.__doc__ or "").strip()))
        for name, service in catalog().items()
    },
)


class Settings(Section):
    """Every key under `photos:` that holds no secret."""

    id: UUID | None = Field(None, description="identity of the stack; written by `./photos` at first use")
    timezone: TimeZone = Field(description="the family's time zone, e.g. Asia/Shanghai")
    owner: OwnerConfig | None = Field(None, description="whom the photos belong to; default: the owner of originals")
    library: LibraryConfig = Field(description="the folders that hold your photos")
    image_registry: Registry | None = Field(None, description="mirror to pull all images through, without https://")
    database: DatabaseConfig = Field(default_factory=DatabaseConfig, description="MariaDB")
    services: ServicesConfig = Field(description="the services to run")
    publish: PublishConfig | None = Field(None, description="what the internet may reach, see below")
    backup: BackupConfig | None = Field(None, description="what is copied where, and when, see below")
    data: DataConfig = Field(default_factory=DataConfig, description="what destroy does with the volumes")

    def enabled(self) -> dict[str, ServiceConfig]:
        """Return the configured services by name."""
        return {name: config for name in catalog() if (config := getattr(self.services, name))}

    def public_urls(self) -> dict[str, str]:
        """Return service → its address on the internet: the one its own `site_url` names, else the first."""
        urls = {name: self.publish.url_of(name) if self.publish else None for name in self.enabled()}
        return {name: getattr(self.enabled()[name], "site_url", None) or url for name, url in urls.items() if url}

    def generated_secret_keys(self) -> list[str]:
        """Return the flat secrets that the stack needs and `./photos` makes."""
        keys = list(Database.secret_keys)
        for name in self.enabled():
            keys += catalog()[name].secret_keys
        return keys + (self.backup.crypt_keys() if self.backup else [])

    def secret_keys(self) -> list[str]:
        """Return the flat secrets that the stack needs, those among them that only a person can supply."""
        return self.generated_secret_keys() + (self.backup.typed_keys() if self.backup else [])
