"""Alarms through the whole declared stack, as the schedule and the watch raise them (F31, F46, F47), and phones (F27)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.docker_host import connect
from keeper.report import STATUS_FILE
from tests.docker.phone import MB, Api, camera_folder, digest, phone, picture
from tests.engine.keeping import WithCopies, copied
from tests.engine.world import World, free_port
from tests.keeper.service import Sink, sink
from tests.waiting import until

STACK = "alarms"
MINUTES = 60


@pytest.fixture(scope="module")
def kept(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithCopies]:
    with copied(world, STACK, tmp_path_factory.mktemp("alarms"), photos=20, copies=["disk", "net"]) as made:
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


def note(kept: WithCopies, **values: Any) -> None:
    """Change what the keeper's status says of the past, while it is stopped."""
    file = kept.volume("keeper") / STATUS_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def past(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


def test_a_scheduled_run_tells_which_copy_is_away_and_that_all_is_well_again(
    kept: WithCopies, second: Sink, dead_port: int
) -> None:
    kept.net.target = 1
    try:
        due(kept)
        until(lambda: second.titles, 5 * MINUTES)
    finally:
        kept.bring_net_back()

    assert second.titles == [f"{STACK}: Not every copy could be brought up to date (net)"]
    assert "net: unreachable" in second.bodies
    assert kept.ask("status")["last_run"]["code"] == 5, "a dead channel changes nothing about the run"
    with sink(dead_port, kept.gateway) as first:
        until(lambda: first.titles, 4 * MINUTES)
        assert first.titles == second.titles, "queued and sent again"
    due(kept)
    until(lambda: len(second.titles) > 1, 5 * MINUTES)
    assert second.titles[1:] == [f"{STACK}: All is well again: the backup worked"]
    assert kept.ask("status")["remotes"]["net"]["problem"] == ""


def due(kept: WithCopies) -> None:
    """Let a run be due, as after a night in which the machine was off."""
    with connect() as client:
        keeper = client.containers.get(f"photos-{STACK}-keeper")
        keeper.stop(timeout=60)
        status = json.loads((kept.volume("keeper") / STATUS_FILE).read_text())
        note(kept, next_run=past(hours=1), last_run=status["last_run"] | {"started": past(hours=24)})
        keeper.start()


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
        kept.ask("backup")
        listed = [file["path"] for file in kept.ask("restore", "phones", "--list")["files"]]
        kept.index()
        assert listed == ["originals/phones/anna/first.jpg"]
        assert in_the_album() == ["phones/anna/first.jpg"]
        client.containers.get(f"photos-{STACK}-syncthing").start()
        until(lambda: in_the_album() == ["phones/anna/big.jpg", "phones/anna/first.jpg"], 5 * MINUTES)

    assert digest(arrived / "big.jpg") == sent
    kept.ask("backup")
    assert sent in kept.kept()


def test_a_scheduler_that_never_fires_is_noticed_by_the_watch(kept: WithCopies, second: Sink) -> None:
    second.got.clear()
    with connect() as client:
        keeper = client.containers.get(f"photos-{STACK}-keeper")
        keeper.stop(timeout=60)
        # 26 hours in a moment.
        note(kept, heartbeat=past(hours=27), last_good=past(hours=27))
        try:
            until(lambda: len(second.titles) >= 2, 3 * MINUTES)
        finally:
            keeper.start()

    told = sorted(title.removeprefix(f"{STACK}: ") for title in second.titles)
    assert told[0].startswith("No good backup since 20")
    assert told[1].startswith("The backup keeper has been silent since 20")
    assert kept.ask("backup")["code"] == 0
    until(lambda: len(second.titles) >= 4, 3 * MINUTES)
    assert sorted(second.titles[2:]) == [
        f"{STACK}: All is well again: the keeper is at work",
        f"{STACK}: All is well again: there is a good backup",
    ]
