"""Which version of MariaDB wrote the data of a stack, remembered beside the state: also while no container is there.

An older version cannot read it.
"""

from __future__ import annotations

from contextlib import suppress

from docker.errors import DockerException

from cli import containers, database_version, paths
from cli.dockers import opened
from cli.upgrade.database import data_version
from components.database import Database


def remember(stack: str) -> None:
    """Write down what wrote the data, where the database's container is there; else what is known stays."""
    with suppress(DockerException), opened(stack, Database.service) as dockers:
        container = None if dockers.lost else containers.of_service(dockers, stack, Database.service)
        if container and (version := data_version(container)):
            write(stack, version)


def write(stack: str, version: str) -> None:
    """Write down that `version` wrote the data that the stack's volume holds now."""
    if database_version.written(stack) != version:
        paths.write_private(database_version.file(stack), version)
