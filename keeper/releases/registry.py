"""A registry as its API answers (opencontainers/distribution-spec): the tags of a repository, and what a tag stands for.

Docker Hub hands a token to everybody who asks where its answer says (distribution: docs/spec/auth/token.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Self

import httpx

DOCKER_HUB, ITS_API = "docker.io", "registry-1.docker.io"
LOOPBACK = re.compile(r"(127\.[0-9.]+|localhost|\[::1\])(:[0-9]+)?")
"""Where Docker, too, takes a registry without TLS."""
INDEXES = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
"""The list of an image's architectures first: its digest is the same for each machine."""
PAGE, PAGES = 1000, 30
ANSWER_BYTES = 8 << 20
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class RegistryError(Exception):
    """The registry did not answer, or not with what was asked for; the text is its own or httpx's."""


@dataclass(frozen=True)
class Repository:
    """Where an image lies: its registry, and its name there.

    >>> Repository.of("mariadb:11.8.8"), Repository.of("ghcr.io/a/b:1@sha256:00")
    (Repository(registry='docker.io', name='library/mariadb'), Repository(registry='ghcr.io', name='a/b'))
    >>> Repository.of("photoprism/photoprism:260728-ce", mirror="docker.example.com/hub")
    Repository(registry='docker.example.com', name='hub/photoprism/photoprism')
    """

    registry: str
    name: str

    @classmethod
    def of(cls, image: str, mirror: str | None = None) -> Repository:
        """Return the repository of an image, at the mirror where the image names no registry of its own."""
        path = without_tag(image)
        first, _, rest = path.partition("/")
        if rest and ("." in first or ":" in first or first == "localhost"):
            return cls(first, rest) if first != DOCKER_HUB else cls(first, _at_hub(rest))
        if not mirror:
            return cls(DOCKER_HUB, _at_hub(path))
        host, _, below = mirror.strip("/").partition("/")
        return cls(host, "/".join(filter(None, (below, _at_hub(path)))))


def without_tag(image: str) -> str:
    """Return an image's name without tag and digest."""
    name = image.partition("@")[0]
    folders, slash, last = name.rpartition("/")
    return f"{folders}{slash}{last.partition(':')[0]}"


def tag_of(image: str) -> str:
    """Return an image's tag; empty where it has none."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def _at_hub(path: str) -> str:
    return path if "/" in path else f"library/{path}"


class Registry:
    """One registry, asked within `seconds` in all. `login` is user and password, which go to nobody without TLS.

    `plain`: it has no TLS. By itself only this machine's own is taken for one without.
    """

    def __init__(
        self, host: str, seconds: float, login: tuple[str, str] | None = None, *, plain: bool | None = None
    ) -> None:
        self._plain = bool(LOOPBACK.fullmatch(host)) if plain is None else plain
        self._is_loopback = bool(LOOPBACK.fullmatch(host))
        self._base = f"{'http' if self._plain else 'https'}://{ITS_API if host == DOCKER_HUB else host}"
        self._login = login if not self._plain or self._is_loopback else None
        self._end = monotonic() + seconds
        self._headers: dict[str, str] = {}
        self._client = httpx.Client(follow_redirects=False)

    def __enter__(self) -> Self:
        """Use it in a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()

    def tags(self, name: str) -> list[str]:
        """Return all tags of a repository.

        Raises:
            RegistryError: they cannot be had.
        """
        found: list[str] = []
        url = f"{self._base}/v2/{name}/tags/list?n={PAGE}"
        for _ in range(PAGES):
            headers, body = self._asked("GET", url)
            page = _object(body).get("tags") or []
            found += [tag for tag in page if isinstance(tag, str)]
            following = re.search(r'<([^>]+)>; *rel="?next', headers.get("link", ""))
            if not following or not page:
                return found
            url = str(httpx.URL(url).join(following[1]))
            if not url.startswith(f"{self._base}/"):
                break
        return found

    def digest(self, name: str, tag: str) -> str:
        """Return what a tag stands for: the digest of the list of its architectures.

        Raises:
            RegistryError: it cannot be had.
        """
        headers, _ = self._asked("HEAD", f"{self._base}/v2/{name}/manifests/{tag}", Accept=INDEXES)
        found = headers.get("docker-content-digest", "")
        if not DIGEST.fullmatch(found):
            msg = "it names no digest"
            raise RegistryError(msg)
        return found

    def _asked(self, method: str, url: str, **headers: str) -> tuple[Mapping[str, str], bytes]:
        try:
            status, said, body = self._answer(method, url, {**headers, **self._headers})
            if status == httpx.codes.UNAUTHORIZED:
                self._headers = self._authorised(said.get("www-authenticate", ""))
                status, said, body = self._answer(method, url, {**headers, **self._headers})
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise RegistryError(str(error) or type(error).__name__) from error
        if status != httpx.codes.OK:
            msg = f"it answers {status}"
            raise RegistryError(msg)
        return said, body

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], login: tuple[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and body; a server that trickles is cut off like one that is silent."""
        body = b""
        timeout = httpx.Timeout(self._left())
        with self._client.stream(
            method, url, headers=headers, timeout=timeout, auth=httpx.BasicAuth(*login) if login else None
        ) as answer:
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > ANSWER_BYTES:
                    msg = "it answers without end"
                    raise RegistryError(msg)
                self._left()
            return answer.status_code, answer.headers, body

    def _authorised(self, challenge: str) -> dict[str, str]:
        """Return the header that a registry wants: a token from where it says, or the login itself."""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic" and self._login:
            request = next(httpx.BasicAuth(*self._login).auth_flow(httpx.Request("GET", self._base)))
            return {"Authorization": request.headers["Authorization"]}
        said = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = said.pop("realm", "")
        if scheme.lower() != "bearer" or not realm.startswith(("https://", f"{self._base}/")):
            msg = "it wants a login"
            raise RegistryError(msg)
        wanted = {key: said[key] for key in ("service", "scope") if key in said}
        status, _, body = self._answer("GET", str(httpx.URL(realm, params=wanted)), {}, self._login)
        token = _object(body).get("token") or _object(body).get("access_token") if status == httpx.codes.OK else None
        if not isinstance(token, str):
            msg = "it wants a login"
            raise RegistryError(msg)
        return {"Authorization": f"Bearer {token}"}

    def _left(self) -> float:
        left = self._end - monotonic()
        if left <= 0:
            msg = "it did not answer in time"
            raise RegistryError(msg)
        return left


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        msg = "it answers what is no JSON"
        raise RegistryError(msg) from error
    return found if isinstance(found, dict) else {}
