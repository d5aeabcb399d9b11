"""A net drive through the stack's OpenList: the user who writes it, the drive as it must be set, and what is wrong with it.

OpenList's admin may read WebDAV but not write it (0x71FF in internal/bootstrap/data/user.go), so the keeper makes a user
who may do what the stack's copies need and no more; the admin's password makes his. Asked before every run, since over
WebDAV a drive whose token ended looks empty: OpenList answers 404 to every listing that fails (server/webdav/webdav.go).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

import httpx

from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import OPENLIST, CopySettings, Settings

USER = "keeper"
ADMIN_PASSWORD = "drive_admin_password"  # noqa: S105 - a file's name
# Bits of internal/model/user.go. A repository is uploaded, read and tidied; an album only grows, and renames what it keeps.
UPLOAD, RENAME, REMOVE, READ, WRITE = 1 << 3, 1 << 4, 1 << 7, 1 << 8, 1 << 9
GENERAL_ROLE = 0
NATIVE_PROXY = "native_proxy"
WORKS = "work"
LOCAL_DRIVER = "Local"
SECONDS = 60
REFUSED = {
    httpx.codes.UNAUTHORIZED: "openlist.password",
    httpx.codes.PAYMENT_REQUIRED: "openlist.two_step",
    httpx.codes.TOO_MANY_REQUESTS: "openlist.locked",
}
"""What a refused login means; 402 is OpenList's own for "and the code, please" (server/handles/auth.go)."""
MEANT = {"cause.refused": "openlist.unsaid", "cause.credentials": "openlist.redirect"}
"""What a cause means behind OpenList. It says 405 to whatever the drive refuses; and the login there was just tried, so
what is refused is what it sends rclone to."""


def password(admin_password: str) -> str:
    """Return the password of the keeper's user, made of the admin's."""
    return hmac.new(admin_password.encode(), USER.encode(), hashlib.sha256).hexdigest()


def webdav(url: str, admin_password: str) -> dict[str, str]:
    """Return rclone's options for the OpenList at `url`; the password is in clear."""
    return {"url": f"{url}/dav", "vendor": "other", "user": USER, "pass": password(admin_password)}


def permission(copies: Iterable[CopySettings]) -> int:
    """Return what the keeper's user must be allowed for these copies."""
    kinds = {copy.is_repository for copy in copies if copy.type == OPENLIST}
    return UPLOAD | READ | WRITE | (REMOVE if True in kinds else 0) | (RENAME if False in kinds else 0)


def prepare(settings: Settings, copy: CopySettings) -> list[Problem]:
    """Make OpenList fit for a run of this copy; return what a person should know though the run can go on.

    Raises:
        KeeperError: with `Exit.COPY`, when nothing can be written there.
    """
    with httpx.Client(base_url=copy.options["url"], timeout=SECONDS) as client:
        admin = {"username": "admin", "password": settings.secret(ADMIN_PASSWORD)}
        ours = {"username": USER, "password": password(admin["password"])}
        told: list[Problem] = []
        try:
            _log_in(client, admin)
        except KeeperError as refusal:
            # What was set up before goes on working; only what must be mended waits for the admin.
            if refusal.problem.code not in REFUSED.values() or not _may_enter(client, ours):
                raise
            _log_in(client, ours)
            if _ask(client, "GET", "/api/me")["permission"] != permission(settings.copies):
                raise
            told.append(refusal.problem)
            mount = "/" + copy.path.strip("/").partition("/")[0]
        else:
            _ensure_user(client, ours, permission(settings.copies))
            drive = _drive(client, copy)
            mount = str(drive["mount_path"])
            told += _set_native_proxy(client, drive)
        # The status is that of the start: a token that ended since is seen by asking the drive itself.
        _ask(client, "POST", "/api/fs/list", {"path": mount, "refresh": True, "per_page": 1}, drive=mount)
    return told


def explained(settings: Settings, copy: CopySettings, problem: Problem) -> Problem:
    """Return a problem of a run as what it means behind OpenList; of another copy as it is.

    A drive whose token ended on the way looks like one on which nothing lies ("config does not exist"): it is asked again.
    """
    if copy.type != OPENLIST or problem.code.startswith("openlist."):
        return problem
    try:
        prepare(settings, copy)
    except KeeperError as error:
        return error.problem
    return Problem.of(MEANT[problem.code], **problem.values) if problem.code in MEANT else problem


