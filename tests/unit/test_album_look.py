"""A look into the album: a page edit is drift, and an album that cannot answer now tells nothing and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from components.apps.photoprism import REFUSED, OptionsProvider
from tests.photoprism import Album, running

PASSWORD = "of-the-family"
WANTED = {"SiteTitle": "Family photos", "ThumbSize": 1280, "FFmpegPreset": "veryfast"}


def options(url: str, password: str = PASSWORD) -> dict[str, Any]:
    return {"url": url, "key": password, "options": WANTED}


def looked(url: str, password: str = PASSWORD) -> dict[str, Any]:
    """Return what a look at the album finds."""
    return OptionsProvider().read("Options", options(url, password)).outs or {}


@pytest.fixture(name="album", scope="module")
def with_what_is_wanted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Album]:
    chosen = {"SITE_TITLE": "Family photos", "THUMB_SIZE": "1280", "FFMPEG_PRESET": "veryfast"}
    with running(tmp_path_factory.mktemp("album"), ADMIN_PASSWORD=PASSWORD, **chosen) as made:
        yield made


def test_a_page_edit_of_a_thumbnail_size_is_drift_and_put_back(album: Album) -> None:
    before = looked(album.url)
    with album.owner(PASSWORD) as owner:
        owner.post("/api/v1/config/options", json={"ThumbSize": 4096}).raise_for_status()
    edited = looked(album.url)
    OptionsProvider().update("Options", edited, options(album.url))

    assert before["options"] == WANTED
    assert edited["options"] == WANTED | {"ThumbSize": 4096}
    assert looked(album.url)["options"] == WANTED


def test_another_password_is_told(album: Album) -> None:
    assert looked(album.url, "another-password")["key"] == REFUSED


class Broken(BaseHTTPRequestHandler):
    """An album behind which something is broken."""

    def do_POST(self) -> None:
        self.send_error(500)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_album_that_cannot_answer_now_is_left_as_it_was_seen_last() -> None:
    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        known = options(f"http://127.0.0.1:{server.server_port}")
        seen = OptionsProvider().read("Options", known)
        server.shutdown()

    assert (seen.id, seen.outs) == ("Options", known)
