"""HTTPS at home as it is declared, with the real Caddy in the surroundings of upstream's image, before the album's double."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.docker_host import connect
from tests.caddy import provide
from tests.docker.running_stack import REGISTRY, Stack, free_port
from tests.waiting import until

LOGIN = "/api/v1/session"


@pytest.fixture(scope="module", name="home")
def an_album_at_home(images: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    assert images
    provide(REGISTRY)
    root = tmp_path_factory.mktemp("home")
    root.chmod(0o755)
    with connect() as client:
        made = Stack(root, client)
        services = made.config["photos:services"]
        https = {"bind": "127.0.0.1", "port": free_port(), "http_port": free_port()}
        made.config["photos:services"] = {"photoprism": services["photoprism"], "https": https}
        try:
            made.up()
            yield made
        finally:
            made.down(volumes=True)


@pytest.fixture(name="authority")
def what_phones_trust(home: Stack, tmp_path: Path) -> Path:
    with urllib.request.urlopen(f"http://127.0.0.1:{home.port('https', 'http_port')}/root.crt", timeout=30) as answer:
        (tmp_path / "root.crt").write_bytes(answer.read())
    return tmp_path / "root.crt"


def ask(home: Stack, authority: Path, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Ask as a phone that trusts the authority alone, and knows the name."""
    context = ssl.create_default_context(cafile=str(authority))
    connection = http.client.HTTPSConnection("127.0.0.1", home.port("https"), timeout=60)
    connection.connect = lambda: None  # type: ignore[method-assign]
    plain = http.client.HTTPConnection("127.0.0.1", home.port("https"), timeout=60)
    plain.connect()
    assert plain.sock
    connection.sock = context.wrap_socket(plain.sock, server_hostname="photos.local")
    headers = {"Host": f"photos.local:{home.port('https')}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text.startswith(b"{") else text


def test_it_becomes_healthy_as_nobody_with_the_one_capability_that_its_program_carries(home: Stack) -> None:
    container = home.container("https")
    until(lambda: home.container("https").attrs["State"]["Health"]["Status"] == "healthy")

    assert container.attrs["HostConfig"]["CapAdd"] == ["CAP_NET_BIND_SERVICE"]
    assert container.attrs["HostConfig"]["CapDrop"] == ["ALL"]
    status = container.exec_run(["cat", "/proc/1/status"]).output.decode()  # type: ignore[union-attr]
    assert "Uid:\t65532\t65532" in status
    assert container.exec_run(["touch", "/srv/here"]).exit_code != 0, "nothing but its memory is writable"
    assert home.client.volumes.list(filters={"label": f"photos.id={home.id}"}) != []
    assert [mount["Type"] for mount in container.attrs["Mounts"]] == [], "it keeps nothing"


def test_a_phone_logs_in_through_https(home: Stack, authority: Path) -> None:
    status, told = ask(home, authority, "GET", "/api/v1/status")
    assert (status, told["status"]) == (200, "operational")

    login = {"username": "admin", "password": home.secrets["photoprism_admin_password"]}
    status, _ = ask(home, authority, "POST", LOGIN, login)
    assert status == 200


def test_the_album_is_told_its_address(home: Stack) -> None:
    variables = home.container("photoprism").attrs["Config"]["Env"]

    assert f"PHOTOPRISM_SITE_URL=https://photos.local:{home.port('https')}/" in variables


def test_a_phone_need_not_trust_anew_after_everything_was_made_anew(home: Stack, authority: Path) -> None:
    home.container("https").remove(force=True)
    home.up()
    until(lambda: home.container("https").attrs["State"]["Health"]["Status"] == "healthy")

    status, _ = ask(home, authority, "GET", "/api/v1/status")
    assert status == 200


def test_without_the_album_it_says_so_and_comes_back_by_itself(home: Stack, authority: Path) -> None:
    home.container("photoprism").stop(timeout=60)
    status, _ = ask(home, authority, "GET", "/api/v1/status")
    assert status == 502

    home.container("photoprism").start()
    until(lambda: ask(home, authority, "GET", "/api/v1/status")[0] == 200)


def test_a_plain_request_is_sent_to_https_with_its_port(home: Stack) -> None:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    request = urllib.request.Request(f"http://127.0.0.1:{home.port('https', 'http_port')}/library")
    request.add_header("Host", "photos.local")
    with pytest.raises(urllib.error.HTTPError) as stopped:
        urllib.request.build_opener(Stay).open(request, timeout=30)

    stopped.value.close()
    assert stopped.value.code == 307
    assert stopped.value.headers["Location"] == f"https://photos.local:{home.port('https')}/library"
