"""The base of what is declared inside a running app: a dynamic resource that an app's API makes, reads, changes, removes.

The state names the provider's class by its module: whoever renames or moves one leaves stacks behind that can neither be
refreshed nor destroyed. `create` puts rather than makes: an answer that was lost leaves nothing that is in the way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from time import monotonic, sleep
from typing import Any, ClassVar

import httpx
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

Props = dict[str, Any]
URL, KEY, CONTAINER = "url", "key", "container"
"""How the app is reached: its address, and what opens its API, a secret. And the name of its container, where that is told."""
PROVIDER = "__provider"
"""Where Pulumi packs the provider itself."""
TIMEOUT_SECONDS, START_SECONDS, LOOK_SECONDS = 30.0, 60.0, 5.0
"""An app that has just become healthy, or restarts after a change of its settings, is given a minute."""


class AppError(Exception):
    """An app that does not do what it was asked for: what it said, and never what opens it."""


class AwayError(AppError):
    """The app does not answer."""


class RefusedError(AppError):
    """The app does not let the stack in any more; with what a person can do."""


class App(ABC):
    """The API of one app. `url` is where it listens on this machine, e.g. http://127.0.0.1:8384."""

    name: ClassVar[str]

    def __init__(self, url: str, key: str, *, patience: float) -> None:
        self._url, self._key = url, key
        self._end = monotonic() + patience
        # Nobody closes an app: it keeps no connection.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False, limits=limits)

    @abstractmethod
    def headers(self) -> dict[str, str]:
        """Return the headers that open the API; may log in."""

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Return an answer, once the app gives one. `headers` take the place of those that open the API.

        Raises:
            AwayError: it gives none.
        """
        while True:
            try:
                answer = self._client.request(
                    method, path, json=body, headers=self.headers() if headers is None else headers
                )
            except httpx.TransportError as error:
                if monotonic() > self._end:
                    msg = f"{self.name} does not answer at {self._url} ({type(error).__name__}). Why: ./photos status"
                    raise AwayError(msg) from None
                sleep(1)
            else:
                return answer


class AppProvider(ResourceProvider, ABC):
    """What a dynamic resource does with an app. Its inputs: `url`, `key`, and what is wanted of the app's thing."""

    identity: ClassVar[tuple[str, ...]] = ()
    """Inputs that make it another thing: a change removes the old one and makes a new one."""

    @abstractmethod
    def app(self, props: Props, patience: float) -> Any:
        """Return the API that the inputs name."""

    @abstractmethod
    def current(self, app: Any, props: Props) -> Props | None:
        """Return what the app has of what is wanted; None when it does not have the thing at all."""

    @abstractmethod
    def put(self, app: Any, props: Props) -> None:
        """Make the thing, or bring it to what is wanted. Whatever is not named in the inputs stays as it is."""

    @abstractmethod
    def remove(self, app: Any, props: Props) -> None:
        """Take the thing out of the app; nothing to do where it is gone."""

    def create(self, props: Props) -> CreateResult:
        """Put the thing into the app."""
        wanted = whole(props)
        self.put(self.app(wanted, START_SECONDS), wanted)
        return CreateResult("/".join(str(wanted[name]) for name in self.identity) or type(self).__name__, props)

    def diff(self, _id: str, olds: Props, news: Props) -> DiffResult:
        """Compare what the app had at the last look with what is wanted; a value not known yet is a change."""
        changed = [name for name in news if name != PROVIDER and olds.get(name) != news[name]]
        other = [name for name in changed if name in self.identity]
        return DiffResult(changes=bool(changed), replaces=other, delete_before_replace=bool(other))

    def update(self, _id: str, _olds: Props, news: Props) -> UpdateResult:
        """Bring the thing to what is wanted."""
        wanted = whole(news)
        self.put(self.app(wanted, START_SECONDS), wanted)
        return UpdateResult(news)

    def read(self, id_: str, props: Props) -> ReadResult:
        """Look at the app: a hand edit is a difference, an app that is away or refuses the stack tells nothing."""
        wanted = whole(props)
        try:
            found = self.current(self.app(wanted, LOOK_SECONDS), wanted)
        except AwayError:
            return ReadResult(id_, props)
        except RefusedError as refusal:
            return ReadResult(id_, {**props, **self.refused(refusal)})
        return ReadResult(id_, {**props, **found}) if found is not None else ReadResult("", {})

    def refused(self, refusal: RefusedError) -> Props:  # noqa: ARG002 - for the one that tells it
        """Return what differs where the app refuses the stack. One resource of an app tells it; all else can be looked at."""
        return {}

    def delete(self, _id: str, props: Props) -> None:
        """Take the thing out of the app. What goes with its container is not asked for it."""
        wanted = whole(props)
        self.remove(self.app(wanted, START_SECONDS), wanted)


class AppResource(Resource):
    """Something inside an app. `inside`: the container of the app, after which it is made and with which it goes.

    `after`: what else of the app must be as declared before. `secrets`: outputs that nobody may read in the state, beside
    the key.
    """

    def __init__(
        self,
        provider: AppProvider,
        name: str,
        props: Mapping[str, pulumi.Input[Any]],
        *,
        parent: pulumi.Resource,
        inside: pulumi.Resource,
        after: Sequence[pulumi.Resource] = (),
        secrets: Sequence[str] = (),
    ) -> None:
        options = pulumi.ResourceOptions(
            parent=parent,
            depends_on=[inside, *after],
            deleted_with=inside,
            additional_secret_outputs=[KEY, *secrets],
        )
        # Whoever calls this may hand over plain text: from here on it is a secret.
        super().__init__(provider, name, {**props, KEY: pulumi.Output.secret(props[KEY])}, options)


def whole(value: Any) -> Any:
    """Return a value with whole numbers as such: on their way through the engine all numbers become floats."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def shape(found: Any, wanted: Any) -> Any:
    """Return of what an app has the part that is wanted: dictionaries key by key, everything else as it is."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return {key: shape(found.get(key), item) for key, item in wanted.items()}
    return found
