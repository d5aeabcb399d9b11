"""A fault proxy before a WebDAV remote: it refuses, cuts, flips, forgets or stalls, as the test of the moment wants it."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal, NamedTuple

from tests.keeper.rclone import rclone

Fault = Literal[
    "401", "403", "429", "500", "507", "cut", "drop", "flip", "swallow", "short-list", "append-only", "stall", "slow", "away"
]  # fmt: skip
"""401, 403: for every request. 429, 500, 507: for what writes. cut, flip: half of an upload is kept, or all but its last
bit, and praised. drop: the line breaks in an upload. swallow: an upload is praised and not kept. short-list: a listing
lacks its last entry. append-only: nothing is deleted or overwritten but locks. stall: no answer until the fault ends.
slow: `rate` bytes a second. away: nobody is there."""
REFUSING_ALL, REFUSING_WRITES = ("401", "403"), ("429", "500", "507")
REMOVING, WRITING = {"DELETE", "MOVE"}, {"PUT", "MKCOL", "DELETE", "MOVE", "COPY"}
LOCKS = "/locks/"
DATA = "/data/"
ENTRY = re.compile(rb"<(D|d):response>.*?</\1:response>", re.DOTALL)
SENT_ON = ("content-length", "transfer-encoding", "host", "connection", "accept-encoding")
SENT_BACK = ("content-type", "content-range", "accept-ranges", "dav", "etag", "last-modified")


class Request(NamedTuple):
    """One request as it was answered; 0 is no answer. Sizes in bytes."""

    method: str
    status: int
    path: str
    up: int
    down: int


@dataclass
class Proxy:
    """What the proxy does, and what it saw."""

    port: int = 0
    target: int = 0
    address: str = "127.0.0.1"
    faults: set[Fault] = field(default_factory=set)
    only: str = DATA
    """Only uploads with this in their path are cut, dropped, flipped or swallowed; "" is every one."""
    short: str = ""
    """Only listings of paths with this in them lack their last entry; "" is every one."""
    rate: int = 1 << 20
    dies_after: int = 0
    """So many uploads are taken, and from then on nothing answers."""
    seen: list[Request] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    @property
    def fault(self) -> str:
        """The only fault, or none."""
        return next(iter(self.faults), "")

    @fault.setter
    def fault(self, fault: Fault | Literal[""]) -> None:
        with self.changed:
            self.faults = {fault} if fault else set()
            self.changed.notify_all()

    def count(self, method: str, part: str = "") -> int:
        """Return how many requests of a method, to paths with `part` in them, there were."""
        return sum(1 for request in self.seen if request.method == method and part in request.path)

    @property
    def bytes_up(self) -> int:
        return sum(request.up for request in self.seen)

    @property
    def bytes_down(self) -> int:
        return sum(request.down for request in self.seen)

    @property
    def objects(self) -> set[str]:
        """The paths of all that was stored here since `seen` was cleared, and not deleted again."""
        there: set[str] = set()
        for request in self.seen:
            if request.method == "PUT" and 200 <= request.status < 300:
                there.add(request.path)
            elif request.method == "DELETE":
                there.discard(request.path)
        return there


@contextlib.contextmanager
def webdav(folder: Path) -> Iterator[int]:
    """Yield the port of a real WebDAV server over `folder`, without hashes or times, as net drives are.

    It looks at the folder anew each time, so that what a test does to a copy behind its back is seen.
    """
    fresh = ["--vfs-cache-mode", "off", "--dir-cache-time", "1ms", "--poll-interval", "0"]
    with serving("webdav", folder, *fresh) as port:
        yield port


@contextlib.contextmanager
def serving(protocol: str, folder: Path, *flags: str) -> Iterator[int]:
    """Yield the port of rclone's own server over `folder`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    command = [rclone(), "serve", protocol, str(folder), "--addr", f"127.0.0.1:{port}", "--config", "/dev/null", *flags]
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
    with _Server((address, 0), handler) as server:
        proxy.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.fault = ""  # whoever is stalled goes on
            server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    proxy: Proxy

    def _pass(self) -> None:
        proxy = self.proxy
        if "away" in proxy.faults or (proxy.dies_after and proxy.count("PUT") >= proxy.dies_after):
            self._hang_up()
            return
        body = self._body()
        if "stall" in proxy.faults:
            with proxy.changed:
                proxy.changed.wait_for(lambda: "stall" not in proxy.faults)
        if body is None or "away" in proxy.faults:
            self._hang_up()
        elif status := self._refusal():
            self._answer(status, b"")
        elif self._is_hit("swallow"):
            self._answer(201, b"")
        else:
            self._forward(body)

    do_GET = do_PUT = do_DELETE = do_PROPFIND = _pass  # noqa: N815 - the base's names
    do_MKCOL = do_MOVE = do_COPY = do_HEAD = do_OPTIONS = _pass  # noqa: N815

    def _is_hit(self, fault: Fault) -> bool:
        return self.command == "PUT" and fault in self.proxy.faults and self.proxy.only in self.path

    def _refusal(self) -> int:
        faults = self.proxy.faults
        refused = [*REFUSING_ALL, *(REFUSING_WRITES if self.command in WRITING else ())]
        if found := next((fault for fault in refused if fault in faults), ""):
            return int(found)
        if "append-only" in faults and LOCKS not in self.path:
            return 403 if self.command in REMOVING or (self.command == "PUT" and self._exists()) else 0
        return 0

    def _exists(self) -> bool:
        with contextlib.closing(self._upstream()) as connection:
            connection.request("PROPFIND", self.path, headers={"Depth": "0"})
            return connection.getresponse().status < 300

    def _upstream(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.proxy.target, timeout=60)

    def _body(self) -> bytes | None:
        """Return what is sent; None when the line is to break in it."""
        parts, self._size = [], 0
        for part in self._parts():
            parts.append(part)
            self._size += len(part)
            self._take_time(len(part))
            if self._is_hit("drop") and self._size > 1 << 16:
                return None
        return b"".join(parts)

    def _parts(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left and (part := self.rfile.read(min(left, 1 << 16))):
            left -= len(part)
            yield part

    def _take_time(self, size: int) -> None:
        if "slow" in self.proxy.faults:
            with self.proxy.changed:
                self.proxy.changed.wait_for(lambda: "slow" not in self.proxy.faults, size / self.proxy.rate)

    def _forward(self, body: bytes) -> None:
        if self._is_hit("cut"):
            body = body[: len(body) // 2]
        if self._is_hit("flip"):
            body = body[:-1] + bytes([body[-1] ^ 1])
        headers = {key: value for key, value in self.headers.items() if key.lower() not in SENT_ON}
        if "Destination" in headers:
            own = f"http://127.0.0.1:{self.proxy.target}"
            headers["Destination"] = headers["Destination"].replace(self.proxy.url, own)
        try:
            with contextlib.closing(self._upstream()) as connection:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
        except (OSError, http.client.HTTPException):
            self._hang_up()
            return
        if self.command == "PROPFIND" and "short-list" in self.proxy.faults and self.proxy.short in self.path:
            content = _without_the_last(content)
        kept = [(key, value) for key, value in answer.getheaders() if key.lower() in SENT_BACK]
        self._answer(answer.status, content, kept)

    def _hang_up(self) -> None:
        self.close_connection = True
        self._note(0, 0)

    def _note(self, status: int, down: int) -> None:
        self.proxy.seen.append(Request(self.command, status, self.path, getattr(self, "_size", 0), down))

    def _answer(self, status: int, content: bytes, headers: list[tuple[str, str]] | None = None) -> None:
        self._take_time(len(content))
        self._note(status, len(content))
        self.send_response(status)
        for key, value in headers or ():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(OSError):
                self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


def _without_the_last(listing: bytes) -> bytes:
    """Return the answer to a PROPFIND without its last entry; the folder itself stays."""
    entries = list(ENTRY.finditer(listing))
    if len(entries) < 2:
        return listing
    last = entries[-1]
    return listing[: last.start()] + listing[last.end() :]
