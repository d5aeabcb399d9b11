"""The containers of a stack on its Docker hosts, by its id, and how each goes."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import DockerException
from docker.models.containers import Container

from cli import docker_host, paths, stackfile
from cli.console import fail
from cli.dockers import Dockers, opened
from components.messages import Said, message

RUNS = ("running", "restarting", "paused")
WORDS = {
    said.code: said
    for said in (
        message("healthy", "healthy"),
        message("starting", "starting"),
        message("unhealthy", "unhealthy"),
        message("missing_container", "missing"),
        message("created", "created"),
        message("running", "running"),
        message("paused", "paused"),
        message("restarting", "restarting"),
        message("exited", "exited"),
        message("host_off", "no answer"),
    )
}
SECONDS_OF_A_FIRST_START = 300
LAST_LINES = 15


@contextmanager
def connected(stack: str, *, service: str | None = None, partly: bool = False) -> Iterator[Dockers]:
    """Connect to the Dockers of `stack`, or to that of one service alone; end the program where one does not answer.

    `partly`: of several, do without those that do not.
    """
    try:
        with opened(stack, service) as dockers:
            for host in () if partly else dockers.lost:
                dockers.on(host)  # says why, and ends the program
            yield dockers
    except DockerException as problem:
        if docker_host.refuses(stack):
            fail(
                message("docker_login_again", "This login may not use Docker yet: log in again, or run: newgrp docker")
            )
        fail(message("docker_no_answer", "Docker does not answer ({problem}). See: ./photos doctor", problem=problem))


def containers(dockers: Dockers, stack: str) -> list[Container]:
    """Return every container that carries the id of `stack`, on whichever host and whatever its state."""
    return [container for client in dockers.clients.values() for container in on(client, stack)]


def on(client: docker.DockerClient, stack: str) -> list[Container]:
    """Return every container of one host that carries the id of `stack`, whatever its state."""
    of_stack = docker_host.of_stack(stackfile.stack_id(paths.stack_file(stack)))
    listed: list[Container] = client.containers.list(all=True, ignore_removed=True, filters=of_stack)
    return listed


def content(container: Container, path: str) -> bytes:
    """Return a file of a container."""
    packed, _ = container.get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(packed))) as bundle:
        (member,) = bundle.getmembers()
        return (bundle.extractfile(member) or io.BytesIO()).read()


def answer(
    container: Container, *words: str, environment: dict[str, str] | None = None, user: str = ""
) -> tuple[int, str, str]:
    """Run a program in a running container; return its exit code, what it wrote, and its errors.

    What its environment holds reaches it through Docker's API alone: a command line could be read by any process.
    """
    done = container.exec_run(list(words), environment=environment, user=user, demux=True)
    output, errors = (
        (part if isinstance(part, bytes) else b"").decode("utf-8", "surrogateescape") for part in done.output
    )
    return int(done.exit_code or 0), output, errors


def of_service(dockers: Dockers, stack: str, service: str) -> Container | None:
    """Return the container of one service on its host, whatever its state; None where there is none."""
    return of_service_on(dockers.of(service), stack, service)


def of_service_on(client: docker.DockerClient, stack: str, service: str) -> Container | None:
    """Return the container of one service on one host, be that its own or not; None where there is none."""
    return next((container for container in on(client, stack) if service_of(container) == service), None)


def service_of(container: Container) -> str:
    """Return the name of the service that a container of ours runs."""
    return str(container.labels.get("photos.service", ""))


def runs(container: Container) -> bool:
    """Whether its process is there, be it that it is just being started again."""
    return container.status in RUNS


def health(container: Container) -> str:
    """Return healthy, unhealthy or starting; of what does not run, Docker's status."""
    state: dict[str, Any] = container.attrs["State"]
    if state.get("Status", "running") != "running":
        return str(state["Status"])
    return str(state.get("Health", {}).get("Status") or state.get("Status"))


def in_words(health: str) -> Said:
    """Return health or status as a person reads it."""
    return WORDS.get("missing_container" if health == "missing" else health, health)


def restarts(container: Container) -> int:
    """Return how often Docker had to start it again."""
    return int(container.attrs.get("RestartCount", 0))


def works(container: Container) -> bool:
    """Whether it is healthy, or was started and not asked yet; one that Docker had to restart does not."""
    fresh = container.status == "running" and not restarts(container)
    return health(container) == "healthy" or (health(container) == "starting" and fresh)


def let_it_start(container: Container) -> None:
    """Wait until a container is healthy or ill, at most as long as `up` waits for a database."""
    deadline = time.monotonic() + SECONDS_OF_A_FIRST_START
    while health(container) == "starting" and not restarts(container) and time.monotonic() < deadline:
        time.sleep(1)
        container.reload()


def last_lines(container: Container) -> str:
    """Return the end of a container's log."""
    return str(container.logs(tail=LAST_LINES).decode(errors="replace"))
