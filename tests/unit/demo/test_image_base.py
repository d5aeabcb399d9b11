"""The base of all stand-ins: what a killed or failed run leaves is never taken for whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound

from demo.images import build as images


class FakeImages:
    """Docker as far as the base goes."""

    def __init__(self, error: Exception | None = None) -> None:
        self.tags: set[str] = set()
        self.images = self.api = self
        self._error = error

    def get(self, tag: str) -> str:
        if tag not in self.tags:
            raise ImageNotFound(tag)
        return tag

    def import_image_from_file(self, _: str, *, repository: str, tag: str) -> None:
        if self._error:
            raise self._error
        self.tags.add(f"{repository}:{tag}")


def based(client: FakeImages, cache: Path, content: bytes) -> list[Path]:
    """Return which archives had to be made."""
    found: Any = client
    made: list[Path] = []

    def bootstrap(archive: Path) -> None:
        archive.write_bytes(content)
        made.append(archive)

    images._base(found, cache, lambda _: None, bootstrap)
    return made


def test_what_a_killed_bootstrap_left_is_not_written_into_again(tmp_path: Path) -> None:
    (tmp_path / "base-0.part").write_bytes(b"half")
    based(FakeImages(), tmp_path, b"tar")

    assert list(tmp_path.glob("*.part")) == []


def test_an_archive_that_docker_refuses_is_made_anew_the_next_time(tmp_path: Path) -> None:
    with pytest.raises(images.ImagesError, match="made anew"):
        based(FakeImages(APIError("unexpected EOF")), tmp_path, b"half")

    assert [archive.read_bytes() for archive in based(FakeImages(), tmp_path, b"whole")] == [b"whole"]
