"""OpenList's API: server/router.go, server/handles and server/common in OpenListTeam/OpenList.

It answers 200 to everything and says in `code` what it means. Five wrong logins from one address, one after the other,
lock it for five minutes (server/handles/auth.go): what was refused is not tried again while this process lives.
"""

from __future__ import annotations

from http import HTTPStatus
from threading import RLock
from typing import Any, ClassVar, NamedTuple

import httpx

from components.apps.resource import App, AppError, AwayError, RefusedError

ADMIN = "admin"
STARTING_SECONDS = 120.0
"""A storage that is made or changed is started at once, and asks its cloud for that."""
Json = dict[str, Any]


class Answer(NamedTuple):
    """What OpenList answers, whatever the HTTP status says."""

    code: int
    said: str
    data: Any


class OpenListApi(App):
    """OpenList's API, as its admin, whose password `key` is. `container` is its container's name, for what to do in it."""

    name = "OpenList"
    # By address and password; for all resources of one run, which come from several threads.
    logins: ClassVar[dict[tuple[str, str], str | RefusedError]] = {}
    one_at_a_time: ClassVar[RLock] = RLock()

    def __init__(self, url: str, key: str, *, patience: float, container: str) -> None:
        super().__init__(url, key, patience=patience)
        self._container = container
        self._client.timeout = httpx.Timeout(STARTING_SECONDS, connect=5)

    def headers(self) -> dict[str, str]:
        """Return the header of the admin's session."""
        return {"Authorization": self.log_in()}

    def log_in(self) -> str:
        """Return the admin's token.

        Raises:
            RefusedError: with what to do.
        """
        login = (self._url, self._key)
        with self.one_at_a_time:
            known = self.logins.get(login)
            if known is None:
                answer = self._try(ADMIN, self._key)
                known = str(answer.data["token"]) if answer.code == HTTPStatus.OK else self._refusal(answer)
                self.logins[login] = known
        if isinstance(known, RefusedError):
            raise known
        return known

    def forget_logins(self) -> None:
        """Log in anew from now on: the password has changed, or OpenList started again."""
        with self.one_at_a_time:
            self.logins.clear()

    def lets_in(self, user: str, password: str) -> bool:
        """Whether a user's password is right. A wrong one does not count: the admin's login after it clears the count.

        Raises:
            RefusedError: nobody may try at the moment.
        """
        with self.one_at_a_time:
            try:
                answer = self._try(user, password)
                if answer.code == HTTPStatus.UNAUTHORIZED:
                    self.logins.pop((self._url, self._key), None)
                    self.log_in()
            except httpx.TransportError as error:
                msg = f"OpenList does not answer at {self._url} ({type(error).__name__}). Why: ./photos status"
                raise AwayError(msg) from None
        if answer.code == HTTPStatus.TOO_MANY_REQUESTS:
            raise self._refusal(answer)
        # 402: "and the code, please", which comes after the password was found right.
        return answer.code in (HTTPStatus.OK, HTTPStatus.PAYMENT_REQUIRED)

    def answer(self, method: str, path: str, body: Json | None = None) -> Answer:
        """Return an answer, an error among them."""
        answer = _read(self.ask(method, path, body))
        if answer.code == HTTPStatus.UNAUTHORIZED:
            # It knows only the sessions of its own process, and forgets them when the password changes.
            self.forget_logins()
            answer = _read(self.ask(method, path, body))
        return answer

    def data(self, method: str, path: str, body: Json | None = None) -> Any:
        """Return what an answer holds.

        Raises:
            AppError: it is an error.
        """
        answer = self.answer(method, path, body)
        if answer.code != HTTPStatus.OK:
            msg = f"OpenList refuses: {answer.code} {answer.said}"
            raise AppError(msg)
        return answer.data

    def storage(self, mount: str) -> Json | None:
        """Return the storage that is mounted there."""
        found = self._one_of("storage", "mount_path", mount)
        # Once more, alone: to list them, OpenList asks the drives for their sizes, and one may renew its token for that.
        return dict(self.data("GET", f"/api/admin/storage/get?id={found['id']}")) if found else None

    def user(self, name: str) -> Json | None:
        """Return the user of that name."""
        return self._one_of("user", "username", name)

    def _one_of(self, kind: str, key: str, value: str) -> Json | None:
        listed = self.data("GET", f"/api/admin/{kind}/list?per_page=0")["content"] or []
        return next((dict(each) for each in listed if each[key] == value), None)

    def _try(self, user: str, password: str) -> Answer:
        body = {"username": user, "password": password}
        return _read(self._client.post("/api/auth/login", json=body))

    def _refusal(self, answer: Answer) -> RefusedError:
        inside = f"docker exec {self._container} ./openlist"
        meaning = {
            HTTPStatus.UNAUTHORIZED: "OpenList does not take its admin's password of the stack file; someone changed it in "
            "OpenList. Type the one that is right there: ./photos config set --secret photos:drive_admin_password. "
            f"If nobody knows it, this shows a new one: {inside} admin random",
            HTTPStatus.PAYMENT_REQUIRED: "OpenList's admin has two-step login, which only a person can answer. Switch it "
            f"off: {inside} cancel2fa. Then run this once more",
            HTTPStatus.TOO_MANY_REQUESTS: "OpenList takes no login for 5 minutes, after 5 wrong ones. Run this once more then",
        }
        return RefusedError(meaning.get(HTTPStatus(answer.code), f"OpenList refuses the login: {answer.said}"))


def _read(answer: httpx.Response) -> Answer:
    try:
        body = answer.json()
        return Answer(int(body["code"]), " ".join(str(body.get("message", "")).split()), body.get("data"))
    except (ValueError, TypeError, KeyError):
        msg = f"what answers at {answer.request.url.copy_with(path='/', query=None)} is no OpenList (HTTP {answer.status_code})"
        raise AppError(msg) from None
