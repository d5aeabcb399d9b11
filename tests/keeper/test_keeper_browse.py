"""What is in a snapshot, looked up live at a real copy by the page."""

from __future__ import annotations

import html as markup
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from keeper.errors import KeeperError
from keeper.page import browse, page
from keeper.settings import Settings
from tests.keeper.browser import document, needs_chromium, screenshot
from tests.keeper.home import Home

ODD = ("two\nlines.jpg", "<b>bold.jpg", "ends\u202egpj.exe", "100%_&+#?.jpg", "春节 团圆.jpg")
FOLDER = "2024 & more #1?"
UNTEXT = b"caf\xe9"


@pytest.fixture(scope="module")
def home(restic: str, tmp_path_factory: pytest.TempPathFactory) -> Home:  # noqa: ARG001 - the keeper runs it
    """A library with odd names in one copy. Without a database: the photos are backed up all the same."""
    made = Home(tmp_path_factory.mktemp("home"))
    made.fill(3)
    for name in ODD:
        made.write(f"{FOLDER}/{name}", name.encode())
    made.write(f"{FOLDER}/sub/deep.jpg", b"deep")
    odd = os.path.join(os.fsencode(made.originals), UNTEXT)  # noqa: PTH118 - bytes
    os.mkdir(odd)  # noqa: PTH102
    with open(odd + b"/x.jpg", "wb") as file:  # noqa: PTH123
        file.write(b"x")
    assert made.backup().snapshot
    return made


@contextmanager
def served(settings: Settings) -> Iterator[httpx.Client]:
    server = page.serve(settings, "127.0.0.1", 0)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}", timeout=120) as client:
            yield client
    finally:
        server.shutdown()
        server.server_close()


def links(html: str) -> dict[str, str]:
    """Return text → address of each link of the listing."""
    return {
        markup.unescape(text): markup.unescape(href)
        for href, text in re.findall(r'<a href="([^"]*)">([^<]*)</a>', html)
    }


def rows(html: str) -> list[str]:
    """Return the names in the listing."""
    cells = re.findall(r"<tr><td>(?:<a [^>]*>)?([^<]*)", html)
    return [markup.unescape(cell) for cell in cells]


def test_a_person_clicks_from_the_copy_down_to_a_photo_and_reads_how_to_bring_it_back(home: Home) -> None:
    with served(home.settings) as client:
        first = client.get("/?lang=en").text
        listed = client.get(next(href for text, href in links(first).items() if text.startswith("All "))).text
        top = client.get(next(href for href in links(listed).values() if href.count("/") == 3)).text
        originals = client.get(links(top)["originals/"]).text
        year = client.get(links(originals)[f"{FOLDER}/"]).text
        sub = client.get(links(year)["sub/"]).text
        back = client.get(links(sub)["One folder up"])

    assert {"originals/", "import/", "database/"} <= set(rows(top))
    assert rows(originals)[:1] == [f"{FOLDER}/"] or "2024/" in rows(originals)
    assert set(rows(year)) == {"sub/", "two\\nlines.jpg", "<b>bold.jpg", "ends\\u202egpj.exe", *ODD[3:]}
    assert rows(sub) == ["deep.jpg"]
    assert rows(back.text) == rows(year)
    short = home.known().snapshots[-1].id[:8]
    command = f"./photos keeper restore --stack test 'originals/{FOLDER}/sub' --copy disk --snapshot {short}"
    assert command in markup.unescape(sub)
    assert "<b>" not in year


def test_a_folder_whose_name_is_no_text_is_shown_though_it_cannot_be_opened(home: Home) -> None:
    with served(home.settings) as client:
        short = home.known().snapshots[-1].id[:8]
        html = client.get(f"/copies/disk/{short}", params={"folder": "/originals"}).text

    assert "caf\ufffd/" in rows(html)
    assert not [text for text in links(html) if "caf" in text]


