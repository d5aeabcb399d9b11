"""Data stays where it is: a service that was placed on another host would start there empty, healthy, and wrong.

Seen with MariaDB: the album came up without a photo, and nothing said why. `./photos move` takes the data along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field

from docker.errors import DockerException

from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host import Finding, advice, error
from stacks.host.endpoint import EndpointError
from stacks.host.endpoints import endpoints

SECONDS_TO_ANSWER = 20


def check_where_data_is(config: StackConfig) -> Iterator[Finding]:
    """Yield each service whose volumes are on another host than the one that it is placed on, or only older ones there.

    What stands still on the other host was stopped by a move, whose copy on this one is as new.
    """
    if config.first_run:
        return
    seen = _by_host(config)
    for service in expected(config.stack, config.settings).services:
        here = seen.get(service.host, _Seen())
        elsewhere = [
            host for host, each in seen.items() if host != service.host and each.volumes.intersection(service.volumes)
        ]
        runs = [host for host in elsewhere if service.name in seen[host].running]
        if elsewhere and here.volumes.intersection(service.volumes):
            if runs and service.name not in here.running:
                yield error(
                    f"config photos:place.{service.name}",
                    *advice(
                        "data_older",
                        "{service} runs on {there}, and what {host} has of its data may be older",
                        "./photos move {service} {host} --stack {stack} takes the data along; or write {there} back",
                        service=service.name,
                        host=service.host,
                        there=runs[0],
                        stack=config.stack,
                    ),
                )
        elif elsewhere:
            yield error(
                f"config photos:place.{service.name}",
                *advice(
                    "data_elsewhere",
                    "{service} would be on {host}, and its data is on {there}: it would start empty",
                    "./photos move {service} {host} --stack {stack} takes the data along; or write {there} back",
                    service=service.name,
                    host=service.host,
                    there=elsewhere[0],
                    stack=config.stack,
                ),
            )


def volumes_by_host(config: StackConfig) -> dict[str, set[str]]:
    """Return host → the names of this stack's volumes there; a host that does not answer is left out."""
    return {host: each.volumes for host, each in _by_host(config).items()}


@dataclass(frozen=True)
class _Seen:
    """What of the stack is on a host: volumes by name, and the services that run."""

    volumes: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)


def _by_host(config: StackConfig) -> Mapping[str, _Seen]:
    of_stack: dict[str, str | list[str] | bool] = {"label": f"photos.id={config.id}"}
    found: dict[str, _Seen] = {}
    for host, endpoint in endpoints(config).items():
        with suppress(DockerException, EndpointError), closing(endpoint.connect(SECONDS_TO_ANSWER)) as client:
            volumes = {str(volume.name) for volume in client.volumes.list(filters=of_stack)}
            running = client.containers.list(filters=of_stack, ignore_removed=True)
            found[host] = _Seen(volumes, {str(each.labels.get("photos.service", "")) for each in running})
    return found
