"""What is set inside PhotoPrism: its options, its settings, and passwords for other programs.

internal/api (config_options.go, config_settings.go, oauth_token.go, session_*.go) in photoprism/photoprism. Its messages are
translated: what it means is read from the status.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import httpx
import pulumi
from pulumi.dynamic import CreateResult, UpdateResult

from components.apps.resource import (
    KEY,
    START_SECONDS,
    URL,
    App,
    AppError,
    AppProvider,
    AppResource,
    AwayError,
    Props,
    RefusedError,
    shape,
    whole,
)

ADMIN, ALWAYS = "admin", -1
"""The user whose password the stack knows; the lifetime of a password that does not end (seconds)."""
PASSWORD = "password"  # noqa: S105 - a property's name
REFUSED = "refused by PhotoPrism"
"""Stands in the state for a password that is not the admin's any more."""
LOGIN_REFUSED = {
    HTTPStatus.UNAUTHORIZED: (
        "PhotoPrism refuses the admin's password of the stack file: it was changed in the album, or two-step login is on. "
        "Write the one that holds: ./photos config set --secret photos:photoprism_admin_password"
    ),
    HTTPStatus.TOO_MANY_REQUESTS: "PhotoPrism lets nobody log in for a minute after too many wrong passwords. Try again then",
}


class PhotoPrismApi(App):
    """PhotoPrism's API as its admin, or as another user; `key` is the password."""

    name = "PhotoPrism"
    _token = ""

    def __init__(self, url: str, key: str, *, patience: float, user: str = ADMIN) -> None:
        super().__init__(url, key, patience=patience)
        self._user = user

    def headers(self) -> dict[str, str]:
        """Return the header of a session, opened once: a wrong password is not tried again and again."""
        return {"X-Auth-Token": self._token} if self._token else {}

    def get(self, path: str) -> Any:
        """Return what a path answers."""
        return self._logged_in("GET", path).json()

    def send(self, method: str, path: str, body: Props | None = None) -> Any:
        """Change something, and return the answer."""
        return self._logged_in(method, path, body).json()

    def opens(self, password: str) -> bool:
        """Whether a password for a program is one; it may be one that does not open this."""
        answer = self.ask("GET", "/api/v1/session", headers={"X-Auth-Token": password})
        return answer.status_code in (HTTPStatus.OK, HTTPStatus.FORBIDDEN)

    def lets_in(self) -> bool:
        """Whether the user and the password fit; one wrong answer counts among those that block a login."""
        return not self._log_in().is_error

    def change_password(self, new: str) -> None:
        """Give the user another password."""
        self.send("PUT", f"/api/v1/users/{self.user()['UID']}/password", {"old": self._key, "new": new})

    def user(self) -> Props:
        """Return the user, as PhotoPrism tells them."""
        return dict(self.get("/api/v1/session")["user"])

    def new_password(self, name: str, scope: str) -> str:
        """Return a new password for the program `name`, which may do what is in `scope`."""
        wanted = {"grant_type": "password", "username": self._user, "password": self._key, "client_name": name}
        made = self.send("POST", "/api/v1/oauth/token", {**wanted, "scope": scope, "expires_in": ALWAYS})
        return str(made["access_token"])

    def forget_passwords(self, name: str) -> None:
        """Revoke all passwords for the program `name`."""
        for session in self.get(f"/api/v1/users/{self.user()['UID']}/sessions?count=1000"):
            if session["ClientName"] == name:
                self.send("POST", "/api/v1/oauth/revoke", {"token": session["ID"], "token_type_hint": "ref_id"})

    def revoke(self, password: str) -> None:
        """Revoke a password for a program; who has it may do that without the admin. One that opens nothing is fine."""
        answer = self.ask("POST", "/api/v1/oauth/revoke", {"token": password}, headers={})
        if answer.status_code != HTTPStatus.UNAUTHORIZED:
            _checked(answer)

    def _logged_in(self, method: str, path: str, body: Props | None = None) -> httpx.Response:
        if not self._token:
            answer = self._log_in()
            if answer.status_code in LOGIN_REFUSED:
                raise RefusedError(LOGIN_REFUSED[HTTPStatus(answer.status_code)])
            _checked(answer)
        return _checked(self.ask(method, path, body))

    def _log_in(self) -> httpx.Response:
        """Open a session, where the album lets the user in; `headers` shows it from then on."""
        wanted = {"username": self._user, "password": self._key}
        answer = self.ask("POST", "/api/v1/session", wanted, headers={})
        if answer.is_success:
            told = answer.json()
            self._token = str(told.get("access_token") or told["id"])
        return answer


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_server_error:  # its database is away, for one; a look goes on without it, and up heals that first
        msg = f"PhotoPrism cannot answer now ({answer.status_code}). Why: ./photos status"
        raise AwayError(msg)
    if answer.is_error:
        msg = f"PhotoPrism refuses {answer.request.method} {answer.request.url.path}: {answer.status_code}"
        raise AppError(msg)
    return answer


