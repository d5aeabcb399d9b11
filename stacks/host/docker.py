"""The Docker host: reachable, and its names, ports, memory and data free for this stack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound

from components.addresses import ANY, IN_THE_LAN
from components.database import Database
from components.fields import OWN_NETWORKS
from components.messages import message
from components.service import Binding
from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host import (
    GIB,
    Finding,
    advice,
    error,
    ok,
    unsafe_for_databases,
    warning,
)
from stacks.host.endpoint import DockerEndpoint, EndpointError, resolve
from stacks.host.endpoints import endpoints
from stacks.host.engines import check_engine
from stacks.host.late_addresses import may_be_absent
from stacks.host.library import folders
from stacks.host.machine import HERE, Machine
from stacks.host.machines import machine_of
from stacks.host.neighbours import check_neighbours
from stacks.host.ssh import LineError, no_docker_there
from stacks.sections.places import first_host, host_of, library_host

CHECK = "docker"
SECONDS_TO_ANSWER = 20
WEAK_CORES, WEAK_GIB = 2, 6
"""At most so many cores, or less than so much memory: a machine for `preset: small`."""
Summary = dict[str, Any]
"""A container as `docker ps` knows it: /containers/json of Docker's API."""


def check_reachable() -> Iterator[Finding]:
    """Say whether the Docker host answers, and which it is."""
    try:
        endpoint = resolve()
        with closing(endpoint.connect(SECONDS_TO_ANSWER)) as client:
            yield from _engine(HERE, client.info(), client.version())
    except EndpointError as problem:
        yield problem.finding
    except DockerException as problem:
        yield unreachable(endpoint, problem)


def check_docker(config: StackConfig, host: str, endpoint: DockerEndpoint) -> Iterator[Finding]:
    """Look at one Docker host of the stack; without one that the album runs on, only say so."""
    machine = machine_of(config.settings, host)
    try:
        with closing(endpoint.connect(SECONDS_TO_ANSWER)) as client:
            info = client.info()
            engine = list(_engine(machine, info, client.version()))
            yield from engine
            if any(finding.level == "error" for finding in engine):
                return
            yield from _data_root(info, config, host)
            # As one list: docker-py's `containers.list` asks once more for each container of the host.
            containers = client.api.containers(all=True)
            yield from _foreign_names(client, containers, config)
            yield from check_neighbours(machine, info, trusted=config.settings.neighbours == "trusted")
            yield from _panel_network(client, config, host)
            yield from _ports(containers, config, host)
            yield _memory(info, config, host)
            yield from _weak(info, config)
            if host_of(config.settings, Database.service) == host:
                yield from _database_image(client, config)
    except EndpointError as problem:
        yield problem.finding
    except DockerException as problem:
        yield unreachable(endpoint, problem, host)


def published(config: StackConfig) -> dict[str, list[Binding]]:
    """Return the bindings of running containers in Docker's order; of those alone with several addresses for a port."""
    services = [
        service
        for service in expected(config.stack, config.settings).services
        if any(len(port.addresses) > 1 for port in service.ports)
    ]
    found: dict[str, list[Binding]] = {}
    with suppress(EndpointError, DockerException):  # the checks say so
        for host, endpoint in endpoints(config).items() if services else ():
            names = [service.container for service in services if service.host == host]
            with closing(endpoint.connect(SECONDS_TO_ANSWER)) as client:
                found |= {name: list(_bindings(client, name)) for name in names}
    return found


def _bindings(client: docker.DockerClient, name: str) -> Iterator[Binding]:
    try:
        ports = client.containers.get(name).attrs["NetworkSettings"]["Ports"] or {}
    except docker.errors.NotFound:
        return
    for place, bindings in ports.items():
        number, _, protocol = place.partition("/")
        yield from ((int(number), protocol, binding["HostIp"]) for binding in bindings or ())


def _engine(machine: Machine, info: dict[str, Any], version: dict[str, Any]) -> Iterator[Finding]:
    yield ok(CHECK, message("docker_version", "version {version}", version=info["ServerVersion"]))
    yield from check_engine(machine, info, version)


def unreachable(endpoint: DockerEndpoint, problem: Exception, host: str = "") -> Finding:
    """Return why a Docker does not answer, and what to do. `host`: which of several it is."""
    reason = re.sub(r"\s+", " ", str(problem))[:120]
    if endpoint.line:
        try:
            said = no_docker_there(endpoint.line)
        except LineError as lost:  # it hung until now
            said = lost.said
    elif host and endpoint.named_by == f"photos:hosts.{host}.docker":
        said = advice(
            "host_silent",
            "nothing answers at {url}",
            "Switch {host} on, and its Docker, then run this again. What runs on the other hosts goes on meanwhile",
            url=endpoint.url,
            host=host,
        )
    elif endpoint.named_by:
        said = advice(
            "docker_silent",
            "nothing answers at {url}, which {named_by} names ({reason})",
            "Start it, or name another one: docker:host in the stack file, DOCKER_HOST, `docker context use`",
            url=endpoint.url,
            named_by=endpoint.named_by,
            reason=reason,
        )
    elif "Permission denied" in reason:
        said = advice(
            "docker_closed",
            "does not let you in ({reason})",
            "Log out and in again, if you joined the group docker just now, or run ./photos setup",
            reason=reason,
        )
    else:
        said = advice(
            "docker_unreachable",
            "not reachable ({reason})",
            "`sudo systemctl start docker`, or ./photos setup",
            reason=reason,
        )
    return error(CHECK, *said)