def drive_of(settings: Settings, copy: CopySettings) -> dict[str, Any]:
    """Return the drive on which a copy lies, as OpenList describes it.

    Raises:
        KeeperError: with `Exit.COPY`, when it does not tell or there is none.
    """
    with httpx.Client(base_url=copy.options["url"], timeout=SECONDS) as client:
        _log_in(client, {"username": "admin", "password": settings.secret(ADMIN_PASSWORD)})
        return _drive(client, copy)


def _drive(client: httpx.Client, copy: CopySettings) -> dict[str, Any]:
    storages = _ask(client, "GET", "/api/admin/storage/list?per_page=0")["content"] or []
    path = f"/{copy.path.strip('/')}/"
    found = [s for s in storages if path.startswith(f"{str(s['mount_path']).rstrip('/')}/")]
    if not found:
        known = ", ".join(sorted(str(s["mount_path"]) for s in storages))
        raise KeeperError(Exit.COPY, "openlist.no_drive", path=copy.path, known=known or "-")
    drive: dict[str, Any] = max(found, key=lambda s: len(s["mount_path"]))
    if drive["disabled"]:
        raise KeeperError(Exit.COPY, "openlist.drive_off", drive=drive["mount_path"])
    if drive["status"] != WORKS:
        raise KeeperError(Exit.COPY, "openlist.drive_fails", drive=drive["mount_path"], said=_short(drive["status"]))
    return drive


def _set_native_proxy(client: httpx.Client, drive: dict[str, Any]) -> list[Problem]:
    """Have OpenList carry the bytes itself: with "302" rclone is sent to the drive's CDN, which refuses it."""
    if drive["webdav_policy"] == NATIVE_PROXY:
        return []
    wanted = {key: value for key, value in drive.items() if key != "mount_details"} | {"webdav_policy": NATIVE_PROXY}
    _ask(client, "POST", "/api/admin/storage/update", wanted, drive=str(drive["mount_path"]))
    return [Problem.of("openlist.policy_set", drive=drive["mount_path"], before=drive["webdav_policy"])]


def _ensure_user(client: httpx.Client, ours: dict[str, str], wanted: int) -> None:
    """Make the keeper's user, or give him back what he needs."""
    users = _ask(client, "GET", "/api/admin/user/list?per_page=0")["content"] or []
    user = {**ours, "base_path": "/", "role": GENERAL_ROLE, "permission": wanted, "disabled": False}
    found = next((user for user in users if user["username"] == USER), None)
    if found is None:
        _ask(client, "POST", "/api/admin/user/create", user)
    elif any(found[key] != user[key] for key in ("base_path", "permission", "disabled")) or not _may_enter(
        client, ours
    ):
        _ask(client, "POST", "/api/admin/user/update", user | {"id": found["id"]})


def _log_in(client: httpx.Client, login: dict[str, str]) -> None:
    client.headers.pop("Authorization", None)
    client.headers["Authorization"] = str(_ask(client, "POST", "/api/auth/login", login)["token"])


def _may_enter(client: httpx.Client, login: dict[str, str]) -> bool:
    """Whether a login is taken; the client stays who it is."""
    return int(_send(client, "POST", "/api/auth/login", login).get("code", 0)) == httpx.codes.OK


def _ask(
    client: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None, *, drive: str = ""
) -> dict[str, Any]:
    """Return `data` of an answer. OpenList answers 200 to everything and says in `code` what it means."""
    answer = _send(client, method, path, body)
    code, said = answer.get("code"), _short(str(answer.get("message", "")))
    if code == httpx.codes.OK:
        return dict(answer.get("data") or {})
    if path.startswith("/api/auth/") and code in REFUSED:
        raise KeeperError(Exit.COPY, REFUSED[code], said=said)
    if drive:
        raise KeeperError(Exit.COPY, "openlist.drive_fails", drive=drive, said=said)
    raise KeeperError(Exit.COPY, "openlist.refuses", said=said)


def _send(client: httpx.Client, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    try:
        answer = client.request(method, path, json=body).json()
    except (httpx.HTTPError, ValueError) as error:
        raise KeeperError(Exit.COPY, "openlist.away", said=_short(str(error))) from error
    return answer if isinstance(answer, dict) else {}


def _short(said: str) -> str:
    """Return the beginning of what another program said: a driver's panic is kilobytes of it."""
    return " ".join(said.split())[:200]
