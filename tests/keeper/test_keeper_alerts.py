"""Alerts through the real Apprise to a sink on loopback."""

from __future__ import annotations

import json
import logging
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from keeper.service.alerts import LIFE, Alerts
from keeper.service.messages import Message
from keeper.settings import Settings
from keeper.state import now
from tests.keeper.service import closed_port, service_settings, sink

AT_ONCE = timedelta()
WELL = "All is well again: the backup worked"
TROUBLE = Message("COPY", "the backup failed", "Safe: all.\nTo do: look.", WELL)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return service_settings(tmp_path)


def channels(settings: Settings, *urls: str) -> None:
    (settings.secrets / "backup_alert_urls").write_text("\n".join(urls) + "\n")


def waiting(settings: Settings) -> list[Path]:
    return sorted((settings.state / "alerts").glob("*.json"))


def test_a_problem_is_told_with_the_stacks_name_and_its_time(settings: Settings) -> None:
    with sink() as taken:
        channels(settings, taken.channel)
        Alerts(settings, settings.state).problem("backup", TROUBLE)

    assert taken.titles == ["home: the backup failed"]
    assert "To do: look." in taken.bodies
    assert "Noticed 20" in taken.bodies
    assert waiting(settings) == []


def test_a_dead_channel_neither_stops_the_second_one_nor_loses_the_alert(settings: Settings) -> None:
    """F47: the sink is down; the second channel is used, the alert is queued and sent again."""
    port = closed_port()
    with sink() as second:
        channels(settings, f"json://127.0.0.1:{port}/", second.channel)
        alerts = Alerts(settings, settings.state, pause=AT_ONCE)
        alerts.problem("backup", TROUBLE)
        alerts.send_waiting()
        queued = waiting(settings)
        raised = json.loads(queued[0].read_text())["raised"]
        with sink(port) as first:
            alerts.send_waiting()

    assert second.titles == ["home: the backup failed"], "once, though the first channel was tried again"
    assert len(queued) == 1
    assert raised[:10].replace("-", "") == queued[0].name[:8]
    assert first.titles == ["home: the backup failed"]
    assert waiting(settings) == []


def test_an_address_that_apprise_does_not_understand_stops_nobody(settings: Settings) -> None:
    with sink() as taken:
        channels(settings, "nonsense", taken.channel)
        Alerts(settings, settings.state).problem("backup", TROUBLE)

    assert len(taken.titles) == 1
    assert len(waiting(settings)) == 1


def test_a_server_that_refuses_has_not_taken_the_alert(settings: Settings) -> None:
    with sink() as taken:
        taken.answer = 500
        channels(settings, taken.channel)
        alerts = Alerts(settings, settings.state, pause=AT_ONCE)
        alerts.problem("backup", TROUBLE)
        refused = len(waiting(settings))
        taken.answer = 200
        alerts.send_waiting()

    assert refused == 1
    assert taken.titles == ["home: the backup failed"]


def test_a_channel_that_stays_dead_is_tried_ever_more_seldom(settings: Settings) -> None:
    channels(settings, f"json://127.0.0.1:{closed_port()}/")
    alerts = Alerts(settings, settings.state, pause=timedelta(minutes=1))
    alerts.problem("backup", TROUBLE)
    for _ in range(3):
        alerts.send_waiting()
    alert = json.loads(waiting(settings)[0].read_text())

    assert alert["tries"] == 1
    assert alert["next_try"] > alert["raised"]


def test_an_alert_is_given_up_after_a_week(settings: Settings) -> None:
    channels(settings, f"json://127.0.0.1:{closed_port()}/")
    alerts = Alerts(settings, settings.state, pause=AT_ONCE)
    alerts.problem("backup", TROUBLE)
    file = waiting(settings)[0]
    alert = json.loads(file.read_text())
    file.write_text(json.dumps(alert | {"raised": (now() - LIFE - timedelta(minutes=1)).isoformat()}))
    # As after a restart.
    alerts = Alerts(settings, settings.state, pause=AT_ONCE)
    left = next(iter(alerts._waiting)).file_name
    file.rename(file.with_name(left))
    alerts.send_waiting()

    assert alerts._waiting == []
    assert waiting(settings) == []


