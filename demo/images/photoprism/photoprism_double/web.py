"""The HTTP side: the part of upstream's API that the photo system and its users' browsers touch."""

from __future__ import annotations

import base64
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import options, page
from .database import FAILURES, Database
from .library import Library
from .settings import Settings

LOGIN_FAILURES, REFILL_SECONDS = 10, 60
SESSION_SECONDS = 14 * 86_400


TRANSLATED = {
    "zh": {
        "Please log in to your account": "请登录你的账户", "Invalid credentials": "无效凭证", "Unable to do that": "无法做到这一点",
        "Import completed in {seconds} s": "导入成功，耗时 {seconds} 秒",
        "Indexing completed in {seconds} s": "索引成功，耗时 {seconds} 秒",
    },
}  # fmt: skip
"""Language → text → its translation, of those that a test meets: nobody may read a message."""


class RefusedError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status

    def told(self, words: Mapping[str, str]) -> dict[str, Any]:
        """The answer, with the text in a language and an id that is in none."""
        return {"code": self.status, "error": words.get(str(self), str(self)), "messageId": str(self)}


class OAuthError(RefusedError):
    """A refusal of OAuth's own routes."""

    def __init__(self) -> None:
        super().__init__(401, "Invalid credentials")

    def told(self, words: Mapping[str, str]) -> dict[str, Any]:
        """In OAuth's form."""
        return {"code": 43, "error": "invalid credentials", "message": words.get(str(self), str(self))}


class BusyError(RefusedError):
    """Too many failed logins."""

    def __init__(self) -> None:
        super().__init__(429, "rate limit exceeded")

    def told(self, words: Mapping[str, str]) -> dict[str, Any]:
        """In no language, without an id."""
        del words
        return {"code": self.status, "error": str(self)}


