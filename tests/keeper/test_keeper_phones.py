"""A phone that has not been here for long is told, once a day, and that it is back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keeper.page import page
from keeper.page.status import read_status
from keeper.page.view import view_of
from keeper.service.alerts import Alerts
from keeper.service.phones import Phones
from keeper.settings import PhoneSettings, Settings
from keeper.state import PhonesState, State, now
from tests.keeper.phones import KEY, FakeSyncthing, serving
from tests.keeper.service import Sink, closed_port, service_settings, sink
from tests.waiting import PATIENCE, Rounds, until

NEVER = "1970-01-01T08:00:00+08:00"
MUM = PhoneSettings(name="mum", device="MUM", quiet_days=14)


@pytest.fixture
def syncthing() -> FakeSyncthing:
    return FakeSyncthing(seen={"MUM": NEVER})


@pytest.fixture
def taken() -> Iterator[Sink]:
    with sink() as channel:
        yield channel


@pytest.fixture
def settings(tmp_path: Path, syncthing: FakeSyncthing, taken: Sink) -> Iterator[Settings]:
    with serving(syncthing) as url:
        made = service_settings(tmp_path, syncthing_url=url, phones=[MUM])
        (made.secrets / "syncthing_api_key").write_text(KEY)
        (made.secrets / "backup_alert_urls").write_text(taken.channel)
        yield made


def look(settings: Settings) -> PhonesState:
    """Look as after a restart: what was known is read from its file."""
    Phones(settings, Alerts(settings, settings.state)).look()
    return PhonesState.read(State(settings.state).phones_file)


def days_ago(days: float) -> datetime:
    return now() - timedelta(days=days)


def known_since(settings: Settings, days: float) -> None:
    """Make the first look that many days old."""
    file = State(settings.state).phones_file
    state = PhonesState.read(file)
    state.phones["mum"].since = days_ago(days)
    state.write(file)


def test_a_phone_that_was_here_is_no_trouble(settings: Settings, syncthing: FakeSyncthing, taken: Sink) -> None:
    syncthing.seen["MUM"] = days_ago(13.9).isoformat()
    known = look(settings).phones["mum"]

    assert known.quiet is None
    assert known.seen is not None
    assert known.seen.isoformat() == syncthing.seen["MUM"]
    assert taken.titles == []


def test_a_silent_phone_is_told_once_and_told_when_it_is_back(
    settings: Settings, syncthing: FakeSyncthing, taken: Sink
) -> None:
    syncthing.seen["MUM"] = days_ago(14.1).isoformat()
    quiet = look(settings).phones["mum"].quiet
    look(settings)
    syncthing.connected = {"MUM"}
    back = look(settings).phones["mum"]
    look(settings)

    assert quiet is not None
    assert quiet.code == "phone.quiet"
    assert back.quiet is None
    assert taken.titles == [
        "home: A phone has not been here for long: mum",
        "home: All is well again: the phone is here again: mum",
    ]
    assert "what it took since then is only on it" in taken.bodies
    assert str(days_ago(14.1).astimezone(settings.zone).date()) in taken.bodies


def test_a_phone_that_never_came_is_told_after_as_many_days(settings: Settings, taken: Sink) -> None:
    fresh = look(settings).phones["mum"].quiet
    known_since(settings, 14.1)
    quiet = look(settings).phones["mum"].quiet

    assert fresh is None
    assert quiet is not None
    assert quiet.code == "phone.never"
    assert "./photos phone list --stack home" in taken.bodies


def test_a_new_device_under_an_old_name_begins_anew(settings: Settings) -> None:
    look(settings)
    known_since(settings, 30)
    renewed = settings.model_copy(update={"phones": [PhoneSettings(name="mum", device="NEW")]})

    assert look(renewed).phones["mum"].quiet is None


def test_zero_days_mean_never(settings: Settings, syncthing: FakeSyncthing, taken: Sink) -> None:
    syncthing.seen["MUM"] = days_ago(400).isoformat()
    phone = MUM.model_copy(update={"quiet_days": 0})

    assert look(settings.model_copy(update={"phones": [phone]})).phones["mum"].quiet is None
    assert taken.titles == []


def test_what_a_wrong_clock_saw_is_believed_nowhere(settings: Settings, syncthing: FakeSyncthing) -> None:
    syncthing.seen["MUM"] = days_ago(-300).isoformat()

    assert look(settings).phones["mum"].seen is None


def test_when_it_was_seen_survives_a_syncthing_that_forgot(settings: Settings, syncthing: FakeSyncthing) -> None:
    syncthing.seen["MUM"] = days_ago(20).isoformat()
    look(settings)
    syncthing.seen["MUM"] = NEVER
    quiet = look(settings).phones["mum"].quiet

    assert quiet is not None
    assert quiet.code == "phone.quiet"


def test_a_phone_that_is_not_declared_any_more_is_no_trouble_any_more(
    settings: Settings, syncthing: FakeSyncthing, taken: Sink
) -> None:
    syncthing.seen["MUM"] = days_ago(20).isoformat()
    look(settings)

    assert look(settings.model_copy(update={"phones": []})).phones == {}
    assert taken.titles[1:] == ["home: All is well again: the phone is here again: mum"]


def test_a_syncthing_that_is_away_says_nothing_and_ends_nothing(settings: Settings, taken: Sink) -> None:
    away = settings.model_copy(update={"syncthing_url": f"http://127.0.0.1:{closed_port()}"})
    stop = Rounds()
    thread = threading.Thread(target=Phones(away, Alerts(away, away.state), every=0.05).run, args=(stop,))
    thread.start()
    until(lambda: len(stop.pauses) >= 3)
    stop.set()
    thread.join(PATIENCE)

    assert not thread.is_alive()
    assert taken.titles == []


def test_the_page_says_when_a_phone_was_here_and_what_it_deletes(settings: Settings, syncthing: FakeSyncthing) -> None:
    syncthing.seen |= {"MUM": days_ago(20).isoformat(), "DAD": days_ago(0.01).isoformat()}
    dad = PhoneSettings(name="dad", device="DAD", deletions="follow")
    both = settings.model_copy(update={"phones": [MUM, dad]})
    look(both)
    view = view_of(both, read_status(both), "en")
    english, chinese = (page.render(both, language) for language in ("en", "zh"))

    assert [(phone.name, phone.troubled) for phone in view.phones] == [("dad", False), ("mum", True)]
    assert [str(item.text).split(" on ")[0] for item in view.items if item.level == "warn"][
        -1
    ] == "Mum was last connected"
    for said in (
        "phone last seen: 20 days ago",
        "What is deleted on the phone stays in the album.",
        "goes from the album, too",
    ):
        assert said in english
    for said in ("手机上次连接：20 天前", "手机上删掉的照片，相册里留着。", "放进回收站"):
        assert said in chinese