def test_the_other_language_shows_the_same_folder(home: Home) -> None:
    with served(home.settings) as client:
        short = home.known().snapshots[-1].id[:8]
        english = client.get(f"/copies/disk/{short}", params={"folder": f"/originals/{FOLDER}", "lang": "en"}).text
        chinese = client.get(links(re.sub(r' (href)?lang="[^"]*"', "", english))["中文"]).text

    assert rows(chinese) == rows(english)
    assert "要取回它：" in chinese


def test_a_huge_folder_is_cut(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "MOST", 2)
    with served(home.settings) as client:
        short = home.known().snapshots[-1].id[:8]
        html = client.get(f"/copies/disk/{short}?lang=en&folder=/originals/2024").text

    assert len(rows(html)) == 2
    assert "Only the first 2 are shown." in html


def test_nobody_at_work_at_the_copy_is_in_the_way(home: Home) -> None:
    with served(home.settings) as client, home.repository().alone("a backup of nine days"):
        short = home.known().snapshots[-1].id[:8]
        answer = client.get(f"/copies/disk/{short}?folder=/originals/2024")

    assert answer.status_code == 200
    assert len(rows(answer.text)) == 3


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have restic never answer."""
    program = tmp_path / "silent"
    program.write_text('#!/bin/sh\ncase "$*" in version) echo "restic 0.19.1";; *) exec sleep 3600;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("KEEPER_RESTIC", str(program))
    monkeypatch.setattr(browse, "LIMIT_SECONDS", 0.3)


def test_a_copy_that_does_not_answer_is_given_up(home: Home, silent: None) -> None:
    with served(home.settings) as client:
        short = home.known().snapshots[-1].id[:8]
        answer = client.get(f"/copies/disk/{short}?lang=en")
        once_more = client.get(f"/copies/disk/{short}?lang=zh")

    assert silent is None
    assert answer.status_code == once_more.status_code == 503
    assert "it does not answer in time" in answer.text
    assert "没有及时响应" in once_more.text


def test_one_question_is_asked_at_a_time(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "LIMIT_SECONDS", 0.1)
    browser = browse.Browser(home.settings)
    copy = home.settings.copies[0]
    with browser._one, pytest.raises(KeeperError) as refused:
        browser.listing(copy, home.known().snapshots[-1].id[:8], "/")

    assert refused.value.problem.code == "browse.busy"


def test_a_copy_that_cannot_be_opened_says_why_in_the_readers_language(home: Home) -> None:
    key = home.secrets / "backup_disk_repository_password"
    right = key.read_text()
    key.write_text("another one")
    try:
        with served(home.settings) as client:
            short = home.known().snapshots[-1].id[:8]
            answer = client.get(f"/copies/disk/{short}?lang=zh")
    finally:
        key.write_text(right)

    assert answer.status_code == 503
    assert "密钥打不开它" in answer.text


def test_a_full_disk_is_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(browse, "open_repositories", full)
    with served(home.settings) as client:
        answer = client.get(f"/copies/disk/{home.known().snapshots[-1].id[:8]}?lang=zh")

    assert answer.status_code == 503
    assert "空间已满" in answer.text


@needs_chromium
@pytest.mark.parametrize("language", ["en", "zh"])
def test_chromium_shows_the_snapshots_and_a_folder(home: Home, language: str) -> None:
    home.write("2024/IMG_00000.jpg", language.encode())
    assert home.backup().snapshot
    short = home.known().snapshots[-1].id[:8]
    folder = httpx.QueryParams({"lang": language, "folder": f"/originals/{FOLDER}"})
    with served(home.settings) as client:
        base = str(client.base_url).rstrip("/")
        listed = document(f"{base}/copies/disk?lang={language}")
        opened = document(f"{base}/copies/disk/{short}?{folder}")
        for width in (390, 1100):
            screenshot(f"{base}/copies/disk?lang={language}", f"snapshots-{language}-{width}", width=width, height=600)
            screenshot(f"{base}/copies/disk/{short}?{folder}", f"folder-{language}-{width}", width=width, height=700)

    assert listed.count("/copies/disk/") == len(home.known().snapshots) > 1
    assert {"<b>bold.jpg", "sub/", "two\\nlines.jpg"} <= set(rows(opened))
