"""A stack file that names another machine than at its last run: the data is still where it was, and does not follow.

Seen with one service of several: it comes up there healthy and empty. The copy of the stack file of the last run, which
`./photos` keeps, tells where that was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from docker.errors import DockerException

from cli import docker_host, stackfile
from cli.console import confirm, fail
from components.messages import Said, message
from stacks.config import StackConfig
from stacks.expected import ExpectedService, expected
from stacks.host.endpoint import SSH_HOST, DockerEndpoint, EndpointError, docker_settings, endpoint_at, resolve
from stacks.names import NAMESPACE
from stacks.sections.places import KINDS

SECONDS_TO_ANSWER = 20
THIS_MACHINE = message("this_machine", "this machine")


def refuse_without_data(config: StackConfig) -> None:
    """End the program where the stack would start empty on another machine than the one with its data."""
    copy = stackfile.newest_copy(config.stack)
    before = stackfile.read(copy) if copy else {}
    if config.first_run or before.get(stackfile.ID_KEY) != config.id:
        return
    _refuse_dropped(config, before)
    if before.get(SSH_HOST) == config.settings.host:
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


def _refuse_dropped(config: StackConfig, before: Mapping[str, Any]) -> None:
    """End the program where a host was taken out of `photos:hosts` with data on it: another has older data, or none."""
    for name, url, services in _dropped(config, before):
        names = ", ".join(service.name for service in services)
        try:
            there = {volume for service in services for volume in service.volumes} & _volumes(
                config.id, endpoint_at(url, f"photos:hosts.{name}.docker")
            )
        except (DockerException, EndpointError) as problem:
            question = message(
                "dropped_host_silent",
                "{host} has the newest data of {services}, is no longer in photos:hosts, and does not answer ({problem}). "
                "Go on with what the other hosts have, be it older or nothing?",
                host=name,
                services=names,
                problem=problem,
            )
            if not confirm(question):
                fail(message("nothing_changed", "Nothing was changed."))
            continue
        if there:
            fail(
                message(
                    "data_on_dropped_host",
                    "{host} has the newest data of {services}, and is no longer in photos:hosts. Write it back, then move "
                    "each: ./photos move SERVICE HOST --stack {stack}",
                    host=name,
                    services=names,
                    stack=config.stack,
                )
            )


def _dropped(config: StackConfig, before: Mapping[str, Any]) -> Iterator[tuple[str, str, list[ExpectedService]]]:
    """Yield each host of the last run that is none any more: its name, its Docker, and the services that kept data there."""
    hosts, place = before.get(f"{NAMESPACE}hosts") or {}, before.get(f"{NAMESPACE}place") or {}
    now = {host.docker for host in config.settings.hosts.values()}
    for name, host in hosts.items():
        url = (host or {}).get("docker")
        services = [
            service
            for service in expected(config.stack, config.settings).services
            if service.volumes and place.get(KINDS[service.name].placed_as()) == name
        ]
        if url and url not in now and services:
            yield name, url, services


def _volumes(identity: str, endpoint: DockerEndpoint) -> set[str]:
    with closing(endpoint.connect(SECONDS_TO_ANSWER)) as client:
        return {str(volume.name) for volume in client.volumes.list(filters=docker_host.of_stack(identity))}


def _name(host: object) -> Said:
    return str(host) if host else THIS_MACHINE
