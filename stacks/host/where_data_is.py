"""Data stays where it is: a service that was placed on another host would start there empty, healthy, and wrong.

Seen with MariaDB: the album came up without a photo, and nothing said why. `./photos move` takes the data along.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress

from docker.errors import DockerException

from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host import Finding, advice, error
from stacks.host.endpoint import EndpointError
from stacks.host.endpoints import endpoints

SECONDS_TO_ANSWER = 20


def check_where_data_is(config: StackConfig) -> Iterator[Finding]:
    """Yield each service whose volumes are on another host than the one that it is placed on."""
    if config.first_run:
        return
    volumes = volumes_by_host(config)
    for service in expected(config.stack, config.settings).services:
        there = volumes.get(service.host, set())
        elsewhere = [
            host
            for host, names in volumes.items()
            if host != service.host and names.intersection(service.volumes) and not there.intersection(service.volumes)
        ]
        if elsewhere:
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
    found = {}
    for host, endpoint in endpoints(config).items():
        with suppress(DockerException, EndpointError), closing(endpoint.connect(SECONDS_TO_ANSWER)) as client:
            listed = client.volumes.list(filters={"label": f"photos.id={config.id}"})
            found[host] = {volume.name for volume in listed}
    return found
