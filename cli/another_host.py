"""A stack file that names another machine than at its last run: the data is still where it was, and does not follow.

Seen with one service of several: it comes up there healthy and empty. The copy of the stack file of the last run, which
`./photos` keeps, tells where that was.
"""

from __future__ import annotations

from contextlib import closing

from docker.errors import DockerException

from cli import docker_host, stackfile
from cli.console import fail
from components.messages import Said, message
from stacks.config import StackConfig
from stacks.expected import expected
from stacks.host.endpoint import SSH_HOST, DockerEndpoint, EndpointError, docker_settings, resolve

SECONDS_TO_ANSWER = 20
THIS_MACHINE = message("this_machine", "this machine")


def refuse_without_data(config: StackConfig) -> None:
    """End the program where the stack would start empty on another machine than the one with its data."""
    copy = stackfile.newest_copy(config.stack)
    before = stackfile.read(copy) if copy else {}
    if config.first_run or before.get(stackfile.ID_KEY) != config.id or before.get(SSH_HOST) == config.settings.host:
        return
    wanted = set(expected(config.stack, config.settings).volumes)
    if wanted & _volumes(config.id, resolve(config.docker)):
        return
    old = _name(before.get(SSH_HOST))
    try:
        there = wanted & _volumes(config.id, resolve(docker_settings(before)))
    except (DockerException, EndpointError) as problem:
        fail(
            message(
                "data_on_silent_host",
                "The data of this stack was on {old}, which does not answer ({problem}), and {new} has none of it. "
                "Switch {old} on and move it (docs/moving.md), or bring a backup back: ./photos keeper restore --kit",
                old=old,
                new=_name(config.settings.host),
                problem=problem,
            )
        )
    if there:
        fail(
            message(
                "data_on_other_host",
                "The data of this stack is on {old} ({volumes}), and {new} has none of it: it would start empty there. "
                "Write the old `photos:host` back, or move it first: docs/moving.md",
                old=old,
                new=_name(config.settings.host),
                volumes=", ".join(sorted(there)),
            )
        )


def _volumes(identity: str, endpoint: DockerEndpoint) -> set[str]:
    with closing(endpoint.connect(SECONDS_TO_ANSWER)) as client:
        return {str(volume.name) for volume in client.volumes.list(filters=docker_host.of_stack(identity))}


def _name(host: object) -> Said:
    return str(host) if host else THIS_MACHINE
