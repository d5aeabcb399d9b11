"""What the made-up account holds, and the words in which its rooms answer."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from tests.cloudflare.bodies import Shape, problem

Object = dict[str, Any]
ACCESS = "accounts/{account}/access"
INVALID = (12130, "access.api.error.invalid_request: ")
NOT_FOUND = (11021, "access.api.error.not_found")
DURATION = re.compile(r"0|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+")


class ApiError(Exception):
    """An answer with `success: false`."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message = status, code, message


@dataclass
class State:
    """Everything in the account, by id, as the API would answer it; a test may edit it by hand."""

    account: str
    zones: dict[str, str]
    team: str
    tunnels: dict[str, Object] = field(default_factory=dict)
    deleted_tunnels: dict[str, Object] = field(default_factory=dict)
    tunnel_secrets: dict[str, str] = field(default_factory=dict)
    configurations: dict[str, Object] = field(default_factory=dict)
    dns_records: dict[str, Object] = field(default_factory=dict)
    zone_of: dict[str, str] = field(default_factory=dict)
    apps: dict[str, Object] = field(default_factory=dict)
    policies: dict[str, Object] = field(default_factory=dict)
    service_tokens: dict[str, Object] = field(default_factory=dict)
    groups: dict[str, Object] = field(default_factory=dict)
    identity_providers: dict[str, Object] = field(default_factory=dict)

    def contents(self) -> dict[str, int]:
        """Return how many objects of each kind a stack could have left behind; {} is an empty account."""
        kinds = {
            "tunnels": self.tunnels,
            "configurations": self.configurations,
            "dns_records": self.dns_records,
            "apps": self.apps,
            "policies": self.policies,
            "service_tokens": self.service_tokens,
        }
        return {name: len(objects) for name, objects in kinds.items() if objects}


@dataclass(frozen=True)
class Request:
    """One request that passed the door: ids from the path, query and body."""

    ids: dict[str, str]
    query: dict[str, str]
    body: Any

    @property
    def id(self) -> str:
        return self.ids["id"]

    def checked(self, shape: Shape, code: int, prefix: str = "") -> Object:
        """Return the body without nulls when it fits `shape`; refuse it otherwise."""
        if wrong := problem(self.body, shape):
            raise ApiError(400, code, f"{prefix}{wrong}")
        return {name: value for name, value in self.body.items() if value is not None}


@dataclass(frozen=True)
class Page:
    """A list that is answered page by page."""

    objects: list[Object]
    size: int


Handler = Callable[[State, Request], Any]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler for paths such as `accounts/{account}/cfd_tunnel/{id}`."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, handler))
        return handler

    return register


def find(objects: dict[str, Object], key: str, code: int, message: str) -> Object:
    """Return an object or answer 404."""
    if key not in objects:
        raise ApiError(404, code, message)
    return objects[key]


def refuse(reason: str) -> NoReturn:
    """Refuse a body as Access does."""
    code, prefix = INVALID
    raise ApiError(400, code, prefix + reason)


def check_duration(text: str) -> None:
    if not DURATION.fullmatch(text):
        refuse(f"invalid duration {text!r}")


def matching(objects: dict[str, Object], query: dict[str, str], *names: str) -> list[Object]:
    """Return the objects whose fields `names` equal those of the query; text compares without case."""
    wanted = {name: query[name].lower() for name in names if name in query}
    return [
        item for item in objects.values() if all(str(item.get(name)).lower() == text for name, text in wanted.items())
    ]


def new_uuid() -> str:
    return str(uuid.uuid4())


def new_hex(length: int = 32) -> str:
    return secrets.token_hex(length // 2)


def now(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).isoformat(timespec="microseconds").replace("+00:00", "Z")


def host_of(uri: str) -> str:
    """Return the hostname of a destination such as `photos.example.com/admin`."""
    return uri.removeprefix("https://").partition("/")[0].lower()


def within(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")
