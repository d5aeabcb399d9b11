"""What is declared inside OpenList: its admin's password, its storages and its users. The API is in openlist.py."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from http import HTTPStatus
from typing import Any, ClassVar

from pulumi.dynamic import CheckFailure, CheckResult, UpdateResult
from pulumi.runtime.rpc import UNKNOWN

from components.apps.openlist import OpenListApi
from components.apps.openlist_driver import Driver, is_renewed, nearest, seen_option, told_without
from components.apps.resource import (
    CONTAINER,
    KEY,
    START_SECONDS,
    URL,
    AppError,
    AppProvider,
    AppResource,
    Props,
    RefusedError,
    whole,
)

"""The name of its container, for what only a person can do in it."""
CHANGED = "changed in OpenList"
"""Stands in the state for a secret that is not as declared: what it is now is nobody's business."""
TAKEN = "taken"
PROXY: Props = {"webdav_policy": "native_proxy", "web_proxy": True}
"""OpenList carries the bytes itself: drives refuse what another program asks of their own servers."""
WORKS = "work"
"""OpenList's status of a storage that started: internal/op/const.go."""
REMARK = "Declared in the stack file: what is changed here is changed back. 由配置文件声明，在这里的改动会被改回去。"
GIVEN = re.compile(r"\[([0-9a-f]{12})\]")
GENERAL_ROLE = 0
RIGHTS = {
    "see hidden": 0,
    "open locked": 1,
    "download offline": 2,
    "upload": 3,
    "rename": 4,
    "move": 5,
    "copy": 6,
    "remove": 7,
    "webdav read": 8,
    "webdav write": 9,
    "ftp read": 10,
    "ftp write": 11,
    "read archives": 12,
    "unpack archives": 13,
    "share": 14,
    "name shares": 15,
}
"""What a user may do → its bit of `permission`: internal/model/user.go."""


class OpenListProvider(AppProvider):
    """What all inside OpenList have in common. Inputs: `url`, `key`, the admin's password, and `container`."""

    def app(self, props: Props, patience: float) -> OpenListApi:
        """Return OpenList's API."""
        return OpenListApi(props[URL], props[KEY], patience=patience, container=props[CONTAINER])


class AdminProvider(OpenListProvider):
    """The password of OpenList's admin. Inputs: `login`, which is `TAKEN`.

    A new password is set with the old one; one that was changed by hand only a person can put right.
    """

    def refused(self, refusal: RefusedError) -> Props:
        """Tell it, once."""
        return {"login": str(refusal)}

    def current(self, app: OpenListApi, props: Props) -> Props | None:
        """Log in: more cannot be seen of a password.

        Raises:
            RefusedError: with what a person can do.
        """
        del props
        app.data("GET", "/api/me")
        return {"login": TAKEN}

    def put(self, app: OpenListApi, props: Props) -> None:
        """Log in: its first start has made the admin."""
        self.current(app, props)

    def update(self, _id: str, olds: Props, news: Props) -> UpdateResult:
        """Set the new password with the old one."""
        wanted = whole(news)
        try:
            self.put(self.app(wanted, START_SECONDS), wanted)
        except RefusedError:
            if olds.get(KEY) in (None, wanted[KEY]):
                raise
            before = self.app({**wanted, KEY: olds[KEY]}, START_SECONDS)
            me = before.data("GET", "/api/me")
            before.data("POST", "/api/admin/user/update", {**me, "password": wanted[KEY]})
            before.forget_logins()
            self.put(self.app(wanted, START_SECONDS), wanted)
        return UpdateResult(news)

    def remove(self, app: OpenListApi, props: Props) -> None:
        """Leave the admin: OpenList cannot be without."""


