"""The base of every service, and the house rules that all containers obey.

This is the only file that creates a `docker.Container`.
"""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import pulumi
import pulumi_docker as docker

from components.container import (
    BackedUp,
    ContainerFile,
    ContainerSpec,
    Endpoint,
    HealthCheck,
    Login,
    PublishedPort,
    VolumeMount,
    go_duration,
    image_reference,
)
from components.hosts import Host, Hosts
from components.network import Networks
from components.secrets import generated_password
from components.service_config import ServiceConfig
from components.storage import DataVolume, Library, data_volume

DIGEST_LENGTH = 12
BETWEEN_HOSTS = {"net.ipv4.tcp_retries2": "8"}
"""What a container is told of the kernel's settings where there are several hosts (ip-sysctl): after 100 seconds without an
answer a connection is given up, not after 15 minutes. A host that lost its power closes none, and what ran there comes
back at another address: the album hung on its old database (seen)."""
Binding = tuple[int, str, str]
"""A port inside a container, its protocol, and an address of the host that leads there."""


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
class Foundation:
    """What every container of a photo system shares. `prefix` starts all Docker names, `id` marks them as its own.

    `panel_network` is a network of a panel or proxy, by its name: joined, never made nor removed.
    `published`: container → the bindings of its ports as they stand now, in Docker's own order.
    `served` are the services that something in the network `edge` carries requests to: they join it, too.
    `digest_key` is a secret that never changes: labels with it tell one secret file from another, and not what is in it.
    `hosts` says which service is on which Docker host, and how this machine reaches it.
    """

    stack: str
    prefix: str
    id: str
    timezone: str
    owner: Owner
    networks: Networks
    image_registry: str | None
    panel_network: str | None = None
    served: Collection[str] = ()
    published: Mapping[str, Sequence[Binding]] = field(default_factory=dict)
    keep_data: bool
    digest_key: pulumi.Input[str]
    hosts: Hosts = field(default_factory=Hosts)

    def container_name(self, service: str) -> str:
        """Return the name of a service's container, which is also its name in every network that it is in."""
        return f"{self.prefix}-{service}"

    def labels(self, service: str) -> dict[str, str]:
        """Return the labels of one service's resources; 1Panel, Portainer and Docker Desktop group by the last two."""
        return {**stack_labels(self.stack, self.id), "photos.service": service} | {
            "com.docker.compose.project": self.prefix,
            "com.docker.compose.service": service,
        }


@dataclass(frozen=True, kw_only=True)
class Platform(Foundation):
    """What a leaf service may use: the foundation, the database, the library and the addresses on the internet."""

    database: DatabaseConnection
    library: Library
    public_urls: Mapping[str, str]


def stack_labels(stack: str, stack_id: str) -> dict[str, str]:
    """Return the labels by which `./photos` finds what belongs to a stack."""
    return {"photos.stack": stack, "photos.id": stack_id}


Secret = Annotated[pulumi.Input[str], "secret"]
"""An argument that its owner has to supply and keep: data depends on it, so the stack cannot make another."""


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    """What a service is made from. A subclass adds its configuration and, of the type `Secret`, its secrets.

    `inner_secrets` are those of what is declared inside the app: `typed_secrets` and `made_secrets` of its configuration.
    """

    inner_secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)

    @property
    def extras(self) -> ServiceConfig | None:
        """What a person adds to the container that the service's own configuration does not know."""
        config = getattr(self, "config", None)
        return config if isinstance(config, ServiceConfig) else None

    @property
    def serves(self) -> Collection[str]:
        """The services that this one, a proxy in the network `edge`, carries requests to."""
        return ()

    @classmethod
    def secret_names(cls) -> tuple[str, ...]:
        """Return the arguments that are secrets."""
        # Read as it is written: pulumi.Input cannot be resolved outside of its own module.
        return tuple(argument.name for argument in fields(cls) if argument.type in ("Secret", Secret))


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """What a service has before its container is described.

    Data volumes and generated passwords by role, and its secret arguments by name.
    """

    volumes: Mapping[str, VolumeMount]
    passwords: Mapping[str, pulumi.Output[str]]
    secrets: Mapping[str, pulumi.Output[str]]


def child_name(parent: str, role: str) -> str:
    """Return the logical name of a child: the only one of its kind is called like its parent."""
    return f"{parent}-{role}" if role else parent


ArgsT = TypeVar("ArgsT", bound=ServiceArgs)
BaseT = TypeVar("BaseT", bound=Foundation)


