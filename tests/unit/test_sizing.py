"""docs/sizing.md says what the code says, and its sums are right: whoever changes a figure changes what follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from example_stack import changed, example, sections
from test_presets import OF_A_PERSON

from components.services.photoprism import PhotoPrismConfig
from keeper.backup.estimate import estimate
from keeper.settings import CopySettings
from manual.pages import LANGUAGES, page
from stacks.config import parse
from stacks.expected import expected

each_language = pytest.mark.parametrize("language", LANGUAGES)

FAMILY, RECKONED, LIMITS, PRICES = {2: 1, 20: 2}, 3, 4, 5
"""Headings of the page, counted."""
PHOTO_MB, VIDEO_MB = 3.5, 100
THUMBNAILS_MB, SMALL_THUMBNAILS_MB = 1.7, 1.0
ROW_KB, FACE_KB = 5.3, 20
PIECES_OF_A_PHOTO, PIECES_OF_A_VIDEO = 3, 66
INDEX_S = 1.7
CACHE_OF_A_PIECE, CACHE_OF_A_FILE = 50, 52
MEMORY_OF_A_PIECE_KB = (0.35, 0.6)
RATES = (10, 30, 50, 100)
DAY_S = 24 * 3600
MEASURED = page("backup-performance", "en").read_text("utf-8")


@dataclass(frozen=True)
class Family:
    """A library as the page takes it. `new_gb_month`: what is shot in a month."""

    photos: int
    videos: int
    new_gb_month: int

    @property
    def files(self) -> int:
        return self.photos + self.videos

    @property
    def tb(self) -> float:
        return (self.photos * PHOTO_MB + self.videos * VIDEO_MB) / 1e6

    @property
    def pieces(self) -> int:
        return self.photos * PIECES_OF_A_PHOTO + self.videos * PIECES_OF_A_VIDEO


FAMILIES = {2: Family(300_000, 10_000, 10), 20: Family(1_000_000, 165_000, 60)}
each_family = pytest.mark.parametrize("tb", FAMILIES)


def text(language: str) -> str:
    return page("sizing", language).read_text("utf-8")


def section(language: str, number: int) -> str:
    """Return what stands below one of the page's headings."""
    return text(language).split("\n## ")[number]


def table(language: str, number: int) -> list[list[str]]:
    """Return the cells of the rows below a heading, without those of the head."""
    rows = [line.strip("|").split(" | ") for line in section(language, number).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def short(value: float) -> str:
    """Write a figure with two digits that count."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def measured(pattern: str) -> str:
    """Return a figure of the backup's benchmark."""
    found = re.search(pattern, MEASURED, re.DOTALL)
    assert found, pattern
    return found[1]


def first_copy_s() -> str:
    """Return the seconds that 2 GiB took the keeper, reading back included."""
    return measured(r"## 2 GiB in.*?\| keeper \| ([\d.]+) s")


# What the code says.


@each_language
def test_the_memory_limits_are_those_of_the_code(language: str) -> None:
    config = example("home")
    for written in (config["photos:database"], *config["photos:services"].values()):
        for key in OF_A_PERSON:
            (written or {}).pop(key, None)

    def limits(preset: str | None) -> dict[str, str]:
        stack = changed(config, {"preset": preset}) if preset else config
        keys = {key.removeprefix("photos:") for key, value in stack.items() if "canary" in str(value)}
        settings = parse("home", sections(stack), secret_keys=keys).settings
        return {s.name: str(s.memory_mb) for s in expected("home", settings).services if s.started}

    usual, small = limits(None), limits("small")
    assert {row[0].strip("`"): row[1:3] for row in table(language, LIMITS)} == {
        name: [usual[name], small[name]] for name in usual
    }


@each_language
def test_the_largest_file_that_is_indexed_is_that_of_the_code(language: str) -> None:
    limit = PhotoPrismConfig.model_fields["originals_limit"].default

    assert f"{limit // 1000} GB" in text(language)


@each_language
def test_the_figures_that_all_follows_from_stand_on_the_page(language: str) -> None:
    wanted = {
        *(f"{mb} MB" for mb in (PHOTO_MB, VIDEO_MB, THUMBNAILS_MB, SMALL_THUMBNAILS_MB)),
        *(f"{kb} KB" for kb in (ROW_KB, FACE_KB, *MEMORY_OF_A_PIECE_KB)),
        *(f" {count} " for count in (PIECES_OF_A_PHOTO, PIECES_OF_A_VIDEO, CACHE_OF_A_PIECE, CACHE_OF_A_FILE, INDEX_S)),
        f"{first_copy_s()} ",
        measured(r"## 1,000,000 files.*?\| [\d.]+ s, (\d+ MB)"),
    }

    assert sorted(figure for figure in wanted if figure not in section(language, RECKONED)) == []


# What follows from the figures.


@each_family
def test_a_library_is_as_large_as_it_is_called(tb: int) -> None:
    assert round(FAMILIES[tb].tb) == tb


@each_language
@each_family
def test_what_a_family_needs_follows_from_the_figures_below(language: str, tb: int) -> None:
    family, said = FAMILIES[tb], section(language, FAMILY[tb])
    database_gb = (family.files * ROW_KB + family.photos * FACE_KB) / 1e6
    cache_gb = (family.pieces * CACHE_OF_A_PIECE + family.files * CACHE_OF_A_FILE) / 1e9
    index_days = family.files * INDEX_S / DAY_S
    wanted = {
        f"{family.photos:,}",
        f"{family.videos:,}",
        f"{short(family.files * THUMBNAILS_MB / 1e6)} TB",
        f"{short(family.files * SMALL_THUMBNAILS_MB / 1e6)} TB",
        f"{short(database_gb)} GB",
        f"{short(database_gb / 2)} GB",
        f"{cache_gb:.1f} GB",
        f"{short(index_days)} ",
        f"{short(index_days / 4)} ",
        f"{tb * 1e12 / (2 << 30) * float(first_copy_s()) / 3600:.0f} ",
        *(f"{short(tb * 8e6 / rate / DAY_S)} " for rate in RATES),
        *(f"{short(family.pieces * kb / 1e6)} GB" for kb in MEMORY_OF_A_PIECE_KB),
    }

    assert sorted(figure for figure in wanted if figure not in said) == []


@each_language
@each_family
@pytest.mark.parametrize("days", [30, 365])
def test_what_is_fetched_in_a_month_is_what_estimate_says(language: str, tb: int, days: int) -> None:
    family = FAMILIES[tb]
    copy = CopySettings(name="bucket", kind="mirror", type="s3", path="photos", verify_days=days)
    fetched = estimate(family.files, int(family.tb * 1e12), family.new_gb_month * 10**9, copy).monthly_down / 1e12

    assert f"{short(fetched)} TB" in section(language, FAMILY[tb])


@each_language
def test_a_price_is_so_many_times_that_of_one_tb(language: str) -> None:
    rows = table(language, PRICES)
    amounts = [[float(re.sub(r"[^\d.]", "", cell)) for cell in row[1:4]] for row in rows]

    assert amounts
    assert [
        row[0]
        for row, (one, two, twenty) in zip(rows, amounts, strict=True)
        if round(2 * one) != two or round(20 * one) != twenty
    ] == []
