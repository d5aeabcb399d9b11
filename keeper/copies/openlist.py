"""A net drive through the stack's OpenList: whether the keeper may write it, and what is wrong with it.

The keeper's user is declared with the stack (components/services/drive.py), as OpenList's admin may read WebDAV but not
write it (0x71FF in internal/bootstrap/data/user.go). Looked at before every run and in between, since over WebDAV a
drive whose token ended looks empty: OpenList answers 404 to every listing that fails (server/webdav/webdav.go).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from keeper.errors import Exit, KeeperError, Problem
from keeper.settings import OPENLIST, CopySettings, Settings

USER = "keeper"
ADMIN_PASSWORD, PASSWORD = "drive_admin_password", "drive_keeper_password"
"""The files of what opens OpenList."""
# Bits of internal/model/user.go. A repository is uploaded, read and tidied; an album only grows, and renames what it keeps.
UPLOAD, RENAME, REMOVE, READ, WRITE = 1 << 3, 1 << 4, 1 << 7, 1 << 8, 1 << 9
NATIVE_PROXY = "native_proxy"
WORKS = "work"
LOCAL_DRIVER = "Local"
NOT_THERE = "storage not found"
"""So OpenList says of one that is switched off, and of one that was deleted: internal/errs/errors.go."""
SECONDS = 60
REFUSED: dict[int, str] = {
    httpx.codes.UNAUTHORIZED: "openlist.password",
    httpx.codes.PAYMENT_REQUIRED: "openlist.two_step",
    httpx.codes.TOO_MANY_REQUESTS: "openlist.locked",
}
"""What a refused login means; 402 is OpenList's own for "and the code, please" (server/handles/auth.go)."""
OWN_REFUSED = {**REFUSED, httpx.codes.UNAUTHORIZED: "openlist.user"}
PASSING = ("openlist.away", "openlist.drive_fails", "openlist.refuses")
"""What may be over in a minute."""
MEANT = {"cause.refused": "openlist.unsaid", "cause.credentials": "openlist.redirect"}
"""What a cause means behind OpenList. It says 405 to whatever the drive refuses; and the login there was just tried, so
what is refused is what it sends rclone to."""


def webdav(url: str, password: str) -> dict[str, str]:
    """Return rclone's options for the OpenList at `url`; the password is in clear."""
    return {"url": f"{url}/dav", "vendor": "other", "user": USER, "pass": password}


def permission(copies: Iterable[CopySettings]) -> int:
    """Return what the keeper's user must be allowed for these copies."""
    kinds = {copy.is_repository for copy in copies if copy.type == OPENLIST}
    return UPLOAD | READ | WRITE | (REMOVE if True in kinds else 0) | (RENAME if False in kinds else 0)


def prepare(settings: Settings, copy: CopySettings) -> list[Problem]:
    """See that OpenList is fit for a run of this copy; return what a person should know though the run can go on.

    Raises:
        KeeperError: with `Exit.COPY`, when nothing can be written there.
    """
    with httpx.Client(base_url=copy.options["url"], timeout=SECONDS) as client:
        _log_in(client, {"username": USER, "password": settings.secret(PASSWORD)}, refused=OWN_REFUSED)
        _see_rights(client, permission(settings.copies))
        mount = "/" + copy.path.strip("/").partition("/")[0]
        told: list[Problem] = []
        own = client.headers["Authorization"]
        try:
            _log_in(client, {"username": "admin", "password": settings.secret(ADMIN_PASSWORD)})
        except KeeperError as refusal:
            # The run needs its own user alone; only what must be mended waits for the admin.
            if refusal.problem.code not in REFUSED.values():
                raise
            client.headers["Authorization"] = own
            told.append(refusal.problem)
        else:
            drive = _drive(client, copy)
            mount = str(drive["mount_path"])
            told += _set_native_proxy(client, drive)
        # The status is that of the start: a token that ended since is seen by asking the drive itself.
        _ask(client, "POST", "/api/fs/list", {"path": mount, "refresh": True, "per_page": 1}, drive=mount)
    return told


def unreachable(settings: Settings) -> dict[str, Problem]:
    """Return the declared storages that do not list what lies in them: name → why.

    Any user may list, so the keeper's own needs no right for it; OpenList's status of a storage is its admin's to see, and
    it is that of the start. It lists from memory what somebody listed in the last half hour (`cache_expiration`).

    Raises:
        KeeperError: with `Exit.COPY`, when OpenList itself does not answer, or lets the keeper's user not in.
    """
    found = {}
    with httpx.Client(base_url=settings.drive_url or "", timeout=SECONDS) as client:
        _log_in(client, {"username": USER, "password": settings.secret(PASSWORD)}, refused=OWN_REFUSED)
        for storage in settings.storages:
            try:
                _ask(client, "POST", "/api/fs/list", {"path": storage.mount, "per_page": 1}, drive=storage.mount)
            except KeeperError as error:
                found[storage.name] = _of_storage(storage.mount, error.problem)
    return found


def _of_storage(mount: str, problem: Problem) -> Problem:
    said = str(problem.values.get("said", ""))
    if NOT_THERE in said:
        return Problem.of("openlist.drive_gone", drive=mount)
    # One that hangs says nothing about the others.
    return Problem.of("openlist.drive_fails", drive=mount, said=said) if problem.code == "openlist.away" else problem


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


def _see_rights(client: httpx.Client, wanted: int) -> None:
    me = _ask(client, "GET", "/api/me")
    if me["permission"] & wanted != wanted or me["base_path"] != "/":
        raise KeeperError(Exit.COPY, "openlist.user", said=f"permission {me['permission']}, {me['base_path']}")


def _log_in(client: httpx.Client, login: dict[str, str], refused: Mapping[int, str] = REFUSED) -> None:
    client.headers.pop("Authorization", None)
    client.headers["Authorization"] = str(_ask(client, "POST", "/api/auth/login", login, refused=refused)["token"])


def _ask(
    client: httpx.Client,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    drive: str = "",
    refused: Mapping[int, str] = REFUSED,
) -> dict[str, Any]:
    """Return `data` of an answer. OpenList answers 200 to everything and says in `code` what it means."""
    answer = _send(client, method, path, body)
    code, said = int(answer.get("code", 0)), _short(str(answer.get("message", "")))
    if code == httpx.codes.OK:
        return dict(answer.get("data") or {})
    if path.startswith("/api/auth/") and code in refused:
        raise KeeperError(Exit.COPY, refused[code], said=said)
    if code == httpx.codes.UNAUTHORIZED and path == "/api/me":  # switched off
        raise KeeperError(Exit.COPY, "openlist.user", said=said)
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
    """Return the beginning of what another program said, which is told to others: a driver's panic is kilobytes of it.

    And an address that was asked may hold the drive's token: drivers/onedrive/util.go, seen with 4.2.5.
    """
    return re.sub(r"\?[^\s\"']+", "?…", " ".join(html.unescape(said).split()))[:200]
