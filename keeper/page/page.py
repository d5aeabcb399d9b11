"""The pages that tell a family whether its photos are safe, and the same facts for machines.

`/` how things stand, `/copies/NAME` its snapshots, `/copies/NAME/SNAPSHOT?folder=/originals` what is in one, `/status.json`,
`/metrics`, `/health`. Read only; no script, nothing from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import jinja2
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST, ThreadingWSGIServer

from keeper.errors import KeeperError, Problem
from keeper.page.browse import Browser, rows_of
from keeper.page.learning import Knowledge
from keeper.page.metrics import StatusCollector
from keeper.page.status import read_status
from keeper.page.view import view_of
from keeper.service.scheduler import is_fresh
from keeper.settings import CopySettings, Settings
from keeper.texts import LANGUAGES, Language, for_stack, problem_text, say

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
HTML = "text/html; charset=utf-8"
Answer = tuple[HTTPStatus, str, bytes]
NOT_FOUND: Answer = (HTTPStatus.NOT_FOUND, "text/plain", b"not found\n")


class Page:
    """The WSGI application. `knowledge` tells whether it is known what the copies hold."""

    def __init__(self, settings: Settings, knowledge: Callable[[], Knowledge] = lambda: "known") -> None:
        self._settings, self._knowledge, self._browser = settings, knowledge, Browser(settings)
        self._copies = {copy.name: copy for copy in settings.copies}
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
        if environ["REQUEST_METHOD"] != "GET":
            status, kind, body = HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"GET only\n"
        else:
            status, kind, body = self._answer(environ)
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), *HEADERS]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        path = environ.get("PATH_INFO") or "/"
        if route := self._routes.get(path):
            return route(environ)
        match path.strip("/").split("/"):
            case ["copies", name] if name in self._copies:
                return self._snapshots(environ, self._copies[name])
            case ["copies", name, snapshot] if name in self._copies:
                return self._folder(environ, self._copies[name], snapshot)
        return NOT_FOUND

    def _page(self, environ: WSGIEnvironment) -> Answer:
        language, renews = self._language(environ), _asked(environ, "renew") != "no"
        html = render(self._settings, language, knowledge=self._knowledge(), renews=renews)
        return HTTPStatus.OK, HTML, _encoded(html)

    def _snapshots(self, environ: WSGIEnvironment, copy: CopySettings) -> Answer:
        language = self._language(environ)
        rows = rows_of(self._settings, copy, language)
        here = f"/copies/{copy.name}"
        return HTTPStatus.OK, HTML, _encoded(_template("snapshots.html", language, here, copy=copy, rows=rows))

    def _folder(self, environ: WSGIEnvironment, copy: CopySettings, snapshot: str) -> Answer:
        language, listing, problem = self._language(environ), None, ""
        folder = "/" + _asked(environ, "folder").strip("/")
        status = HTTPStatus.OK
        try:
            listing = self._browser.listing(copy, snapshot, folder)
            if listing is None:
                return NOT_FOUND
        except (KeeperError, OSError) as error:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            found = error.problem if isinstance(error, KeeperError) else Problem.of("browse.no_room", said=error)
            problem = for_stack(problem_text(language, found), self._settings.stack)
        here = f"/copies/{copy.name}/{snapshot}"
        html = _template(
            "folder.html", language, here, folder, copy=copy, snapshot=snapshot, listing=listing, problem=problem
        )
        return status, HTML, _encoded(html)

    def _language(self, environ: WSGIEnvironment) -> Language:
        accepted = environ.get("HTTP_ACCEPT_LANGUAGE", "")
        return choose_language(_asked(environ, "lang"), accepted, self._settings.language)

    def _status(self, _environ: WSGIEnvironment) -> Answer:
        return HTTPStatus.OK, "application/json", read_status(self._settings).model_dump_json(indent=1).encode()

    def _metrics(self, _environ: WSGIEnvironment) -> Answer:
        return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def _health(self, _environ: WSGIEnvironment) -> Answer:
        if is_fresh(read_status(self._settings).scheduler):
            return HTTPStatus.OK, "text/plain", b"ok\n"
        return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"the scheduler is silent\n"


def render(settings: Settings, language: Language, *, knowledge: Knowledge = "known", renews: bool = True) -> str:
    """Return the page. `renews`: it loads itself anew every minute, which a person who reads slowly may stop."""
    view = view_of(settings, read_status(settings), language, knowledge=knowledge)
    return _template("page.html", language, "/", renews=renews, view=view)


def _template(
    name: str, language: Language, here: str, folder: str = "", *, renews: bool = True, **values: object
) -> str:
    """Fill in a template; `here` is its own address, which the other language's link leads to, too."""

    def text(key: str, **filled: object) -> str:
        return say(language, key, **filled)

    def link(path: str, folder: str = "", lang: str = language, *, renewed: bool = True) -> str:
        more = (f"&folder={quote(folder)}" if folder else "") + ("" if renewed else "&renew=no")
        return quote(path) + f"?lang={lang}" + more

    other = next(candidate for candidate in LANGUAGES if candidate != language)
    values |= {"language": language, "other": other, "other_link": link(here, folder, other, renewed=renews)}
    values |= {"renews": renews, "renew_link": link(here, folder, renewed=not renews)}
    return str(ENVIRONMENT.get_template(name).render(text=text, link=link, **values))


def _asked(environ: WSGIEnvironment, name: str) -> str:
    return str(parse_qs(environ.get("QUERY_STRING", "")).get(name, [""])[0])


def _encoded(html: str) -> bytes:
    return html.encode("utf-8", "replace")


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


def serve(
    settings: Settings,
    host: str = "0.0.0.0",  # noqa: S104 - a container
    port: int | None = None,
    *,
    knowledge: Callable[[], Knowledge] = lambda: "known",
) -> WSGIServer:
    """Serve the page in threads of its own; the stack publishes the port on loopback only."""
    application, number = Page(settings, knowledge), settings.port if port is None else port
    server = make_server(host, number, application, ThreadingWSGIServer, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="page", daemon=True).start()
    return server
