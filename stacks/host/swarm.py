"""Docker Swarm between the hosts of a stack, of which only the network is used: whether all of them are in the same one.

Looks only; `cli/swarm.py` makes it. A swarm that somebody else made is never left: what runs in it would lose its network.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from docker.errors import DockerException

from stacks.config import StackConfig
from stacks.findings import at_host
from stacks.host import Finding, advice, error, ok, warning
from stacks.host.endpoint import DockerEndpoint, EndpointError
from stacks.host.endpoints import endpoints
from stacks.host.lan import lan_addresses
from stacks.host.machine import Machine
from stacks.host.machines import SSH, machine_of
from stacks.sections import Settings

CHECK = "swarm"
PORTS = "2377/tcp, 7946/tcp, 7946/udp, 4789/udp"
"""What the hosts reach each other at: the manager, who is there, and the packets (docs.docker.com, swarm-tutorial)."""
TO_MAKE = ("swarm_none", "swarm_outside")
"""The codes of the findings that `cli/swarm.py` mends."""
ROUTES = "/proc/net/route"
SECONDS_TO_ANSWER = 20
MANAGERS = 1


@dataclass(frozen=True)
class Sight:
    """What a Docker says of the swarm that it is in: its state there, its node and address, and who manages."""

    state: str
    manages: bool
    node: str
    address: str
    managers: Mapping[str, str]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Sight:
        """Return it from what `docker info` says."""
        managers = {str(each["NodeID"]): str(each["Addr"]) for each in said.get("RemoteManagers") or ()}
        return cls(
            state=str(said.get("LocalNodeState", "inactive")),
            manages=bool(said.get("ControlAvailable")),
            node=str(said.get("NodeID", "")),
            address=str(said.get("NodeAddr", "")),
            managers=managers,
        )

    @property
    def outside(self) -> bool:
        """Whether it is in none."""
        return self.state == "inactive"

    def in_that_of(self, manager: Sight) -> bool:
        """Whether it is in the swarm of `manager`."""
        return manager.node in self.managers


def check_swarm(config: StackConfig) -> Iterator[Finding]:
    """Yield for each host whether the network between the hosts is there; what does not answer is told by others."""
    sights = {host: sight for host, endpoint in endpoints(config).items() if (sight := look(endpoint))}
    first = next(iter(endpoints(config)))
    manager = sights.get(first)
    if manager is None:
        return
    for host, sight in sights.items():
        found = list(_of_manager(config, sight) if host == first else _of_worker(config, sight, manager))
        if sight.outside and found and not address_of(config.settings, host):
            yield _no_address(host)
            continue
        for finding in found or (ok(CHECK, sight.address), *_address_differs(config, host, sight)):
            yield Finding(finding.level, at_host(finding.check, host), finding.text, finding.fix)


def look(endpoint: DockerEndpoint) -> Sight | None:
    """Return what a Docker says of its swarm; None where it does not answer."""
    with suppress(DockerException, EndpointError), closing(endpoint.connect(SECONDS_TO_ANSWER)) as client:
        return Sight.of(client.info().get("Swarm") or {})
    return None


def address_of(settings: Settings, host: str) -> str:
    """Return the address at which the other hosts reach a host: as written, else its only one in the LAN; "" for neither."""
    listed = settings.hosts[host]
    if listed.address:
        return listed.address
    if listed.docker and not listed.docker.startswith(SSH):
        return ""  # a socket does not tell which machine is behind it
    found = lan_addresses(machine_of(settings, host))
    return found[0] if len(found) == 1 else ""


def free_pool(machines: Iterable[Machine]) -> str:
    """Return a block of addresses for the swarm's networks that nothing on these machines leads to.

    Docker's own choice begins with 10.0.0.0/24, which is a common LAN at home.
    """
    taken = [network for machine in machines for network in _routes(machine)]
    candidates = (ipaddress.IPv4Network(f"10.{number}.0.0/16") for number in (*range(222, 255), *range(200, 222)))
    return str(next(pool for pool in candidates if not any(pool.overlaps(network) for network in taken)))


def _routes(machine: Machine) -> Iterator[ipaddress.IPv4Network]:
    """Yield the networks that a machine has routes to, and its addresses; not the default route."""
    for row in machine.path(ROUTES).read_text("ascii").splitlines()[1:]:
        words = row.split()
        # In the order of bytes of the machine, as all of /proc/net: 0001A8C0 is 192.168.1.0.
        network, mask = (ipaddress.IPv4Address(bytes.fromhex(word)[::-1]) for word in (words[1], words[7]))
        if int(mask):
            yield ipaddress.IPv4Network(f"{network}/{mask}", strict=False)
    for address in machine.own_addresses():
        with suppress(ValueError):  # IPv6, or that of the card
            yield ipaddress.IPv4Network(address)


def _of_manager(config: StackConfig, sight: Sight) -> Iterator[Finding]:
    if sight.outside:
        yield error(
            CHECK,
            *advice(
                "swarm_none",
                "there is no network between the hosts yet",
                "./photos setup {stack} makes it with Docker Swarm, after asking",
                stack=config.stack,
            ),
        )
    elif sight.state != "active":
        yield _ill(sight)
    elif not sight.manages:
        yield error(
            CHECK,
            *advice(
                "swarm_manager_is_worker",
                "this host is to manage the swarm, and it is a worker of {managers}",
                "There, if nothing of yours runs in that swarm: `docker swarm leave`. ./photos does not leave it for you: "
                "what runs in it would lose its network",
                managers=", ".join(sight.managers.values()) or "-",
            ),
        )
    elif len(sight.managers) > MANAGERS:
        yield error(
            CHECK,
            *advice(
                "swarm_managers",
                "the swarm has {count} managers ({managers}): of two, one that is off keeps the other from changing anything",
                "Keep the one on this host, for each other one: `docker node demote NODE`",
                count=len(sight.managers),
                managers=", ".join(sight.managers.values()),
            ),
        )


def _of_worker(config: StackConfig, sight: Sight, manager: Sight) -> Iterator[Finding]:
    if sight.outside:
        yield error(
            CHECK,
            *advice(
                "swarm_outside",
                "this host is not in the network of the others yet",
                "./photos setup {stack} lets it join, after asking",
                stack=config.stack,
            ),
        )
    elif sight.state != "active":
        yield _ill(sight)
    elif not sight.in_that_of(manager):
        yield error(
            CHECK,
            *advice(
                "swarm_other",
                "this host is in another swarm (managed by {managers})",
                "There, if nothing of yours runs in that swarm: `docker swarm leave` (a manager: with --force). ./photos "
                "does not leave it for you: what runs in it would lose its network",
                managers=", ".join(sight.managers.values()) or "-",
            ),
        )


def _ill(sight: Sight) -> Finding:
    return error(
        CHECK,
        *advice(
            "swarm_ill",
            "Docker calls its part in the swarm {state}",
            "Is the manager on, and are these ports open between the hosts: {ports}? `docker info` there says more; to begin "
            "anew there: `docker swarm leave`, then ./photos setup",
            state=sight.state,
            ports=PORTS,
        ),
    )


def _no_address(host: str) -> Finding:
    return error(
        f"config photos:hosts.{host}.address",
        *advice(
            "swarm_no_address",
            "by which address the other hosts reach it is not clear",
            "Write it: its address in your LAN, or in WireGuard, e.g. 192.168.1.20",
        ),
    )


def _address_differs(config: StackConfig, host: str, sight: Sight) -> Iterator[Finding]:
    written = config.settings.hosts[host].address
    if written and written != sight.address:
        yield warning(
            CHECK,
            *advice(
                "swarm_other_address",
                "the stack file says {written}, and the other hosts reach it at {address}",
                "Write {address}; or, for the one that is written, there: `docker swarm leave`, then ./photos setup",
                written=written,
                address=sight.address,
            ),
        )
