"""Small fakes of Syncthing's REST API and of PhotoPrism's, as far as index after sync touches them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY, PASSWORD = "syncthing's key", "the admin's password"


@dataclass
class FakeSyncthing:
    """Folders, their states, and the events since its start."""

    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    starts: int = 1
    requests: list[str] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    seen: dict[str, str] = field(default_factory=dict)
    connected: set[str] = field(default_factory=set)

    def folder(self, name: str, *, path: str = "", paused: bool = False) -> None:
        self.folders[name] = {
            "config": {"id": name, "label": name, "path": path or f"/phones/{name}", "paused": paused},
            "status": {"state": "idle", "errors": 0, "needFiles": 0, "sequence": 1, "globalFiles": 1},
        }

    def change(self, name: str, *, tell: bool = True, **values: Any) -> None:
        """Change what a folder's status says, and send the event that goes with it."""
        self.folders[name]["status"].update(values)
        if tell:
            self.events.append({"id": len(self.events) + 1, "type": "StateChanged", "data": {"folder": name}})

    def restart(self) -> None:
        """Forget the events and count anew, as after a restart."""
        self.events.clear()
        self.starts += 1

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        self.requests.append(path)
        told: dict[str, Any] = {
            "/rest/config/folders": [folder["config"] for folder in self.folders.values()],
            "/rest/system/status": {"startTime": f"2026-11-22T03:00:{self.starts:02}Z", "myID": "X"},
            "/rest/stats/device": {
                id_: {"lastSeen": moment, "lastConnectionDurationS": 0} for id_, moment in self.seen.items()
            },
            "/rest/system/connections": {
                "connections": {id_: {"connected": id_ in self.connected} for id_ in self.seen},
                "total": {},
            },
        }
        if path in told:
            return 200, told[path]
        if path == "/rest/db/status":
            if query["folder"] in self.refuse:
                return 404, {}
            return 200, self.folders[query["folder"]]["status"]
        if path == "/rest/events":
            return 200, self._wait(int(query["since"]), int(query["limit"]))
        return 404, {}

    def _wait(self, since: int, limit: int) -> list[dict[str, Any]]:
        """Return the events after `since`, as soon as there are any; a minute is a third of a second here."""
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            if found := [event for event in self.events if event["id"] > since]:
                return found[-limit:]
            time.sleep(0.02)
        return []


@dataclass
class FakeAlbum:
    """What was asked of PhotoPrism, and by whom: only who has its password is answered."""

    indexed: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0
    refuse: dict[str, int] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0

    def answer(self, path: str, body: dict[str, Any], token: str) -> tuple[int, Any]:
        if token != PASSWORD:
            return 401, {"error": "Please log in to your account"}
        place = body["path"]
        if place in self.refuse:
            return self.refuse[place], {}
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.seconds)
        self.at_once -= 1
        self.bodies.append(body)
        self.indexed.append(place if path == "/api/v1/index" else "import")
        return 200, {"code": 200}

    def look(self, path: str, token: str) -> tuple[int, Any]:
        del path
        return (404, {}) if token == PASSWORD else (401, {})


@contextmanager
def serving(fake: FakeSyncthing | FakeAlbum, port: int = 0) -> Iterator[str]:
    """Serve a fake on loopback; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(url.query).items()}
            if isinstance(fake, FakeAlbum):
                self._send(*fake.look(url.path, self.headers["X-Auth-Token"] or ""))
                return
            good = self.headers["X-API-Key"] == KEY
            self._send(*(fake.answer(url.path, query) if good else (403, {})))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert isinstance(fake, FakeAlbum)
            self._send(*fake.answer(self.path, body, self.headers["X-Auth-Token"] or ""))

        def _send(self, status: int, answer: Any) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Say nothing of a client that went away in the middle."""

    with Server(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
