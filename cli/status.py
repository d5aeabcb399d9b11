"""What runs, where the album is, and what stays after destroy."""

from __future__ import annotations

from typing import Any

import docker
from docker.errors import DockerException
from docker.models.containers import Container
from rich.table import Column, Table
from rich.text import Text

from cli import docker_host, keeper, kit, paths, stackfile, tunnel
from cli.console import fail, out, say, warn
from stacks.backup import status_line
from stacks.photo_system import NO_BACKUP

LINES_OF_FAILURE = 15
COLOURS = {"healthy": "green", "starting": "yellow"}


def album_url(stack: str) -> str | None:
    """Return the address of the album of `stack` on this machine; None when the stack has no album."""
    return getattr(stackfile.offline(stack).settings.enabled().get("photoprism"), "url", None)


def welcome(stack: str) -> None:
    """Say where the album is and how to get in."""
    option = "" if stack == "dev" else f" --stack {stack}"
    if url := album_url(stack):
        say(f"\nThe album: {url}   user: admin   password: ./photos password{option}")
    tunnel.addresses(stack)
    backup = stackfile.offline(stack).settings.backup
    if not backup:
        warn(NO_BACKUP)
        return
    say(status_line(backup))
    if not kit.confirmed(stack):
        warn(
            f"Make the recovery kit, without which an empty machine cannot read the copies: ./photos keeper kit{option}"
        )


def show(stack: str) -> int:
    """Print a table of the services; return 1 when one of them is ill. One that just starts is not."""
    containers = _containers(stack)
    if not containers:
        say(f'Nothing of the stack "{stack}" runs here. Start it: ./photos up {stack}')
        return 1
    names = ("service", "state", "health", "address", "image")
    table = Table(*(Column(name, overflow="fold") for name in names))
    for container in sorted(containers, key=lambda item: str(item.name)):
        health = _health(container)
        table.add_row(
            container.labels.get("photos.service", ""),
            container.status,
            Text(health, COLOURS[health] if _well(container) else "red"),
            " ".join(sorted(_addresses(container))),
            ", ".join(container.image.tags[:1]) if container.image else "",
        )
    out.print(table)
    if url := album_url(stack):
        say(f"The album: {url}")
    tunnel.show(stack, {container.labels.get("photos.service"): _health(container) for container in containers})
    if stackfile.offline(stack).settings.backup:
        keeper.summary(stack)
    else:
        warn(NO_BACKUP)
    return int(not all(map(_well, containers)))


def logs(stack: str, service: str, *, follow: bool, lines: int) -> None:
    """Print the log of one service."""
    for container in _containers(stack):
        if container.labels.get("photos.service") == service:
            try:
                for chunk in container.logs(stream=True, follow=follow, tail=lines):
                    out.file.write(chunk.decode(errors="replace"))
            except KeyboardInterrupt:
                return
            return
    fail(f'No container of the service "{service}" in the stack "{stack}". See: ./photos status --stack {stack}')


def explain_failure(stack: str) -> None:
    """Print the last lines of each container that is not healthy."""
    for container in _containers(stack):
        if _health(container) != "healthy":
            warn(f"\n{container.name} is {_health(container)}. Its last lines:")
            out.print(container.logs(tail=LINES_OF_FAILURE).decode(errors="replace"), markup=False)
    if stackfile.offline(stack).settings.backup and not any(
        _service(found) == "keeper" for found in _containers(stack)
    ):
        warn(
            "The keeper does not run, so nothing is backed up; the album does not need it. Where its image cannot be built, "
            "see the line that begins with `Error running buildx build`, and photos:backup.mirrors for a slow line."
        )
    warn("Nothing of your photos was touched. After mending the cause run ./photos up again; it goes on from here.")


def what_stays(stack: str) -> None:
    """Say what destroy left behind, on purpose."""
    library = stackfile.offline(stack).settings.library.library()
    say("Your photos were not touched: " + ", ".join(library.folders))
    with docker_host.connect() as client:
        kept = [str(volume.name) for volume in client.volumes.list(filters=_of(stack))]
    if kept:
        say(f"Kept volumes: {', '.join(sorted(kept))}. ./photos up {stack} takes them up again.")
        say("Do not run `docker volume prune` or `docker system prune --volumes`: some versions delete kept volumes.")


def _of(stack: str) -> dict[str, str | list[str] | bool]:
    return docker_host.of_stack(stackfile.stack_id(paths.stack_file(stack)))


def _containers(stack: str) -> list[Container]:
    try:
        return docker.from_env().containers.list(all=True, ignore_removed=True, filters=_of(stack))
    except DockerException as problem:
        fail(f"Docker does not answer ({problem}). See: ./photos doctor")


def _service(container: Container) -> str:
    return str(container.labels.get("photos.service", ""))


def _health(container: Container) -> str:
    state: dict[str, Any] = container.attrs["State"]
    return str(state.get("Health", {}).get("Status") or state.get("Status"))


def _well(container: Container) -> bool:
    """Whether the service works, or was started and not asked yet; one that Docker had to restart is not well."""
    fresh = container.status == "running" and not container.attrs["RestartCount"]
    return _health(container) == "healthy" or (_health(container) == "starting" and fresh)


def _addresses(container: Container) -> set[str]:
    bindings = container.attrs["HostConfig"]["PortBindings"] or {}
    return {f"{b['HostIp']}:{b['HostPort']}" for host in bindings.values() for b in host or ()}
