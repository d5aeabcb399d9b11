"""What one service needs from a container, in plain values: no Pulumi resource and no Docker-provider type.

`service.py` turns it into a `docker.Container`; another renderer could turn it into something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi

NetworkRole = Literal["db", "edge", "apps"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a service answers inside the network. `admin`: who enters there rules more than his own photos."""

    port: int
    admin: bool = False

    def url(self, service: str) -> str:
        """Return the address inside the network."""
        return f"http://{service}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Login:
    """A login that a person types. `argument` is the one of the service that holds its password."""

    argument: str
    user: str = "admin"


@dataclass(frozen=True, kw_only=True)
class BackedUp:
    """The volume of a service that belongs into the backup, readable by the photos' owner.

    `leave_out` are patterns of folders in it that can be made again.
    """

    role: str
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ContainerFile:
    """A file that is put into the container before it starts: owned by root, readable by all."""

    path: str
    content: pulumi.Input[str]
    executable: bool = False


@dataclass(frozen=True, kw_only=True)
class BindMount:
    """A folder of the host. A missing folder stops the container; it is never created."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class VolumeMount:
    """A named volume of Docker."""

    volume: pulumi.Input[str]
    target: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class PublishedPort:
    """A port of the host that leads into the container."""

    internal: int
    external: int
    ip: str = "127.0.0.1"
    protocol: Literal["tcp", "udp"] = "tcp"


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """How Docker asks whether the service works. Times in seconds.

    Docker first asks after one whole interval, and `up` waits so long for each service that others depend on; each time
    costs a process for as long as the service lives, so not more often than needed.
    """

    command: Sequence[str]
    interval_s: int = 10
    timeout_s: int = 5
    start_period_s: int = 30
    retries: int = 6


@dataclass(frozen=True, kw_only=True)
class Devices:
    """Graphics hardware for video transcoding."""

    paths: Sequence[str] = ()
    nvidia: bool = False


@dataclass(frozen=True, kw_only=True)
class ImageBuild:
    """An image that is built on the host. `context` is a folder below the project: another checkout is no change.

    `parts` are images that it copies from, by role, as they are pulled.
    """

    context: str
    args: Mapping[str, str]
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """One container. What is not here is a house rule and stands in `service.py`.

    `image` is pulled, unless there is a `build`, which it then names, or `image_id`, which another service has made.
    `capabilities` are added to none; `wait_s` is how long `up` waits for health where it waits;
    `stop_grace_s` is how long Docker waits between TERM and KILL. Without `health` nothing asks how it goes.
    """

    image: str
    health: HealthCheck | None
    memory_mb: int
    networks: Sequence[NetworkRole]
    build: ImageBuild | None = None
    image_id: pulumi.Input[str] | None = None
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    env: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    files: Sequence[ContainerFile] = ()
    binds: Sequence[BindMount] = ()
    volumes: Sequence[VolumeMount] = ()
    ports: Sequence[PublishedPort] = ()
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    devices: Devices = Devices()
    user: str | None = None
    groups: Sequence[str] = ()
    capabilities: Sequence[str] = ()
    working_dir: str | None = None
    stop_grace_s: int = 30
    wait_s: int = 60
    depends_on: Sequence[pulumi.Resource] = ()


def go_duration(seconds: int) -> str:
    """Write seconds as Go prints them ("1m0s"): the Docker provider shows any other spelling as a change for ever.

    >>> go_duration(30), go_duration(60), go_duration(3661)
    ('30s', '1m0s', '1h1m1s')
    """
    minutes, secs = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{secs}s"
    return f"{minutes}m{secs}s" if minutes else f"{secs}s"


def image_reference(image: str, registry: str | None) -> str:
    """Return the name under which `image` is pulled: as it is, or through the mirror `registry`.

    >>> image_reference("mariadb:11.8.8", "mirror.lan:5000")
    'mirror.lan:5000/library/mariadb:11.8.8'
    >>> image_reference("photoprism/photoprism:260728-ce", None)
    'photoprism/photoprism:260728-ce'
    """
    if not registry:
        return image
    first, _, rest = image.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        return image  # names a registry of its own
    return f"{registry.rstrip('/')}/{image if rest else f'library/{image}'}"
