"""What a running stack consists of, derived from the sections of its stack file.

The one place that knows: status, logs, password, the checks of the host, the memory sum, the outputs and what may be
removed all ask here. A test compares it with what the program declares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from components.cloudflared import Cloudflared
from components.container import Login, image_reference
from components.database import Database
from components.keeper import WATCH_MEMORY_MB, Keeper, Watch
from components.network import NETWORKS
from components.ports import HostPort, host_ports
from components.restore import Restore
from components.service import Service, child_name
from components.service_config import ServiceConfig
from components.services import services_by_name
from stacks.sections import Settings
from stacks.sections.places import host_of


@dataclass(frozen=True, kw_only=True)
class ExpectedService:
    """One container. `section` is its place below `photos:`; `images` are what is pulled for it: one is built here.

    `host` is the name of its Docker host, "" where there is only one. What is not `started` is there for a person to
    start it, and ends by itself.
    """

    name: str
    section: str
    host: str
    container: str
    volumes: tuple[str, ...]
    memory_mb: int
    images: tuple[str, ...] = ()
    ports: tuple[HostPort, ...] = ()
    login: Login | None = None
    waited_for: bool = True
    started: bool = True


@dataclass(frozen=True, kw_only=True)
class ExpectedStack:
    """Everything that carries the stack's id on its Docker host."""

    services: tuple[ExpectedService, ...]
    networks: tuple[str, ...]

    def on(self, host: str) -> tuple[ExpectedService, ...]:
        """The services of one host; "" where there is only one."""
        return tuple(service for service in self.services if service.host == host)

    @property
    def names(self) -> tuple[str, ...]:
        """The services by name."""
        return tuple(service.name for service in self.services)

    @property
    def containers(self) -> tuple[str, ...]:
        """The names that Docker knows the containers by."""
        return tuple(service.container for service in self.services)

    @property
    def volumes(self) -> tuple[str, ...]:
        """The names of the data volumes."""
        return tuple(volume for service in self.services for volume in service.volumes)

    @property
    def logins(self) -> dict[str, Login]:
        """Service → the login that a person types there."""
        return {service.name: service.login for service in self.services if service.login}


def prefix(stack: str) -> str:
    """Return what all Docker names of `stack` begin with."""
    return f"photos-{stack}"


def expected(stack: str, settings: Settings) -> ExpectedStack:
    """Return what `stack` consists of with these settings."""
    return ExpectedStack(
        services=tuple(_services(stack, settings)),
        networks=tuple(f"{prefix(stack)}-{role}" for role in NETWORKS),
    )


def _services(stack: str, settings: Settings) -> Iterator[ExpectedService]:
    def service(kind: type[Service[Any, Any]], section: str, **facts: Any) -> ExpectedService:
        name = kind.service
        volumes = tuple(f"{prefix(stack)}-{child_name(name, role)}" for role in kind.data)
        facts = {
            "login": kind.login,
            "volumes": volumes,
            "waited_for": kind.waited_for,
            "started": kind.started,
            **facts,
        }
        return ExpectedService(
            name=name, section=section, host=host_of(settings, name), container=f"{prefix(stack)}-{name}", **facts
        )

    def pulled(config: ServiceConfig) -> dict[str, Any]:
        return {"images": _as_pulled(settings, config.image), "memory_mb": config.memory, "ports": host_ports(config)}

    yield service(Database, "database", **pulled(settings.database))
    for name, config in settings.enabled().items():
        yield service(services_by_name()[name], f"services.{name}", **pulled(config))
    publish, backup = settings.publish, settings.backup
    if publish and not publish.adopt.tunnel:
        yield service(Cloudflared, "publish.cloudflared", **pulled(publish.cloudflared))
    if backup:
        programs = _as_pulled(settings, backup.restic_image, backup.rclone_image)
        yield service(Keeper, "backup", images=programs, memory_mb=backup.memory, ports=host_ports(backup))
        yield service(Watch, "backup", memory_mb=WATCH_MEMORY_MB)
        yield service(Restore, "backup", memory_mb=backup.memory)


def _as_pulled(settings: Settings, *images: str) -> tuple[str, ...]:
    return tuple(image_reference(image, settings.image_registry) for image in images)
