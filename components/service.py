"""The base of every service, and the house rules that all containers obey.

This is the only file that creates a `docker.Container`.
"""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import pulumi
import pulumi_docker as docker
from pydantic import Field

from components.container import ContainerFile, ContainerSpec, HealthCheck, VolumeMount, go_duration, image_reference
from components.fields import Image, Memory, Section
from components.network import Networks
from components.secrets import generated_password
from components.storage import Library, data_volume

DIGEST_LENGTH = 12


class ServiceConfig(Section):
    """What every service lets a person choose."""

    image: Image = Field(description="image with a fixed tag")
    memory: Memory = Field(description="memory limit, e.g. 512m or 4g")


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The user and group (numbers) to whom the photos belong."""

    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class DatabaseConnection:
    """How a service reaches MariaDB. `ready` is what to wait for."""

    host: str
    port: int
    database: str
    user: str
    password: pulumi.Output[str]
    ready: pulumi.Resource


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
    """A login that a person types. `key` is the flat secret with its password."""

    key: str
    user: str = "admin"


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """What every container of a stack shares. `prefix` starts all Docker names, `id` marks them as this stack's.

    `digest_key` is a secret that never changes: labels with it tell one secret file from another, and not what is in it.
    """

    stack: str
    prefix: str
    id: str
    timezone: str
    owner: Owner
    networks: Networks
    image_registry: str | None
    keep_data: bool
    digest_key: pulumi.Output[str]
    secrets: Mapping[str, pulumi.Output[str]]

    def labels(self, service: str) -> dict[str, str]:
        """Return the labels of one service's resources; 1Panel, Portainer and Docker Desktop group by the last two."""
        return {**stack_labels(self.stack, self.id), "photos.service": service} | {
            "com.docker.compose.project": self.prefix,
            "com.docker.compose.service": service,
        }


@dataclass(frozen=True, kw_only=True)
class Platform(Foundation):
    """What a leaf service may use: the foundation, the database, the library and its address on the internet."""

    database: DatabaseConnection
    library: Library
    public_urls: Mapping[str, str]


def stack_labels(stack: str, stack_id: str) -> dict[str, str]:
    """Return the labels by which `./photos` finds what belongs to a stack."""
    return {"photos.stack": stack, "photos.id": stack_id}


@dataclass(frozen=True, kw_only=True)
class BackedUp:
    """The volume of a service that belongs into the backup, readable by the photos' owner.

    `leave_out` are patterns of folders in it that can be made again.
    """

    role: str
    leave_out: tuple[str, ...] = ()


def data_name(service: str, role: str) -> str:
    """Return the logical name of a data volume; Docker's has the stack's prefix before it."""
    return f"{service}-{role}" if role else service


ConfigT = TypeVar("ConfigT", bound=Section)
BaseT = TypeVar("BaseT", bound=Foundation)


