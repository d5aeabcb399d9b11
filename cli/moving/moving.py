"""A move, step by step: nothing is stopped before all was looked at, nothing is placed before all was copied and compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

import typer
from docker.errors import DockerException

from cli import setup, stack_config, sweep
from cli.console import confirm, fail, say, warn
from cli.crash_loops import CrashLoops
from cli.dockers import ONE, Dockers
from cli.moving import hosts, journal, settling
from cli.moving.hosts import Clients
from cli.moving.journal import Move
from cli.moving.plan import Plan
from cli.moving.volumes import Content, Side, carry
from cli.upgrade import services
from cli.upgrade.copying import CopyError
from cli.upgrade.points import SPARE, in_words
from cli.upgrade.pulling import pull
from cli.upgrade.services import ServiceError
from components.container import image_reference
from components.database import Database
from components.keeper import Keeper
from components.messages import Said, message
from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host import Finding
from stacks.languages import text
from stacks.preflight import Report

OBSTACLES = (CopyError, ServiceError, DockerException, OSError)
"""What may keep a move from being made."""
OF_A_MOVE = ("data_elsewhere", "data_older")
"""The codes of what the look at the new place finds, and what a move is for."""


def look(stack: str, plan: Plan) -> Report:
    """Return what is wrong with the new place, but for the data that is not there yet. Writes nothing."""
    report = setup.look_at(stack, place=plan.place)
    moving = {f"config photos:place.{each.name}" for each in plan.moved}

    def matters(finding: Finding) -> bool:
        return not (str(finding.check) in moving and getattr(finding.text, "code", "") in OF_A_MOVE)

    return Report(report.config, list(filter(matters, report.findings)))


def usable(stack: str, report: Report) -> StackConfig:
    """Return the stack as it will be; end the program with everything that is wrong."""
    if report.errors or not report.config:
        lines = [text(finding.line, stack=stack) for finding in report.errors]
        fail(message("nothing_changed_because", "Nothing was created or changed:\n{lines}", lines="\n".join(lines)))
    return report.config


def prepared(clients: Clients, config: StackConfig, plan: Plan) -> tuple[Side, Side, int]:
    """Have the images, see that there is room and that nothing is lost; return both sides and the size of the data."""
    tool = image_reference(config.settings.database.image, config.settings.image_registry)
    source, target = (Side(clients[host], config.stack, config.id, tool) for host in (plan.source, plan.target))
    for image in dict.fromkeys((tool, *(image for each in plan.moved for image in each.images))):
        pull(clients[plan.target], image)
    if plan.volumes:
        pull(clients[plan.source], tool)
    try:
        size = sum(source.content(volume).size for volume in plan.volumes)
        _room(plan, size, target.free() if plan.volumes else size + SPARE)
        _replaced(config, plan, target)
    except OBSTACLES as problem:
        fail(_nothing_changed(problem))
    return source, target, size


def _room(plan: Plan, size: int, free: int) -> None:
    if free < size + SPARE:
        fail(
            message(
                "move_no_room",
                "{host} has {free} free for Docker, and the data takes {size}; {spare} have to stay free. Make room there. Nothing was changed.",
                host=plan.target,
                free=in_words(free),
                size=in_words(size),
                spare=in_words(SPARE),
            )
        )


def _replaced(config: StackConfig, plan: Plan, target: Side) -> None:
    """Ask before an older state of the data on the other host is replaced; end the program where that may not be."""
    there = [volume for volume in plan.volumes if target.holds(volume)]
    if foreign := [volume for volume in there if not target.owns(volume)]:
        fail(
            message(
                "move_foreign",
                "{host} has volumes of these names that are not of this stack: {names}. Move them away once you know what they are. Nothing was changed.",
                host=plan.target,
                names=", ".join(foreign),
            )
        )
    if users := [user for volume in there for user in target.users(volume)]:
        fail(
            message(
                "move_target_in_use",
                "On {host} {users} use the data that would be replaced. Stop them first. Nothing was changed.",
                host=plan.target,
                users=", ".join(sorted(set(users))),
            )
        )
    seen = {volume: target.content(volume) for volume in there}
    held = {volume: content for volume, content in seen.items() if content.entries}
    if held and not confirm(
        message(
            "move_replace",
            "{host} still holds an older state of {names}, last written {date}. Replace it by what is on {source} now?",
            host=plan.target,
            names=", ".join(held),
            date=_when(config, held.values()),
            source=plan.source,
        )
    ):
        fail(message("nothing_changed", "Nothing was changed."))


def agreed(plan: Plan, size: int) -> bool:
    """Say what is about to happen, and ask."""
    say(
        message(
            "move_what",
            "{moved}: {source} → {target}, {size} of data. {stopped} stand still meanwhile. The data on {source} stays there; your photos are not moved.\n"
            "A backup before it does no harm: ./photos keeper backup",
            moved=", ".join(each.name for each in plan.moved),
            source=plan.source,
            target=plan.target,
            size=in_words(size),
            stopped=", ".join(plan.stopped),
        )
    )
    return confirm(message("move_ask", "Move now?"))


def move(clients: Clients, config: StackConfig, plan: Plan, source: Side, target: Side) -> None:
    """Stop, copy, compare, and write down where the services are from now on."""
    stack = config.stack
    running = {
        name: [container for _, container in hosts.found(clients, stack, name) if settling.runs(container)]
        for name in plan.stopped
    }
    entry = journal.write(
        stack,
        Move(
            stack_id=config.id,
            stage="begun",
            services=plan.services,
            source=plan.source,
            target=plan.target,
            stopped=tuple(name for name, there in running.items() if there),
        ),
    )
    try:
        _stand_still(clients, stack, entry.stopped, source, plan.volumes)
        for volume in plan.volumes:
            say(message("move_copying", "Copying {volume} to {host} ...", volume=volume, host=plan.target))
            entry = journal.write(stack, entry.model_copy(update={"filled": (*entry.filled, volume)}))
            carry(source, target, volume)
    except OBSTACLES as problem:
        settling.undo(clients, stack, entry, target)
        fail(_nothing_changed(problem))
    except BaseException:
        settling.undo(clients, stack, entry, target)
        raise
    settling.place(clients, stack, journal.write(stack, entry.model_copy(update={"stage": "copied"})))


def _stand_still(clients: Clients, stack: str, names: Sequence[str], source: Side, volumes: Iterable[str]) -> None:
    """Stop services one after the other, and see that nobody else writes to their data.

    Raises:
        ServiceError: one does not end cleanly, or somebody does.
    """
    if Keeper.service in names:
        for client in clients.values():
            services.await_keeper(Dockers(stack, {ONE: client}), stack)
    for name in names:
        for _, container in hosts.found(clients, stack, name):
            say(message("upgrade_stopping", "Stopping {name} ...", name=container.name))
            services.stop_cleanly(container)
    if users := {user for volume in volumes for user in source.users(volume)}:
        raise ServiceError(
            message(
                "move_in_use", "{users} still use the data, and are not of this stack", users=", ".join(sorted(users))
            )
        )


def bring_up(stack: str, config: StackConfig, plan: Plan) -> None:
    """Bring everything up in its new place, see that it is healthy, and say where the old data is."""
    crash_loops = CrashLoops(stack)
    try:
        code = sweep.run_up(stack, "--yes", "--skip-preview", refresh=True, meanwhile=crash_loops.end)
    except typer.Exit as end:  # it was told why
        code = end.exit_code or 1
    crash_loops.tell()
    if not code:
        try:
            with hosts.connected(config) as clients:
                _healthy(clients, stack, plan)
        except (ServiceError, DockerException) as problem:
            code = 1
            warn(problem.said if isinstance(problem, ServiceError) else str(problem))
    if code:
        fail(
            message(
                "move_not_well",
                "The data is on {target} and was compared, and not everything is well there yet. Mend the cause, then: ./photos up {stack}. Or back: ./photos move {service} {source} --stack {stack}",
                target=plan.target,
                stack=stack,
                service=plan.services[0],
                source=plan.source,
            )
        )
    _tell(config, plan)


def _healthy(clients: Clients, stack: str, plan: Plan) -> None:
    """Start what stood still and was not made anew, the database first, and wait for what `up` waits for.

    Raises:
        ServiceError: one is not well.
    """
    services_now = expected(stack, stack_config.offline(stack).settings).services
    waited = {each.name for each in services_now if each.started and each.waited_for}
    moved = {each.name for each in plan.moved}
    for name in sorted(waited.intersection(plan.stopped), key=lambda name: name != Database.service):
        # What moved is never started again where it was.
        where = {plan.target: clients[plan.target]} if name in moved else clients
        services.start(container for _, container in hosts.found(where, stack, name))


def _tell(config: StackConfig, plan: Plan) -> None:
    say(
        message(
            "move_done",
            "{moved}: on {target} now, and well.",
            moved=", ".join(each.name for each in plan.moved),
            target=plan.target,
        )
    )
    if plan.volumes:
        say(
            message(
                "move_old_data",
                "The data as it was is still on {source}. When all has been well for some days: {command}",
                source=plan.source,
                command=hosts.remove_command(config, plan.source, plan.volumes),
            )
        )


def _when(config: StackConfig, contents: Iterable[Content]) -> str:
    """Return when the last of it was written, in the family's time zone."""
    written = [content.written for content in contents if content.written]
    zone = ZoneInfo(config.settings.timezone)
    return f"{max(written).astimezone(zone):%Y-%m-%d %H:%M}" if written else "?"


def _nothing_changed(problem: Exception) -> Said:
    return message(
        "upgrade_not_begun",
        "Nothing was changed, and what was stopped runs again: {said}",
        said=getattr(problem, "said", problem),
    )
