"""Services that stand still: stopped cleanly or not at all, waited for, and a running backup is not cut short."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from example_stack import STACK_ID

from cli import containers
from cli.upgrade import album, database, services
from cli.upgrade.services import ServiceError

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*


class FakeContainer:
    """A container that does what Docker would; `ends` is the exit code of its stop."""

    def __init__(self, service: str = "mariadb", status: str = "running", code: int = 0, *, ends: int = 0) -> None:
        self.name, self.labels, self.status, self.did = (
            f"photos-dev-{service}",
            {"photos.service": service},
            status,
            ["-"],
        )
        self.ends, self.restarts, self.health = ends, 0, ["healthy"]
        self.lines: list[list[list[str]]] = [[]]
        self.code = code

    @property
    def attrs(self) -> dict[str, Any]:
        health = self.health.pop(0) if len(self.health) > 1 else self.health[0]
        state = {"Status": self.status, "ExitCode": self.code, "Health": {"Status": health}}
        return {"State": state, "RestartCount": self.restarts}

    def reload(self) -> None:
        """Be up to date already."""

    def start(self) -> None:
        self.did.append("start")
        self.status = "running"

    def stop(self, timeout: int) -> None:
        assert timeout == 120
        self.did.append("stop")
        self.status, self.code = "exited", self.ends

    def unpause(self) -> None:
        self.did.append("unpause")
        self.status = "running"

    def logs(self, **_: Any) -> bytes:
        return b"its last line"

    def top(self) -> dict[str, Any]:
        return {"Processes": self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "SECONDS_BETWEEN_LOOKS", 0)


def test_what_runs_well_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    container = FakeContainer()
    services.stop_cleanly(container)  # type: ignore[arg-type] # as much of one as is asked for

    assert container.did == ["-", "stop"]
    assert monkeypatch


@pytest.mark.parametrize(("status", "code"), [("exited", 137), ("exited", 1), ("dead", 0)])
def test_a_database_that_crashed_is_started_with_its_own_version_and_stopped_cleanly(
    capsys: pytest.CaptureFixture[str], status: str, code: int
) -> None:
    container = FakeContainer(status=status, code=code)
    services.stop_cleanly(container)  # type: ignore[arg-type]

    assert container.did == ["-", "start", "stop"], "a newer MariaDB refuses what a crash left"
    assert "did not end cleanly" in capsys.readouterr().err


def test_a_database_that_was_stopped_cleanly_stays_stopped() -> None:
    container = FakeContainer(status="exited", code=0)
    services.stop_cleanly(container)  # type: ignore[arg-type]

    assert container.did == ["-"]


def test_a_database_that_had_to_be_killed_is_not_copied() -> None:
    with pytest.raises(ServiceError, match=r"within 120 s \(exit code 137\)") as error:
        services.stop_cleanly(FakeContainer(ends=137))  # type: ignore[arg-type]
    assert error.value.log == "its last line"


def test_a_paused_one_is_woken_first() -> None:
    container = FakeContainer("drive", status="paused", ends=143)
    services.stop_cleanly(container)  # type: ignore[arg-type]

    assert container.did == ["-", "unpause", "stop"], "one that sleeps hears no TERM"


def test_health_is_waited_for() -> None:
    container = FakeContainer()
    container.health = ["starting", "starting", "starting", "healthy"]
    services.await_health(container)  # type: ignore[arg-type]

    assert container.health == ["healthy"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"health": ["starting", "unhealthy"]}, "photos-dev-drive is unhealthy"),
        ({"status": "exited"}, "photos-dev-drive is exited"),
        ({"restarts": 3, "health": ["starting"]}, "photos-dev-drive is starting"),
    ],
    ids=["ill", "gone", "crashing"],
)
def test_what_does_not_become_healthy_is_told_with_its_log(change: dict[str, Any], said: str) -> None:
    container = FakeContainer("drive")
    vars(container).update(change)
    with pytest.raises(ServiceError, match=said) as error:
        services.await_health(container)  # type: ignore[arg-type]
    assert error.value.log == "its last line"


def test_a_backup_that_runs_is_waited_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    keeper = FakeContainer("keeper")
    at_work = [["1", "/usr/bin/restic backup /library"]]
    keeper.lines = [at_work, [["1", "python -m keeper backup disk"]], [["1", "python -m keeper serve"]]]
    monkeypatch.setattr(containers, "of_service", lambda *_: keeper)
    services.await_keeper(SimpleNamespace(), "dev")  # type: ignore[arg-type]

    assert len(keeper.lines) == 1, "it was asked until nothing was at work"
    assert capsys.readouterr().out.count("A backup is running") == 1


def test_a_table_that_is_not_sound_or_lost_rows_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"photos": 3, "files": 2, "auth_sessions": 0, "new_table": 1}
    checks = {name: [["t", "check", "status", "OK"]] for name in now}
    checks["files"] = [["t", "check", "Error", "Table is marked as crashed"], ["t", "check", "error", "Corrupt"]]
    monkeypatch.setattr(database, "rows", lambda _: now)
    monkeypatch.setattr(database, "query", lambda _, sql: checks[sql.split("`")[1]])
    before = {"photos": 4, "files": 2, "auth_sessions": 9, "old_table": 1}
    of_server = database.damage(SimpleNamespace(), before, migrated=False)  # type: ignore[arg-type]
    of_album = database.damage(SimpleNamespace(), before, migrated=True)  # type: ignore[arg-type]

    crashed = ["files: Table is marked as crashed", "files: Corrupt"]
    assert of_server == ["photos: 4 → 3", "old_table: 1 → 0", *crashed]
    assert of_album == ["photos: 4 → 3", *crashed], "a newer album may drop a table that is none of people's"


@pytest.mark.parametrize(
    ("published", "address"),
    [
        ([{"HostIp": "127.0.0.1", "HostPort": "12343"}], "http://127.0.0.1:12343"),
        ([{"HostIp": "0.0.0.0", "HostPort": "1"}], "http://127.0.0.1:1"),  # noqa: S104 - as Docker writes it
        ([{"HostIp": "fd00::5", "HostPort": "1"}], "http://[fd00::5]:1"),
        (None, None),
    ],
)
def test_the_album_is_asked_where_docker_has_published_it(
    checkout: Checkout, published: Any, address: str | None
) -> None:
    ports = {"2342/tcp": published}
    container = SimpleNamespace(reload=lambda: None, attrs={"NetworkSettings": {"Ports": ports}})

    checkout.write(STACK_ID)

    assert album._address("dev", cast("Any", container)) == address
