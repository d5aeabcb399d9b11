"""Alarms through the whole declared stack, as the schedule and the watch raise them (F31, F46, F47), and phones (F27)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from cli.docker_host import connect
from keeper.errors import Exit
from keeper.state import CopyState, SchedulerState, State, Stored, now
from tests.docker.phone import MB, Api, camera_folder, digest, phone, picture
from tests.engine.keeping import WithCopies, copied
from tests.engine.world import World, free_port, own_name
from tests.keeper.service import Sink, sink
from tests.waiting import until

STACK = own_name("alarms")
MINUTES = 60
S = TypeVar("S", bound=Stored)
COPIES = ("disk", "net")


@pytest.fixture(scope="module")
def kept(world: World, programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithCopies]:  # noqa: ARG001
    with copied(world, STACK, tmp_path_factory.mktemp("alarms"), photos=20, copies=COPIES) as made:
        yield made


@pytest.fixture(scope="module")
def dead_port() -> int:
    """The port of the first channel, on which nobody listens at first."""
    return free_port()


@pytest.fixture(scope="module")
def second(kept: WithCopies, dead_port: int) -> Iterator[Sink]:
    """The second channel; the first one is dead."""
    with sink(free_port(), kept.gateway) as taken:
        channels = f"json://{kept.gateway}:{dead_port}/first {taken.channel}"
        key = "photos:backup_alert_urls"
        kept.world.photos("config", "set", "--secret", key, "--stack", STACK, typed=channels)
        kept.world.photos("up", STACK, "--yes")
        kept.await_health("keeper", "watch")
        yield taken


def note(kind: type[S], file: Path, change: Callable[[S], object]) -> None:
    """Change what the keeper's state says of the past, while it is stopped; the file stays the keeper's own."""
    known = kind.read(file)
    change(known)
    file.write_text(known.model_dump_json())


def told(sink: Sink, title: str) -> Callable[[], bool]:
    """Return whether an alert begins so."""
    return lambda: any(each.removeprefix(f"{STACK}: ").startswith(title) for each in sink.titles)


def test_a_scheduled_run_tells_which_copy_is_away_and_that_all_is_well_again(
    kept: WithCopies, second: Sink, dead_port: int
) -> None:
    away, well = "“net” could not be brought up to date", "All is well again: the backup to “net” worked"
    kept.net.fault = "away"
    try:
        due(kept)
        until(told(second, away), 5 * MINUTES)
    finally:
        kept.bring_net_back()

    assert not told(second, "“disk”")()
    assert "no connection, or it broke off" in second.bodies
    assert kept.ask("status")["copies"]["net"]["run"]["exit"] == Exit.COPY, (
        "a dead channel changes nothing about the run"
    )
    with sink(dead_port, kept.gateway) as first:
        until(told(first, away), 4 * MINUTES)  # queued and sent again
    due(kept)
    until(told(second, well), 5 * MINUTES)
    assert kept.ask("status")["copies"]["net"]["run"]["problems"] == []


def due(kept: WithCopies) -> None:
    """Let the runs be due, as after a night in which the machine was off."""
    state = State(kept.volume("keeper"))
    with connect() as client:
        keeper = client.containers.get(f"photos-{STACK}-keeper")
        keeper.stop(timeout=60)
        missed = {f"backup {name}": now() - timedelta(hours=1) for name in COPIES}
        note(SchedulerState, state.scheduler_file, lambda known: known.due.update(missed))
        for name in COPIES:
            note(CopyState, state.copy_file(name), long_ago)
        keeper.start()


def long_ago(known: CopyState) -> None:
    """Let a copy's last run be of yesterday: soon after one that failed there is no other."""
    assert known.run
    known.run.ended = now() - timedelta(hours=24)


def test_a_phone_s_photo_that_is_killed_on_its_way_is_neither_shown_nor_backed_up(
    kept: WithCopies, tmp_path: Path
) -> None:
    _, key = kept.execute("keeper", "cat", "/run/secrets/syncthing_api_key")
    server = Api(f"http://127.0.0.1:{kept.world.port(STACK, 'syncthing')}", key)
    camera, arrived = camera_folder(tmp_path), kept.originals / "phones" / "anna"
    picture(camera / "first.jpg", 1)

    def in_the_album() -> list[str]:
        return kept.sql("SELECT file_name FROM files WHERE file_name LIKE 'phones/%' ORDER BY file_name").split()

    with connect() as client, phone(client, STACK, server, camera, free_port()):
        until(lambda: in_the_album() == ["phones/anna/first.jpg"], 3 * MINUTES)
        sent = picture(camera / "big.jpg", 2, 200 * MB)
        partial = arrived / ".syncthing.big.jpg.tmp"
        until(lambda: partial.exists() and partial.stat().st_blocks * 512 > 20 * MB)
        client.containers.get(f"photos-{STACK}-syncthing").kill()
        assert partial.exists(), "it was killed in the middle"
        kept.back_up()
        listed = map(
            json.loads, kept.restic("disk", "ls", "--json", "--recursive", "latest", "/originals/phones").splitlines()
        )
        found = [each["path"] for each in listed if each.get("type") == "file" and "/.stfolder/" not in each["path"]]
        kept.index()
        assert found == ["/originals/phones/anna/first.jpg"]
        assert in_the_album() == ["phones/anna/first.jpg"]
        client.containers.get(f"photos-{STACK}-syncthing").start()
        until(lambda: in_the_album() == ["phones/anna/big.jpg", "phones/anna/first.jpg"], 5 * MINUTES)

    assert digest(arrived / "big.jpg") == sent
    kept.back_up()
    assert kept.not_held({sent}) == set()


def test_a_scheduler_that_never_fires_is_noticed_by_the_watch(kept: WithCopies, second: Sink) -> None:
    second.got.clear()
    state, since = State(kept.volume("keeper")), now() - timedelta(hours=31)
    alarms = [
        "The backup keeper has been silent since 20",
        *(f"No good backup to “{name}” since 20" for name in COPIES),
    ]
    with connect() as client:
        keeper = client.containers.get(f"photos-{STACK}-keeper")
        keeper.stop(timeout=60)
        # 31 hours in a moment.
        note(SchedulerState, state.scheduler_file, lambda known: setattr(known, "heartbeat", since))
        for name in COPIES:
            note(CopyState, state.copy_file(name), lambda known: setattr(known, "last_good", since))
        try:
            until(lambda: all(told(second, alarm)() for alarm in alarms), 3 * MINUTES)
        finally:
            keeper.start()

    assert len(second.titles) == len(alarms)
    kept.await_health("keeper")
    kept.back_up()
    well = ["the keeper is at work", *(f"“{name}” has a good backup" for name in COPIES)]
    until(lambda: all(told(second, f"All is well again: {each}")() for each in well), 3 * MINUTES)
