"""The one page that tells a family whether its photos are safe, and the same facts for machines.

`/` the page, `/status.json`, `/metrics`, `/health`. Read only; no script, nothing from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import jinja2
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST, ThreadingWSGIServer

from keeper.metrics import StatusCollector
from keeper.report import read_status
from keeper.scheduler import is_fresh
from keeper.settings import Settings
from keeper.texts import LANGUAGES, Language, say
from keeper.view import view_of

TEMPLATES = Path(__file__).parent / "templates"
ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
)
# As the page includes it: the policy names it by its hash.
STYLE = ENVIRONMENT.get_template("page.css").render()
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = [
    (
        "Content-Security-Policy",
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
]
Answer = tuple[HTTPStatus, str, bytes]


class Page:
    """The WSGI application."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._registry = CollectorRegistry()
        self._registry.register(StatusCollector(settings))
        self._routes: dict[str, Callable[[WSGIEnvironment], Answer]] = {
            "/": self._page,
            "/status.json": self._status,
            "/metrics": self._metrics,
            "/health": self._health,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        route = self._routes.get(environ.get("PATH_INFO") or "/")
        if environ["REQUEST_METHOD"] != "GET":
            status, kind, body = HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"GET only\n"
        elif route is None:
            status, kind, body = HTTPStatus.NOT_FOUND, "text/plain", b"not found\n"
        else:
            status, kind, body = route(environ)
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), *HEADERS]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    def _page(self, environ: WSGIEnvironment) -> Answer:
        asked = parse_qs(environ.get("QUERY_STRING", "")).get("lang", [""])[0]
        language = choose_language(asked, environ.get("HTTP_ACCEPT_LANGUAGE", ""), self._settings.language)
        html = render(self._settings, language)
        return HTTPStatus.OK, "text/html; charset=utf-8", html.encode("utf-8", "replace")

    def _status(self, _environ: WSGIEnvironment) -> Answer:
        text = read_status(self._settings.state).model_dump_json(indent=1)
        return HTTPStatus.OK, "application/json", text.encode()

    def _metrics(self, _environ: WSGIEnvironment) -> Answer:
        return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def _health(self, _environ: WSGIEnvironment) -> Answer:
        if is_fresh(read_status(self._settings.state)):
            return HTTPStatus.OK, "text/plain", b"ok\n"
        return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"the scheduler is silent\n"


def render(settings: Settings, language: Language) -> str:
    """Return the page."""

    def text(key: str, **values: object) -> str:
        return say(language, key, **values)

    other = next(candidate for candidate in LANGUAGES if candidate != language)
    view = view_of(settings, read_status(settings.state), language)
    return ENVIRONMENT.get_template("page.html").render(view=view, text=text, language=language, other=other)


def choose_language(asked: str, accepted: str, default: Language) -> Language:
    """Return the language of `?lang=`, else the first that the browser accepts, else the family's."""
    wishes = []
    for part in accepted.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1), tag.lower()))
        except ValueError:
            continue
    for wish in (asked, *(tag for _, tag in sorted(wishes, key=lambda wish: wish[0]))):
        for language in LANGUAGES:
            if wish == language or wish.startswith(f"{language}-"):
                return language
    return default


class _Quiet(WSGIRequestHandler):
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Requests are not logged: the page renews itself every minute."""


def serve(settings: Settings, host: str = "0.0.0.0", port: int | None = None) -> WSGIServer:  # noqa: S104 - a container
    """Serve the page in threads of its own; the stack publishes the port on loopback only."""
    server = make_server(
        host, settings.port if port is None else port, Page(settings), ThreadingWSGIServer, handler_class=_Quiet
    )
    threading.Thread(target=server.serve_forever, name="page", daemon=True).start()
    return server
