"""The stack's two networks: `db` has no way out, `apps` has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

NETWORKS = ("db", "apps")
"""The roles; each Docker name is `<prefix>-<role>`."""


@dataclass(frozen=True, kw_only=True)
class NetworksArgs:
    """`prefix` starts the Docker names; `labels` go on both networks."""

    prefix: str
    labels: Mapping[str, str]


class Networks(pulumi.ComponentResource):
    """The networks that services meet on.

    Creates: two `docker.Network`, `db` (internal: no way in or out) and `apps`.

    Services name them by id: one that was removed by hand comes back under another id, and who was in it is made anew.
    The provider never looks whether a container is still in its network.
    """

    db: pulumi.Output[str]
    apps: pulumi.Output[str]
    apps_subnet: pulumi.Output[str]

    def __init__(self, name: str, args: NetworksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("photos:network:Networks", name, {}, opts)
        labels = [docker.NetworkLabelArgs(label=key, value=value) for key, value in args.labels.items()]
        db = docker.Network(
            f"{name}-db",
            name=f"{args.prefix}-db",
            driver="bridge",
            internal=True,
            labels=labels,
            opts=pulumi.ResourceOptions(parent=self),
        )
        apps = docker.Network(
            f"{name}-apps",
            name=f"{args.prefix}-apps",
            driver="bridge",
            labels=labels,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.db, self.apps = db.id, apps.id
        self.apps_subnet = apps.ipam_configs.apply(_ipv4_subnet)
        self.register_outputs({"db": self.db, "apps": self.apps, "apps_subnet": self.apps_subnet})


def _ipv4_subnet(configs: object) -> str:
    """Docker chooses the subnet; the one with a dot is IPv4."""
    subnets = [getattr(config, "subnet", None) or "" for config in configs or ()]  # type: ignore[attr-defined]
    return next((subnet for subnet in subnets if "." in subnet), "")
