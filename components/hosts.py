"""The Docker hosts of a photo system: one, or several that Docker Swarm's network joins.

Nothing is ever moved from one to another: data lies on one host, and what started elsewhere would start empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi_docker as docker

THE_FIRST = "the first host"
"""What stands for the first host, whatever its name: no name of a host has a blank in it."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """A Docker host as this machine reaches it.

    `provider` is Pulumi's provider for it, None for the one that comes with the system's `opts`. `environment` is that by
    which Docker's own client finds it, e.g. DOCKER_HOST. `loopback` is an address of this machine that leads to what the
    host publishes; None where that is reached at the address that it is published at.
    """

    provider: docker.Provider | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    loopback: str | None = None

    def reach(self, published: str = "127.0.0.1") -> str:
        """Return where this machine finds what the host publishes at an address of its own."""
        return self.loopback or published


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The hosts, and what is where. `first` is the swarm's manager and has all that `place` does not put on another.

    `others` are hosts by name, `place` is service → one of these names.
    """

    first: Host = field(default_factory=Host)
    others: Mapping[str, Host] = field(default_factory=dict)
    place: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a place that is none."""
        for service, host in self.place.items():
            if host not in self.others:
                msg = f"place: {service} on {host}, which is none of the others ({', '.join(self.others) or 'none'})"
                raise ValueError(msg)

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return bool(self.others)

    def place_of(self, service: str) -> str:
        """Return what changes when a service is put on another host. Never nothing: the engine takes that for no change."""
        return self.place.get(service, THE_FIRST)

    def of(self, service: str) -> Host:
        """Return the host of a service."""
        return self.others[self.place[service]] if service in self.place else self.first
