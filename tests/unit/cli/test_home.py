"""`./photos certificate` and `./photos name`: what is shown, what is done as root, and how it is taken back."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from cli import certificate, docker_host, home_name, qr, workspace
from cli.commands import home
from components.home_authority import fingerprint, new_authority

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

ID = "11111111-2222-4333-8444-555555555555"
HTTPS = {"bind": "192.168.1.5", "names": {"photos.local": "photoprism", "x.lan": "photoprism"}}
ENABLED = "photos-dev-name@photos.local.service"


@pytest.fixture(name="root")
def what_root_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    done: list[tuple[str, ...]] = []

    def as_root(*command: str) -> None:
        done.append(command)
        if command[0] == "install" and "-m" in command:
            Path(command[-1]).write_bytes(Path(command[-2]).read_bytes())
        if command[:3] == ("systemctl", "enable", "--now"):
            wants = tmp_path / "avahi-daemon.service.wants"
            wants.mkdir(exist_ok=True)
            for unit in command[3:]:
                (wants / unit).touch()
        if command[0] == "rm":
            Path(command[-1]).unlink()

    monkeypatch.setattr(docker_host, "as_root", as_root)
    monkeypatch.setattr(home_name, "UNITS", tmp_path)
    monkeypatch.setattr(home_name, "in_wsl", lambda _: False)
    monkeypatch.setattr(home_name, "address_of_now", lambda: "192.168.7.7")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(socket, "gethostname", lambda: "nas")
    return done


def with_https(checkout: Checkout, section: dict[str, Any] | None = None) -> None:
    services: dict[str, Any] = {"photoprism": {}}
    checkout.write(ID, {"photos:services": services | ({"https": section} if section else {})})


def answer(monkeypatch: pytest.MonkeyPatch, agreed: bool) -> None:
    monkeypatch.setattr(home_name, "confirm", lambda _: agreed)


def test_the_certificate_is_shown_by_its_fingerprint_and_written_where_wanted(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with_https(checkout, HTTPS)
    made, key = new_authority()
    monkeypatch.setattr(workspace, "secrets", lambda _: {certificate.KEY: made, "photos:https_ca_key": key})
    shown: list[str] = []
    monkeypatch.setattr(qr, "show", shown.append)

    home.certificate("dev", file=tmp_path / "root.crt")

    said = capsys.readouterr().out
    assert shown == ["http://photos.local/trust"]
    assert fingerprint(made) in said
    assert (tmp_path / "root.crt").read_text() == made
    assert "PRIVATE KEY" not in said + (tmp_path / "root.crt").read_text()


@pytest.mark.parametrize(("section", "says"), [(None, "no HTTPS at home"), (HTTPS, "Run ./photos up dev")])
def test_without_a_certificate_it_says_what_to_do(
    checkout: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    section: dict[str, Any] | None,
    says: str,
) -> None:
    with_https(checkout, section)
    monkeypatch.setattr(workspace, "secrets", lambda _: {})

    with pytest.raises(typer.Exit):
        home.certificate("dev", file=None)
    assert says in capsys.readouterr().err


def test_a_name_is_announced_after_asking_and_taken_back(
    checkout: Checkout, root: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_https(checkout, HTTPS)
    answer(monkeypatch, agreed=True)
    home.name("dev", undo=False, yes=False)

    file = home_name.UNITS / "photos-dev-name@.service"
    said = capsys.readouterr().out
    assert "avahi-publish --address --no-reverse %i 192.168.1.5" in file.read_text()
    assert file.read_text() in said, "it shows what it does"
    assert "x.lan: let your router's DNS answer" in said
    assert root[1:] == [("systemctl", "daemon-reload"), ("systemctl", "enable", "--now", ENABLED)]

    root.clear()
    home.name("dev", undo=True, yes=False)
    assert root == [("systemctl", "disable", "--now", ENABLED), ("rm", str(file)), ("systemctl", "daemon-reload")]
    assert not file.exists()


def test_nothing_is_done_that_nobody_agreed_to(
    checkout: Checkout, root: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_https(checkout, HTTPS)
    answer(monkeypatch, agreed=False)

    with pytest.raises(typer.Exit):
        home.name("dev", undo=False, yes=False)
    assert root == []


def test_avahi_is_installed_where_it_is_missing(
    checkout: Checkout, root: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_https(checkout, HTTPS)
    answer(monkeypatch, agreed=True)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "avahi-publish" else f"/usr/bin/{name}")

    home.name("dev", undo=False, yes=False)
    assert root[0][:2] == ("apt-get", "install")
    assert root[0][-2:] == ("avahi-daemon", "avahi-utils")


def test_the_address_of_now_is_announced_and_looked_at_again_each_hour() -> None:
    text = home_name.unit("dev", ["192.168.1.5"], "192.168.1.5")
    assert "ip -4 -o route get" in text
    assert "RuntimeMaxSec=1h" in text

    fixed = home_name.unit("dev", ["192.168.7.5"], "192.168.1.5")
    assert "%i 192.168.7.5" in fixed
    assert "RuntimeMaxSec" not in fixed


def test_what_answers_here_alone_is_not_announced(
    checkout: Checkout, root: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    with_https(checkout, {**HTTPS, "bind": "127.0.0.1"})

    with pytest.raises(typer.Exit):
        home.name("dev", undo=False, yes=False)
    assert "Write `bind: lan`" in capsys.readouterr().err
    assert root == []


def test_the_hosts_own_name_needs_nothing(
    checkout: Checkout, root: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    with_https(checkout, {**HTTPS, "names": {"nas.local": "photoprism"}})
    home.name("dev", undo=False, yes=False)

    assert "nas.local is this machine's own" in capsys.readouterr().out
    assert root == []


def test_in_wsl_the_name_of_windows_is_to_be_taken(
    checkout: Checkout, root: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_https(checkout, HTTPS)
    monkeypatch.setattr(home_name, "in_wsl", lambda _: True)
    home.name("dev", undo=False, yes=False)

    assert "services.https.names: {HOST.local: photoprism}" in capsys.readouterr().out
    assert root == []


def test_there_is_nothing_to_take_back_before(root: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    home_name.withdraw("dev")

    assert "nothing to take back" in capsys.readouterr().out
    assert root == []
