"""Newer releases: read from real registries, with a login and without; one that is silent costs a limited time."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from croniter import croniter

from demo.images.build import ImagesError
from demo.images.build import registry as new_registry
from keeper.releases import registry as registries
from keeper.releases.asking import ask, still, time_of_day
from keeper.releases.registry import Registry, RegistryError, Repository
from keeper.releases.tags import Newer, newer
from keeper.service.scheduler import jobs_of
from keeper.settings import UpdateSettings
from keeper.state import Release, UpdatesState, now
from tests.keeper.home import Home
from tests.registries import push

USER, PASSWORD = "anna", "canary-of-a-registry-4711"
HASH = "$2y$06$7ZpYD3V7ZMJqjzxL5jRrZeyjK0FY1vDBc8YjzdCN0HP9h3ms4LvCu"
"""Of the password, by bcrypt."""
ALBUM = "photoprism/photoprism"


@contextlib.contextmanager
def served(logins: Path | None = None) -> Iterator[str]:
    try:
        with new_registry(logins=logins) as host:
            yield host
    except ImagesError as error:
        pytest.skip(f"keeper tier: {error}")


@pytest.fixture(scope="module", name="host")
def a_mirror_with_releases() -> Iterator[str]:
    with served() as host:
        push(host, f"hub/{ALBUM}", "260728-ce", "260801-ce", "260815", "latest", "preview-ce")
        push(host, "hub/library/mariadb", "11.8.8", "11.8.9", "11.8.10", "11.8.11-ubi", "12.1.2", "12.3.2", "lts")
        push(host, "hub/syncthing/syncthing", "2.1.3", "2.1.4-rc.1")
        yield host


@pytest.mark.parametrize(
    ("repository", "runs", "tags", "series", "found"),
    [
        (ALBUM, "260728-ce", ["251130-ce", "260801-ce", "260815", "1-ce"], 0, Newer("260801-ce")),
        ("mariadb", "11.8.8", ["11.8.9", "11.8.10", "12.0.2", "12.3.2", "13.0.1"], 2, Newer("11.8.10", "12.3.2")),
        ("mariadb", "11.8.8", ["11.8.9-noble", "11.8", "11.4.20", "10.11.99"], 2, Newer()),
        ("mariadb", "12.3.2", ["13.0.1", "12.3.3"], 2, Newer("12.3.3")),
        ("syncthing/syncthing", "2.1.3", ["2.1.4-rc.1", "2.2.0", "3.0.0", "2", "nightly"], 1, Newer("2.2.0", "3.0.0")),
        ("openlistteam/openlist", "v4.2.5", ["v4.2.10", "v4.2.11-lite", "4.9.9", "beta"], 1, Newer("v4.2.10")),
        ("cloudflare/cloudflared", "2026.8.2", ["2026.11.0", "2026.11.0-amd64", "2027.1.0"], 0, Newer("2027.1.0")),
        ("restic/restic", "0.19.1", ["0.18.9", "0.19.1", "0.20.0"], 1, Newer("0.20.0")),
        ("a/b", "latest", ["1.0", "2.0"], 1, Newer()),
    ],
)
def test_the_newest_of_the_same_shape_and_series(
    repository: str, runs: str, tags: list[str], series: int, found: Newer
) -> None:
    assert newer(repository, runs, tags, series) == found


def test_every_image_of_a_stack_is_asked_of_the_mirror_first(host: str) -> None:
    images = {"photoprism": f"{ALBUM}:260728-ce", "mariadb": "mariadb:11.8.8", "syncthing": "syncthing/syncthing:2.1.3"}
    settings = UpdateSettings(registry=f"{host}/hub", images=images, series={"photoprism": 0, "mariadb": 2})

    state = ask(settings)
    assert state.newer == [
        Release(service="photoprism", image=ALBUM, runs="260728-ce", newest="260801-ce"),
        Release(service="mariadb", image="mariadb", runs="11.8.8", newest="11.8.10", series="12.3.2"),
    ]
    assert state.unknown == []
    assert state.looked
    assert now() - state.looked < timedelta(minutes=1)


def test_a_pinned_image_is_compared_by_its_tag(host: str) -> None:
    image = f"{ALBUM}:260728-ce@sha256:{'0' * 64}"

    state = ask(UpdateSettings(registry=f"{host}/hub", images={"photoprism": image}, series={"photoprism": 0}))
    assert [release.newest for release in state.newer] == ["260801-ce"]


def test_an_image_of_a_registry_of_its_own_is_asked_there(host: str) -> None:
    images = {"memos": f"{host}/hub/{ALBUM}:260728-ce"}

    state = ask(UpdateSettings(registry="mirror.invalid", images=images, series={"memos": 0}))
    assert [release.newest for release in state.newer] == ["260801-ce"]


def test_long_lists_of_tags_come_page_by_page(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registries, "PAGE", 2)
    push(host, "hub/many", *(f"1.0.{number}" for number in range(9)))

    with Registry(host, 20) as registry:
        assert len(registry.tags("hub/many")) == 9


def test_a_tag_stands_for_the_digest_that_was_pushed(host: str) -> None:
    digest = push(host, "hub/one", "1.0")

    with Registry(host, 20) as registry:
        assert registry.digest("hub/one", "1.0") == digest
        with pytest.raises(RegistryError, match="404"):
            registry.digest("hub/one", "2.0")


def test_a_registry_with_a_login_is_asked_with_it_and_without_it_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text(f"{USER}:{HASH}\n")
    with served(tmp_path / "htpasswd") as host:
        push(host, ALBUM, "260728-ce", "260801-ce", login=(USER, PASSWORD))
        images = {"photoprism": f"{host}/{ALBUM}:260728-ce"}
        settings = UpdateSettings(images=images, series={"photoprism": 0})

        assert ask(settings).unknown == ["photoprism"]
        known = ask(settings, login=lambda registry: (USER, PASSWORD) if registry == host else None)
        assert [release.newest for release in known.newer] == ["260801-ce"]


def test_a_registry_that_nobody_answers_at_is_no_error() -> None:
    images = {"memos": "127.0.0.1:9/a/b:1.0"}

    state = ask(UpdateSettings(images=images), seconds=2)
    assert (state.newer, state.unknown) == ([], ["memos"])


class Hub(BaseHTTPRequestHandler):
    """Docker Hub's way: a token first, for everybody; `slow` trickles for ever."""

    asked: ClassVar[list[tuple[str, str | None]]] = []
    slow = False

    def do_GET(self) -> None:
        where, login = urlsplit(self.path), self.headers.get("Authorization")
        type(self).asked.append((self.path, login))
        if where.path == "/token":
            scope = parse_qs(where.query)["scope"][0]
            self._answer(200, {"token": f"for {scope}"})
        elif login == "Bearer for repository:a/b:pull":
            self._answer(200, {"tags": ["1.0", "1.1"]})
        else:
            self._answer(401, {})

    def _answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        if status == 401:
            address = f"http://127.0.0.1:{self.server.server_port}/token"  # type: ignore[attr-defined]
            challenge = f'Bearer realm="{address}",service="hub",scope="repository:a/b:pull"'
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", str(len(text) + (1000 if self.slow else 0)))
        self.end_headers()
        self.wfile.write(text)
        with contextlib.suppress(OSError):
            while self.slow:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Requests are not logged."""


@contextlib.contextmanager
def hub(handler: type[Hub]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_token_is_fetched_where_the_registry_says_and_login_goes_only_there() -> None:
    class Fresh(Hub):
        asked: ClassVar[list[tuple[str, str | None]]] = []

    basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    with hub(Fresh) as host, Registry(host, 20, (USER, PASSWORD)) as registry:
        assert registry.tags("a/b") == ["1.0", "1.1"]

    paths = [urlsplit(path).path for path, _ in Fresh.asked]
    assert paths == ["/v2/a/b/tags/list", "/token", "/v2/a/b/tags/list"]
    assert [login for _, login in Fresh.asked] == [None, basic, "Bearer for repository:a/b:pull"]


def test_a_server_that_trickles_is_cut_off_in_time() -> None:
    class Slow(Hub):
        slow = True

    began = time.monotonic()
    with hub(Slow) as host:
        state = ask(UpdateSettings(images={"memos": f"{host}/a/b:1.0"}), seconds=1)

    assert state.unknown == ["memos"]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("image", "mirror", "where"),
    [
        ("mariadb:11.8.8", None, ("docker.io", "library/mariadb")),
        ("mariadb:11.8.8@sha256:00", "m.lan:5000", ("m.lan:5000", "library/mariadb")),
        ("docker.io/mariadb:1", None, ("docker.io", "library/mariadb")),
        ("restic/restic:1", "m.lan/hub", ("m.lan", "hub/restic/restic")),
        ("localhost:5000/a:1", "m.lan", ("localhost:5000", "a")),
        ("ghcr.io/a/b:1", "m.lan", ("ghcr.io", "a/b")),
    ],
)
def test_where_an_image_lies(image: str, mirror: str | None, where: tuple[str, str]) -> None:
    found = Repository.of(image, mirror)

    assert (found.registry, found.name) == where


def test_a_login_never_goes_to_a_mirror_without_tls() -> None:
    with Registry("registry.lan:5000", 1, (USER, PASSWORD), plain=True) as registry:
        assert registry._login is None


def test_what_was_upgraded_since_is_no_longer_newer() -> None:
    state = UpdatesState(
        newer=[Release(service="photoprism", image=ALBUM, runs="260728-ce", newest="260801-ce")], unknown=["gone"]
    )
    before = UpdateSettings(images={"photoprism": f"{ALBUM}:260728-ce"})
    after = UpdateSettings(images={"photoprism": f"{ALBUM}:260801-ce"})

    assert still(before, state).newer == state.newer
    assert (still(after, state).newer, still(after, state).unknown) == ([], [])


def test_every_house_asks_at_its_own_minute_of_the_day() -> None:
    times = {time_of_day(f"stack-{number}") for number in range(50)}

    assert len(times) > 40
    assert all(croniter.is_valid(each) for each in times)


def test_the_keeper_asks_once_a_day_unless_it_is_off(home: Home) -> None:
    images = {"photoprism": f"{ALBUM}:260728-ce"}
    on = home.settings.model_copy(update={"updates": UpdateSettings(images=images)})
    off = home.settings.model_copy(update={"updates": UpdateSettings(check="never", images=images)})

    (job,) = [job for job in jobs_of(on) if job.name == "updates"]
    assert job.words == ("updates", "--json")
    assert [job for job in jobs_of(off) if job.name == "updates"] == []