class Service(pulumi.ComponentResource, ABC, Generic[ArgsT, BaseT]):
    """One service of the photo system: a container and what it keeps.

    A subclass names itself in `service`, its arguments in `Args` and what a person may choose in `Config`; its data
    volumes in `data`, the login that a person types in `login`, what may be published in `endpoint`, what of it is
    backed up in `backed_up`; and it describes its container in `spec`, which creates nothing. All of it can be read
    without Pulumi: what a running stack consists of is derived from it.

    Creates: one `docker.RemoteImage`, unless it uses another service's, one `docker.Container`, a `docker.Volume` per
    role in `data` and a `random.RandomPassword` per role in `passwords`.
    """

    service: ClassVar[str]
    """Its name: of its section, its container, and its host in the networks."""
    Args: ClassVar[type[ServiceArgs]]
    Config: ClassVar[type[ServiceConfig]]
    login: ClassVar[Login | None] = None
    data: ClassVar[Mapping[str, str]] = {}
    """Role → where the data volume `<prefix>-<service>[-<role>]` is mounted; one volume has the role ""."""
    endpoint: ClassVar[Endpoint | None] = None
    in_panel_network: ClassVar[bool] = False
    """Whether it joins the network of a panel, whose proxy then reaches its pages: nothing but what has a login for
    the family, never a database."""
    backed_up: ClassVar[BackedUp | None] = None
    waited_for: ClassVar[bool] = True
    """Whether `up` waits until it is healthy; what nothing depends on never holds `up` up."""

    beside: ClassVar[str] = ""
    """The service whose host it shares, since it mounts its volume; "" for one that may have a place of its own."""
    in_library: ClassVar[bool] = False
    """Whether it mounts folders of the library, so that it runs on the host that has them."""

    started: ClassVar[bool] = True
    """Whether it runs; else it waits for a person to start it, ends by itself, and Docker does not start it again."""

    args: ArgsT
    host: Host
    """The Docker host that it is on."""
    image: str
    """The name of its image, without the mirror that it may be pulled through."""
    container: docker.Container
    image_id: pulumi.Input[str]
    volumes: Mapping[str, VolumeMount]
    """Role → data volume."""
    passwords: Mapping[str, pulumi.Output[str]]
    """Role → generated password."""
    secrets: Mapping[str, pulumi.Output[str]]
    """Argument → secret that was handed in."""

    def __init__(self, name: str, args: ArgsT, base: BaseT, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"photos:service:{type(self).__name__}", name, {}, opts)
        self.args, self.host = args, base.hosts.of(self.placed_as())
        self.volumes = {role: _data_volume(self, name, role, target, base) for role, target in self.data.items()}
        self.passwords = {
            role: generated_password(child_name(name, role), parent=self, rotation=rotation)
            for role, rotation in self.rotations(args).items()
        }
        # Whoever calls this may hand over plain text: from here on it is a secret.
        self.secrets = {secret: pulumi.Output.secret(getattr(args, secret)) for secret in args.secret_names()}
        belongings = Belongings(volumes=self.volumes, passwords=self.passwords, secrets=self.secrets)
        spec = self.spec(args, base, belongings)
        self.image = spec.image
        self.image_id = spec.image_id if spec.image_id is not None else _image(self, name, spec, base)
        self.container = _container(self, name, spec, base)
        self.furnish(name, args, base)
        self.register_outputs({"container": self.container.name})

    def furnish(self, name: str, args: ArgsT, base: BaseT) -> None:
        """Declare what is inside the running app (components/apps), below this component and after its container."""

    def password_for(self, program: str, scope: str) -> pulumi.Output[str] | None:  # noqa: ARG002 - most have none
        """Declare a password inside the app for another program, which may do what is in `scope`; None where it has none."""
        return None

    @classmethod
    def placed_as(cls) -> str:
        """Return the service whose place is its own: itself, or the one that it is beside."""
        return cls.beside or cls.service

    @classmethod
    @abstractmethod
    def spec(cls, args: ArgsT, base: BaseT, belongings: Belongings) -> ContainerSpec:
        """Describe the container."""

    @classmethod
    def rotations(cls, args: ArgsT) -> Mapping[str, int]:
        """Return the passwords that the stack makes and can heal by itself: role → a number, and a new one renews it."""
        del args
        return {}


def _data_volume(service: Service[Any, Any], name: str, role: str, target: str, base: Foundation) -> VolumeMount:
    volume = DataVolume(
        name=f"{base.prefix}-{child_name(service.service, role)}",
        labels=stack_labels(base.stack, base.id),
        keep=base.keep_data,
        place=base.hosts.place_of(service.placed_as()),
    )
    return data_volume(child_name(name, role), volume, target, parent=service)


