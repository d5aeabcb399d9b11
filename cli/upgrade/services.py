"""Services that stand still during an upgrade: stopped so that their data is whole, started again, waited for."""

from __future__ import annotations

import time
from collections.abc import Iterable

from docker.models.containers import Container

from cli import containers
from cli.console import say, warn
from cli.dockers import Dockers
from components.database import Database
from components.keeper import Keeper
from components.messages import Said, message

SECONDS_TO_STOP = 120
SECONDS_TO_SETTLE = 600
SECONDS_BETWEEN_LOOKS = 2
RESTARTS = 3
AT_WORK = ("restic ", "keeper backup", "keeper verify", "keeper drill")
"""What the command lines of a keeper hold that is at work at a copy."""


class ServiceError(Exception):
    """Something is not as an upgrade needs it; `said` is what a person is told, `log` the end of what it wrote."""

    def __init__(self, said: Said, log: str = "") -> None:
        super().__init__(str(said))
        self.said, self.log = said, log


def of(dockers: Dockers, stack: str, names: Iterable[str]) -> dict[str, Container]:
    """Return service → container, of those that are there."""
    found = {name: containers.of_service(dockers, stack, name) for name in names}
    return {name: container for name, container in found.items() if container}


def await_keeper(dockers: Dockers, stack: str) -> None:
    """Wait until the keeper is not at work: a backup that is cut short begins anew."""
    told = False
    while (keeper := containers.of_service(dockers, stack, Keeper.service)) and _is_at_work(keeper):
        if not told:
            say(message("upgrade_awaits_keeper", "A backup is running. Waiting until it ends ... (Ctrl-C: not now)"))
            told = True
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _is_at_work(keeper: Container) -> bool:
    if keeper.status != "running":
        return False
    lines = (" ".join(words) for words in keeper.top()["Processes"] or ())
    return any(work in line for line in lines for work in AT_WORK)


def stop_cleanly(container: Container) -> None:
    """Stop a container so that what it keeps is whole.

    A database that crashed is started first: only a clean stop lets a newer version begin ("Upgrade after a crash is not
    supported", MariaDB/mariadb-docker#456).

    Raises:
        ServiceError: it does not stop cleanly.
    """
    container.reload()
    is_database = containers.service_of(container) == Database.service
    if is_database and not _is_clean(container):
        warn(
            message(
                "upgrade_after_crash",
                "{name} did not end cleanly. Starting it as it is, to stop it cleanly ...",
                name=container.name,
            )
        )
        start([container])
    if containers.runs(container):
        if container.status == "paused":
            container.unpause()
        container.stop(timeout=SECONDS_TO_STOP)
        container.reload()
    if is_database and not _is_clean(container):
        raise ServiceError(
            message(
                "upgrade_no_clean_stop",
                "{name} does not end cleanly within {seconds} s (exit code {code}), so its data cannot be copied",
                name=container.name,
                seconds=SECONDS_TO_STOP,
                code=container.attrs["State"]["ExitCode"],
            ),
            containers.last_lines(container),
        )


def _is_clean(container: Container) -> bool:
    """Whether it runs and is well, or ended by itself because it was asked to."""
    if container.status in ("running", "paused"):
        return containers.health(container) in ("healthy", "paused")
    return container.status in ("exited", "created") and container.attrs["State"]["ExitCode"] == 0


def start(stopped: Iterable[Container]) -> None:
    """Start containers and wait until they are healthy.

    Raises:
        ServiceError: one does not become healthy.
    """
    for container in stopped:
        if not containers.runs(container):
            container.start()
        await_health(container)


def await_health(container: Container) -> None:
    """Wait until a container is healthy.

    Raises:
        ServiceError: it ends, is started again and again, or is ill.
    """
    deadline = time.monotonic() + SECONDS_TO_SETTLE
    while True:
        container.reload()
        health = containers.health(container)
        if health == "healthy" or ("Health" not in container.attrs["State"] and health == "running"):
            return
        gone = not containers.runs(container) or containers.restarts(container) >= RESTARTS
        if gone or health == "unhealthy" or time.monotonic() > deadline:
            raise ServiceError(
                message(
                    "upgrade_not_healthy",
                    "{name} is {health}",
                    name=container.name,
                    health=containers.in_words(health),
                ),
                containers.last_lines(container),
            )
        time.sleep(SECONDS_BETWEEN_LOOKS)
