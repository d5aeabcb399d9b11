"""A fault proxy before a WebDAV remote: it refuses, cuts, flips or forgets, as the test of the moment wants it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from keeper.rclone import program

Fault = Literal["", "401", "403", "429", "507", "cut", "flip", "swallow", "append-only"]
REMOVING = {"DELETE", "MOVE"}


@dataclass
class Proxy:
    """What the proxy does, and what it saw: (method, status) of each request."""

    port: int = 0
    target: int = 0
    address: str = "127.0.0.1"
    fault: Fault = ""
    dies_after: int = 0
    """So many uploads are taken, and from then on nothing answers."""
    only_photos: bool = True
    """Leave the small files of a run alone: they are read back at once."""
    seen: list[tuple[str, int]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    def count(self, method: str) -> int:
        return sum(1 for seen, _ in self.seen if seen == method)


@contextlib.contextmanager
def webdav(folder: Path) -> Iterator[int]:
    """Yield the port of a real WebDAV server over `folder`, without hashes or times, as net drives are."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    command = [program(), "serve", "webdav", str(folder), "--addr", f"127.0.0.1:{port}", "--vfs-cache-mode", "off"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(2400):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()


@contextlib.contextmanager
def proxied(target: int, address: str = "127.0.0.1") -> Iterator[Proxy]:
    """Yield a proxy before the server on port `target`; containers reach it on another address than loopback."""
    proxy = Proxy(target=target, address=address)
    handler = type("Bound", (_Handler,), {"proxy": proxy})
    with ThreadingHTTPServer((address, 0), handler) as server:
        proxy.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield proxy
        finally:
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def _pass(self) -> None:
        body = self._body()
        if self.proxy.dies_after and self.proxy.count("PUT") >= self.proxy.dies_after:
            self.close_connection = True
            return
        status = self._refusal()
        if status:
            self._answer(status, b"")
        elif self.command == "PUT" and self._is_hit("swallow"):
            self._answer(201, b"")
        else:
            self._forward(body)

    do_GET = do_PUT = do_DELETE = do_PROPFIND = _pass  # noqa: N815 - the base's names
    do_MKCOL = do_MOVE = do_COPY = do_HEAD = do_OPTIONS = _pass  # noqa: N815

    def _is_hit(self, fault: Fault) -> bool:
        # Photos are what the keeper puts below `current` or `versions`; crypt hides those names, so size tells here.
        return self.proxy.fault == fault and (not self.proxy.only_photos or self._size > 200)

    def _refusal(self) -> int:
        fault = self.proxy.fault
        if fault in ("401", "403") or (fault in ("429", "507") and self.command in ("PUT", "MKCOL")):
            return int(fault)
        if fault == "append-only" and (self.command in REMOVING or (self.command == "PUT" and self._exists())):
            return 403
        return 0

    def _exists(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.target, timeout=30)
        with contextlib.closing(connection):
            connection.request("PROPFIND", self.path, headers={"Depth": "0"})
            return connection.getresponse().status < 300

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(parts)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._size = len(body)
        return body

    def _forward(self, body: bytes) -> None:
        if self.command == "PUT" and self._is_hit("cut"):
            body = body[: len(body) // 2]
        if self.command == "PUT" and self._is_hit("flip"):
            body = body[:-1] + bytes([body[-1] ^ 1])
        headers = {
            key: value
            for key, value in self.headers.items()
            if key.lower() not in ("content-length", "transfer-encoding", "host", "connection", "accept-encoding")
        }
        if "Destination" in headers:
            headers["Destination"] = headers["Destination"].replace(
                self.proxy.url, f"http://127.0.0.1:{self.proxy.target}"
            )
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.target, timeout=60)
        try:
            connection.request(self.command, self.path, body, headers | {"Host": f"127.0.0.1:{self.proxy.target}"})
            answer = connection.getresponse()
            content = answer.read()
        except OSError:
            self.close_connection = True
            return
        finally:
            connection.close()
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() in ("content-type", "dav", "etag", "last-modified")]
        self._answer(answer.status, content, kept)

    def _answer(self, status: int, content: bytes, headers: list[tuple[str, str]] | None = None) -> None:
        self.proxy.seen.append((self.command, status))
        self.send_response(status)
        for key, value in headers or ():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""
