"""`./photos move`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import paths, setup, stack_config, stackfile, swarm
from cli.commands.options import StackOption, Yes
from cli.console import Unattended, confirm, fail
from cli.moving import hosts, moving, settling
from cli.moving.plan import Plan, plan
from cli.upgrade import journal, returning
from components.messages import message
from stacks.host.where_data_is import volumes_by_host


def move(
    service: Annotated[str, typer.Argument(help="the service, e.g. mariadb")],
    host: Annotated[str, typer.Argument(help="the host, by its name in photos:hosts")],
    stack: StackOption = "dev",
    *,
    yes: Yes = False,
) -> None:
    """Take a service and its data to another host of the stack; the data stays where it was, too."""
    Unattended.yes = yes
    if not stackfile.stack_id(paths.stack_file(stack)):
        fail(message("upgrade_not_set_up", "Nothing runs yet. First: ./photos up {stack}", stack=stack))
    setup.reach(stack)
    with journal.alone(stack):
        returning.settle_alone(stack)
        settling.settle_alone(stack)
        returning.nobody_else(stack)
        _move(stack, service, host)


def _move(stack: str, service: str, host: str) -> None:
    before = stack_config.offline(stack)
    planned = plan(stack, before.settings, service, host, volumes_by_host(before) if before.settings.hosts else {})
    _together(planned, service)
    report = moving.look(stack, planned)
    if swarm.offered(report):
        report = moving.look(stack, planned)
    config = moving.usable(stack, report)
    with hosts.connected(config) as clients:
        source, target, size = moving.prepared(clients, config, planned)
        if not moving.agreed(planned, size):
            fail(message("nothing_changed", "Nothing was changed."))
        moving.move(clients, config, planned, source, target)
    moving.bring_up(stack, config, planned)


def _together(planned: Plan, service: str) -> None:
    """Ask whether those may go along that cannot be on another host than the service."""
    others = [name for name in planned.services if name != service]
    if others and not confirm(
        message(
            "move_together",
            "{service} sees the same photos as {others}, so they move together, and the photos have to be on {host} already. Move all of them?",
            service=service,
            others=", ".join(others),
            host=planned.target,
        )
    ):
        fail(message("nothing_changed", "Nothing was changed."))
