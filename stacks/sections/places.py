"""`photos:place`: which service is on which host, and what cannot be apart. docs/adr/0034."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components.cloudflared import Cloudflared
from components.database import Database
from components.keeper import Keeper, Watch
from components.messages import message
from components.restore import Restore
from components.service import Service
from components.services import SERVICES
from stacks.findings import Finding
from stacks.problems import problem
from stacks.sections import Settings

Kind = type[Service[Any, Any]]
_ALL: tuple[Kind, ...] = (Database, *SERVICES, Cloudflared, Keeper, Watch, Restore)
KINDS = {kind.service: kind for kind in _ALL}


def first_host(settings: Settings) -> str:
    """Return the host that ./photos' own Docker is on, the swarm's manager: the one without a `docker`."""
    # Not by its place in the file: Pulumi hands sections over in the order of the alphabet.
    return next((name for name, host in settings.hosts.items() if host.docker is None), "")


def host_of(settings: Settings, service: str) -> str:
    """Return the name of the host that a service is on; "" where there is only one."""
    if len(settings.hosts) < 2:  # noqa: PLR2004 - several
        return ""
    return settings.place.get(KINDS[service].placed_as()) or first_host(settings)


def library_host(settings: Settings) -> str:
    """Return the name of the host whose folders the library is in; "" where there is only one."""
    return next((host_of(settings, kind.service) for kind in _kinds(settings) if kind.in_library), "")


def place_problems(settings: Settings) -> list[Finding]:
    """Return what is wrong with `hosts` and `place` taken together."""
    return [*_hosts(settings), *_placed(settings), *_apart(settings), *_panel(settings)]


def _kinds(settings: Settings) -> list[Kind]:
    """Return the services of this stack."""
    publish = settings.publish
    away = {kind.service for kind in SERVICES} - settings.enabled().keys()
    if not publish or publish.adopt.tunnel:
        away.add(Cloudflared.service)
    if not settings.backup:
        away |= {kind.service for kind in (Keeper, Watch, Restore)}
    return [kind for kind in _ALL if kind.service not in away]


def _hosts(settings: Settings) -> Iterator[Finding]:
    here = [name for name, host in settings.hosts.items() if host.docker is None]
    if len(here) > 1:
        yield problem(
            "hosts",
            message(
                "two_managers",
                "{names} have no `docker`, and only the host where ./photos finds its own Docker can do without. Write it for the others, e.g. docker: ssh://photos@gpu.lan",
                names=_listed(here),
            ),
        )
    if settings.hosts and not here:
        yield problem(
            "hosts",
            message(
                "no_manager",
                "every host has a `docker`, so ./photos finds its own Docker on none. Take it out of that host, which then manages the others' network",
            ),
        )
    seen: dict[str, str] = {}
    for name, host in settings.hosts.items():
        if host.docker and host.docker in seen:
            yield problem(
                f"hosts.{name}.docker",
                message(
                    "host_twice",
                    "is that of {other}, too. Write another one, or take one host out",
                    other=seen[host.docker],
                ),
            )
        seen[host.docker or ""] = name


def _placed(settings: Settings) -> Iterator[Finding]:
    if settings.place and not settings.hosts:
        yield problem(
            "place",
            message("place_without_hosts", "there is one host. Write `photos:hosts` first, or take `place` out"),
        )
        return
    present = {kind.service: kind for kind in _kinds(settings)}
    free = [name for name, kind in present.items() if not kind.beside]
    for service, host in settings.place.items():
        at = f"place.{service}"
        if service not in present:
            yield problem(
                at,
                message("place_of_nothing", "is no service of this stack. Write one of: {known}", known=_listed(free)),
            )
        elif beside := present[service].beside:
            yield problem(
                at,
                message(
                    "place_beside", "is always where {other} is. Take the line out, and place {other}", other=beside
                ),
            )
        if host not in settings.hosts:
            known = _listed(list(settings.hosts))
            yield problem(
                at,
                message(
                    "place_unknown_host", '"{host}" is not among hosts. Write one of: {known}', host=host, known=known
                ),
            )


def _apart(settings: Settings) -> Iterator[Finding]:
    """Yield that services which see the same folders and volumes are on several hosts: Docker would make them empty."""
    bound = [kind.service for kind in _kinds(settings) if kind.in_library and not kind.beside]
    places: dict[str, list[str]] = {}
    for service in bound:
        places.setdefault(host_of(settings, service), []).append(service)
    if len(places) > 1:
        yield problem(
            "place",
            message(
                "place_apart",
                "{places}: these see the same photos, and on another host they would see empty folders. Write one host for all of them",
                places="; ".join(f"{host}: {', '.join(services)}" for host, services in sorted(places.items())),
            ),
        )


def _panel(settings: Settings) -> Iterator[Finding]:
    """Yield that a service would join a panel's network on a host that has none: no overlay, it ends with its host."""
    first = first_host(settings)
    away = [
        kind.service for kind in _kinds(settings) if kind.in_panel_network and host_of(settings, kind.service) != first
    ]
    if settings.panel_network and len(settings.hosts) > 1 and away:
        yield problem(
            "panel_network",
            message(
                "panel_elsewhere",
                "{network} is a network of {first} alone, and {services} would be on another host. Take it out, or place them on {first}",
                network=settings.panel_network,
                first=first,
                services=_listed(away),
            ),
        )


def _listed(names: list[str]) -> str:
    return ", ".join(names)
