"""What it means for the family that a Docker host does not answer, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

from cli import stack_config
from cli.dockers import Dockers
from cli.running import ServiceState
from components.cloudflared import Cloudflared
from components.database import Database
from components.keeper import Keeper
from components.messages import Message, message
from stacks.expected import ExpectedService, expected
from stacks.sections.places import KINDS


def lost_hosts(dockers: Dockers) -> Iterator[Message]:
    """Say of each host that does not answer why, what is on it, what that means, and what to do."""
    there = expected(dockers.stack, stack_config.offline(dockers.stack).settings)
    for host, why in dockers.lost.items():
        services = [service for service in there.on(host) if service.started]
        lost = message(
            "host_lost",
            "{host} does not answer: {why}. On it: {services}. Nothing is lost.",
            host=host,
            why=why.text,
            services=", ".join(service.name for service in services) or "-",
        )
        back = message(
            "host_lost_back", "Once {host} is on: ./photos up {stack} --refresh", host=host, stack=dockers.stack
        )
        yield reduce(_then, (*_meanings(dockers, host, services), back), lost)


def _then(one: Message, other: Message) -> Message:
    return message("one_then_other", "{one} {other}", one=one, other=other)


def not_started(dockers: Dockers, states: list[ServiceState]) -> Iterator[Message]:
    """Say that services of another host than the first did not come up with it."""
    ended = [
        state.name
        for state in states
        if state.container and not state.on_demand and state.health == "exited" and state.host != dockers.first_host
    ]
    if ended and dockers.several:
        yield message(
            "not_started_again",
            "Ended, and not started again: {names}. That is so where their host came up before {first}, which manages the network. Start them: ./photos up {stack} --refresh",
            names=", ".join(ended),
            first=dockers.first_host,
            stack=dockers.stack,
        )


def _meanings(dockers: Dockers, host: str, services: list[ExpectedService]) -> Iterator[Message]:
    names = {service.name for service in services}
    if any(KINDS[name].in_library for name in names):
        yield message(
            "lost_library", "The photos are there: nobody sees them meanwhile, and phones keep what they take."
        )
    elif Database.service in names:
        yield message("lost_database", "The album is down without its database; phones go on sending photos.")
    if Cloudflared.service in names:
        yield message("lost_tunnel", "Nobody gets in from the internet meanwhile.")
    if Keeper.service in names:
        yield message("lost_keeper", "Nothing is backed up meanwhile.")
    elif Database.service in names:
        yield message("lost_dump", "The backup goes on without the database, and warns.")
    if host == dockers.first_host:
        yield message(
            "lost_manager",
            "It manages the network: what runs on the other hosts goes on, and what stops there is not started again until it is back.",
        )
