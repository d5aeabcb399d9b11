"""The network between the hosts of a stack: a swarm made and joined after asking, and never left."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import docker
from docker.errors import DockerException

from cli.console import confirm, fail, say, warn
from components.messages import Message, message
from stacks.config import StackConfig
from stacks.host.endpoint import DockerEndpoint
from stacks.host.endpoints import endpoints
from stacks.host.machines import machine_of
from stacks.host.swarm import PORTS, SECONDS_TO_ANSWER, TO_MAKE, Sight, address_of, free_pool
from stacks.preflight import Report

SECONDS_TO_JOIN = 60
SECONDS_TO_SETTLE = 30


def offered(report: Report) -> bool:
    """Whether the swarm was all that the look at the hosts found missing, and is there now.

    Where more is wrong nothing is asked: it is told at once, and nothing is written before.
    """
    codes = [finding.text.code for finding in report.errors if isinstance(finding.text, Message)]
    only_this = len(codes) == len(report.errors) and codes and set(codes) <= set(TO_MAKE)
    if not only_this or not report.config or not _agreed(report.config):
        return False
    _make(report.config)
    return True


def stays(config: StackConfig) -> None:
    """Say that a destroy leaves the swarm as it is."""
    if len(config.settings.hosts) > 1:
        say(
            message(
                "swarm_stays",
                "The hosts stay in their swarm, which others may use, too. To leave it, on each: docker swarm leave, on the manager with --force",
            )
        )


def _agreed(config: StackConfig) -> bool:
    addresses = {host: address_of(config.settings, host) for host in endpoints(config)}
    say(
        message(
            "swarm_what",
            "The hosts need a network of their own: {hosts}. Docker Swarm is used for it and for nothing else: nothing is moved from one to another.\n"
            "Its traffic is not encrypted. These ports have to be open between the hosts, and closed to all others: {ports}",
            hosts=", ".join(f"{host} ({address})" for host, address in addresses.items()),
            ports=PORTS,
        )
    )
    return confirm(
        message(
            "swarm_ask",
            "Let {first} manage a swarm, and the others join it?",
            first=next(iter(addresses)),
        )
    )


def _make(config: StackConfig) -> None:
    """Make what is missing: a swarm on the first host, and each other host in it. It can be done again."""
    (first, here), *others = endpoints(config).items()
    with closing(here.connect(SECONDS_TO_JOIN)) as manager:
        if _sight(manager).outside:
            pool = free_pool([machine_of(config.settings, host) for host in endpoints(config)])
            try:
                manager.swarm.init(advertise_addr=address_of(config.settings, first), default_addr_pool=[pool])
            except DockerException as problem:
                _failed(first, problem)
            say(message("swarm_made", "{host} manages the swarm; its networks are in {pool}.", host=first, pool=pool))
        sight = _sight(manager)
        manager.swarm.reload()
        token = manager.swarm.attrs["JoinTokens"]["Worker"]
        for host, endpoint in others:
            _join(
                host, endpoint, address_of(config.settings, host), sight.managers.get(sight.node, sight.address), token
            )
        _await(manager, dict(others))


def _join(host: str, endpoint: DockerEndpoint, address: str, manager: str, token: str) -> None:
    with closing(endpoint.connect(SECONDS_TO_JOIN)) as client:
        if not _sight(client).outside:
            return
        try:
            client.swarm.join([manager], join_token=token, advertise_addr=address)
        except DockerException as problem:
            _failed(host, problem)
    say(message("swarm_joined", "{host} has joined, as {address}.", host=host, address=address))


def _await(manager: docker.DockerClient, others: Mapping[str, DockerEndpoint]) -> None:
    """Wait until the manager hears of each host; what it does not hear of is told."""
    nodes = {}
    for host, endpoint in others.items():
        with closing(endpoint.connect(SECONDS_TO_ANSWER)) as client:
            nodes[_sight(client).node] = host
    deadline = time.monotonic() + SECONDS_TO_SETTLE
    while silent := [nodes[node] for node in nodes.keys() - _ready(manager)]:
        if time.monotonic() > deadline:
            warn(
                message(
                    "swarm_silent",
                    "The manager does not hear of {hosts}. Open these ports between the hosts: {ports}",
                    hosts=", ".join(sorted(silent)),
                    ports=PORTS,
                )
            )
            return
        time.sleep(1)


def _ready(manager: docker.DockerClient) -> set[str]:
    return {str(node.id) for node in manager.nodes.list() if node.attrs["Status"]["State"] == "ready"}


def _sight(client: docker.DockerClient) -> Sight:
    info: dict[str, Any] = client.info()
    return Sight.of(info.get("Swarm") or {})


def _failed(host: str, problem: DockerException) -> None:
    fail(
        message(
            "swarm_failed",
            "{host} is not in the swarm: {problem}\nAre these ports open between the hosts, and is its address right: {ports}? Run this again: it goes on with what was made.",
            host=host,
            problem=getattr(problem, "explanation", None) or problem,
            ports=PORTS,
        )
    )
