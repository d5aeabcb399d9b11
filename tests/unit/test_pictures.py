"""The pictures of the pages: there, small, and not older than what they show."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pages
import pytest
from PIL import Image

from manual.pictures import FOLDER, MADE_OF, MOST_BYTES, Picture, photograph, pictures

each_picture = pytest.mark.parametrize("picture", pictures(), ids=lambda picture: picture.name)
needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="a picture is taken by Chromium: apt-get install chromium"
)
ENOUGH_COLOURS = 4
"""A picture of an error, or of nothing, has fewer."""


@each_picture
def test_a_picture_is_small_and_shows_what_is_shown_now(picture: Picture) -> None:
    assert picture.file.stat().st_size <= MOST_BYTES
    noted = json.loads(MADE_OF.read_text("utf-8"))[picture.name]

    assert noted == picture.fingerprint(), f"take it anew: .venv/bin/python -m manual.pictures {picture.name}"


def test_every_picture_is_on_a_page_and_made_by_the_command() -> None:
    shown = {link.to for file in pages.FOR_PEOPLE for link in pages.links(file) if link.to.suffix == ".png"}

    assert {picture.file for picture in pictures()} == shown
    assert {file.name for file in FOLDER.iterdir()} == {*(file.name for file in shown), MADE_OF.name}
    assert set(json.loads(MADE_OF.read_text("utf-8"))) == {file.stem for file in shown}


@needs_chromium
def test_chromium_takes_a_picture_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<body style='background: linear-gradient(red, blue)'><h1>photos</h1>", "utf-8")

    photograph(page.as_uri(), tmp_path / "taken.png", 300, 200)

    with Image.open(tmp_path / "taken.png") as taken:
        assert taken.size == (300, 200)
        assert len(taken.getcolors() or ()) >= ENOUGH_COLOURS
