"""`status`, `logs`, and what is said after a failure and after destroy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import docker
import pytest
import typer
from docker.errors import DockerException
from example_stack import OTHER_ID, STACK_ID

from cli import console, docker_host, running, status, sweep
from stacks.outputs import NO_BACKUP

if TYPE_CHECKING:
    from cli.conftest import Checkout, FakeClient  # mypy names the files of this folder cli.*


@pytest.fixture(autouse=True)
def wide(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout.write(STACK_ID)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(console.out, "width", 200)


def test_healthy_services_are_shown_with_their_address(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    client.add_services(STACK_ID)
    client.add_container("mariadb", OTHER_ID)

    assert status.show("dev") == 0
    output = capsys.readouterr()
    assert "127.0.0.1:12343" in output.out
    assert "photoprism:1" in output.out
    assert output.out.count("mariadb:1") == 1, "the other is another stack's"
    assert str(NO_BACKUP) in output.err


@pytest.mark.parametrize("word", ["unhealthy", "exited", "restarting", "dead"])
def test_one_service_that_is_not_healthy_makes_the_status_fail(client: FakeClient, word: str) -> None:
    client.add_services(STACK_ID)
    state = client.things["containers"][-1].attrs["State"]
    state |= {"Health": {"Status": word}} if word == "unhealthy" else {"Status": word}

    assert status.show("dev") == 1


@pytest.mark.parametrize("gone", ["mariadb", "drive"])
def test_what_is_expected_and_missing_is_shown_and_makes_the_status_fail(
    client: FakeClient, capsys: pytest.CaptureFixture[str], gone: str
) -> None:
    client.add_services(STACK_ID)
    client.things["containers"] = [c for c in client.things["containers"] if not c.name.endswith(gone)]

    assert status.show("dev") == 1
    output = capsys.readouterr()
    assert "missing" in next(line for line in output.out.splitlines() if gone in line)
    assert f"Missing: {gone}. Bring back: ./photos up dev" in output.err


def test_a_service_that_something_else_made_anew_is_named(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client.add_services(STACK_ID)
    monkeypatch.setattr(sweep, "strangers", lambda *_: ["drive"])

    assert status.show("dev") == 0, "it works"
    assert "Made anew by something else: drive" in capsys.readouterr().err


def test_what_runs_beside_the_stack_file_is_shown_too(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    client.add_services(STACK_ID, "restore")

    status.show("dev")
    assert "restore" in capsys.readouterr().out


def test_a_service_that_starts_is_not_ill_yet(client: FakeClient, capsys: pytest.CaptureFixture[str]) -> None:
    client.add_services(STACK_ID)
    client.things["containers"][0].attrs["State"]["Health"]["Status"] = "starting"

    assert status.show("dev") == 0
    assert "starting" in capsys.readouterr().out


@pytest.mark.parametrize(("state", "restarts"), [("running", 1), ("restarting", 0)])
def test_a_service_that_starts_again_and_again_is_ill(client: FakeClient, state: str, restarts: int) -> None:
    client.add_services(STACK_ID)
    container = client.things["containers"][0]
    container.attrs["State"]["Health"]["Status"] = "starting"
    container.status, container.attrs["RestartCount"] = state, restarts

    assert status.show("dev") == 1


def test_the_table_fits_a_small_terminal_and_breaks_no_word(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.out, "width", 80)
    client.add_services(STACK_ID)
    for container in client.things["containers"]:
        name = f"docker.mirrors.example.com:5000/photoprism/{container.labels['photos.service']}:260728-ce"
        container.image.tags = [name]
        bindings = [{"HostIp": "192.168.100.100", "HostPort": "12343"}, {"HostIp": "10.0.0.5", "HostPort": "22000"}]
        container.attrs["HostConfig"]["PortBindings"] = {"2342/tcp": bindings}

    status.show("dev")
    table = capsys.readouterr().out.split("The album")[0]
    assert max(map(len, table.splitlines())) <= 80
    for word in ("192.168.100.100:12343", "10.0.0.5:22000", "photoprism:260728-ce", "syncthing:260728-ce"):
        assert word in table


@pytest.mark.usefixtures("client")
def test_nothing_running_is_a_failure_with_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert status.show("dev") == 1
    assert "Start it: ./photos up dev" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("closed", "says"), [(False, "./photos doctor"), (True, "log in again, or run: newgrp docker")]
)
def test_without_docker_the_message_names_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], closed: bool, says: str
) -> None:
    def absent(**_: object) -> None:
        raise DockerException

    monkeypatch.setattr(docker, "from_env", absent)
    monkeypatch.setattr(docker_host, "refuses", lambda *_: closed)

    with pytest.raises(typer.Exit):
        status.show("dev")
    assert says in capsys.readouterr().err


def test_the_log_of_one_service_is_printed_and_of_no_other(
    client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.add_container("drive", STACK_ID, log=[b"drive says [bold]\n", b"hello\n"])
    client.add_container("mariadb", STACK_ID, log=[b"mariadb\n"])
    status.logs("dev", "drive", follow=False, lines=10)

    assert capsys.readouterr().out == "drive says [bold]\nhello\n"
    with pytest.raises(typer.Exit):
        status.logs("dev", "absent", follow=False, lines=10)
    assert 'No container of the service "absent"' in capsys.readouterr().err


def test_after_a_failure_the_last_lines_of_what_is_not_healthy_are_shown(
    client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.add_container("mariadb", STACK_ID, "unhealthy", log=[b"[ERROR] disk full\n"])
    client.add_container("drive", STACK_ID, log=[b"all is well\n"])
    status.explain_failure("dev")
    output = capsys.readouterr()

    assert "photos-dev-mariadb is unhealthy" in output.err
    assert "[ERROR] disk full" in output.err
    assert "Nothing of your photos was touched" in output.err
    assert "all is well" not in output.err + output.out


def test_what_stays_names_the_folders_and_exactly_the_own_volumes(
    client: FakeClient, checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    client.add_volume("photos-dev-mariadb", {"photos.id": STACK_ID})
    client.add_volume("photos-home-mariadb", {"photos.id": OTHER_ID})
    status.what_stays("dev")
    text = capsys.readouterr().out

    assert f"{checkout.originals}, {checkout.imports}" in text
    assert "Kept volumes: photos-dev-mariadb." in text
    assert "docker volume prune" in text


@pytest.mark.usefixtures("client")
def test_where_no_volume_is_left_none_is_promised(capsys: pytest.CaptureFixture[str]) -> None:
    status.what_stays("dev")

    assert "Kept volumes" not in capsys.readouterr().out


def test_the_welcome_says_how_to_see_the_password_and_not_the_password(
    client: FakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.add_services(STACK_ID)
    assert status.welcome("dev") == 0
    output = capsys.readouterr()

    assert "healthy: mariadb, drive, photoprism, syncthing" in output.out
    assert "http://localhost:12343/   user: admin   password: ./photos password" in output.out
    assert "canary" not in output.out
    assert str(NO_BACKUP) in output.err


@pytest.mark.parametrize("how", ["crashes", "missing", "unhealthy"])
def test_the_last_words_of_up_tell_what_does_not_work_and_why(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    monkeypatch.setattr(running, "SECONDS_TO_SETTLE", 0)
    client.add_services(STACK_ID)
    found = client.things["containers"][-1]
    found.logs = lambda **_: b"PermissionError: /opt/keeper\n"
    if how == "crashes":
        found.status, found.attrs["RestartCount"] = "restarting", 4
        found.attrs["State"]["Status"] = "restarting"
    elif how == "missing":
        client.things["containers"].remove(found)
    else:
        found.attrs["State"]["Health"]["Status"] = "unhealthy"

    assert status.welcome("dev") == 1
    output = capsys.readouterr()
    assert "healthy: mariadb, photoprism, syncthing\n" in output.out
    assert "Not working: drive" in output.err
    assert ("PermissionError: /opt/keeper" in output.err) is (how != "missing")


def test_a_service_that_still_starts_is_waited_for_a_little_and_then_named(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waited: list[float] = []
    clock = iter(range(100))
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=waited.append))
    client.add_services(STACK_ID)
    client.things["containers"][-1].attrs["State"]["Health"]["Status"] = "starting"

    assert status.welcome("dev") == 0
    assert len(waited) == running.SECONDS_TO_SETTLE
    assert "starting: drive" in capsys.readouterr().out
