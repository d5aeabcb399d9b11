"""A loopback double of the Cloudflare API v4: what the real provider calls, recorded, and strict.

    with CloudflareDouble(account="a" * 32, zones={"b" * 32: "example.com"}) as cf:
        run_pulumi(env=cf.environment)
        assert [str(call) for call in cf.changes] == [...]
        assert all(not moment.unprotected() for moment in cf.history())

Not as at Cloudflare: every error carries `x-should-retry: false` unless a test says otherwise, for the client would
else repeat 409, 429 and 5xx ten times over minutes; and what is only ignored there may be refused here (each place
says so). Client rules: cloudflare-go v6.10, internal/requestconfig/requestconfig.go.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from tests.cloudflare import apps, dns, policies, service_tokens, tunnels, zones
from tests.cloudflare.history import Call, Snapshot, snapshot
from tests.cloudflare.state import ROUTES, ApiError, Object, Page, Request, State, new_uuid, now

ROOMS = (apps, dns, policies, service_tokens, tunnels, zones)  # importing them registers their routes
PREFIX = "/client/v4/"
TOKEN = "loopback-double-token-0123456789-abcdefghijk"
Headers = dict[str, str]


@dataclass
class Failure:
    """An answer to come instead of the true one; `applied` does the work and loses only the answer."""

    method: str
    path: str
    error: ApiError
    times: int
    headers: Headers
    applied: bool

    def meets(self, method: str, path: str) -> bool:
        return self.times > 0 and bool(re.fullmatch(self.method, method) and re.search(self.path, path))


class CloudflareDouble:
    """One account on 127.0.0.1, alive inside its `with`."""

    def __init__(self, account: str, zones: dict[str, str], token: str = TOKEN, team: str = "family") -> None:
        self.token = token
        self.state = State(account=account, zones=zones, team=team)
        self.calls: list[Call] = []
        self.sockets: set[socket.socket] = set()
        self._failures: list[Failure] = []
        self._history: list[Snapshot] = []
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self.add_identity_provider("onetimepin")

    def __enter__(self) -> Self:
        self._server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"double": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        for open_socket in list(self.sockets):
            # Its handler may have closed it since it was listed.
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{PREFIX.rstrip('/')}"

    @property
    def environment(self) -> dict[str, str]:
        """The provider's own variables; the caller removes CLOUDFLARE_API_KEY and CLOUDFLARE_EMAIL."""
        return {"CLOUDFLARE_BASE_URL": self.base_url, "CLOUDFLARE_API_TOKEN": self.token}

    @property
    def changes(self) -> list[Call]:
        """The calls that were not just reading."""
        return [call for call in self.calls if call.method != "GET"]

    def history(self) -> list[Snapshot]:
        """Return who could get in after each call, in order."""
        return list(self._history)

    def fail_next(
        self,
        method: str,
        path: str,
        status: int,
        *,
        times: int = 1,
        retry: bool = False,
        retry_after: float | None = None,
        code: int | None = None,
        message: str = "injected by the test",
        applied: bool = False,
    ) -> None:
        """Answer the next `times` calls that meet both patterns with an error (method in full, path anywhere)."""
        usual = {401: 10000, 403: 9109, 404: 7003, 429: 971}
        headers = {} if retry else {"x-should-retry": "false"}
        if retry_after is not None:
            headers["Retry-After"] = f"{retry_after:g}"
        error = ApiError(status, usual.get(status, status) if code is None else code, message)
        self._failures.append(Failure(method, path, error, times, headers, applied))

    def connect_tunnel(self, tunnel: str) -> None:
        """Let a connector be connected: the tunnel is healthy and cannot be deleted."""
        connection = {
            "id": new_uuid(),
            "uuid": new_uuid(),
            "client_id": new_uuid(),
            "client_version": "2026.8.2",
            "colo_name": "fra01",
            "is_pending_reconnect": False,
            "opened_at": now(),
            "origin_ip": "192.0.2.7",
        }
        self.state.tunnels[tunnel].update(
            connections=[connection], status="healthy", conns_active_at=now(), conns_inactive_at=None
        )

    def disconnect_tunnel(self, tunnel: str) -> None:
        self.state.tunnels[tunnel].update(connections=[], status="down", conns_active_at=None, conns_inactive_at=now())

    def add_group(self, name: str) -> str:
        """Put an Access group into the account; return its id."""
        key = new_uuid()
        self.state.groups[key] = {"id": key, "name": name, "include": [], "exclude": [], "require": []}
        return key

    def add_identity_provider(self, kind: str) -> str:
        key = new_uuid()
        self.state.identity_providers[key] = {"id": key, "name": "", "type": kind, "config": {}}
        return key

    def answer(self, method: str, target: str, authorization: str, raw: bytes) -> tuple[int, Headers, bytes]:
        """Do one call, remember it and what stood open after it."""
        url = urlsplit(target)
        path = url.path.removeprefix(PREFIX)
        with self._lock:
            arrived = time.monotonic() - self._started
            failure = next((item for item in self._failures if item.meets(method, path)), None)
            status, headers = 200, {"Content-Type": "application/json"}
            body: Object | None = None
            try:
                body = json.loads(raw) if raw else None
                if failure:
                    failure.times -= 1
                    if failure.applied:
                        self._perform(method, url.path, url.query, authorization, body)
                    headers |= failure.headers
                    raise failure.error
                document = self._perform(method, url.path, url.query, authorization, body)
            except json.JSONDecodeError as error:
                status, document = 400, refusal(ApiError(400, 6007, f"Malformed JSON in request body: {error}"))
            except ApiError as error:
                status, document = error.status, refusal(error)
            if status != 200 and not failure:
                headers["x-should-retry"] = "false"
            call = Call(len(self.calls) + 1, method, path, url.query, body, status, arrived)
            self.calls.append(call)
            self._history.append(snapshot(self.state, call))
            return status, headers, json.dumps(document).encode()

    def _perform(self, method: str, path: str, query: str, authorization: str, body: Object | None) -> Object:
        if authorization != f"Bearer {self.token}":
            raise ApiError(401, 10000, "Authentication error")
        rest = path.removeprefix(PREFIX)
        owner, _, tail = rest.partition("/")
        known = {"accounts": {self.state.account}, "zones": set(self.state.zones)}.get(owner)
        if known is not None and tail and tail.partition("/")[0] not in known:
            raise ApiError(403, 9109, "Unauthorized to access requested resource")
        for wanted, pattern, handler in ROUTES:
            if wanted == method and path.startswith(PREFIX) and (match := pattern.fullmatch(rest)):
                request = Request(match.groupdict(), dict(parse_qsl(query)), body)
                return envelope(handler(self.state, request), request.query)
        raise ApiError(404, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?")


def refusal(error: ApiError) -> Object:
    return {
        "success": False,
        "errors": [{"code": error.code, "message": error.message}],
        "messages": [],
        "result": None,
    }


def envelope(result: Any, query: dict[str, str]) -> Object:
    """Wrap a result as the API does; a list with its page and the counts."""
    answer: Object = {"success": True, "errors": [], "messages": [], "result": result}
    if isinstance(result, Page):
        try:
            page, size = int(query.get("page", 1)), int(query.get("per_page", result.size))
        except ValueError as error:
            raise ApiError(400, 6003, f"Invalid request: {error}") from error
        shown = result.objects[(page - 1) * size : page * size]
        answer["result"] = shown
        answer["result_info"] = {
            "page": page,
            "per_page": size,
            "count": len(shown),
            "total_count": len(result.objects),
            "total_pages": -(-len(result.objects) // size),
        }
    return answer


class Server(ThreadingHTTPServer):
    """Joins its threads on close, so that no socket is left to the garbage collector."""

    daemon_threads = False
    block_on_close = True


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the double; one write per answer, since small writes wait for each other."""

    double: ClassVar[CloudflareDouble]
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.double.sockets.add(self.connection)

    def finish(self) -> None:
        self.double.sockets.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is BaseHTTPRequestHandler's
        """Say nothing: the calls are recorded."""

    def _answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, body = self.double.answer(self.command, self.path, self.headers.get("Authorization", ""), raw)
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server looks for these names
