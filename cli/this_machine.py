"""Which machine a command works on: some change the machine itself, beside its Docker and its folders, and run on it."""

from __future__ import annotations

from cli import stack_config, stackfile
from cli.console import fail
from components.messages import message
from stacks.host.machine import Machine, machine_at
from stacks.host.machines import library_machine


def with_library(stack: str) -> Machine:
    """Return the machine that has the photos; of a stack on one host whatever else is wrong in its file."""
    if stackfile.docker_hosts(stack):
        return library_machine(stack_config.offline(stack).settings)
    return machine_at(stackfile.ssh_host(stack))


def need(stack: str, command: str) -> None:
    """End the program where the stack lives on another machine."""
    if host := stackfile.ssh_host(stack):
        fail(
            message(
                "on_that_machine",
                "{command} works on the machine itself, and this stack lives on {host}. Run it there, in a checkout of this project with this stack file without photos:host.",
                command=command,
                host=host,
            )
        )
