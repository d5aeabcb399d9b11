"""A small double of Syncthing's configuration over REST, as the real 1.29 and 2.1 behave (compared 2026-11-29).

A PUT fills in what is not named, a PATCH changes what is named and replaces lists as a whole, a deleted device leaves
the folders that it shared, a folder always lists the Syncthing itself.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

KEY, OWN_ID = "the-api-key", "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2"
DEFAULTS: dict[str, dict[str, Any]] = {
    "devices": {"name": "", "addresses": ["dynamic"], "introducer": False, "autoAcceptFolders": False, "paused": False},
    "folders": {"type": "sendreceive", "paused": False, "ignoreDelete": False, "ignorePerms": False, "devices": []},
}
IDS = {"devices": "deviceID", "folders": "id"}
Answer = tuple[int, Any]


class SyncthingDouble:
    """Its configuration. `requests`: what was asked, method and path; `drop` answers nothing to the next of these."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, dict[str, Any]]] = {"devices": {}, "folders": {}}
        self.options: dict[str, Any] = {"urAccepted": 0, "crashReportingEnabled": True, "listenAddresses": ["default"]}
        self.pending: dict[str, dict[str, Any]] = {}
        self.connected: set[str] = set()
        self.seen: dict[str, str] = {}
        self.statuses: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.drop: set[str] = set()

    @property
    def devices(self) -> dict[str, dict[str, Any]]:
        return self.items["devices"]

    @property
    def folders(self) -> dict[str, dict[str, Any]]:
        return self.items["folders"]

    def answer(self, method: str, path: str, body: Any, query: Mapping[str, str] = MappingProxyType({})) -> Answer:
        self.requests.append(f"{method} {path}")
        parts = [unquote(part) for part in path.split("/")[2:]]
        if parts[:1] == ["config"]:
            return self._config(method, parts[1:], body)
        told = self._told(query).get("/".join(parts))
        return (404, "404 page not found") if told is None else (200, told)

    def _told(self, query: Mapping[str, str]) -> dict[str, Any]:
        idle = {"state": "idle", "error": "", "errors": 0, "needFiles": 0, "localFiles": 0, "localBytes": 0}
        return {
            "system/status": {"myID": OWN_ID},
            "system/connections": {"connections": {id_: {"connected": id_ in self.connected} for id_ in self.devices}},
            "stats/device": {
                id_: {"lastSeen": self.seen.get(id_, "1970-01-01T08:00:00+08:00")} for id_ in self.devices
            },
            "cluster/pending/devices": self.pending,
            "db/status": idle | self.statuses.get(query.get("folder", ""), {}),
        }

    def _config(self, method: str, parts: list[str], body: Any) -> Answer:
        match parts:
            case ["options"]:
                self.options |= body if method == "PATCH" else {}
                return 200, self.options
            case [kind] if kind in self.items:
                return 200, list(self.items[kind].values())
            case [kind, id_] if kind in self.items:
                return self._item(method, kind, id_, body)
        return 404, "404 page not found"

    def _item(self, method: str, kind: str, id_: str, body: Any) -> Answer:
        known = self.items[kind].get(id_)
        if method == "PUT":
            self.items[kind][id_] = {**DEFAULTS[kind], **body, IDS[kind]: id_}
        elif known is None:
            return 404, "No folder with given ID" if kind == "folders" else "No device with given ID"
        elif method == "PATCH":
            _merge(known, body)
        elif method == "DELETE":
            del self.items[kind][id_]
            for folder in self.folders.values():
                folder["devices"] = [each for each in folder["devices"] if each["deviceID"] in {*self.devices, OWN_ID}]
            return 200, None
        for folder in self.folders.values():
            if OWN_ID not in (each["deviceID"] for each in folder["devices"]):
                folder["devices"] = [{"deviceID": OWN_ID, "introducedBy": ""}, *folder["devices"]]
        return 200, self.items[kind][id_]


def _merge(known: dict[str, Any], body: dict[str, Any]) -> None:
    for name, value in body.items():
        if isinstance(value, dict) and isinstance(known.get(name), dict):
            _merge(known[name], value)
        else:
            known[name] = value


@contextmanager
def serving(double: SyncthingDouble) -> Iterator[str]:
    """Serve a double on loopback; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
            status, answer = (
                (403, "CSRF Error")
                if self.headers["X-API-Key"] != KEY
                else double.answer(self.command, path, body, query)
            )
            if f"{self.command} {unquote(path)}" in double.drop:
                double.drop.remove(f"{self.command} {unquote(path)}")
                self.close_connection = True
                return
            raw = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - names of the base

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