def _image(service: Service[Any, Any], name: str, spec: ContainerSpec, base: Foundation) -> pulumi.Output[str]:
    build, place = spec.build, base.hosts.place_of(service.placed_as())
    parts = [
        docker.RemoteImage(
            child_name(name, role),
            name=part,
            keep_locally=True,
            opts=pulumi.ResourceOptions(parent=service, depends_on=list(spec.depends_on), replacement_trigger=place),
        )
        for role, part in (build.parts if build else {}).items()
    ]
    image = docker.RemoteImage(
        name,
        name=spec.image if build else image_reference(spec.image, base.image_registry),
        build=docker.RemoteImageBuildArgs(context=build.context, build_args=dict(build.args)) if build else None,
        # What is built here goes with the resource, by its name and even from under a forgotten container: a
        # refusal of Docker would stop `up` and `destroy` for ever. What is pulled may be another stack's too.
        keep_locally=not build,
        force_remove=True if build else None,
        opts=pulumi.ResourceOptions(
            parent=service,
            depends_on=[*spec.depends_on, *parts] if build else None,
            # Through another provider it would be taken for the same one, and not be on that host.
            replacement_trigger=place,
        ),
    )
    return image.image_id


def _container(service: Service[Any, Any], name: str, spec: ContainerSpec, base: Foundation) -> docker.Container:
    extras = service.args.extras
    environment = {**(extras.environment if extras else {}), "TZ": base.timezone, **spec.env}
    labels = {
        **(extras.labels if extras else {}),
        **base.labels(service.service),
        **file_labels(spec.files, base.digest_key),
    }
    return docker.Container(
        name,
        name=base.container_name(service.service),
        image=service.image_id,
        hostname=service.service,
        entrypoints=list(spec.entrypoint) or None,
        command=list(spec.command) or None,
        envs=[pulumi.Output.concat(key, "=", value) for key, value in environment.items()],
        labels=[docker.ContainerLabelArgs(label=key, value=value) for key, value in labels.items()],
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
            docker.ContainerPortArgs(internal=port.internal, external=port.external, ip=port.ip, protocol=port.protocol)
            for port in _in_dockers_order(spec.ports, base.published.get(base.container_name(service.service), ()))
        ],
        networks_advanced=_networks(service, spec, base),
        healthcheck=_healthcheck(spec.health) if spec.health else None,
        memory=spec.memory_mb,
        memory_swap=spec.memory_mb * 2,
        tmpfs=dict(spec.tmpfs),
        devices=[docker.ContainerDeviceArgs(host_path=path) for path in spec.devices.paths],
        gpus="all" if spec.devices.nvidia else None,
        user=spec.user,
        group_adds=list(spec.groups),
        working_dir=spec.working_dir,
        capabilities=docker.ContainerCapabilitiesArgs(
            drops=["ALL"], adds=[f"CAP_{capability}" for capability in spec.capabilities]
        ),
        security_opts=["no-new-privileges:true"],
        sysctls=BETWEEN_HOSTS if base.hosts.several else None,
        init=True,
        restart="unless-stopped" if service.started else "no",
        start=None if service.started else False,
        must_run=None if service.started else False,
        log_driver="json-file",
        log_opts={"max-size": "10m", "max-file": "3"},
        destroy_grace_seconds=spec.stop_grace_s,
        wait=service.waited_for,
        wait_timeout=spec.wait_s,
        opts=pulumi.ResourceOptions(
            parent=service,
            depends_on=list(spec.depends_on),
            # The name is taken until the old container is gone.
            delete_before_replace=True,
            # The provider says "updated" for these and changes nothing (kreuzwerker/docker#988).
            replace_on_changes=["healthcheck", "tmpfs", "init"],
        ),
    )


def _in_dockers_order(ports: Sequence[PublishedPort], published: Sequence[Binding]) -> list[PublishedPort]:
    """Return the ports as Docker shows them of the container that runs.

    The provider compares them one by one, by their numbers first. Of one port on several addresses, Docker 20.10 shows
    TCP the other way round than it was told, so that no order that is written down stays (seen): each `up` would replace
    the container. TCP and UDP of one number on several addresses cannot be kept at all: the provider reads them in an
    order of chance (kreuzwerker/docker 4.5, flattenContainerPorts).
    """
    if not published:
        return list(ports)
    places = {binding: place for place, binding in enumerate(published)}
    # Those that it does not have yet keep their order behind the others.
    return sorted(
        ports, key=lambda port: (port.internal, places.get((port.internal, port.protocol, port.ip), len(places)))
    )


def _networks(
    service: Service[Any, Any], spec: ContainerSpec, base: Foundation
) -> list[docker.ContainerNetworksAdvancedArgs]:
    roles = [*spec.networks]
    if service.service in base.served and "edge" not in roles:
        roles.append("edge")
    ids = base.networks.ids
    own = [docker.ContainerNetworksAdvancedArgs(name=ids[role], aliases=[service.service]) for role in roles]
    if not base.panel_network or not service.in_panel_network:
        return own
    # A panel's own apps are called photoprism and mariadb there: ours only by the whole name.
    whole_name = base.container_name(service.service)
    return [*own, docker.ContainerNetworksAdvancedArgs(name=base.panel_network, aliases=[whole_name])]


def file_labels(files: Sequence[ContainerFile], key: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
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
