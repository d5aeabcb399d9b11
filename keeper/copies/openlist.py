"""A user of its own in the stack's OpenList, through whom a net drive is written by WebDAV.

OpenList's admin may read WebDAV but not write it (0x71FF in internal/bootstrap/data/user.go), and cannot be given less
than everything elsewhere. So the keeper makes a user who may do just that; the admin's password makes his.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import httpx

from keeper.errors import Exit, KeeperError

USER = "keeper"
ADMIN_PASSWORD = "drive_admin_password"  # noqa: S105 - a file's name
# Bits 3-9 of internal/model/user.go: make and upload, rename, move, copy, remove, WebDAV read and write.
PERMISSION = 0x3F8
GENERAL_ROLE = 0
SECONDS = 30


def password(admin_password: str) -> str:
    """Return the password of the keeper's user, made of the admin's."""
    return hmac.new(admin_password.encode(), USER.encode(), hashlib.sha256).hexdigest()


def webdav(url: str, admin_password: str) -> dict[str, str]:
    """Return rclone's options for the OpenList at `url`; the password is in clear."""
    return {"url": f"{url}/dav", "vendor": "other", "user": USER, "pass": password(admin_password)}


def ensure_user(url: str, admin_password: str) -> None:
    """Make the keeper's user, or give him back what he needs.

    Raises:
        KeeperError: with `Exit.COPY` when OpenList does not answer or refuses.
    """
    with httpx.Client(base_url=url, timeout=SECONDS) as client:
        token = _ask(client, "POST", "/api/auth/login", {"username": "admin", "password": admin_password})["token"]
        client.headers["Authorization"] = token
        users = _ask(client, "GET", "/api/admin/user/list?per_page=0")["content"] or []
        wanted = {
            "username": USER,
            "password": password(admin_password),
            "base_path": "/",
            "role": GENERAL_ROLE,
            "permission": PERMISSION,
            "disabled": False,
        }
        ours = next((user for user in users if user["username"] == USER), None)
        if ours is None:
            _ask(client, "POST", "/api/admin/user/create", wanted)
        elif ours["permission"] != PERMISSION or ours["disabled"] or not _may_enter(client, wanted):
            _ask(client, "POST", "/api/admin/user/update", wanted | {"id": ours["id"]})


def _may_enter(client: httpx.Client, user: dict[str, Any]) -> bool:
    login = {"username": user["username"], "password": user["password"]}
    try:
        return bool(client.post("/api/auth/login", json=login).json()["code"] == httpx.codes.OK)
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise KeeperError(Exit.COPY, "openlist.unreachable", said=error) from error


def _ask(client: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return `data` of an answer. OpenList answers 200 to everything and says in `code` what it means."""
    try:
        answer = client.request(method, path, json=body).json()
    except (httpx.HTTPError, ValueError) as error:
        raise KeeperError(Exit.COPY, "openlist.unreachable", said=error) from error
    if answer.get("code") != httpx.codes.OK:
        raise KeeperError(Exit.COPY, "openlist.refuses", said=answer.get("message"))
    return dict(answer.get("data") or {})
