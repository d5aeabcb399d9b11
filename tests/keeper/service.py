"""What the tests of the service share: settings without a database, and a sink for alerts and pings on loopback."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from keeper.settings import Settings

ID = "11111111-2222-4333-8444-555555555555"


def service_settings(folder: Path, **changes: Any) -> Settings:
    """Return settings with state and secrets below `folder` and one copy that is never used."""
    for name in ("state", "secrets"):
        (folder / name).mkdir(exist_ok=True)
    values: dict[str, Any] = {
        "stack": "home",
        "id": ID,
        "roots": {"originals": folder / "originals"},
        "marked": [],
        "database": {"host": "127.0.0.1"},
        "copies": [{"name": "disk", "kind": "disk", "type": "local", "path": "/backup"}],
        "state": folder / "state",
        "secrets": folder / "secrets",
    }
    return Settings.model_validate(values | changes)


def english_in(text: str) -> list[str]:
    """Return what is English in a Chinese text: three words in a row that are no command, path or marked quotation."""
    rest = re.sub(
        r"(?:\./photos|pip install)[^\uff0c\u3002\uff1b\uff09\n]*|\u539f\u6587\uff1a[^\uff09\n]*|[!-~]*/[!-~]*",
        "\n",
        text,
    )
    return re.findall(r"[A-Za-z']+(?:[ ,.;:]+[A-Za-z']+){2,}", rest)


def closed_port() -> int:
    """Return a port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Sink:
    """A server that takes everything: `got` is a list of path and body."""

    port: int
    address: str = "127.0.0.1"
    got: list[tuple[str, Any]] = field(default_factory=list)
    answer: int = 200

    @property
    def channel(self) -> str:
        """The address for Apprise."""
        return f"json://{self.address}:{self.port}/hook-4f9a-secret"

    @property
    def titles(self) -> list[str]:
        return [body["title"] for _, body in self.got if body]

    @property
    def bodies(self) -> str:
        return "\n".join(body["message"] for _, body in self.got if body)


@contextmanager
def sink(port: int = 0, address: str = "127.0.0.1") -> Iterator[Sink]:
    """Serve a sink until the block ends; nothing answers on its port afterwards. Containers reach no loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._take(None)

        def do_POST(self) -> None:
            self._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _take(self, body: Any) -> None:
            if made.answer == 200:
                made.got.append((self.path, body))
            self.send_response(made.answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    with ThreadingHTTPServer((address, port), Handler) as server:
        made = Sink(server.server_port, address)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