def _data_root(info: dict[str, Any], config: StackConfig, host: str) -> Iterator[Finding]:
    root = info.get("DockerRootDir", "")
    kind = machine_of(config.settings, host).file_system(root)
    if unsafe_for_databases(kind):
        yield error(
            CHECK,
            *advice(
                "docker_data_unsafe",
                "its data ({root}) is on {file_system}, where MariaDB loses data",
                'Move "data-root" to a Linux disk (ext4)',
                root=root,
                file_system=kind,
            ),
        )
    for key, folder in folders(config.settings).items() if host == library_host(config.settings) else ():
        if root and str(folder).startswith(root.rstrip("/") + "/"):
            yield error(
                f"config photos:library.{key}",
                *advice(
                    "folder_of_docker",
                    "{folder} lies in Docker's own folder {root}",
                    "Use another one",
                    folder=folder,
                    root=root,
                ),
            )


def _foreign_names(client: docker.DockerClient, containers: list[Summary], config: StackConfig) -> Iterator[Finding]:
    """Names of this stack that something else holds; our own id means free."""
    ours = expected(config.stack, config.settings)
    held: list[tuple[str, str | None, Any]] = [("container", _name(c), c.get("Labels")) for c in containers]
    held += [("network", n.name, n.attrs.get("Labels")) for n in client.networks.list()]
    held += [("volume", v.name, v.attrs.get("Labels")) for v in client.volumes.list()]
    names = {"container": ours.containers, "network": ours.networks, "volume": ours.volumes}
    for kind, name, labels in held:
        if name not in names[kind]:
            continue
        owner = (labels or {}).get("photos.id")
        if owner != config.id:
            whose = (
                message("stack_of_id", "the stack with id {id}", id=owner)
                if owner
                else message("something_else", "something else")
            )
            yield error(
                f"{kind} {name}",
                *advice(
                    "name_taken",
                    "is there already and belongs to {owner}",
                    "Was this stack set up from another folder? Take its stack file, run ./photos adopt, or choose another "
                    "name",
                    owner=whose,
                ),
            )


def _panel_network(client: docker.DockerClient, config: StackConfig, host: str) -> Iterator[Finding]:
    """The network of a panel is there before, and lets nobody in from outside by itself."""
    wanted = config.settings.panel_network
    if wanted is None or host != first_host(config.settings):
        return
    place = "config photos:panel_network"
    foreign = [network for network in client.networks.list() if "photos.id" not in (network.attrs.get("Labels") or {})]
    bridges = [str(network.name) for network in foreign if network.attrs.get("Driver") == "bridge"]
    known = ", ".join(sorted(name for name in bridges if name not in OWN_NETWORKS))
    if wanted not in bridges:
        yield error(
            place,
            *advice(
                "panel_network_missing",
                "Docker here has no network {wanted} of the type bridge that is not a photo stack's own",
                "1Panel makes 1panel-network as it starts. Write one of: {known}; or take the line out",
                wanted=wanted,
                known=known or message("no_network", "none is there"),
            ),
        )


def _ports(containers: list[Summary], config: StackConfig, host: str) -> Iterator[Finding]:
    holders = {port: container for container in containers for port in _ports_of(container)}
    ours = {port for port, holder in holders.items() if _is_ours(holder, config)}
    # A container that crashes has its ports at one moment and not at the next.
    crashing = {_name(c) for c in containers if _is_ours(c, config) and c.get("State") == "restarting"}
    machine = machine_of(config.settings, host)
    addresses = machine.own_addresses() | set(ANY)
    for service in expected(config.stack, config.settings).on(host):
        for port in service.ports:
            where = f"config photos:{service.section}.{port.field}"
            absent = [address for address in port.addresses if address not in addresses]
            for address in absent:
                yield _not_here(f"config photos:{service.section}.{port.address_field}", address, machine)
            if absent or service.container in crashing or port.number in ours:
                continue
            if not all(machine.is_free(address, port.number) for address in port.addresses):
                yield _taken(where, port.number, holders)


def _not_here(place: str, address: str, machine: Machine) -> Finding:
    if address == IN_THE_LAN:
        return error(
            place,
            *advice(
                "no_lan_here",
                "lan: this machine has no private address in a LAN now",
                "Is the cable in, the Wi-Fi on? Otherwise write 127.0.0.1; in a WSL that is not mirrored, too",
            ),
        )
    if may_be_absent(address, machine):
        return warning(
            place,
            *advice(
                "address_not_here_yet",
                "this machine does not have {address} now",
                "The services answer there once it has; is it written right? `ip -brief address` shows what is here",
                address=address,
            ),
        )
    return error(
        place,
        *advice(
            "address_not_here",
            "{address} is not an address of this machine",
            "Write 127.0.0.1, lan, or one that `ip -brief address` shows",
            address=address,
        ),
    )