class _Provider(AppProvider):
    def app(self, props: Props, patience: float) -> PhotoPrismApi:
        """Return PhotoPrism's API."""
        return PhotoPrismApi(props[URL], props[KEY], patience=patience)

    def remove(self, app: PhotoPrismApi, props: Props) -> None:
        """Leave it as it is: PhotoPrism has no way to take a value back."""


class OptionsProvider(_Provider):
    """Inputs: `options`, keys of PhotoPrism's options.yml → value. Only what differs is written: it asks for a restart."""

    path: ClassVar = "/api/v1/config/options"

    def refused(self, refusal: RefusedError) -> Props:
        """Tell it, once: the password is another one."""
        del refusal
        return {KEY: REFUSED}

    def current(self, app: PhotoPrismApi, props: Props) -> Props | None:
        """Return the options that are wanted as they are."""
        return {"options": shape(app.get(self.path), props["options"])}

    def put(self, app: PhotoPrismApi, props: Props) -> None:
        """Set those that differ."""
        known = app.get(self.path)
        if changed := {key: value for key, value in props["options"].items() if known.get(key) != value}:
            app.send("POST", self.path, changed)


class SettingsProvider(_Provider):
    """Inputs: `settings`, a part of PhotoPrism's settings.yml as its API writes it."""

    path: ClassVar = "/api/v1/settings"

    def current(self, app: PhotoPrismApi, props: Props) -> Props | None:
        """Return the settings that are wanted as they are."""
        return {"settings": shape(app.get(self.path), props["settings"])}

    def put(self, app: PhotoPrismApi, props: Props) -> None:
        """Set them; the others stay."""
        app.send("POST", self.path, props["settings"])


class AppPasswordProvider(_Provider):
    """Inputs: `program`, who uses it, and `scope`, what it may do. Output: `password`, told by PhotoPrism this once."""

    identity: ClassVar = ("program", "scope")

    def current(self, app: PhotoPrismApi, props: Props) -> Props | None:
        """Return nothing new where the password still opens the album, None where it does not."""
        return {} if app.opens(props[PASSWORD]) else None

    def put(self, app: PhotoPrismApi, props: Props) -> None:
        """Do nothing: `create` asks for it, and it stays."""

    def create(self, props: Props) -> CreateResult:
        """Ask for a password; one that was asked for before, and whose answer was lost, goes."""
        wanted = whole(props)
        app = self.app(wanted, START_SECONDS)
        app.forget_passwords(wanted["program"])
        password = app.new_password(wanted["program"], wanted["scope"])
        return CreateResult(wanted["program"], {**props, PASSWORD: password})

    def update(self, _id: str, olds: Props, news: Props) -> UpdateResult:
        """Keep the password, which does not depend on the admin's."""
        return UpdateResult({**news, PASSWORD: olds[PASSWORD]})

    def remove(self, app: PhotoPrismApi, props: Props) -> None:
        """Revoke it: it opens nothing any more."""
        app.revoke(props[PASSWORD])


class Options(AppResource, module="photoprism", name="Options"):
    """PhotoPrism's options. Inputs: see `OptionsProvider`."""


class Settings(AppResource, module="photoprism", name="Settings"):
    """PhotoPrism's settings. Inputs: see `SettingsProvider`."""


class AppPassword(AppResource, module="photoprism", name="AppPassword"):
    """A password for another program. Inputs: see `AppPasswordProvider`."""

    password: pulumi.Output[str]

    def __init__(
        self, name: str, props: Mapping[str, pulumi.Input[Any]], *, parent: pulumi.Resource, inside: pulumi.Resource
    ) -> None:
        provider = AppPasswordProvider()
        super().__init__(provider, name, {**props, PASSWORD: None}, parent=parent, inside=inside, secrets=[PASSWORD])
