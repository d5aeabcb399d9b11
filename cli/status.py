"""How the services go, where the album is, and what stays after destroy."""

from __future__ import annotations

from rich import box
from rich.table import Column, Table
from rich.text import Text

from cli import (
    containers,
    docker_host,
    keeper,
    kept_kit,
    pages,
    paths,
    phone_sights,
    releases,
    running,
    stack_config,
    stackfile,
    sweep,
    tunnel,
)
from cli.console import err, fail, out, say, warn
from cli.lost_hosts import lost_hosts, not_started
from cli.moved import moved
from cli.running import ServiceState
from cli.upgrade import points
from components.messages import message
from stacks.languages import text
from stacks.outputs import NO_BACKUP
from stacks.sections.backup.rules import status_line

COLOURS = {"healthy": "green", "starting": "yellow"}
HEADS = (
    message("head_service", "service"),
    message("head_health", "health"),
    message("head_address", "address"),
    message("head_image", "image"),
)
HOST = message("head_host", "host")


def welcome(stack: str) -> int:
    """Say how each service goes, where the album is and how to get in; return 1 when a service fails."""
    with containers.connected(stack, partly=True) as dockers:
        states = running.settled(dockers, stack)
        for word in ("healthy", "starting"):
            if names := [state.name for state in states if state.well and state.health == word]:
                say(
                    message(
                        "services_by_health",
                        "{health}: {names}",
                        health=containers.in_words(word),
                        names=", ".join(names),
                    )
                )
        failing = [state for state in states if not state.well]
        for state in failing:
            if not state.is_lost:
                _explain(state)
        lost = list(lost_hosts(dockers))
    for trouble in lost:
        warn(trouble)
    option = stackfile.option(stack)
    if url := pages.album(stack):
        say(
            message(
                "album_login",
                "\nThe album: {url}   user: admin   password: ./photos password{option}",
                url=url,
                option=option,
            )
        )
    tunnel.addresses(stack)
    _backup(stack, option)
    if failing:
        not_well = ", ".join(state.name for state in failing)
        warn(
            message(
                "not_working",
                "Not working: {not_well}. After mending the cause: ./photos up {stack}",
                not_well=not_well,
                stack=stack,
            )
        )
    return int(bool(failing))


def show(stack: str) -> int:
    """Print a table of what is expected and how it goes; return 1 when something is missing or ill."""
    with containers.connected(stack, partly=True) as dockers:
        states = running.at_work(dockers, stack)
        if not dockers.lost and not any(state.container for state in states):
            say(
                message(
                    "nothing_runs",
                    'Nothing of the stack "{stack}" runs here. Start it: ./photos up {stack}',
                    stack=stack,
                )
            )
            return 1
        out.print(_table(states, several=dockers.several))
        foreign = sweep.strangers(dockers, stack)
        told = any(state.name == "keeper" and state.well for state in states)
        of_phones = phone_sights.warnings(dockers, stack, stack_config.offline(stack).settings, told=told)
        of_hosts = [*lost_hosts(dockers), *not_started(dockers, states)]
    for trouble in of_hosts:
        warn(trouble)

    def is_lost(service: str) -> bool:
        return any(state.name == service and state.is_lost for state in states)

    if not is_lost("photoprism") and (url := pages.album(stack)):
        say(message("album", "The album: {url}", url=url))
    missing = [state.name for state in states if state.health == "missing"]
    if missing:
        warn(
            message(
                "services_missing",
                "Missing: {names}. Bring back: ./photos up {stack}",
                names=", ".join(missing),
                stack=stack,
            )
        )
    if foreign:
        warn(
            message(
                "services_made_anew",
                "Made anew by something else: {names}. Make it the stack's own again: ./photos up {stack}",
                names=", ".join(foreign),
                stack=stack,
            )
        )
    for trouble in (*moved(states, stack_config.offline(stack)), *of_phones):
        warn(trouble)
    tunnel.show(stack, {state.name: state.health for state in states if state.container})
    points.tell(stack)
    if stack_config.offline(stack).settings.backup:
        if not is_lost("keeper"):
            keeper.summary(stack)
    else:
        warn(NO_BACKUP)
        releases.show(stack)  # with a keeper it asks, and its summary tells
    return int(bool(of_hosts) or not all(state.well for state in states))


