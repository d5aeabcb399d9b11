"""`up` does not wait ten minutes for a container that only crashes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from docker.errors import APIError
from example_stack import STACK_ID

from cli.crash_loops import CrashLoops

if TYPE_CHECKING:
    from cli.conftest import Checkout, FakeClient  # mypy names the files of this folder cli.*


@pytest.fixture
def removed(checkout: Checkout, client: FakeClient) -> list[str]:
    checkout.write(STACK_ID, {"photos:backup": {"remotes": {"bucket": {"kind": "mirror", "type": "s3", "path": "b"}}}})
    assert client
    return []


def crash(
    client: FakeClient, removed: list[str], service: str, restarts: int = 3, health: str = "starting"
) -> SimpleNamespace:
    client.add_container(service, STACK_ID, health, log=[b"[ERROR] unknown variable\n"])
    found = client.things["containers"][-1]
    found.attrs["RestartCount"] = restarts
    found.remove = lambda **_: removed.append(service)
    return found


def test_what_is_new_and_fails_again_and_again_is_taken_away_and_explained(
    client: FakeClient, removed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    crash_loops = CrashLoops("dev")
    crash(client, removed, "mariadb")
    crash_loops.end()
    crash_loops.tell()

    told = capsys.readouterr().err
    assert removed == ["mariadb"]
    assert "photos-dev-mariadb failed 4 times" in told
    assert "[ERROR] unknown variable" in told


@pytest.mark.parametrize(
    "found",
    [("mariadb", 2, "starting"), ("mariadb", 9, "healthy"), ("keeper", 9, "starting")],
    ids=["it may still come", "it came", "nobody waits for it"],
)
def test_everything_else_is_left_alone(
    client: FakeClient, removed: list[str], capsys: pytest.CaptureFixture[str], found: tuple[str, int, str]
) -> None:
    crash_loops = CrashLoops("dev")
    crash(client, removed, *found)
    crash_loops.end()
    crash_loops.tell()

    assert removed == []
    assert capsys.readouterr().err == ""


def test_what_crashed_before_is_not_what_this_run_waits_for(client: FakeClient, removed: list[str]) -> None:
    crash(client, removed, "mariadb", 9)
    crash_loops = CrashLoops("dev")
    crash_loops.end()

    assert removed == []


def test_a_container_that_is_gone_meanwhile_stops_nothing(client: FakeClient, removed: list[str]) -> None:
    def gone(**_: object) -> None:
        msg = "no such container"
        raise APIError(msg)

    crash_loops = CrashLoops("dev")
    crash(client, removed, "mariadb").remove = gone

    crash_loops.end()