class StorageProvider(OpenListProvider):
    """A drive that is mounted.

    Inputs: `mount`, `driver`, `options` and `secrets`, its options → value, and keys of OpenList's storage → value.
    What a driver renews by itself, e.g. a refresh token, is given to it once, and again when another is declared.
    """

    identity: ClassVar = ("mount", "driver")

    def check(self, _olds: Props, news: Props) -> CheckResult:
        """Say before anything is changed what the running OpenList does not know."""
        wanted, failures = whole(news), []
        if not _has_unknown(wanted):
            # Where OpenList is not there yet, or lets nobody in, that is told by what changes something.
            with suppress(AppError):
                failures = [
                    CheckFailure(option, f"{wanted['mount']}: {why}")
                    for option, why in _problems(self.app(wanted, 0), wanted)
                ]
        return CheckResult(news, failures)

    def current(self, app: OpenListApi, props: Props) -> Props | None:
        """Return the storage as it is; of a secret only whether it is as declared."""
        storage = app.storage(props["mount"])
        if storage is None:
            return None
        addition = json.loads(storage["addition"] or "{}")
        return {
            "driver": storage["driver"],
            "options": {name: seen_option(addition.get(name), value) for name, value in props["options"].items()},
            "secrets": {
                name: value if _holds(addition.get(name), name, value) else CHANGED
                for name, value in props["secrets"].items()
            },
            **{name: storage[name] for name in (*PROXY, "disabled")},
        }

    def put(self, app: OpenListApi, props: Props) -> None:
        """Mount the drive, or bring it to what is wanted."""
        for _, why in _problems(app, props):
            raise AppError(why)
        driver = _driver(app, props["driver"])
        found = app.storage(props["mount"])
        if found is not None and found["driver"] != props["driver"]:
            self.remove(app, props)
            found = None
        if found is None:
            self._ask(app, "create", _as_new(driver, props), props)
        elif (wanted := _as_wanted(driver, found, props)) != found or found["status"] != WORKS:
            if found["disabled"]:
                # One that is off is not updated into being on: it is not among those that OpenList has started.
                self._ask(app, "update", {**wanted, "disabled": True}, props)
                self._ask(app, f"enable?id={found['id']}", None, props)
            else:
                self._ask(app, "update", wanted, props)

    def remove(self, app: OpenListApi, props: Props) -> None:
        """Unmount the drive; its files stay where they are."""
        found = app.storage(props["mount"])
        if found is None:
            return
        answer = app.answer("POST", f"/api/admin/storage/delete?id={found['id']}")
        if answer.code != HTTPStatus.OK and app.storage(props["mount"]) is not None:
            # One that never started can only be removed once it is off.
            app.data("POST", "/api/admin/storage/update", {**found, "disabled": True})
            app.data("POST", f"/api/admin/storage/delete?id={found['id']}")

    def _ask(self, app: OpenListApi, action: str, storage: Props | None, props: Props) -> None:
        """Ask for a change; a storage that does not start stays, and is changed by the next try."""
        answer = app.answer("POST", f"/api/admin/storage/{action}", storage)
        if answer.code == HTTPStatus.OK:
            return
        found = app.storage(props["mount"])
        if found is not None and found["status"] == WORKS and storage is not None and action == "create":
            return  # it was made before, and the answer was lost
        addition = json.loads(found["addition"] or "{}") if found else {}
        said = told_without(answer.said, addition, props["secrets"])
        keys = [f"photos:drive_{props['storage']}_{name}" for name in props["secrets"]]
        typed = f" Its login may have ended: ./photos config set --secret {keys[0]}" if keys else ""
        msg = f"OpenList cannot start {props['mount']}: {said}.{typed}"
        raise AppError(msg)


