"""What a stack on two hosts does when one of them, both, their line or their swarm is lost, with the real engine.

Each test goes on where the one before it stopped, and ends with the photos, rows and volumes that were there at first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.engine.world import World, own_name
from tests.hosts.daemons import Daemon, form_swarm, running
from tests.hosts.power import power_off
from tests.hosts.stack import Stack
from tests.waiting import until

SERVICES = ["drive", "mariadb", "photoprism", "syncthing"]
LATE_SECONDS = 75
"""So much later than the other host one comes on, that the other has given up to wait for it."""
CUT_SECONDS = 60

Hosts = dict[str, Daemon]


@pytest.fixture(scope="module")
def stack(world: World, hosts: Hosts) -> Stack:
    """Yield the stack with its database on the second host, and an album with photos."""
    made = Stack(world, own_name("lost"), hosts, "gpu")
    gpu = hosts["gpu"]
    world.write(
        made.name, hosts={"nas": {}, "gpu": {"docker": gpu.url, "address": gpu.address}}, place={"mariadb": "gpu"}
    )
    made.timed("first up, two hosts", "up", "--yes")
    count = world.samples(made.name)
    assert made.index() == count == made.rows()
    return made


@pytest.fixture(scope="module")
def power(hosts: Hosts) -> Iterator[Power]:
    with ExitStack() as ends:
        yield Power(hosts, ends)


@pytest.fixture(autouse=True)
def unharmed(stack: Stack) -> Iterator[None]:
    """Let no test end with another photo, row or volume than it began with, nor with a difference to what is declared."""
    kept, rows = stack.kept(), stack.rows()
    yield
    assert stack.kept() == kept
    until(lambda: stack.healthy() == SERVICES)
    assert stack.rows() == rows == stack.index()
    assert stack.preview("--refresh") == set()


class Power:
    """The switch of each host."""

    def __init__(self, hosts: Hosts, ends: ExitStack) -> None:
        self._hosts, self._ends = hosts, ends

    def off(self, *names: str) -> None:
        for name in names:
            power_off(self._hosts[name])

    def on(self, name: str) -> None:
        daemon = self._hosts[name]
        daemon.join()
        self._ends.enter_context(running(daemon))


def refused(stack: Stack, saying: str) -> None:
    """Expect that neither Pulumi nor `./photos up` does anything, and that each says why in one line."""
    before = stack.world.stack_file(stack.name).read_bytes()
    for text in (stack.pulumi("preview", code=1), stack.world.photos("up", stack.name, "--yes", code=1)):
        print(text)
        assert len([line for line in text.splitlines() if saying in line]) == 1, text
    assert stack.world.stack_file(stack.name).read_bytes() == before


def healed(stack: Stack, hosts: Hosts, step: str) -> None:
    """Bring everything back by one command, after both hosts are on.

    Docker 20.10 starts by itself what was in an overlay, or not: as it boots it forgets what it was told before the cut,
    and takes a network away from under who is just starting in it ("network … not found" in the state; seen).
    """
    until(lambda: node_states(hosts["nas"]) == ["ready", "ready"])
    print({name: (state["Status"], state["Error"]) for name, state in stack.containers().items()}, flush=True)
    stack.timed(step, "up", "--yes", "--refresh")
    until(stack.answers)


def test_with_the_second_host_off_the_rest_goes_on_and_nothing_is_changed(
    stack: Stack, hosts: Hosts, power: Power
) -> None:
    before = stack.started("nas")
    power.off("gpu")
    refused(stack, "docker (gpu): nothing answers at")

    assert stack.started("nas") == before
    power.on("gpu")
    healed(stack, hosts, "up --refresh, second host was off")


def test_with_the_manager_off_the_second_host_goes_on(stack: Stack, hosts: Hosts, power: Power) -> None:
    before = stack.started("gpu")
    power.off("nas")
    refused(stack, "nothing answers")

    assert stack.started("gpu") == before
    power.on("nas")
    healed(stack, hosts, "up --refresh, manager was off")


def test_a_power_cut_from_which_the_manager_comes_back_first(stack: Stack, hosts: Hosts, power: Power) -> None:
    power.off("nas", "gpu")
    power.on("nas")
    power.on("gpu")
    healed(stack, hosts, "up --refresh, power cut")


def test_a_power_cut_from_which_the_manager_comes_back_long_after_the_other(
    stack: Stack, hosts: Hosts, power: Power
) -> None:
    power.off("nas", "gpu")
    power.on("gpu")
    time.sleep(LATE_SECONDS)
    power.on("nas")
    healed(stack, hosts, "up --refresh, power cut, manager late")


def test_a_line_that_is_cut_for_a_minute_restarts_nothing(stack: Stack, hosts: Hosts) -> None:
    before = stack.started()
    hosts["gpu"].cut()
    time.sleep(CUT_SECONDS)
    hosts["gpu"].join()
    until(lambda: node_states(hosts["nas"]) == ["ready", "ready"])

    until(stack.answers)
    assert stack.started() == before


def test_after_a_swarm_that_was_lost_nothing_starts_empty(stack: Stack, hosts: Hosts) -> None:
    form_swarm(hosts["nas"], hosts["gpu"])
    stack.timed("up --refresh, swarm made anew", "up", "--yes", "--refresh")


def node_states(manager: Daemon) -> list[str]:
    with closing(manager.connect()) as client:
        return sorted(str(node.attrs["Status"]["State"]) for node in client.nodes.list())
