"""A mirror for apt inside builds: it hands on what this machine's own Debian mirror has, and notes what was asked."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from demo.images.build import debian_mirror
from tests.wheels import gateway


@dataclass(frozen=True)
class Mirror:
    """`url` for APT_MIRROR, `path` below which Debian lies there, and the paths that were `asked` for."""

    url: str
    port: int
    path: str
    asked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def apt_mirror(tls: ssl.SSLContext | None = None) -> Iterator[Mirror]:
    """Serve the mirror on an address that builds reach, over HTTPS when there is a `tls` for it."""
    source, host, asked = urlsplit(debian_mirror()), gateway(), list[str]()
    handler = partial(_Handler, f"{source.scheme}://{source.netloc}", asked)
    with ThreadingHTTPServer((host, 0), handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, name="mirror")
        thread.start()
        try:
            url = f"{'https' if tls else 'http'}://{host}:{server.server_port}"
            yield Mirror(url, server.server_port, source.path.rstrip("/"), asked)
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    """With it the connection stays: one that ends without TLS's own goodbye is an error to apt."""

    def __init__(self, source: str, asked: list[str], *arguments: Any) -> None:
        self._source, self._asked = source, asked
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Hand the request on; the whole file each time, which apt accepts."""
        self._asked.append(self.path)
        try:
            with urllib.request.urlopen(self._source + self.path, timeout=60) as answer:  # noqa: S310 - our own mirror
                self.send_response(200)
                self.send_header("Content-Length", answer.headers["Content-Length"])
                self.end_headers()
                shutil.copyfileobj(answer, self.wfile)
        except urllib.error.HTTPError as error:
            self.send_error(error.code)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Requests are noted, not printed."""