class UserProvider(OpenListProvider):
    """A user of OpenList. Inputs: `user`, `folder`, below which all lies that he sees, `may`, names of `RIGHTS`, `password`."""

    identity: ClassVar = ("user",)

    def current(self, app: OpenListApi, props: Props) -> Props | None:
        """Return the user as he is; of the password only whether it is as declared."""
        found = app.user(props["user"])
        if found is None:
            return None
        right = app.lets_in(props["user"], props["password"])
        return {
            "folder": found["base_path"],
            "may": may(found["permission"]),
            "disabled": found["disabled"],
            "password": props["password"] if right else CHANGED,
        }

    def put(self, app: OpenListApi, props: Props) -> None:
        """Make the user, or give him what he needs and nothing more."""
        wanted = {
            "username": props["user"],
            "base_path": props["folder"],
            "role": GENERAL_ROLE,
            "permission": permission(props["may"]),
            "disabled": False,
        }
        found = app.user(props["user"])
        if found is None:
            app.data("POST", "/api/admin/user/create", {**wanted, "password": props["password"]})
            return
        password = "" if app.lets_in(props["user"], props["password"]) else props["password"]
        if password or any(found[key] != value for key, value in wanted.items()):
            app.data("POST", "/api/admin/user/update", {**found, **wanted, "password": password})

    def remove(self, app: OpenListApi, props: Props) -> None:
        """Remove the user."""
        found = app.user(props["user"])
        if found is not None:
            app.data("POST", f"/api/admin/user/delete?id={found['id']}")


class Admin(AppResource, module="drive", name="Admin"):
    """OpenList's admin. Inputs: see `AdminProvider`."""


class Storage(AppResource, module="drive", name="Storage"):
    """A mounted drive. Inputs: see `StorageProvider`."""


class User(AppResource, module="drive", name="User"):
    """A user. Inputs: see `UserProvider`."""


def permission(rights: list[str]) -> int:
    """Return OpenList's `permission` of a user with these rights."""
    return sum(1 << RIGHTS[right] for right in set(rights))


def may(bits: int) -> list[str]:
    """Return the rights of a user with this `permission`."""
    return [right for right, bit in RIGHTS.items() if bits >> bit & 1]


def _problems(app: OpenListApi, props: Props) -> list[tuple[str, str]]:
    names = app.data("GET", "/api/admin/driver/names")
    if props["driver"] not in names:
        return [("driver", f"OpenList has no driver {props['driver']}. {nearest(props['driver'], names)}")]
    return list(_driver(app, props["driver"]).problems(props["options"], list(props["secrets"])))


def _driver(app: OpenListApi, name: str) -> Driver:
    return Driver.read(name, app.data("GET", f"/api/admin/driver/info?driver={name}"))


def _as_new(driver: Driver, props: Props) -> Props:
    addition = {**driver.defaults, **_declared(driver, props), **props["secrets"]}
    return {
        **driver.common,
        **PROXY,
        "mount_path": props["mount"],
        "driver": driver.name,
        "disabled": False,
        "remark": f"{REMARK} [{_mark(props)}]",
        "addition": json.dumps(addition),
    }


def _as_wanted(driver: Driver, found: Props, props: Props) -> Props:
    """Return the storage as it is wanted. What is not declared, and what the driver has renewed, stays as it is."""
    addition = json.loads(found["addition"] or "{}")
    given = GIVEN.search(found["remark"])
    # One that somebody made by hand, and that works, has renewed its own; only a new value is given to it.
    as_given = given[1] == _mark(props) if given else found["status"] == WORKS
    secrets = {
        name: value
        for name, value in props["secrets"].items()
        if not (as_given and is_renewed(name) and addition.get(name))
    }
    wanted = {**addition, **_declared(driver, props), **secrets}
    return {
        **found,
        **PROXY,
        "disabled": False,
        "remark": f"{REMARK} [{_mark(props)}]",
        "addition": found["addition"] if wanted == addition else json.dumps(wanted),
    }


def _declared(driver: Driver, props: Props) -> Props:
    return {name: driver.value(name, value) for name, value in props["options"].items()}


def _mark(props: Props) -> str:
    """Return what the storage's remark says of the secrets that it was given last, so that they are not given again."""
    renewed = {name: value for name, value in props["secrets"].items() if is_renewed(name)}
    return hashlib.sha256(json.dumps(renewed, sort_keys=True).encode()).hexdigest()[:12]


def _holds(found: Any, name: str, wanted: Any) -> bool:
    return bool(found) if is_renewed(name) else str(found) == str(wanted)


def _has_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(_has_unknown, value))
    return bool(value == UNKNOWN)
