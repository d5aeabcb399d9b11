"""The real Caddy with the declared configuration, before a server that writes down what it is asked.

Run with Debian's 2.6.2 and with 2.11.4, the version of the default image.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509

from components.home_authority import new_authority
from components.services.https import HTTP_PORT, HTTPS_PORT, PAGE, PAGES, SECRETS, HttpsArgs, HttpsConfig, caddyfile
from tests.caddy import caddy
from tests.waiting import until

NAMES = {"photos.local": "photoprism", "drive.local": "drive"}
ADDRESS = "192.168.77.5"
MEGABYTE = b"0123456789abcdef" * 65536
UPLOAD_MB = 150
"""More than Cloudflare lets through, and more than nginx would."""


class Origin(BaseHTTPRequestHandler):
    """Answers with what it was asked; a WebSocket it greets."""

    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        """Take any method, those of WebDAV among them."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        if self.headers.get("Upgrade") == "websocket":
            self.send_response(101)
            for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade")):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(self.rfile.read(4)[::-1])
            self.close_connection = True
            return
        self._tell(*self._body())

    def _body(self) -> tuple[int, str]:
        digest, left = hashlib.sha256(), int(self.headers.get("Content-Length") or 0)
        size = left
        while left and (part := self.rfile.read(min(left, 1 << 20))):
            digest.update(part)
            left -= len(part)
        return size, digest.hexdigest()

    def _tell(self, size: int, digest: str) -> None:
        asked = {
            "method": self.command, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()},
            "size": size, "digest": digest, "origin": self.connection.getsockname()[1],
        }  # fmt: skip
        body = json.dumps(asked).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@dataclass
class Home:
    """A running Caddy: its ports, and the authority's certificate."""

    https: int
    http: int
    authority: Path
    ports: dict[str, int]

    def secure(self, name: str | None, offers: tuple[str, ...] = ()) -> ssl.SSLSocket:
        """Connect as a phone that trusts the family's authority and nobody else."""
        context = ssl.create_default_context(cafile=str(self.authority))
        if offers:
            context.set_alpn_protocols(list(offers))
        plain = socket.create_connection(("127.0.0.1", self.https), timeout=60)
        try:
            return context.wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise

    def ask(
        self, name: str, method: str, path: str, headers: dict[str, str] | None = None, body: object = None
    ) -> dict[str, object]:
        """Send one request and return what the origin was asked."""
        connection = http.client.HTTPSConnection(name)
        connection.sock = self.secure(name)
        connection.request(method, path, body, headers or {})  # type: ignore[arg-type] # a generator is an iterable
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        return {"status": answer.status, "answer": {k.lower(): v for k, v in answer.getheaders()}, **told}


@pytest.fixture(scope="module", name="home")
def a_running_caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    program, folder = caddy(), tmp_path_factory.mktemp("caddy")
    certificate, key = new_authority()
    (folder / "secrets").mkdir()
    (folder / "secrets/https_ca_cert").write_text(certificate)
    (folder / "secrets/https_ca_key").write_text(key)
    (folder / "trust.html").write_text(PAGE)
    servers = {name: ThreadingHTTPServer(("127.0.0.1", 0), Origin) for name in NAMES.values()}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = {name: server.server_address[1] for name, server in servers.items()}
    home = Home(_free(), _free(), folder / "secrets/https_ca_cert", ports)
    config = HttpsConfig(bind=(ADDRESS,), names=NAMES)
    args = HttpsArgs(
        config=config, ca_cert="", ca_key="", origins={n: f"http://127.0.0.1:{p}" for n, p in ports.items()}
    )
    text = caddyfile(args).replace(SECRETS, f"{folder}/secrets").replace(f"root * {PAGES}", f"root * {folder}")
    text = text.replace(str(HTTPS_PORT), str(home.https)).replace(str(HTTP_PORT), str(home.http))
    (folder / "Caddyfile").write_text(text)
    own = dict.fromkeys(("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME"), str(folder))
    command = [str(program), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=os.environ | own, stderr=log) as running:
        try:
            until(lambda: running.poll() is not None or _signs(home))
            assert running.poll() is None, (folder / "log").read_text()
            yield home
        finally:
            running.terminate()
            for server in servers.values():
                server.shutdown()
                server.server_close()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _signs(home: Home) -> bool:
    try:
        home.secure("localhost").close()
    except OSError:
        return False
    return True


