"""The Docker host: reachable, and its names, ports, memory and data free for this stack."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import docker
import psutil
from docker.errors import DockerException, ImageNotFound

from components.fields import Section
from components.keeper import WATCH_MEMORY_MB
from stacks.checks import GIB, Finding, error, file_system, ok, unsafe_for_databases, warning
from stacks.checks.library import folders
from stacks.config import StackConfig
from stacks.settings import Settings

ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - compared with, not bound to


def check_docker(config: StackConfig) -> Iterator[Finding]:
    """Look at the Docker host; without one, only say so."""
    try:
        with closing(docker.from_env(timeout=20)) as client:
            info = client.info()
            yield ok("docker", f"version {info['ServerVersion']}")
            if "Desktop" in info.get("OperatingSystem", ""):
                yield warning(
                    "docker", "Docker Desktop is untested here", "docker-ce inside the distribution is tested"
                )
            yield from _data_root(info, config)
            yield from _foreign_names(client, config)
            yield from _ports(client, config)
            yield _memory(info, config.settings)
            yield from _database_image(client, config)
    except DockerException as problem:
        yield error("docker", f"not reachable ({_short(problem)})", "sudo systemctl start docker, or ./photos setup")


def _short(problem: Exception) -> str:
    return re.sub(r"\s+", " ", str(problem))[:120]


def _data_root(info: dict[str, Any], config: StackConfig) -> Iterator[Finding]:
    root = info.get("DockerRootDir", "")
    kind = file_system(root)
    if unsafe_for_databases(kind):
        yield error(
            "docker",
            f"its data ({root}) is on {kind}, where MariaDB loses data",
            'Move "data-root" to a Linux disk (ext4)',
        )
    for key, folder in folders(config.settings.library).items():
        if root and str(folder).startswith(root.rstrip("/") + "/"):
            yield error(
                f"config photos:library.{key}", f"{folder} lies in Docker's own folder {root}", "Use another one"
            )


def _foreign_names(client: docker.DockerClient, config: StackConfig) -> Iterator[Finding]:
    """Names of this stack that something else holds; our own id means free."""
    prefix = f"photos-{config.stack}"
    held: list[tuple[str, str | None, Any]] = [
        ("container", c.name, c.labels) for c in client.containers.list(all=True, ignore_removed=True)
    ]
    held += [("network", n.name, n.attrs.get("Labels")) for n in client.networks.list()]
    held += [("volume", v.name, v.attrs.get("Labels")) for v in client.volumes.list()]
    services = ["mariadb", *config.settings.enabled(), *(("keeper", "watch") if config.settings.backup else ())]
    names = {f"{prefix}-{name}" for name in (*services, "db", "apps", "photoprism-storage")}
    for kind, name, labels in held:
        if name not in names:
            continue
        owner = (labels or {}).get("photos.id")
        if owner != config.id:
            whose = f"the stack with id {owner}" if owner else "something else"
            yield error(
                f"{kind} {name}",
                f"is there already and belongs to {whose}",
                "Was this stack set up from another folder? Take its stack file, run ./photos adopt, or choose another name",
            )


def _ports(client: docker.DockerClient, config: StackConfig) -> Iterator[Finding]:
    mine = client.containers.list(ignore_removed=True, filters={"label": f"photos.id={config.id}"})
    ours = {
        int(binding["HostPort"])
        for container in mine
        for bindings in (container.attrs["HostConfig"]["PortBindings"] or {}).values()
        for binding in bindings or ()
        if binding.get("HostPort")
    }
    addresses = {address.address for nic in psutil.net_if_addrs().values() for address in nic} | {ANY_ADDRESS}
    sections: dict[str, Section] = {f"services.{name}": found for name, found in config.settings.enabled().items()}
    if config.settings.backup:
        sections["backup"] = config.settings.backup
    for name, service in sections.items():
        for field in (field for field in type(service).model_fields if field.endswith("port")):
            # `port` answers on `bind`, `sync_port` on `sync_bind`; without such a key on 127.0.0.1.
            bind_field = f"{field.removesuffix('port')}bind"
            port, address = getattr(service, field), str(getattr(service, bind_field, "127.0.0.1"))
            if address not in addresses:
                yield error(
                    f"config photos:{name}.{bind_field}",
                    f"{address} is not an address of this machine",
                    "Write 127.0.0.1, or one that `ip -brief address` shows",
                )
            elif port not in ours and not _free(address, port):
                yield error(
                    f"config photos:{name}.{field}",
                    f"port {port} is in use by another program",
                    f"Choose another port, or see who it is: sudo ss -lntup 'sport = :{port}'",
                )


def _free(address: str, port: int) -> bool:
    """Whether both the TCP and the UDP port can be bound."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def _memory(info: dict[str, Any], settings: Settings) -> Finding:
    limits = {"database": settings.database.memory}
    limits |= {f"services.{name}": service.memory for name, service in settings.enabled().items()}
    if settings.backup:
        limits |= {"backup": settings.backup.memory, "watch": WATCH_MEMORY_MB}
    total, there = sum(limits.values()) / 1024, info.get("MemTotal", 0) / GIB
    text = f"the memory limits add up to {total:.1f} GB, this machine has {there:.1f} GB"
    if total > there:
        largest = max(limits.keys() - {"watch"}, key=lambda name: limits[name])
        return error("memory", text, f"Lower photos:{largest}.memory (photos:database.memory and the others count too)")
    return ok("memory", text)


def _database_image(client: docker.DockerClient, config: StackConfig) -> Iterator[Finding]:
    """A MariaDB older than its data cannot read it; one much newer cannot either."""
    try:
        container = client.containers.get(f"photos-{config.stack}-mariadb")
        tags = [*container.image.tags, container.attrs["Config"]["Image"]] if container.image else []
    except (docker.errors.NotFound, ImageNotFound):
        return
    wanted = _version(config.settings.database.image)
    running = max((version for tag in tags if (version := _version(tag))), default=None)
    if not wanted or not running:
        return
    path = "config photos:database.image"
    if wanted < running:
        yield error(
            path, f"{_dots(running)} → {_dots(wanted)} cannot read the data", "Keep the newer image, or restore a dump"
        )
    elif wanted[0] - running[0] > 1:
        yield error(path, f"{_dots(running)} → {_dots(wanted)} skips a major version", f"Go to {running[0] + 1} first")


def _version(image: str) -> tuple[int, int] | None:
    match = re.search(r":(\d+)\.(\d+)[^/]*$", image.partition("@")[0])
    return (int(match[1]), int(match[2])) if match else None


def _dots(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
