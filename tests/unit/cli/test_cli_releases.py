"""Newer releases in `status`: asked once a day, never for long, never an error; the keeper uses the same words."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from example_stack import STACK_ID, changed, declare_stack, example, secret_keys, sections, uploads

from cli import releases, status
from components.keeper import SETTINGS_FILE
from keeper.releases import asking
from keeper.settings import Settings, UpdateSettings
from keeper.state import Release, UpdatesState, now
from keeper.texts import say
from stacks import languages
from stacks.config import parse
from stacks.images import image_keys
from stacks.releases import release_settings

if TYPE_CHECKING:
    from cli.conftest import Checkout, FakeClient  # mypy names the files of this folder cli.*

ALBUM = "photoprism/photoprism"
NEWER = Release(service="photoprism", image=ALBUM, runs="260728-ce", newest="260801-ce")
SERIES = Release(service="mariadb", image="mariadb", runs="11.8.8", newest="", series="12.3.2")


class Registries:
    """What answers in their place, and how often it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *newer: Release, unknown: tuple[str, ...] = ()) -> None:
        self.asked: list[UpdateSettings] = []
        self.state = UpdatesState(looked=now(), newer=list(newer), unknown=list(unknown))
        monkeypatch.setattr(releases, "ask", self.ask)

    def ask(self, settings: UpdateSettings, **_: object) -> UpdatesState:
        self.asked.append(settings)
        return self.state


def test_status_names_what_is_newer_and_what_to_type(
    client: FakeClient, checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    client.add_services(STACK_ID)
    Registries(monkeypatch, NEWER, SERIES)

    assert status.show("dev") == 0
    out = capsys.readouterr().out.replace("\n", " ")
    assert "newer: photoprism 260728-ce → 260801-ce: ./photos upgrade photoprism" in out
    assert "mariadb 11.8.8 → 12.3.2" in out
    assert "./photos upgrade mariadb --to mariadb:12.3.2" in out


@pytest.mark.parametrize("unknown", [(), ("photoprism",)], ids=["answered", "offline"])
def test_it_is_asked_once_a_day_also_where_nobody_answered(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, unknown: tuple[str, ...]
) -> None:
    checkout.write(STACK_ID)
    registries = Registries(monkeypatch, unknown=unknown)
    for _ in range(3):
        releases.show("dev")
    registries.state.looked = now() - timedelta(days=1, minutes=1)
    registries.state.write(releases._file("dev"))
    releases.show("dev")

    assert len(registries.asked) == 2


def test_never_means_never(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.write(STACK_ID, {"photos:updates": {"check": "never"}})
    registries = Registries(monkeypatch)
    releases.show("dev")

    assert registries.asked == []


def test_a_broken_memory_is_none(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.write(STACK_ID)
    registries = Registries(monkeypatch)
    file = releases._file("dev")
    file.parent.mkdir(parents=True)
    file.write_text("{")
    releases.show("dev")

    assert len(registries.asked) == 1


@pytest.fixture(name="silent")
def a_host_that_takes_calls_and_says_nothing() -> Iterator[str]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(20)
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_silent_registry_costs_three_seconds_once(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, silent: str
) -> None:
    checkout.write(STACK_ID, {"photos:database": {"image": f"{silent}/library/mariadb:11.8.8"}})
    monkeypatch.setattr(releases, "ask", asking.ask)
    monkeypatch.setattr(releases, "release_settings", lambda _: UpdateSettings(images={"mariadb": f"{silent}/a:1.0"}))
    began = time.monotonic()
    releases.show("dev")
    first = time.monotonic()
    releases.show("dev")

    assert releases.SECONDS - 0.5 < first - began < releases.SECONDS + 3
    assert time.monotonic() - first < 1
    assert UpdatesState.read(releases._file("dev")).unknown == ["mariadb"]


def test_a_name_that_is_looked_up_for_ever_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's look-up of a name has no limit, and no program can end it."""
    forever = threading.Event()
    monkeypatch.setattr(asking, "_tags", lambda *_: forever.wait() and [])
    began = time.monotonic()
    state = asking.ask(UpdateSettings(images={"memos": "a/b:1.0"}), seconds=0.2)
    forever.set()

    assert state.unknown == ["memos"]
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_keeper_says_the_same(monkeypatch: pytest.MonkeyPatch, language: Any) -> None:
    monkeypatch.setenv("PHOTOS_LANGUAGE", language)
    newer, series = releases.lines("dev", UpdatesState(newer=[NEWER, SERIES]))

    for line, key, newest in ((newer, "updates.newer", "260801-ce"), (series, "updates.series", "12.3.2")):
        values = {**line.values, "newest": newest}
        assert languages.text(line) == say(language, key, **values)


def test_another_stack_is_named_in_the_command() -> None:
    (line,) = releases.lines("home", UpdatesState(newer=[NEWER]))

    assert str(line).endswith("./photos upgrade photoprism --stack home")


def test_what_is_asked_are_the_images_that_can_be_upgraded_each_with_its_series() -> None:
    config = example("home")
    keys = {key.removeprefix("photos:") for key in secret_keys(config)} & set(sections(config))
    settings = parse("home", sections(config), secret_keys=keys).settings
    asked = release_settings(settings)

    assert set(asked.images) == {each.name for each in image_keys(settings)}
    assert asked.images["photoprism"] == settings.enabled()["photoprism"].image
    series = {"mariadb": 2, "photoprism": 0, "syncthing": 1, "drive": 1, "cloudflared": 0}
    assert {name: asked.series[name] for name in series} == series


@pytest.mark.parametrize("check", ["daily", "never"])
def test_the_keeper_is_told_what_to_ask_and_whether_to(check: str) -> None:
    config = changed(example("home"), {"updates": {"check": check}, "image_registry": "docker.example.com"})
    file = uploads(declare_stack(config, "home"), "keeper")[SETTINGS_FILE]

    told = Settings.model_validate_json(file).updates
    assert (told.check, told.registry) == (check, "docker.example.com")
    assert told.images["photoprism"].startswith(f"{ALBUM}:")
