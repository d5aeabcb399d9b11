"""The whole photo system on one page: networks, database, services, the way in from the internet, the backup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import pulumi

from components.cloudflared import Cloudflared, CloudflaredArgs
from components.container import image_reference
from components.database import Database, DatabaseArgs
from components.hosts import Hosts
from components.keeper import ALBUM_SCOPE, BackupArgs, Keeper, KeeperArgs, Watch, WatchArgs
from components.network import Networks, NetworksArgs
from components.publishing import PublishArgs
from components.restore import Restore, RestoreArgs
from components.service import Binding, Foundation, Owner, Platform, ServiceArgs, stack_labels
from components.services import SERVICES, LeafService
from components.storage import Library


@dataclass(frozen=True, kw_only=True)
class PhotoSystemArgs:
    """What a photo system is made from.

    `stack` and `id` (a UUID) label everything; `prefix` starts all Docker names, so that two systems can share a host;
    `image_registry` is a mirror for all images; `panel_network` is one of somebody else, which services with pages for
    people join; `published` is how the containers' ports stand now, where one has several addresses; `keep_data` leaves the volumes on the host at `destroy`; `services`
    holds the arguments of each service to run, e.g. `PhotoPrismArgs(config=PhotoPrismConfig(), admin_password=…)`;
    `public_urls` maps services to their addresses on the internet; `hosts` are its Docker hosts, and what is on which.
    """

    stack: str
    prefix: str
    id: str
    timezone: str
    owner: Owner
    library: Library
    database: DatabaseArgs
    services: Sequence[ServiceArgs]
    public_urls: Mapping[str, str]
    image_registry: str | None
    published: Mapping[str, Sequence[Binding]] = field(default_factory=dict)
    panel_network: str | None = None
    keep_data: bool
    publish: PublishArgs | None
    backup: BackupArgs | None
    hosts: Hosts = field(default_factory=Hosts)


class PhotoSystem(pulumi.ComponentResource):
    """A family's photo system. Providers of Docker and Cloudflare come with `opts`, those of further hosts with `hosts`.

    Creates: `Networks`; `Database` (MariaDB); the services of `SERVICES` that `services` has arguments for (PhotoPrism,
    Syncthing, Drive); with `publish` a `Tunnel` and `Cloudflared`; with `backup` a `Keeper`, a `Watch` and a `Restore`.
    """

    networks: Networks
    database: Database
    services: Mapping[str, LeafService]
    endpoints: pulumi.Output[dict[str, str]]
    """Service → its address in the networks that it is in, e.g. http://photoprism:2342."""
    network_ids: pulumi.Output[dict[str, str]]
    """Role → Docker's id of the network, for a container of another stack."""

    def __init__(self, name: str, args: PhotoSystemArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("photos:system:PhotoSystem", name, {}, opts)
        self._system_name, self._hosts = name, args.hosts

        labels = stack_labels(args.stack, args.id)
        self.networks = Networks(
            f"{name}-networks",
            NetworksArgs(prefix=args.prefix, labels=labels, several_hosts=args.hosts.several),
            self._child("networks"),
        )
        foundation = Foundation(
            stack=args.stack,
            prefix=args.prefix,
            id=args.id,
            timezone=args.timezone,
            owner=args.owner,
            networks=self.networks,
            image_registry=args.image_registry,
            panel_network=args.panel_network,
            served=_served(args),
            published=args.published,
            keep_data=args.keep_data,
            digest_key=args.database.root_password,
            hosts=args.hosts,
        )
        self.database = Database(f"{name}-mariadb", args.database, foundation, self._child("mariadb"))
        platform = Platform(
            **{part.name: getattr(foundation, part.name) for part in fields(foundation)},
            database=self.database.connection,
            library=args.library,
            public_urls=args.public_urls,
        )
        known = {service.Args for service in SERVICES}
        if unknown := [type(each).__name__ for each in args.services if type(each) not in known]:
            msg = f"services: {', '.join(unknown)} is of no service; add its service to components/services/__init__.py"
            raise ValueError(msg)
        self.services = {
            service.service: service(f"{name}-{service.service}", service_args, platform, self._child(service.service))
            for service in SERVICES
            for service_args in args.services
            if type(service_args) is service.Args
        }
        way_in = self._publish(args.publish, foundation) if args.publish else []
        if args.backup:
            self._back_up(args, args.backup, platform, after=[self.database, *self.services.values(), *way_in])

        self.endpoints = pulumi.Output.from_input(self._origins())
        self.network_ids = pulumi.Output.all(**self.networks.ids)
        self.register_outputs({"endpoints": self.endpoints, "network_ids": self.network_ids})

    def _publish(self, publish: PublishArgs, foundation: Foundation) -> list[pulumi.Resource]:
        # Here and not above: a system without a tunnel saves the seconds and the memory of pulumi_cloudflare.
        from components.tunnel import Tunnel, TunnelArgs  # noqa: PLC0415

        label = f"{foundation.prefix}-{foundation.id[:8]}"
        tunnel = Tunnel(
            f"{self._system_name}-tunnel",
            TunnelArgs(label=label, publish=publish, origins=self._origins()),
            self._child("tunnel"),
        )
        if tunnel.token is None:
            return [tunnel]
        connector = CloudflaredArgs(config=publish.cloudflared, token=tunnel.token)
        return [
            tunnel,
            Cloudflared(f"{self._system_name}-cloudflared", connector, foundation, self._child("cloudflared")),
        ]

    def _back_up(
        self, args: PhotoSystemArgs, backup: BackupArgs, platform: Platform, after: Sequence[pulumi.Resource]
    ) -> None:
        """Declare what backs up, after everything else: its image is built here, and a build can fail."""
        if self.database.reading is None:
            msg = "a backup dumps the database: write DatabaseArgs(dumped=True)"
            raise ValueError(msg)
        album = self.services.get("photoprism")
        keeper_args = KeeperArgs(
            backup=backup,
            base_image=image_reference(args.database.config.image, args.image_registry),
            reading=self.database.reading,
            services=self.services,
            album_password=album.password_for(Keeper.service, ALBUM_SCOPE) if album else None,
            after=after,
        )
        keeper = Keeper(f"{self._system_name}-keeper", keeper_args, platform, self._child("keeper"))
        Watch(f"{self._system_name}-watch", WatchArgs(keeper=keeper), platform, self._child("watch", Watch.placed_as()))
        Restore(
            f"{self._system_name}-restore",
            RestoreArgs(keeper=keeper),
            platform,
            self._child("restore", Restore.placed_as()),
        )

    def _origins(self) -> dict[str, str]:
        return {name: service.endpoint.url(name) for name, service in self.services.items() if service.endpoint}

    def _child(self, role: str, placed_as: str | None = None) -> pulumi.ResourceOptions:
        # Before there was this component, they stood at the root of the stack under these names.
        at_the_root = pulumi.Alias(name=role, parent=pulumi.ROOT_STACK_RESOURCE)
        elsewhere = self._hosts.of(placed_as or role).provider
        return pulumi.ResourceOptions(parent=self, aliases=[at_the_root], providers=[elsewhere] if elsewhere else None)


def _served(args: PhotoSystemArgs) -> frozenset[str]:
    """Return the services that requests are carried to from the network `edge`: by the tunnel, or by another service."""
    names = args.publish.names if args.publish else ()
    published = {route.service for entry in names for route in entry.routes}
    return frozenset(published.union(*(service.serves for service in args.services)))