class Application:
    """What the handlers share."""

    def __init__(self, settings: Settings, database: Database, library: Library) -> None:
        self.settings, self.database, self.library = settings, database, library
        self.failures: dict[str, list[float]] = defaultdict(list)

    def blocked(self, address: str) -> bool:
        """Whether an address has used up its failed logins."""
        since = time.monotonic() - LOGIN_FAILURES * REFILL_SECONDS
        self.failures[address] = [moment for moment in self.failures[address] if moment > since]
        return len(self.failures[address]) >= LOGIN_FAILURES


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    app: Application

    def _handle(self) -> None:
        url = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length) if length else b""
        try:
            if self.app.settings.tls:
                self._send(400, b"Client sent an HTTP request to an HTTPS server.\n", "text/plain")
            else:
                self._route(self.command, url.path)
        except RefusedError as refusal:
            self._json(refusal.told(self._words), refusal.status)
        except Exception as error:  # noqa: BLE001 - a request may fail, the server may not
            self._json({"code": 500, "error": f"{type(error).__name__}: {error}"}, 500)

    do_GET = do_POST = do_PUT = do_DELETE = do_PROPFIND = do_MKCOL = do_OPTIONS = do_HEAD = _handle  # noqa: N815 - the base's names

    def _route(self, method: str, path: str) -> None:
        """The first route that fits; HEAD counts as GET."""
        for wanted, pattern, action in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and wanted in {"*", "GET" if method == "HEAD" else method}:
                return action(self, *found.groups(default=""))
        raise RefusedError(404, "Not found")

    def _status(self) -> None:
        self._json({"status": "operational"})

    def _health(self) -> None:
        self._json({"status": "ok", "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"})

    @property
    def _words(self) -> Mapping[str, str]:
        return TRANSLATED.get(self.app.settings.text("DEFAULT_LOCALE"), {})

    def _done(self, text: str, started: float) -> None:
        seconds = f"{time.monotonic() - started:.0f}"
        self._json({"code": 200, "message": self._words.get(text, text).format(seconds=seconds)})

    def _elsewhere(self, path: str) -> None:
        self._send(307, b"", "text/html; charset=utf-8", {"Location": path})

    def _import_with_slash(self) -> None:
        self._elsewhere(f"{API}/import/")

    def _index_without_slash(self) -> None:
        self._elsewhere(f"{API}/index")

    def _page(self) -> None:
        settings = self.app.settings
        html = page.html(settings.text("SITE_TITLE", "PhotoPrism"), settings.text("DEFAULT_LOCALE", "en"))
        self._send(200, html.encode(), "text/html; charset=utf-8")

    def _log_out(self, session: str) -> None:
        if session.strip("/"):
            raise RefusedError(403, "Forbidden")  # an admin's session may end itself, not others
        self.app.database.end_session(self._token())
        self._json({"status": "deleted"})

    def _revoke(self) -> None:
        """Ends a program's session: by its token, which needs nothing else, or by its name, for whose it is."""
        form, database = self._options(), self.app.database
        if form.get("token_type_hint") == "ref_id":
            user = self._authorize("sessions")["user_uid"]
            found = [row for row in database.app_passwords(user) if row["ref_id"] == form.get("token")]
        else:
            session = database.session(str(form.get("token", "")))
            found = [session] if session and session["client_name"] else []
        if not found:
            raise OAuthError
        database.end_session_with(found[0]["id"])
        self._json({"status": "deleted"})

    def _sessions(self, user: str) -> None:
        """App passwords of whoever asks, and only his own."""
        self._page_is_there(404)
        session = self._authorize("sessions")
        if session["user_uid"] != user:
            raise RefusedError(403, "Forbidden")
        if "count" not in self.query:
            raise RefusedError(400, "Unable to do that")
        self._json([
            {"ID": row["ref_id"], "ClientName": row["client_name"], "AuthScope": row["auth_scope"]}
            for row in self.app.database.app_passwords(user)
        ])  # fmt: skip

    def _change_password(self, user: str) -> None:
        """One's own only: in the Community Edition nobody manages others here."""
        self._page_is_there(403)
        form, session = self._options(), self._authorize("password")
        if session["user_uid"] != user:
            raise RefusedError(403, "Forbidden")
        if not self.app.database.knows(user, str(form.get("old", ""))):
            raise RefusedError(400, "Invalid password")
        if self.app.database.set_password(user, str(form.get("new", ""))):
            raise RefusedError(400, "Invalid password")
        self._json({"code": 200, "message": "Password changed"})

    def _new_token(self) -> None:
        """An app password: of whoever is logged in, and says his password once more."""
        form = self._options()
        session = self._authorize("sessions")
        if form.get("grant_type") != "password" or not all(
            form.get(key) for key in ("username", "client_name", "scope")
        ):
            raise OAuthError
        user = self.app.database.login(str(form["username"]), str(form.get("password", "")))
        if user is None or user != session["user_uid"] or session["client_name"]:
            raise OAuthError
        seconds = int(form.get("expires_in", 0))
        token, _ = self.app.database.add_session(user, str(form["client_name"]), str(form["scope"]), seconds)
        self._json(
            {"status": "success", "access_token": token, "client_name": form["client_name"], "scope": form["scope"]}
        )

    def _page_is_there(self, status: int) -> None:
        if self.app.settings.flag("DISABLE_SETTINGS"):
            raise RefusedError(status, "Forbidden")

    def _show_options(self) -> None:
        self._as_person()
        self._page_is_there(403)
        self._json(options.effective(self.app.settings))

    def _save_options(self) -> None:
        self._as_person()
        self._page_is_there(403)
        options.patch(self.app.settings, self._options())
        self._show_options()

    def _as_person(self) -> None:
        """Options are for who logged in: no app password reaches them, whatever its scope."""
        if self._authorize("config").get("client_name"):
            raise RefusedError(403, "Permission denied")

    def _show_settings(self) -> None:
        self._authorize("settings")
        self._json(options.user_settings(self.app.settings))

    def _save_settings(self) -> None:
        self._authorize("settings")
        self._page_is_there(403)
        options.save_settings(self.app.settings, self._options())
        self._show_settings()

    def _show_session(self, _session: str) -> None:
        session = self._authorize("sessions")
        self._json({
            "status": "success", "session_id": session["id"], "scope": session["auth_scope"],
            "user": {"UID": session["user_uid"]},
        })  # fmt: skip

    def _index(self) -> None:
        self._authorize("photos")
        options, started = self._options(), time.monotonic()
        self.app.library.index(str(options.get("path", "")), rescan=bool(options.get("rescan")))
        self._done("Indexing completed in {seconds} s", started)

    def _import(self, sub: str) -> None:
        self._authorize("files")
        self._refuse_if_read_only()
        options, started = self._options(), time.monotonic()
        self.app.library.bring_in(sub.strip("/") or str(options.get("path", "")), move=bool(options.get("move")))
        self._done("Import completed in {seconds} s", started)

    def _upload(self) -> None:
        self._authorize("files")
        self._refuse_if_read_only()
        raise RefusedError(501, "this test image has no upload: put files into originals or import")

    def _log_in(self) -> None:
        address = self.client_address[0]
        if self.app.blocked(address):
            raise BusyError
        form = self._options()
        name, password = str(form.get("username", "")), str(form.get("password", ""))
        try:
            user = self.app.database.login(name, password) or self._of_app_password(password, "*")
        except FAILURES:  # without its database upstream takes a right password for a wrong one
            user = None
        if user is None:
            self.app.failures[address].append(time.monotonic())
            raise RefusedError(401, "Invalid credentials")
        token, preview = self.app.database.add_session(user, "", "*", SESSION_SECONDS)
        self._json({
            "status": "success", "id": token, "access_token": token, "token_type": "Bearer",
            "expires_in": SESSION_SECONDS, "provider": "local", "scope": "*",
            "user": {"UID": user, "Name": name, "Role": "admin"},
            "config": {"previewToken": preview, "readonly": self.app.settings.flag("READONLY")},
        })  # fmt: skip

    def _photos(self) -> None:
        self._authorize("photos")
        try:
            count, offset = int(self.query["count"]), int(self.query.get("offset", 0))
        except (KeyError, ValueError) as error:
            raise RefusedError(400, "Unable to do that") from error
        order = "ASC" if self.query.get("order") == "oldest" else "DESC"
        rows = self.app.database.run(
            "SELECT * FROM photos JOIN files ON files.photo_uid = photos.photo_uid WHERE photos.deleted_at IS NULL"
            f" AND file_missing = 0 ORDER BY taken_at {order}, photos.photo_uid LIMIT %s OFFSET %s",
            min(count, 100_000), offset,
        )  # fmt: skip
        self._json([
            {
                "UID": row["photo_uid"], "Type": "image", "TakenAt": f"{row['taken_at']!s:.19}".replace(" ", "T") + "Z",
                "Title": row["photo_title"], "Path": row["photo_path"], "Name": row["photo_name"],
                "FileName": row["file_name"], "FileUID": row["file_uid"], "Hash": row["file_hash"],
                "Width": row["file_width"], "Height": row["file_height"],
            }
            for row in rows
        ])  # fmt: skip

    def _file(self, digest: str) -> None:
        self._authorize("files")
        row = self.app.database.one("SELECT * FROM files WHERE file_hash = %s AND file_missing = 0", digest)
        if row is None:
            raise RefusedError(404, "Entity not found")
        self._json({"UID": row["file_uid"], "PhotoUID": row["photo_uid"], "Name": row["file_name"], "Hash": digest})

    def _thumbnail(self, digest: str, token: str, kind: str, size: str) -> None:
        if not self.app.settings.public and not self.app.database.previews(token):
            raise RefusedError(403, "Forbidden")
        picture = self.app.library.thumbnail(digest, kind, min(int(size), 2048))
        if picture is None:
            raise RefusedError(404, "Not found")
        self._send(200, picture, "image/jpeg", {"Cache-Control": "private, max-age=86400"})

    def _webdav(self) -> None:
        """Only the door: who may come in. The files behind it are not served by the double."""
        settings = self.app.settings
        if settings.public or settings.flag("DISABLE_WEBDAV"):
            raise RefusedError(404, "Not found")
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        name, _, password = base64.b64decode(value if kind == "Basic" else b"").decode(errors="replace").partition(":")
        token = value if kind == "Bearer" else password
        if not (self._of_app_password(token, "webdav", "*") or self.app.database.login(name, password)):
            self._send(401, b"", "text/plain", {"WWW-Authenticate": 'Basic realm="WebDAV Authorization Required"'})
        elif settings.flag("READONLY") and self.command in {"PUT", "DELETE", "MKCOL", "MOVE", "COPY"}:
            raise RefusedError(403, "Forbidden")
        elif self.command == "PROPFIND":
            self._send(207, b'<D:multistatus xmlns:D="DAV:"/>', "text/xml; charset=utf-8")
        else:
            raise RefusedError(501, "this test image does not serve files over WebDAV")

    def _of_app_password(self, token: str, *scopes: str) -> str | None:
        """The user whose session a token is, where its scope is one of these."""
        session = self.app.database.session(token)
        return session["user_uid"] if session and set(scopes) & set(str(session["auth_scope"]).split()) else None

    def _token(self) -> str:
        kind, _, bearer = self.headers.get("Authorization", "").partition(" ")
        own = self.headers.get("X-Auth-Token") or self.headers.get("X-Session-ID")
        return own or (bearer if kind == "Bearer" else "")

    def _authorize(self, resource: str) -> dict[str, Any]:
        if self.app.settings.public:
            return {"id": "public", "auth_scope": "*"}
        try:
            session = self.app.database.session(self._token())
        except FAILURES:
            raise RefusedError(403, "Permission denied") from None
        if session is None:
            raise RefusedError(401, "Please log in to your account")
        scope = str(session["auth_scope"]).split()
        if "*" not in scope and resource not in scope:
            raise RefusedError(403, "Permission denied")
        return session

    def _refuse_if_read_only(self) -> None:
        if self.app.settings.flag("READONLY"):
            raise RefusedError(403, "Feature disabled")

    def _options(self) -> dict[str, Any]:
        try:
            options = json.loads(self.body)
        except ValueError as error:
            raise RefusedError(400, "Unable to do that") from error
        if not isinstance(options, dict):
            raise RefusedError(400, "Unable to do that")
        return options

    def _json(self, answer: object, status: int = 200) -> None:
        self._send(
            status,
            json.dumps(answer, separators=(",", ":")).encode(),
            "application/json; charset=utf-8",
            {"Cache-Control": "no-store"},
        )

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """For the Server header."""
        return "PhotoPrism-double"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Requests are not logged, as upstream at its default level."""


API = "/api/v1"
ROUTES: tuple[tuple[str, str, Callable[..., None]], ...] = (
    ("GET", f"{API}/status", Handler._status),
    ("GET", "/(?:health|healthz|livez|readyz)", Handler._health),
    ("GET", "/|/library/?|/library/(?:login|browse)", Handler._page),
    ("POST", f"{API}/sessions?", Handler._log_in),
    ("POST", f"{API}/oauth/token", Handler._new_token),
    ("POST", f"{API}/oauth/revoke", Handler._revoke),
    ("GET", f"{API}/users/([^/]+)/sessions", Handler._sessions),
    ("PUT", f"{API}/users/([^/]+)/password", Handler._change_password),
    ("GET", f"{API}/config/options", Handler._show_options),
    ("POST", f"{API}/config/options", Handler._save_options),
    ("GET", f"{API}/settings", Handler._show_settings),
    ("POST", f"{API}/settings", Handler._save_settings),
    ("DELETE", f"{API}/sessions?(/.*)?", Handler._log_out),
    ("GET", f"{API}/sessions?(/.*)?", Handler._show_session),
    ("GET", f"{API}/photos", Handler._photos),
    ("GET", f"{API}/files/([0-9a-f]+)", Handler._file),
    ("GET", f"{API}/t/([0-9a-f]+)/(\\w+)/(tile|fit)_(\\d{{2,4}})", Handler._thumbnail),
    ("POST", f"{API}/index", Handler._index),
    ("POST", f"{API}/index/", Handler._index_without_slash),
    ("POST", f"{API}/import", Handler._import_with_slash),
    ("POST", f"{API}/import(/.*)", Handler._import),
    ("*", f"{API}/users/[^/]+/upload/[^/]+", Handler._upload),
    ("*", "/(?:originals|import)/.*", Handler._webdav),
)


def serve(app: Application) -> ThreadingHTTPServer:
    settings = app.settings
    handler = type("BoundHandler", (Handler,), {"app": app})
    address = (settings.text("HTTP_HOST", "0.0.0.0"), int(settings.text("HTTP_PORT", "2342")))  # noqa: S104 - a container
    return ThreadingHTTPServer(address, handler)