def _is_ours(container: Summary, config: StackConfig) -> bool:
    return bool((container.get("Labels") or {}).get("photos.id") == config.id)


def _taken(where: str, port: int, holders: dict[int, Summary]) -> Finding:
    holder = holders.get(port)
    if holder is None:
        return error(
            where,
            *advice(
                "port_of_a_program",
                "port {port} is in use by another program",
                "Choose another port, or see who it is: {look}",
                port=port,
                look=f"sudo ss -lntup 'sport = :{port}'",
            ),
        )
    stack = (holder.get("Labels") or {}).get("photos.stack")
    whose = (
        message("your_other_stack", 'your other stack "{stack}"', stack=stack)
        if stack
        else message("another_container", "another container")
    )
    return error(
        where,
        *advice(
            "port_of_a_container",
            "port {port} is in use by {owner} ({container})",
            "Choose another port",
            port=port,
            owner=whose,
            container=_name(holder),
        ),
    )


def _name(container: Summary) -> str:
    """Return its own name; a container that others link to has more."""
    names = [name.lstrip("/") for name in container.get("Names") or ()]
    return next((name for name in names if "/" not in name), "")


def _ports_of(container: Summary) -> set[int]:
    """Return the ports of this machine that lead into a container, as long as it runs."""
    return {int(port["PublicPort"]) for port in container.get("Ports") or () if port.get("PublicPort")}


def _memory(info: dict[str, Any], config: StackConfig, host: str) -> Finding:
    """Limits are no reservations: services seldom reach theirs at the same time."""
    services = [service for service in expected(config.stack, config.settings).on(host) if service.started]
    total, there = sum(service.memory_mb for service in services) / 1024, info.get("MemTotal", 0) / GIB
    text = message(
        "memory_limits",
        "the memory limits add up to {total} GB, this machine has {there} GB",
        total=f"{total:.1f}",
        there=f"{there:.1f}",
    )
    if total <= there:
        return ok("memory", text)
    largest = max(services, key=lambda service: service.memory_mb)
    fix = message(
        "memory_limits_fix",
        "When all are busy at once some will be stopped. photos:{section}.memory is the largest",
        section=largest.section,
    )
    return warning("memory", text, fix)


def _weak(info: dict[str, Any], config: StackConfig) -> Iterator[Finding]:
    """Name the preset where it fits, to who asks (`doctor`): no warning, since it goes without, slower."""
    cores, gigabytes = info.get("NCPU", 0), info.get("MemTotal", 0) / GIB
    if config.settings.preset or not (0 < cores <= WEAK_CORES or 0 < gigabytes < WEAK_GIB):
        return
    yield ok(
        "machine",
        message(
            "preset_fits",
            "{cores} cores, {there} GB: `photos:preset: small` in the stack file fits such a machine",
            cores=cores,
            there=f"{gigabytes:.1f}",
        ),
    )


def _database_image(client: docker.DockerClient, config: StackConfig) -> Iterator[Finding]:
    """A MariaDB older than its data cannot read it; one much newer cannot either."""
    wanted = _version(config.settings.database.image)
    written = max((version for version in _written_by(client, config) if version), default=None)
    if not wanted or not written:
        return
    path = "config photos:database.image"
    if wanted < written:
        yield error(
            path,
            *advice(
                "database_goes_back",
                "{running} → {wanted} cannot read the data",
                "Keep the newer image, or go back together with the data: ./photos upgrade mariadb --back --stack {stack}",
                running=_dots(written),
                wanted=_dots(wanted),
                stack=config.stack,
            ),
        )
    elif wanted[0] - written[0] > 1:
        yield error(
            path,
            *advice(
                "database_skips",
                "{running} → {wanted} skips a major version",
                "Go to {next} first",
                running=_dots(written),
                wanted=_dots(wanted),
                next=written[0] + 1,
            ),
        )


def _written_by(client: docker.DockerClient, config: StackConfig) -> Iterator[tuple[int, int] | None]:
    """Yield the series of the server that is here, and of the one that wrote the kept data: no container may be left."""
    name = f"photos-{config.stack}-mariadb"
    try:
        container = client.containers.get(name)
        tags = [*container.image.tags, container.attrs["Config"]["Image"]] if container.image else []
        yield from map(_version, tags)
    except (docker.errors.NotFound, ImageNotFound):
        pass
    # The time at which a volume was made binds nothing: until Docker 23 it changes with what is in it (seen).
    kept = [volume for volume in client.volumes.list() if volume.name == name]
    if any((volume.attrs.get("Labels") or {}).get("photos.id") == config.id for volume in kept):
        yield _version(f":{config.database_written}")


def _version(image: str) -> tuple[int, int] | None:
    match = re.search(r":(\d+)\.(\d+)[^/]*$", image.partition("@")[0])
    return (int(match[1]), int(match[2])) if match else None


def _dots(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