class Service(pulumi.ComponentResource, ABC, Generic[ConfigT, BaseT]):
    """One service of the photo system: a container and what it keeps.

    A subclass names its configuration in `Config`, the flat secrets that a person or `./photos` supplies in
    `secret_keys`, the one of them that a person types in `login`, its data volumes in `data`, what may be published in
    `endpoint`, what of it is backed up in `backed_up`, and describes its container in `spec`. All but the last is read
    without creating anything: `stacks/expected.py` derives from it what a running stack consists of.

    Creates: one `docker.RemoteImage`, unless it uses another service's, one `docker.Container`, and the volumes and passwords that `spec` asks for.
    """

    Config: ClassVar[type[Section]]
    secret_keys: ClassVar[tuple[str, ...]] = ()
    login: ClassVar[Login | None] = None
    data: ClassVar[Mapping[str, str]] = {}
    """Role → where the data volume `<prefix>-<service>[-<role>]` is mounted; one volume has the role ""."""
    endpoint: ClassVar[Endpoint | None] = None
    backed_up: ClassVar[BackedUp | None] = None
    waited_for: ClassVar[bool] = True
    """Whether `up` waits until it is healthy; what nothing depends on never holds `up` up."""

    container: docker.Container
    image_id: pulumi.Input[str]
    volumes: dict[str, VolumeMount]
    """Role → data volume."""
    shared: dict[str, pulumi.Output[str]]
    """Generated secrets that another part of the stack needs, by the name of their file."""

    def __init__(self, name: str, config: ConfigT, base: BaseT, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"photos:service:{type(self).__name__}", name, {}, opts)
        self._name, self._base = name, base
        self.volumes, self.shared = {}, {}
        self.container = self._run(self.spec(config, base))
        self.register_outputs({"container": self.container.name})

    @abstractmethod
    def spec(self, config: ConfigT, base: BaseT) -> ContainerSpec:
        """Describe the container. May call `volume` and `password`."""

    def volume(self, role: str = "") -> VolumeMount:
        """Declare the data volume that `data` names."""
        self.volumes[role] = data_volume(
            data_name(self._name, role),
            self.data[role],
            prefix=self._base.prefix,
            labels=stack_labels(self._base.stack, self._base.id),
            keep=self._base.keep_data,
            parent=self,
        )
        return self.volumes[role]

    def password(self, role: str, rotation: int = 1) -> pulumi.Output[str]:
        """Generate a password that the stack can heal by itself."""
        return generated_password(f"{self._name}-{role}", parent=self, rotation=rotation)

    def _image(self, spec: ContainerSpec) -> pulumi.Output[str]:
        build = spec.build
        image = docker.RemoteImage(
            self._name,
            name=spec.image if build else image_reference(spec.image, self._base.image_registry),
            build=docker.RemoteImageBuildArgs(context=build.context, build_args=dict(build.args)) if build else None,
            # What is built here goes with the resource, by its name and even from under a forgotten container: a
            # refusal of Docker would stop `up` and `destroy` for ever. What is pulled may be another stack's too.
            keep_locally=not build,
            force_remove=True if build else None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(spec.depends_on) if build else None),
        )
        return image.image_id

    def _run(self, spec: ContainerSpec) -> docker.Container:
        base = self._base
        self.image_id = self._image(spec) if spec.image_id is None else spec.image_id
        network_ids = {"db": base.networks.db, "apps": base.networks.apps}
        return docker.Container(
            self._name,
            name=f"{base.prefix}-{self._name}",
            image=self.image_id,
            hostname=self._name,
            entrypoints=list(spec.entrypoint) or None,
            command=list(spec.command) or None,
            envs=[pulumi.Output.concat(key, "=", value) for key, value in {"TZ": base.timezone, **spec.env}.items()],
            labels=[
                docker.ContainerLabelArgs(label=key, value=value)
                for key, value in {**base.labels(self._name), **file_labels(spec.files, base.digest_key)}.items()
            ],
            uploads=[
                docker.ContainerUploadArgs(
                    file=file.path,
                    content=file.content,
                    permissions="0555" if file.executable else "0444",
                )
                for file in spec.files
            ],
            mounts=[
                docker.ContainerMountArgs(
                    type="volume", source=mount.volume, target=mount.target, read_only=mount.read_only or None
                )
                for mount in spec.volumes
            ]
            + [
                docker.ContainerMountArgs(type="bind", source=bind.source, target=bind.target, read_only=bind.read_only)
                for bind in spec.binds
            ],
            ports=[
                docker.ContainerPortArgs(
                    internal=port.internal, external=port.external, ip=port.ip, protocol=port.protocol
                )
                for port in spec.ports
            ],
            networks_advanced=[
                docker.ContainerNetworksAdvancedArgs(name=network_ids[role], aliases=[self._name])
                for role in spec.networks
            ],
            healthcheck=_healthcheck(spec.health),
            memory=spec.memory_mb,
            memory_swap=spec.memory_mb * 2,
            tmpfs=dict(spec.tmpfs),
            devices=[docker.ContainerDeviceArgs(host_path=path) for path in spec.devices.paths],
            gpus="all" if spec.devices.nvidia else None,
            user=spec.user,
            group_adds=list(spec.groups),
            working_dir=spec.working_dir,
            capabilities=docker.ContainerCapabilitiesArgs(
                drops=["ALL"], adds=[f"CAP_{name}" for name in spec.capabilities]
            ),
            security_opts=["no-new-privileges:true"],
            init=True,
            restart="unless-stopped",
            log_driver="json-file",
            log_opts={"max-size": "10m", "max-file": "3"},
            destroy_grace_seconds=spec.stop_grace_s,
            wait=self.waited_for,
            wait_timeout=spec.wait_s,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(spec.depends_on),
                # The name is taken until the old container is gone.
                delete_before_replace=True,
                # The provider says "updated" for these and changes nothing (kreuzwerker/docker#988).
                replace_on_changes=["healthcheck", "tmpfs", "init"],
            ),
        )


def file_labels(files: Sequence[ContainerFile], key: pulumi.Output[str]) -> dict[str, pulumi.Input[str]]:
    """Return a label per file with the digest of its content.

    The provider shows the files of a container as one secret; with these labels `preview --diff` names the one that
    changes. A secret's digest is keyed, so that nobody can try passwords on it.
    """
    labels: dict[str, pulumi.Input[str]] = {}
    for file in files:
        if isinstance(file.content, str):
            digest: pulumi.Input[str] = hashlib.sha256(file.content.encode()).hexdigest()[:DIGEST_LENGTH]
        else:
            keyed = pulumi.Output.all(key, file.content).apply(lambda parts: _keyed_digest(*parts))
            digest = pulumi.Output.unsecret(keyed)
        labels[f"photos.file{file.path}"] = digest
    return labels


def _keyed_digest(key: str, content: str) -> str:
    return hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()[:DIGEST_LENGTH]


def _healthcheck(health: HealthCheck) -> docker.ContainerHealthcheckArgs:
    return docker.ContainerHealthcheckArgs(
        tests=["CMD", *health.command],
        interval=go_duration(health.interval_s),
        timeout=go_duration(health.timeout_s),
        start_period=go_duration(health.start_period_s),
        retries=health.retries,
    )
