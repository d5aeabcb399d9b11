"""People with a login of their own in PhotoPrism: by its command in the container, since its API manages nobody else.

`photoprism users` (internal/commands/users_*.go in photoprism/photoprism); in the Community Edition everybody who may
upload or edit is an admin (internal/auth/acl/roles.go).
"""

from __future__ import annotations

import json
from secrets import token_urlsafe
from typing import ClassVar, cast

import docker
from docker.errors import DockerException
from pulumi.dynamic import DiffResult, UpdateResult

from components.apps.photoprism import PhotoPrismApi
from components.apps.resource import CONTAINER, KEY, URL, AppError, AppProvider, AppResource, AwayError, Props

DOCKER = "docker"
"""The environment by which Docker's client finds the container's host: DOCKER_HOST and so on."""
PERSON = "person"
EXEC_SECONDS = 120
MAY_LOG_IN = "Enabled"


class People:
    """Who has a login in the album. `key` is the password of the person that it is about."""

    def __init__(self, props: Props, patience: float) -> None:
        self._props, self._patience = props, patience

    def may_log_in(self) -> bool | None:
        """Whether the person may log in; None for somebody whom PhotoPrism does not know."""
        known = {
            row["username"]: row["web_login"] for row in json.loads(self._users("ls", "--json", "--count", "1000"))
        }
        found = known.get(self._props[PERSON])
        return None if found is None else found == MAY_LOG_IN

    def let_in(self) -> None:
        """Make a login, or give it back to whom it was taken from, with the declared password."""
        may = self.may_log_in()
        if may and self._album(self._props[KEY]).lets_in():
            return
        # On a command line, which others on this machine can read: for the seconds until the next one takes its place.
        passing = token_urlsafe(24)
        words = ["add"] if may is None else ["mod", "--no-login=false"]
        said = self._users(*words, "--password", passing, self._props[PERSON])
        album = self._album(passing)
        if not album.lets_in():  # its command ends with 0 whatever it did
            msg = f"PhotoPrism did not make the login {self._props[PERSON]}: {_last_line(said)}"
            raise AppError(msg)
        album.change_password(self._props[KEY])

    def shut_out(self) -> None:
        """Take the login away, and end its sessions. What the person did stays: the account does, too."""
        if self.may_log_in():
            self._users("mod", "--no-login=true", self._props[PERSON])

    def _album(self, password: str) -> PhotoPrismApi:
        return PhotoPrismApi(self._props[URL], password, patience=self._patience, user=self._props[PERSON])

    def _users(self, *words: str) -> str:
        """Run `photoprism users …` and return what it printed; what it logs, where it printed nothing.

        Raises:
            AwayError: Docker, or the container, is not there.
            AppError: it refuses.
        """
        name = self._props[CONTAINER]
        try:
            client = docker.from_env(timeout=EXEC_SECONDS, environment=dict(self._props[DOCKER]), use_context=False)
            try:
                done = client.containers.get(name).exec_run(["photoprism", "users", *words], demux=True)
            finally:
                client.close()
        except DockerException as error:
            msg = f"{name} cannot be asked ({type(error).__name__}). Why: ./photos status"
            raise AwayError(msg) from None
        parts = cast("tuple[bytes | None, bytes | None]", done.output)
        printed, errors = ((part or b"").decode(errors="replace") for part in parts)
        if done.exit_code:
            msg = f"PhotoPrism refuses users {words[0]} {self._props[PERSON]}: {_last_line(errors or printed)}"
            raise AppError(msg)
        return printed.strip() or errors


def _last_line(text: str) -> str:
    return "".join(text.strip().splitlines()[-1:])


class PersonProvider(AppProvider):
    """Inputs: `person`, a user name; its password as `key`; `container` and `docker`."""

    identity: ClassVar = (PERSON,)

    def app(self, props: Props, patience: float) -> People:
        """Return what is known of the person."""
        return People(props, patience)

    def current(self, app: People, props: Props) -> Props | None:
        """Return nothing new where the person may log in: the password is theirs to change."""
        del props
        return {} if app.may_log_in() else None

    def put(self, app: People, props: Props) -> None:
        """Let the person in."""
        del props
        app.let_in()

    def remove(self, app: People, props: Props) -> None:
        """Shut the person out."""
        del props
        app.shut_out()

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """Set a password that was changed in the stack file; one that the person changed in the album stays."""
        return super().update(id_, olds, news) if olds.get(KEY) != news[KEY] else UpdateResult(news)

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """Compare; how Docker is reached is no difference."""
        return super().diff(id_, {**olds, DOCKER: news.get(DOCKER)}, news)


class Person(AppResource, module="photoprism", name="Person"):
    """A login of a person. Inputs: see `PersonProvider`."""
