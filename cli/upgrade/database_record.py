"""Which version of MariaDB wrote the data of a stack, remembered beside the state: also while no container is there.

An older version cannot read it. It is bound to the volume: another one under the same name is a new beginning.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import docker
from docker.errors import DockerException, NotFound

from cli import containers, database_version, docker_host, paths
from cli.upgrade.database import data_version
from components.database import Database
from stacks.expected import prefix


def remember(stack: str) -> None:
    """Write down what wrote the data, where the database's container is there; else what is known stays."""
    with suppress(DockerException), docker_host.connect(stack) as client:
        container = containers.of_service(client, stack, Database.service)
        if container and (version := data_version(container)):
            write(client, stack, version)


def write(client: docker.DockerClient, stack: str, version: str) -> None:
    """Write down that `version` wrote the data that the stack's volume holds now."""
    volume = _volume(client, stack)
    if volume is not None:
        content = f"{version} {volume.attrs.get('CreatedAt', '')}"
        if database_version.written(stack) != content:
            paths.write_private(database_version.file(stack), content)


def _volume(client: docker.DockerClient, stack: str) -> Any:
    with suppress(NotFound):
        return client.volumes.get(f"{prefix(stack)}-{Database.service}")
    return None
