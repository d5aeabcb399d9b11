"""Whether the album answers: noted by who looks, whatever the album does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from keeper.service.album_health import AlbumHealth
from keeper.settings import Settings
from keeper.state import AlbumState, State, now
from tests.keeper.service import closed_port, service_settings, sink
from tests.waiting import Rounds, until


def settings_for(folder: Path, port: int) -> Settings:
    return service_settings(folder, photoprism_url=f"http://127.0.0.1:{port}")


def known(settings: Settings) -> AlbumState:
    return AlbumState.read(State(settings.state).album_file)


@contextmanager
def hanging() -> Iterator[int]:
    """Take connections and never say anything."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


def test_an_album_that_answers(tmp_path: Path) -> None:
    with sink() as album:
        settings = settings_for(tmp_path, album.port)
        AlbumHealth(settings).look()
        found = known(settings)

    assert album.got == [("/api/v1/status", None)]
    assert found.answered
    assert found.looked
    assert (found.problem, found.since) == (None, None)


def test_since_when_it_does_not_is_when_that_began(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, closed_port())
    health = AlbumHealth(settings)
    health.look()
    first = known(settings)
    health.look()
    second = known(settings)

    assert first.problem
    assert first.problem.code == "app.unreachable"
    assert first.since
    assert second.since == first.since
    assert second.looked != first.looked


def test_an_error_is_no_answer_and_ends_with_the_next_good_one(tmp_path: Path) -> None:
    with sink() as album:
        settings = settings_for(tmp_path, album.port)
        health = AlbumHealth(settings)
        health.look()
        answered = known(settings).answered
        album.answer = 503
        health.look()
        ill = known(settings)
        album.answer = 200
        health.look()

    assert ill.problem
    assert (ill.problem.code, ill.problem.values["status"]) == ("app.answers", 503)
    assert ill.answered == answered
    assert known(settings).problem is None


def test_one_that_hangs_is_given_up(tmp_path: Path) -> None:
    with hanging() as port:
        settings = settings_for(tmp_path, port)
        AlbumHealth(settings, timeout=0.2).look()
        problem = known(settings).problem

    assert problem
    assert problem.code == "app.unreachable"


def test_it_goes_on_looking_when_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AlbumState, "write", full)
    with sink() as album:
        stop = Rounds()
        looking = threading.Thread(target=AlbumHealth(settings_for(tmp_path, album.port), every=0.01).run, args=(stop,))
        looking.start()
        until(lambda: len(stop.pauses) > 2)
        stop.set()
        looking.join()

    assert len(album.got) > 1


def test_what_a_wrong_clock_noted_says_nothing(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, closed_port())
    ahead = AlbumState(looked=now() + timedelta(days=400), since=now() + timedelta(days=400))
    ahead.write(State(settings.state).album_file)

    assert known(settings) == AlbumState()