def plain(home: Home, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", home.http)
    connection.request("GET", path, headers={"Host": "photos.local"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def test_the_album_learns_who_asks_and_under_which_address(home: Home) -> None:
    told = home.ask(
        "photos.local", "GET", "/library/albums?q=1", {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Proto": "http"}
    )
    headers = told["headers"]

    assert told["path"] == "/library/albums?q=1"
    assert isinstance(headers, dict)
    assert headers["host"] == "photos.local"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"] == "photos.local"
    assert headers["x-forwarded-for"] == "127.0.0.1", "what a stranger says of himself is not passed on"


def test_each_name_leads_to_its_service(home: Home) -> None:
    assert home.ask("photos.local", "GET", "/")["origin"] == home.ports["photoprism"]
    assert home.ask("drive.local", "GET", "/")["origin"] == home.ports["drive"]


@pytest.mark.parametrize("method", ["PROPFIND", "MKCOL", "MOVE", "COPY", "LOCK", "PUT", "DELETE", "OPTIONS"])
def test_the_methods_of_webdav_get_through_with_where_to(home: Home, method: str) -> None:
    destination = {"Destination": "https://photos.local/originals/new.jpg", "Depth": "1"}
    told = home.ask("photos.local", method, "/originals/a%20b.jpg", destination)

    assert (told["method"], told["path"]) == (method, "/originals/a%20b.jpg")
    assert isinstance(told["headers"], dict)
    assert told["headers"]["destination"] == destination["Destination"]


def test_a_large_upload_arrives_whole(home: Home) -> None:
    size = UPLOAD_MB * len(MEGABYTE)
    digest = hashlib.sha256()
    for _ in range(UPLOAD_MB):
        digest.update(MEGABYTE)

    told = home.ask(
        "photos.local",
        "PUT",
        "/originals/film.mp4",
        {"Content-Length": str(size)},
        (MEGABYTE for _ in range(UPLOAD_MB)),
    )

    assert (told["size"], told["digest"]) == (size, digest.hexdigest())


def test_a_websocket_stays_open(home: Home) -> None:
    with home.secure("photos.local") as line:
        line.sendall(
            b"GET /api/v1/ws HTTP/1.1\r\nHost: photos.local\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        read = line.makefile("rb")
        assert b" 101 " in read.readline()
        while read.readline().strip():
            pass
        line.sendall(b"ping")
        assert read.read(4) == b"gnip"


def test_browsers_get_http_2_and_a_week_of_https(home: Home) -> None:
    with home.secure("photos.local", ("h2", "http/1.1")) as line:
        assert line.selected_alpn_protocol() == "h2"
    answer = home.ask("photos.local", "GET", "/")["answer"]
    assert isinstance(answer, dict)
    assert answer["strict-transport-security"] == "max-age=604800"
    assert "alt-svc" not in answer, "QUIC is not published"


@pytest.mark.parametrize("name", ["photos.local", "drive.local", ADDRESS, "localhost"])
def test_a_phone_that_trusts_the_family_alone_gets_in(home: Home, name: str) -> None:
    with home.secure(name) as line:
        leaf = x509.load_der_x509_certificate(line.getpeercert(binary_form=True) or b"")

    lives = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert timedelta(days=2) < lives < timedelta(days=398), "phones refuse what lives longer"
    assert leaf.not_valid_before_utc < datetime.now(UTC)


def test_a_name_of_nobody_is_answered_by_nobody(home: Home) -> None:
    with pytest.raises(OSError, match=r"alert|EOF|reset"):
        home.secure("bank.local")


def test_without_the_certificate_nobody_is_told_that_all_is_well(home: Home) -> None:
    line = socket.create_connection(("127.0.0.1", home.https), timeout=60)
    with line, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(line, server_hostname="photos.local")


def test_a_phone_fetches_the_certificate_over_plain_http(home: Home) -> None:
    status, headers, body = plain(home, "/root.crt")

    assert (status, headers["Content-Type"]) == (200, "application/x-x509-ca-cert")
    assert body == home.authority.read_bytes()
    status, headers, body = plain(home, "/trust")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert b"/root.crt" in body


@pytest.mark.parametrize(
    "path", ["/https_ca_key", "/trust/../https_ca_key", "/root.crt/../https_ca_key", "/Caddyfile", "/log"]
)
def test_nothing_else_lies_there_least_of_all_the_key(home: Home, path: str) -> None:
    status, headers, _ = plain(home, path)

    assert status == 307
    assert headers["Location"].startswith("https://photos.local/")


def test_plain_requests_are_sent_to_https(home: Home) -> None:
    status, headers, _ = plain(home, "/library?view=cards")

    assert (status, headers["Location"]) == (307, "https://photos.local/library?view=cards")