def test_the_same_problem_is_told_daily_another_one_at_once_and_the_end_once(settings: Settings) -> None:
    with sink() as taken:
        channels(settings, taken.channel)
        alerts = Alerts(settings, settings.state)
        alerts.problem("backup", TROUBLE)
        alerts.problem("backup", TROUBLE)
        # A new process knows what was told.
        Alerts(settings, settings.state).problem("backup", TROUBLE)
        first = list(taken.titles)
        alerts.problem("backup", Message("DUMP", "no dump", well=WELL))
        Alerts(settings, settings.state, repeat=timedelta()).problem("backup", Message("DUMP", "no dump", well=WELL))
        alerts.all_well("backup")
        alerts.all_well("backup")

    assert first == ["home: the backup failed"]
    assert taken.titles[1:] == ["home: no dump", "home: no dump", f"home: {WELL}"]


def test_nothing_is_told_when_all_was_well_before(settings: Settings) -> None:
    with sink() as taken:
        channels(settings, taken.channel)
        Alerts(settings, settings.state).all_well("backup")

    assert taken.got == []


def test_no_address_reaches_the_log_or_the_queue(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with sink() as taken:
        dead = f"json://user:hook-4f9a-secret@127.0.0.1:{closed_port()}/hook-4f9a-secret"
        channels(settings, dead, "nonsense://hook-4f9a-secret", taken.channel)
        (settings.secrets / "backup_ping_url").write_text(f"http://127.0.0.1:{taken.port}/hook-4f9a-secret")
        alerts = Alerts(settings, settings.state)
        alerts.problem("backup", TROUBLE)
        alerts.ping("start")
        taken.answer = 404
        alerts.ping()

    assert "hook-4f9a-secret" not in caplog.text
    assert not any("hook-4f9a" in file.read_text() for file in waiting(settings))
    assert "channel 1 did not take it" in caplog.text
    assert "the ping was not taken" in caplog.text


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a disk on which not one byte is left."""
    if os.geteuid():
        pytest.skip("keeper tier: only root may mount")
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    try:
        with suppress(OSError), (folder / "filler").open("wb") as filler:
            while True:
                filler.write(b"x" * 512)
                filler.flush()
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_an_alert_needs_no_room_and_is_sent_once(settings: Settings, full: Path) -> None:
    """Case 47: the disk is full. What cannot be written down is remembered."""
    with sink() as taken:
        channels(settings, taken.channel)
        alerts = Alerts(settings, full)
        for _ in range(3):
            alerts.problem("backup", TROUBLE)
        alerts.all_well("backup")
        alerts.send_waiting()

    assert taken.titles == ["home: the backup failed", f"home: {WELL}"]
    assert not list(full.glob("*.json"))


def test_what_a_channel_did_not_take_is_sent_again_without_room_to_write_it_down(
    settings: Settings, full: Path
) -> None:
    with sink() as taken:
        channels(settings, taken.channel)
        taken.answer = 500
        alerts = Alerts(settings, full, pause=AT_ONCE)
        alerts.problem("backup", TROUBLE)
        taken.answer = 200
        alerts.send_waiting()
        alerts.send_waiting()

    assert taken.titles == ["home: the backup failed"]


def test_an_alert_leaves_before_it_is_written_down(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with sink() as taken:
        channels(settings, taken.channel)
        sent_when_written: list[int] = []
        monkeypatch.setattr("keeper.service.alerts.write_whole", lambda *_: sent_when_written.append(len(taken.titles)))
        Alerts(settings, settings.state).problem("backup", TROUBLE)

    assert sent_when_written == [1]


def test_an_unreadable_waiting_alert_is_put_away(settings: Settings) -> None:
    (settings.state / "alerts").mkdir()
    (settings.state / "alerts" / "x.json").write_text("{")
    with sink() as taken:
        channels(settings, taken.channel)
        alerts = Alerts(settings, settings.state)
        alerts.send_waiting()
        alerts.problem("backup", TROUBLE)

    assert taken.titles == ["home: the backup failed"]
    assert waiting(settings) == []


OUTCOMES = ("start", "", "4")
PUSHED = "/api/push/abc?status=up&msg=OK&ping="


def pinged(settings: Settings, path: str, outcomes: tuple[str, ...] = OUTCOMES) -> list[str]:
    """Return what a watcher on loopback is asked for at an address that ends with `path`."""
    with sink() as taken:
        (settings.secrets / "backup_ping_url").write_text(f"http://127.0.0.1:{taken.port}{path}\n")
        alerts = Alerts(settings, settings.state)
        for outcome in outcomes:
            alerts.ping(outcome)
    return [asked for asked, _ in taken.got]


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_pings_say_start_end_and_the_exit_code(end: str, settings: Settings) -> None:
    assert pinged(settings, f"/ping/uuid{end}") == ["/ping/uuid/start", "/ping/uuid", "/ping/uuid/4"]


@pytest.mark.parametrize("end", ["", "/"])
def test_the_outcome_stands_before_a_query(end: str, settings: Settings) -> None:
    """Healthchecks makes a check with ?create=1; behind it, the outcome was read as part of that value: success."""
    assert pinged(settings, f"/ping/uuid{end}?create=1&x=a%26b") == [
        "/ping/uuid/start?create=1&x=a%26b",
        "/ping/uuid?create=1&x=a%26b",
        "/ping/uuid/4?create=1&x=a%26b",
    ]


@pytest.mark.parametrize("path", [PUSHED, "/api/push/abc/?status=up&msg=OK&ping=", "/push/abc?status=up&msg=OK&ping="])
def test_uptime_kuma_hears_up_or_down_and_no_start(path: str, settings: Settings) -> None:
    asked = [httpx.URL(told) for told in pinged(settings, path)]

    assert [dict(url.params) for url in asked] == [
        {"status": "up", "msg": "OK", "ping": ""},
        {"status": "down", "msg": "The backup failed (exit code 4)", "ping": ""},
    ]
    assert {url.path for url in asked} == {path.partition("?")[0].rstrip("/")}


def test_a_push_address_without_a_query_is_completed(settings: Settings) -> None:
    assert pinged(settings, "/api/push/abc") == [
        "/api/push/abc?status=up&msg=OK",
        "/api/push/abc?status=down&msg=The+backup+failed+%28exit+code+4%29",
    ]


@pytest.mark.parametrize("code", ["-15", "256", "70000"])
def test_a_code_that_no_watcher_knows_is_a_failure(code: str, settings: Settings) -> None:
    assert pinged(settings, "/ping/uuid", (code,)) == ["/ping/uuid/fail"]


def test_escaped_letters_of_an_address_stay_as_they_are(settings: Settings) -> None:
    assert pinged(settings, "/p/a%2Fb/%E7%85%A7?create=1#top", ("4",)) == ["/p/a%2Fb/%E7%85%A7/4?create=1"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/x", "http://[::1", "nonsense", "://", "\0"])
def test_an_address_that_is_none_stops_nothing(
    address: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    (settings.secrets / "backup_ping_url").write_text(address)

    Alerts(settings, settings.state).ping("4")

    assert "the ping was not taken" in caplog.text


def test_a_ping_to_nobody_changes_nothing(settings: Settings) -> None:
    (settings.secrets / "backup_ping_url").write_text(f"http://127.0.0.1:{closed_port()}/")

    Alerts(settings, settings.state).ping("start")
