"""The HTTP side: HTTP status 200 nearly always, the real answer in `code`, as upstream does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import random
import re
import sqlite3
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from . import drivers, tree
from .store import (
    ADMIN,
    DAV_READ,
    DAV_WRITE,
    GENERAL,
    GUEST,
    REMOVE,
    RENAME,
    UPLOAD,
    Store,
    random_text,
    salted_hash,
    static_hash,
)

RETRIES, LOCK_SECONDS = 5, 300
NEEDED = {"PUT": UPLOAD, "MKCOL": UPLOAD, "DELETE": REMOVE, "MOVE": RENAME}
"""Command → the permission beside WebDAV's own; a MOVE is taken for one inside a folder."""
WRITES = {"PUT", "MKCOL", "MOVE", "COPY", "DELETE", "PROPPATCH"}
PAGE = """<!doctype html><meta charset="utf-8"><title>OpenList</title><body style="font:16px system-ui;margin:3rem auto;
max-width:34rem"><h1>OpenList</h1><p>Stand-in for OpenList, for tests and demos: only its API outline.</p>
<p>演示与测试用的 OpenList 替身，只有部分接口。</p>"""


class RefusedError(Exception):
    """An answer whose `code` is an error."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    store: Store
    tree: tree.Tree
    tokens: set[str]
    failures: dict[str, tuple[int, float]]
    started: set[int]

    def _handle(self) -> None:
        url = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(length) if length else b""
        base = urlsplit(str(self.store.config["site_url"])).path.rstrip("/")
        if not url.path.startswith(base):
            return self._send(404, b"404 page not found")
        path = unquote(url.path.removeprefix(base)) or "/"
        try:
            if path == "/ping":
                self._send(200, b"pong")
            elif path == "/dav" or path.startswith("/dav/"):
                self._dav(PurePosixPath("/" + path.removeprefix("/dav").strip("/")))
            elif path.startswith("/api/"):
                self._answer(200, "success", self._api(f"{self.command} {path.removeprefix('/api')}"))
            else:
                self._send(200, PAGE.encode(), "text/html; charset=utf-8")
        except tree.NotFoundError as error:
            self._answer(500, str(error))
        except RefusedError as refusal:
            self._answer(refusal.code, str(refusal), refusal.data)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _handle  # noqa: N815 - the base's names
    do_PROPFIND = do_PROPPATCH = do_MKCOL = do_MOVE = do_COPY = _handle  # noqa: N815

    def _api(self, call: str) -> object:
        if call in {"POST /auth/login", "POST /auth/login/hash"}:
            return self._log_in(hashed=call.endswith("hash"))
        if call == "GET /public/settings":
            return {"site_title": "OpenList", "version": os.environ.get("OPENLIST_DOUBLE_VERSION", "")}
        user = self._user()
        own = {"GET /me": self._me, "POST /fs/list": self._list, "POST /auth/2fa/generate": self._two_step_secret,
               "POST /auth/2fa/verify": self._two_step}  # fmt: skip
        if call in own:
            return own[call](user)
        kind, _, action = call.partition(" ")[2].removeprefix("/admin/").partition("/")
        if "/admin/" not in call or kind not in {"storage", "user", "setting", "driver"}:
            raise RefusedError(404, "not in this test image")
        if user["role"] != ADMIN:
            raise RefusedError(403, "You are not an admin")
        if kind == "setting":
            return [{"key": "token", "value": self.store.token()}]
        if kind == "driver":
            return self._driver(action, self.query.get("driver", ""))
        return self._storage(action) if kind == "storage" else self._users(action)

    def _log_in(self, *, hashed: bool) -> object:
        body = self._body()
        name, password = body.get("username"), str(body.get("password", ""))
        if not name:
            raise RefusedError(
                400, "Key: 'LoginReq.Username' Error:Field validation for 'Username' failed on the 'required' tag"
            )
        if self._locked():
            raise RefusedError(429, "Too many unsuccessful sign-in attempts have been made using an incorrect"
                               " username or password, Try again later.")  # fmt: skip
        user = self.store.user(str(name))
        if not user or not _fits(user, password if hashed else static_hash(password)):
            self._fail()
            raise RefusedError(401, "Invalid username or password")
        if user.get("otp_secret") and str(body.get("otp_code")) != totp(str(user["otp_secret"])):
            self._fail()
            raise RefusedError(402, "Invalid 2FA code")
        self.failures.pop(self.client_address[0], None)
        now = int(time.time())
        hours = int(self.store.config["token_expires_in"])
        token = self._sign({"username": user["username"], "pwd_ts": user["pwd_ts"], "exp": now + hours * 3600,
                            "nbf": now, "iat": now})  # fmt: skip
        self.tokens.add(token)
        return {"token": token}

    @staticmethod
    def _me(user: dict[str, Any]) -> object:
        return _shown(user)

    @staticmethod
    def _two_step_secret(user: dict[str, Any]) -> object:
        del user
        return {"qr": "", "secret": base64.b32encode(random_text(20).encode()).decode()}

    def _two_step(self, user: dict[str, Any]) -> object:
        secret = str(self._body().get("secret"))
        if str(self._body().get("code")) != totp(secret):
            raise RefusedError(400, "Invalid 2FA code")
        self.store.run("UPDATE x_users SET otp_secret = ? WHERE id = ?", secret, user["id"])
        return None

    def _user(self) -> dict[str, Any]:
        token = self.headers.get("Authorization", "")
        if hmac.compare_digest(token.encode(), self.store.token().encode()):
            return self.store.admin()
        if not token:
            guest = self.store.user("guest")
            if guest is None or guest["disabled"]:
                raise RefusedError(401, "Guest user is disabled, login please")
            return guest
        # Upstream knows only tokens of this process, whatever JWT_SECRET says.
        if token not in self.tokens:
            raise RefusedError(401, "token is invalidated")
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        if claims["exp"] < time.time():
            raise RefusedError(401, "token is expired")
        user = self.store.user(claims["username"])
        if user is None or user["pwd_ts"] != claims["pwd_ts"]:
            raise RefusedError(401, "Password has been changed, login please")
        if user["disabled"]:
            raise RefusedError(401, "Current user is disabled, replace please")
        return user

    def _sign(self, claims: dict[str, object]) -> str:
        parts = [_b64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
        secret = str(self.store.config["jwt_secret"]).encode()
        return ".".join([*parts, _b64(hmac.new(secret, ".".join(parts).encode(), hashlib.sha256).digest())])

    def _storage(self, action: str) -> object:
        known = {storage["id"]: storage for storage in self.store.storages()}
        if action == "list":
            return {"content": list(known.values()), "total": len(known)}
        if action in {"load_all", "create", "update"}:
            return {"load_all": dict, "create": self._make_storage, "update": self._change_storage}[action]() or None
        if action not in {"get", "delete", "enable", "disable"}:
            raise RefusedError(404, "not in this test image")
        number = int(self.query.get("id", 0))
        if number not in known:
            raise RefusedError(500, "failed get storage: record not found")
        return known[number] if action == "get" else self._switch_storage(action, known[number])

    def _switch_storage(self, action: str, storage: dict[str, Any]) -> object:
        number = storage["id"]
        if action in {"enable", "disable"} and storage["disabled"] == (action == "disable"):
            raise RefusedError(500, f"this storage have {action}d")
        if action == "enable":
            self._start(number, storage | {"disabled": False}, "failed load storage: failed init storage")
            return None
        if not storage["disabled"]:
            self._drop(number)
        if action == "delete":
            self.store.run("DELETE FROM x_storages WHERE id = ?", number)
        else:
            self.store.run("UPDATE x_storages SET disabled = 1, status = 'disabled' WHERE id = ?", number)
        return None

    def _make_storage(self) -> object:
        body = drivers.row(self._body())
        body["mount_path"] = "/" + str(body["mount_path"]).strip("/")
        if body["driver"] not in drivers.DRIVERS:
            raise RefusedError(500, f"failed get driver new: no driver named: {body['driver']}", {"id": 0})
        values = (body["mount_path"], body["driver"], "", 0, json.dumps(body))
        try:
            self.store.run("INSERT INTO x_storages (mount_path, driver, status, disabled, body) VALUES (?, ?, ?, ?, ?)",
                           *values)  # fmt: skip
        except sqlite3.IntegrityError as error:
            raise RefusedError(500, f"failed create storage in database: {error}", {"id": 0}) from error
        number = int(self.store.run("SELECT max(id) AS id FROM x_storages")[0]["id"])
        self._start(number, body, "failed init storage but storage is already created: failed init storage")
        return {"id": number}

    def _change_storage(self) -> object:
        body = drivers.row(self._body())
        number = int(body["id"])
        known = next((storage for storage in self.store.storages() if storage["id"] == number), None)
        if known is None:
            raise RefusedError(500, "failed get old storage: record not found")
        if known["driver"] != body["driver"]:
            raise RefusedError(500, "driver cannot be changed")
        self._save(number, body, str(body["status"]))
        if not body["disabled"]:
            # Upstream has saved it by now, and goes on only with one that it has started before.
            self._drop(number)
            self._start(number, body, "failed init storage")
        return None

    def _drop(self, number: int) -> None:
        if number not in self.started:
            raise RefusedError(500, "failed get storage driver: no mount path for an storage is")
        self.started.discard(number)

    def _start(self, number: int, storage: dict[str, Any], trouble: str) -> None:
        storage = storage | {"addition": drivers.kept(str(storage["driver"]), str(storage.get("addition", "")))}
        status = drivers.status(storage)
        self._save(number, storage, status)
        self.started.add(number)
        if status != "work":
            raise RefusedError(500, f"{trouble}: {status}", {"id": number})

    def _save(self, number: int, storage: dict[str, Any], status: str) -> None:
        self.store.run("UPDATE x_storages SET mount_path = ?, status = ?, disabled = ?, body = ? WHERE id = ?",
                       storage["mount_path"], status, int(bool(storage.get("disabled"))), json.dumps(storage),
                       number)  # fmt: skip

    @staticmethod
    def _driver(action: str, name: str) -> object:
        if action == "names":
            return random.sample(list(drivers.DRIVERS), len(drivers.DRIVERS))  # as a map of Go's
        if action == "list":
            return {each: drivers.info(each) for each in drivers.DRIVERS}
        if name not in drivers.DRIVERS:
            raise RefusedError(404, f"driver [{name}] not found")
        return drivers.info(name)

    def _users(self, action: str) -> object:
        store, number = self.store, int(self.query.get("id", 0))
        users = store.run("SELECT * FROM x_users ORDER BY id")
        if action == "list":
            return {"content": [_shown(user) for user in users], "total": len(users)}
        if action == "get":
            found = [_shown(user) for user in users if user["id"] == number]
            return found[0] if found else self._missing()
        if action == "delete":
            store.run("DELETE FROM x_users WHERE id = ? AND role = ?", number, GENERAL)
        elif action == "create":
            body = self._body()
            if int(body.get("role", GENERAL)) in {ADMIN, GUEST}:
                raise RefusedError(400, "admin or guest user can not be created")
            try:
                store.add_user(body)
            except sqlite3.IntegrityError as error:
                raise RefusedError(500, str(error)) from error
        elif action == "update":
            body = self._body()
            number = int(body.get("id", 0))
            store.run("UPDATE x_users SET username = ?, base_path = ?, disabled = ?, permission = ? WHERE id = ?",
                      body.get("username"), body.get("base_path", "/"), int(bool(body.get("disabled"))),
                      int(body.get("permission", 0)), number)  # fmt: skip
            if body.get("password"):
                store.set_password(number, str(body["password"]))
        else:
            raise RefusedError(404, "not in this test image")
        return None

    def _missing(self) -> object:
        raise RefusedError(500, "record not found")

    def _list(self, user: dict[str, Any]) -> object:
        path = str(self._body().get("path") or "/")
        if self._body().get("refresh") and not user["permission"] >> UPLOAD & 1:
            raise RefusedError(403, "Refresh without permission")
        content = [
            {
                "name": name,
                "size": size,
                "is_dir": folder,
                "modified": modified,
                "sign": "",
                "thumb": "",
                "type": 1 if folder else 0,
            }
            for name, size, folder, modified in self.tree.entries(user, PurePosixPath("/" + path.strip("/")))
        ]
        return {
            "content": content,
            "total": len(content),
            "readme": "",
            "header": "",
            "write": False,
            "provider": "unknown",
        }

    def _dav(self, path: PurePosixPath) -> None:  # noqa: PLR0911 - one way out per refusal
        """WebDAV on Local mounts. Logins, permissions and the lock are upstream's."""
        if self._locked():
            return self._send(429, b"")
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer" and hmac.compare_digest(value.encode(), self.store.token().encode()):
            user = self.store.admin()
        elif kind != "Basic":
            return self._send(401, b"", headers={"WWW-Authenticate": 'Basic realm="openlist"'})
        else:
            name, _, password = base64.b64decode(value).decode(errors="replace").partition(":")
            found = self.store.user(name)
            if found is None or not _fits(found, static_hash(password)):
                self._fail()
                return self._send(401, b"")
            self.failures.pop(self.client_address[0], None)
            user = found
        if user["disabled"] or not user["permission"] >> DAV_READ & 1:
            return self._send(403, b"")
        if self.command in WRITES:
            return self._send(self._change(user, path) if _may(user, self.command) else 403, b"")
        if self.command == "PROPFIND":
            return self._propfind(user, path)
        try:
            real = self.tree.real(user, path)
        except tree.NotFoundError:
            real = None  # over WebDAV, a drive that does not answer looks empty
        if real is None or not real.is_file():
            return self._send(404, b"Not Found")
        return self._content(real.read_bytes())

    def _content(self, body: bytes) -> None:
        """A file, or the part of it that is asked for: upstream serves ranges, and restic asks for little else."""
        kind = "application/octet-stream"
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if asked is None or not any(asked.groups()):
            return self._send(200, body, kind)
        first, last = asked.groups()
        start = int(first) if first else max(0, len(body) - int(last))
        end = min(int(last), len(body) - 1) if first and last else len(body) - 1
        if start >= len(body):
            return self._send(416, b"", headers={"Content-Range": f"bytes */{len(body)}"})
        headers = {"Content-Range": f"bytes {start}-{end}/{len(body)}"}
        return self._send(206, body[start : end + 1], kind, headers)

    def _change(self, user: dict[str, Any], path: PurePosixPath) -> int:
        """Do what a writing request asks and return its status; upstream turns a driver's errors into 405."""
        try:
            return self._done(user, path)
        except (tree.NotFoundError, OSError):
            return 405

    def _done(self, user: dict[str, Any], path: PurePosixPath) -> int:
        if self.command == "MOVE":
            target = PurePosixPath("/" + unquote(urlsplit(self.headers["Destination"]).path).removeprefix("/dav/"))
            return self.tree.move(user, path, target)
        if self.command == "PUT":
            return self.tree.put(user, path, self.raw)
        return {"MKCOL": self.tree.make, "DELETE": self.tree.delete}[self.command](user, path)

    def _propfind(self, user: dict[str, Any], path: PurePosixPath) -> None:
        try:
            listing = self.tree.propfind(user, path, deep=self.headers.get("Depth", "1") != "0")
        except (tree.NotFoundError, OSError):
            return self._send(404, b"Not Found")
        return self._send(207, listing.encode(), "text/xml; charset=utf-8")

    def _locked(self) -> bool:
        count, since = self.failures.get(self.client_address[0], (0, 0.0))
        return count >= RETRIES and time.monotonic() - since < LOCK_SECONDS

    def _fail(self) -> None:
        count, _ = self.failures.get(self.client_address[0], (0, 0.0))
        self.failures[self.client_address[0]] = (count + 1, time.monotonic())

    def _body(self) -> dict[str, Any]:
        try:
            body = json.loads(self.raw)
        except ValueError as error:
            raise RefusedError(400, str(error)) from error
        return body if isinstance(body, dict) else {}

    def _answer(self, code: int, message: str, data: object = None) -> None:
        answer = {"code": code, "message": message, "data": data}
        self._send(
            200,
            json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode(),
            "application/json; charset=utf-8",
        )

    def _send(self, status: int, body: bytes, kind: str = "text/plain", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Requests go to upstream's log file, not to its output."""


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _fits(user: dict[str, Any], static: str) -> bool:
    return hmac.compare_digest(str(user["pwd_hash"]), salted_hash(static, str(user["salt"])))


def _may(user: dict[str, Any], command: str) -> bool:
    needed = (DAV_WRITE, NEEDED[command]) if command in NEEDED else (DAV_WRITE,)
    return all(user["permission"] >> bit & 1 for bit in needed)


def totp(secret: str) -> str:
    """The six digits of now (RFC 6238)."""
    digest = hmac.new(base64.b32decode(secret), (int(time.time()) // 30).to_bytes(8, "big"), "sha1").digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def _shown(user: dict[str, Any]) -> dict[str, Any]:
    hidden = {"pwd_hash", "pwd_ts", "salt", "otp_secret"}
    return {name: value for name, value in user.items() if name not in hidden} | {
        "password": "",
        "disabled": bool(user["disabled"]),
    }


def server(store: Store) -> ThreadingHTTPServer:
    known = [storage for storage in store.storages() if not storage["disabled"]]
    for storage in known:
        store.run("UPDATE x_storages SET status = ? WHERE id = ?", drivers.status(storage), storage["id"])
    facts: dict[str, Any] = {"tokens": set(), "failures": {}, "started": {storage["id"] for storage in known}}
    handler = type("BoundHandler", (Handler,), {"store": store, "tree": tree.Tree(store), **facts})
    return ThreadingHTTPServer((str(store.config["address"]), int(store.config["http_port"])), handler)
