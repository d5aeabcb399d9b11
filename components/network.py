"""The stack's three networks: `db` has no way out; `edge` is where requests come in; `apps` is behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components.container import NetworkRole

NETWORKS: tuple[NetworkRole, ...] = ("db", "edge", "apps")
"""The roles; each Docker name is `<prefix>-<role>`."""


@dataclass(frozen=True, kw_only=True)
class NetworksArgs:
    """`prefix` starts the Docker names; `labels` go on all networks; `several_hosts`: whether they join more than one."""

    prefix: str
    labels: Mapping[str, str]
    several_hosts: bool = False


class Networks(pulumi.ComponentResource):
    """The networks that services meet on.

    Creates: three `docker.Network`: `db` (internal: no way in or out) for what needs the database; `edge` for what the
    internet or the LAN reaches through a proxy, and that proxy; `apps` for the rest, which what is in `edge` alone
    cannot knock on: Docker lets nothing pass from one bridge to another.

    Services name them by id: one that was removed by hand comes back under another id, and who was in it is made anew.
    The provider never looks whether a container is still in its network.

    Across hosts they are overlays, made on the swarm's manager, which its other hosts know by the same id. Not encrypted:
    where the kernel lacks what that takes, no packet passes and nothing says so.
    """

    db: pulumi.Output[str]
    edge: pulumi.Output[str]
    apps: pulumi.Output[str]
    edge_subnet: pulumi.Output[str]
    """Whence requests come to what stands in `edge`, in IPv4's notation, e.g. 172.18.0.0/16."""

    def __init__(self, name: str, args: NetworksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("photos:network:Networks", name, {}, opts)
        labels = [docker.NetworkLabelArgs(label=key, value=value) for key, value in args.labels.items()]
        made = {
            role: docker.Network(
                f"{name}-{role}",
                name=f"{args.prefix}-{role}",
                driver="overlay" if args.several_hosts else "bridge",
                # For containers; else an overlay is for Swarm's own services alone.
                attachable=True if args.several_hosts else None,
                internal=True if role == "db" else None,
                labels=labels,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for role in NETWORKS
        }
        self.db, self.edge, self.apps = (made[role].id for role in NETWORKS)
        self.edge_subnet = made["edge"].ipam_configs.apply(_ipv4_subnet)
        self.register_outputs({"edge_subnet": self.edge_subnet, **self.ids})

    @property
    def ids(self) -> dict[str, pulumi.Output[str]]:
        """Role → Docker's id of the network."""
        return {"db": self.db, "edge": self.edge, "apps": self.apps}


def _ipv4_subnet(configs: object) -> str:
    """Docker chooses the subnet; the one with a dot is IPv4."""
    subnets = [getattr(config, "subnet", None) or "" for config in configs or ()]  # type: ignore[attr-defined]
    return next((subnet for subnet in subnets if "." in subnet), "")