def logs(stack: str, service: str, *, follow: bool, lines: int) -> None:
    """Print the log of one service."""
    with containers.connected(stack, partly=True) as dockers:
        for state in running.services(dockers, stack):
            if state.name == service and state.is_lost:
                dockers.on(state.host)  # says why, and ends the program
            if state.name == service and state.container:
                try:
                    for chunk in state.container.logs(stream=True, follow=follow, tail=lines):
                        out.file.write(chunk.decode(errors="replace"))
                except KeyboardInterrupt:
                    return
                return
    fail(
        message(
            "no_container",
            'No container of the service "{service}" in the stack "{stack}". See: ./photos status --stack {stack}',
            service=service,
            stack=stack,
        )
    )


def explain_failure(stack: str) -> None:
    """Print the last lines of each container that is not healthy."""
    with containers.connected(stack, partly=True) as dockers:
        states = running.at_work(dockers, stack)
        lost = list(lost_hosts(dockers))
        for state in states:
            if state.container and state.health != "healthy" and not state.on_demand:
                _explain(state)
    for trouble in lost:
        warn(trouble)
    if any(state.name == "keeper" and state.health == "missing" for state in states):
        warn(
            message(
                "keeper_not_there",
                "The keeper does not run, so nothing is backed up; the album does not need it. Where its image cannot be built, see the line that begins with `Error running buildx build`, and photos:backup.mirrors for a slow line.",
            )
        )
    warn(
        message(
            "photos_untouched",
            "Nothing of your photos was touched. After mending the cause run ./photos up again; it goes on from here.",
        )
    )


def what_stays(stack: str) -> None:
    """Say what destroy left behind, on purpose."""
    library = stack_config.offline(stack).settings.library.library()
    say(message("photos_not_touched", "Your photos were not touched: {folders}", folders=", ".join(library.folders)))
    with containers.connected(stack) as dockers:
        of_stack = docker_host.of_stack(stackfile.stack_id(paths.stack_file(stack)))
        copies = {str(volume.name) for volume in points.volumes(dockers, stack)}
        kept = [
            f"{volume.name} ({host})" if dockers.several else str(volume.name)
            for host, client in dockers.clients.items()
            for volume in client.volumes.list(filters=of_stack)
            if volume.name not in copies
        ]
    if kept:
        say(
            message(
                "volumes_kept",
                "Kept volumes: {names}. ./photos up {stack} takes them up again.",
                names=", ".join(sorted(kept)),
                stack=stack,
            )
        )
        say(
            message(
                "no_prune",
                "Do not run `docker volume prune` or `docker system prune --volumes`: some versions delete kept volumes.",
            )
        )
    points.tell(stack)


def _backup(stack: str, option: str) -> None:
    backup = stack_config.offline(stack).settings.backup
    if not backup:
        warn(NO_BACKUP)
        return
    say(status_line(backup, pages.backup(stack)))
    if not kept_kit.confirmed(stack):
        warn(
            message(
                "make_kit",
                "Make the recovery kit, without which an empty machine cannot read the copies: ./photos keeper kit{option}",
                option=option,
            )
        )


def _explain(state: ServiceState) -> None:
    """Print why a service does not work, as far as its log tells."""
    if state.container is None:
        warn(message("service_missing", "\n{name} is missing.", name=state.name))
        return
    times = containers.restarts(state.container)
    again = message("started_again", ", and was started again {times} times", times=times) if times else ""
    warn(
        message(
            "last_lines",
            "\n{name} is {health}{again}. Its last lines:",
            name=state.container.name,
            health=containers.in_words(state.health),
            again=again,
        )
    )
    err.print(containers.last_lines(state.container))


def _table(states: list[ServiceState], *, several: bool) -> Table:
    """Return one row per service, within 80 columns: addresses one below the other, images without their registry."""
    heads = (*HEADS, HOST) if several else HEADS
    columns = (Column(text(head), no_wrap=True, overflow="ellipsis") for head in heads)
    table = Table(*columns, box=box.SIMPLE)
    for state in states:
        table.add_row(
            state.name,
            Text(text(containers.in_words(state.health)), COLOURS.get(state.health, "yellow") if state.well else "red"),
            "\n".join(_addresses(state)),
            _image(state),
            *([state.host] if several else []),
        )
    return table


def _addresses(state: ServiceState) -> list[str]:
    if state.container is None:
        return []
    bindings = state.container.attrs["HostConfig"]["PortBindings"] or {}
    return sorted({f"{b['HostIp']}:{b['HostPort']}" for host in bindings.values() for b in host or ()})


def _image(state: ServiceState) -> str:
    """Return the image without the registry that it came through."""
    if state.container is None or state.container.image is None:
        return ""
    return next((tag.rpartition("/")[2] for tag in state.container.image.tags), "")
