"""Who can knock on a container."""

from __future__ import annotations

from collections.abc import Iterator

from house_rules.docker import CONTAINER
from house_rules.rule import Declared, resource_rule

DATABASES = (1433, 1521, 3306, 5432, 6379, 9200, 11211, 27017)
"""Where databases listen that are not made for the open."""
EVERYWHERE = {None, "", "0.0.0.0", "::"}  # noqa: S104 - what is looked for


@resource_rule(CONTAINER)
def no_published_database(container: Declared, *, databases: tuple[int, ...] = DATABASES) -> Iterator[str]:
    """A database is reached inside its network only."""
    for port in container.items("ports"):
        if port.get("internal") in databases:
            yield f"port {port['internal']:g} is a database's. Leave it out: its neighbours reach it by its name."


@resource_rule(CONTAINER)
def ports_stay_here(container: Declared, *, open_to_all: tuple[int, ...] = (22000,)) -> Iterator[str]:
    """A port is published on an address that was chosen; on all of them only what checks both sides by itself."""
    if container["publishAllPorts"]:
        yield "publish_all_ports opens what the image happens to list. Write each port."
    for port in container.items("ports"):
        if port.get("ip") in EVERYWHERE and port.get("internal") not in open_to_all:
            yield (
                f"port {port['internal']:g} is open on every address of the host, past its firewall. "
                "Write ip: 127.0.0.1, or the address of the host in its LAN."
            )
