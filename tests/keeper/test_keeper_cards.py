"""The five cards: what each says in which state, and the one next step."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from keeper.commands import service
from keeper.errors import Exit, Problem
from keeper.page import page
from keeper.page.cards.part import Card
from keeper.page.status import Status, read_status
from keeper.page.view import CARDS, View, view_of
from keeper.settings import Settings, UpdateSettings
from keeper.state import AlbumState, ImportState, KitState, PhonesState, StorageState, now
from keeper.texts import LANGUAGES, Language, say
from tests.keeper.home import PROJECT
from tests.keeper.page_samples import (
    ALARM,
    DAY,
    HOUR,
    MINUTE,
    SAMPLES,
    bad,
    copy_state,
    family,
    first_day,
    good,
    nothing_but_a_copy,
    served,
    upgrade,
    write,
)

REFUSED = Problem.of("app.unreachable", app="photoprism", said="Connection refused")
FAILS = Problem.of("openlist.drive_fails", drive="/baidu", said="the token has expired")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return family(tmp_path)


def view(settings: Settings, status: Status, language: Language = "en") -> View:
    write(settings, status)
    return view_of(settings, read_status(settings), language)


def card(settings: Settings, status: Status, name: str, language: Language = "en") -> Card:
    return next(card for card in view(settings, status, language).cards if card.name == name)


def told(settings: Settings, status: Status, name: str) -> tuple[str, str, str]:
    """Return a card's level, its line and what to type."""
    shown = card(settings, status, name)
    return shown.level, shown.line, shown.command


def test_a_good_day_asks_for_nothing(settings: Settings) -> None:
    shown = view(settings, good(settings))

    assert [(each.name, each.level, each.line) for each in shown.cards] == [
        ("album", "good", "It answers. New photos from phones: 4 minutes ago."),
        ("phones", "good", "2 phones; anna was here last, 4 minutes ago."),
        ("drives", "good", "2 net drives, all can be reached. Looked 2 hours ago."),
        ("copies", "good", "3 copies, all up to date."),
        ("upgrades", "good", "What runs is the newest. Asked 5 hours ago."),
    ]
    assert [each.command or each.below or each.guide for each in shown.cards] == [""] * 5
    assert shown.items == []
    assert [each.address for each in shown.cards[:3]] == ["http://localhost:2342/", "", "http://localhost:5244/"]


def test_the_first_day_says_what_is_not_known_yet_and_how_to_begin(settings: Settings) -> None:
    shown = view(settings, first_day(settings))

    assert [(each.name, each.level, each.line, each.command) for each in shown.cards] == [
        ("album", "good", "It answers.", ""),
        ("phones", "note", "No phone has been here yet.", "./photos phone list --stack home"),
        ("drives", "note", "Not looked at yet.", ""),
        ("copies", "warn", "The first backup is yet to come.", "./photos keeper backup --stack home"),
        ("upgrades", "note", "Not looked at yet.", ""),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_stack_does_not_declare_says_what_it_would_give_and_where_that_is_written(
    tmp_path: Path, language: Language
) -> None:
    settings = nothing_but_a_copy(tmp_path)
    html = words_of(page.render(settings, language))
    off = {each.name: each for each in view(settings, first_day(settings), language).cards if each.level == "off"}

    assert list(off) == ["album", "phones", "drives", "upgrades"]
    for each in off.values():
        file = f"docs/{'zh/' if language == 'zh' else ''}{each.guide}.md"
        assert file in html
        assert not each.command


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("guide", [part.GUIDE for part in CARDS if hasattr(part, "GUIDE")])
def test_the_page_of_the_documentation_that_a_card_names_is_there(guide: str, language: Language) -> None:
    assert (PROJECT / say(language, "card.guides", page=guide)).is_file()


def words_of(html: str) -> str:
    """Return what stands on a page."""
    return re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)


def test_an_album_that_does_not_answer_for_a_moment_may_be_starting(settings: Settings) -> None:
    status = good(settings)
    status.album = AlbumState(looked=now(), answered=now() - HOUR, since=now() - 5 * MINUTE, problem=REFUSED)

    assert told(settings, status, "album") == ("warn", "It does not answer right now; it may be starting.", "")
    assert view(settings, status).headline == "Your photos are safe.", "they are, whether the album starts or not"


def test_an_album_that_stays_away_is_red_with_the_day_and_the_command(settings: Settings) -> None:
    status, since = good(settings), now() - 2 * HOUR
    status.album = AlbumState(looked=now(), answered=since, since=since, problem=REFUSED)
    shown = view(settings, status)
    clock = f"{since.astimezone(settings.zone):%Y-%m-%d %H:%M}"

    assert told(settings, status, "album") == ("bad", f"It has not answered since {clock}.", "./photos up home")
    assert (shown.level, shown.headline) == ("bad", "Something needs your attention now.")
    assert shown.items[0].text.striptags() == (
        f"The album has not answered since {clock}: photoprism does not answer (Connection refused). "
        "Start it again: ./photos up home"
    )


@pytest.mark.parametrize("problem", [None, REFUSED])
def test_a_look_that_is_old_is_no_look(settings: Settings, problem: Problem | None) -> None:
    """Who looks hangs, say at an album that sends a byte a second."""
    status = good(settings)
    status.album = AlbumState(looked=now() - HOUR, since=now() - 2 * HOUR, problem=problem)

    assert told(settings, status, "album") == ("warn", "Last looked at 60 minutes ago.", "")


def test_an_import_that_came_after_the_phones_is_what_the_album_tells(settings: Settings) -> None:
    status = good(settings)
    status.imports = ImportState(ended=now())
    with_import = settings.model_copy(update={"import_schedule": "0 4 * * *"})

    assert card(with_import, status, "album").line == "It answers. Last import: a moment ago."
    assert "New photos from phones" in card(settings, status, "album").line, "no import is declared"


def test_what_is_wrong_at_home_is_the_albums(settings: Settings) -> None:
    status = good(settings)
    status.scrub.rotten = {"originals/a.jpg": now()}
    shown = card(settings, status, "album")

    assert (shown.level, shown.line) == ("bad", "It answers, but something at home needs a look.")
    assert (shown.command, shown.below) == ("", "todo-1"), "the disk is looked at before a file is brought back to it"


def test_without_an_album_what_is_wrong_at_home_is_red_all_the_same(tmp_path: Path) -> None:
    settings, status = nothing_but_a_copy(tmp_path), Status()
    status.scrub.rotten = {"originals/a.jpg": now()}

    assert card(settings, status, "album").level == "bad"


def test_a_phone_in_trouble_is_named_and_leads_to_what_to_do(settings: Settings) -> None:
    status = good(settings)
    status.index.troubled = {"phones/anna": Problem.of("phone.full", said="insufficient space")}
    shown = card(settings, status, "phones")

    assert (shown.level, shown.line, shown.below) == ("bad", "These need a look: anna.", "todo-1")


def test_one_phone_needs_no_count(settings: Settings) -> None:
    status = good(settings)
    status.index.indexed.pop("phones/tom")
    one = settings.model_copy(update={"phones": settings.phones[:1]})

    assert card(one, status, "phones").line == "anna was last here 4 minutes ago."


def test_phones_that_syncthing_says_nothing_of_are_known_by_their_photos(settings: Settings) -> None:
    status = good(settings)
    status.phones = PhonesState()

    assert told(settings, status, "phones") == ("good", "New photos last came 4 minutes ago.", "")


def test_a_net_drive_that_cannot_be_reached_is_named_with_the_day(settings: Settings) -> None:
    status, since = good(settings), now() - 3 * DAY
    lost = Problem.of("openlist.drive_gone", drive="/onedrive")
    status.drives.storages["onedrive"] = StorageState(problem=lost, since=since)
    shown = view(settings, status)
    clock = f"{since.astimezone(settings.zone):%Y-%m-%d %H:%M}"

    assert told(settings, status, "drives") == ("warn", "Cannot be reached: /onedrive.", "")
    assert [(drive.mount, drive.told, drive.troubled) for drive in shown.drives] == [
        ("/baidu", "can be reached", False),
        ("/onedrive", f"cannot be reached since {clock}", True),
    ]
    assert [item.text.striptags() for item in shown.items] == [
        (
            "The drive /onedrive is not in OpenList, or switched off there. "
            "./photos up home --refresh puts it back"
        )
    ]  # fmt: skip


def test_a_net_drive_that_holds_a_copy_is_not_told_twice(settings: Settings) -> None:
    """The card leads to what is said of the copy."""
    status = good(settings)
    status.drives.storages["baidu"] = StorageState(problem=FAILS, since=now())
    otherwise = Problem.of("openlist.drive_fails", drive="/baidu", said="other words")
    run = copy_state().run
    assert run
    status.copies["baidu"] = copy_state(run=run.model_copy(update={"exit": Exit.COPY, "problems": [otherwise]}))
    shown = view(settings, status)

    assert [item.level for item in shown.items] == ["bad"]
    assert (card(settings, status, "drives").level, card(settings, status, "drives").below) == ("warn", "todo-1")


def test_an_openlist_that_is_away_is_told_once(settings: Settings) -> None:
    status, away = good(settings), Problem.of("openlist.away", said="Connection refused")
    status.drives.storages = {storage.name: StorageState(problem=away, since=now()) for storage in settings.storages}

    assert len(view(settings, status).items) == 1
    assert card(settings, status, "drives").line == "Cannot be reached: /baidu, /onedrive."


def test_an_answer_that_the_backup_waits_for_is_read_before_it_is_given(settings: Settings) -> None:
    """Nobody should copy `accept` from a card."""
    shown = view(settings, bad(settings))
    copies = next(each for each in shown.cards if each.name == "copies")

    assert (copies.level, copies.line) == ("bad", "The backup asks you something.")
    assert (copies.command, copies.below) == ("", "todo-1")
    assert f"./photos keeper accept --stack home {ALARM}" in shown.items[0].text.striptags()


def test_copies_that_need_a_look_are_named(settings: Settings) -> None:
    status = good(settings)
    status.copies["vault"] = copy_state(2 * DAY)

    assert told(settings, status, "copies") == (
        "warn",
        "These need a look: vault.",
        "./photos keeper backup --stack home --copy vault",
    )


def test_a_kit_that_is_missing_is_the_copies_next_step(settings: Settings) -> None:
    status = good(settings)
    status.kit = KitState()

    assert told(settings, status, "copies") == ("warn", "3 copies, all up to date.", "./photos keeper kit --stack home")


def test_a_newer_release_is_a_note_that_leaves_all_well(settings: Settings) -> None:
    shown = view(settings, upgrade(settings))

    assert told(settings, upgrade(settings), "upgrades") == (
        "note",
        "A newer release of photoprism.",
        "./photos upgrade photoprism --stack home",
    )
    assert (shown.level, shown.headline) == ("good", "Your photos are safe.")
    assert [item.text.striptags() for item in shown.items] == [
        "newer: photoprism 260728-ce → 260801-ce: ./photos upgrade photoprism --stack home"
    ]


def test_a_newer_series_is_read_about_before_anybody_goes_there(settings: Settings) -> None:
    status = upgrade(settings)
    newer = status.updates.newer[0]
    newer.newest, newer.series = "", "270101-ce"
    shown = view(settings, status)

    assert told(settings, status, "upgrades") == ("note", "A newer series of photoprism.", "")
    assert card(settings, status, "upgrades").below == "todo-1"
    assert [item.text.striptags() for item in shown.items] == [
        (
            "a newer series: photoprism 260728-ce → 270101-ce; first read docs/upgrading.md: "
            "./photos upgrade photoprism --stack home --to photoprism/photoprism:270101-ce"
        )
    ]


def test_a_registry_that_does_not_answer_asks_for_nothing(settings: Settings) -> None:
    status = good(settings)
    status.updates.unknown = ["mariadb"]

    assert told(settings, status, "upgrades") == (
        "note",
        "Could not ask for newer releases of mariadb; tomorrow again.",
        "",
    )
    assert view(settings, status).items == []


def test_who_does_not_want_to_be_told_of_releases_is_not(settings: Settings) -> None:
    off = settings.model_copy(update={"updates": UpdateSettings(check="never")})

    assert card(off, upgrade(off), "upgrades").level == "off"
    assert view(off, upgrade(off)).items == []


def test_a_first_day_with_an_album_that_is_away_is_no_calm_one(settings: Settings) -> None:
    status = first_day(settings)
    status.album = AlbumState(looked=now(), since=now() - HOUR, problem=REFUSED)

    assert view(settings, status).headline == "Something needs your attention now."


@pytest.mark.parametrize("name", SAMPLES)
def test_each_card_has_one_next_step_at_most_and_chinese_is_chinese(tmp_path: Path, name: str) -> None:
    settings_of, status_of = SAMPLES[name]
    settings = settings_of(tmp_path)
    both = {language: view(settings, status_of(settings), language).cards for language in LANGUAGES}

    for english, chinese in zip(both["en"], both["zh"], strict=True):
        assert bool(english.command) + bool(english.below) + bool(english.guide) <= 1
        assert english.line != chinese.line
        assert re.search("[一-鿿]", chinese.line)
        assert (english.level, english.command) == (chinese.level, chinese.command)


def test_nothing_is_looked_at_for_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An album, an OpenList and a registry that hang do not hold the page up: it asks none of them."""

    def ask(*_: Any, **__: Any) -> None:
        raise AssertionError

    with served("bad", tmp_path) as url:
        answer = httpx.get(url, timeout=10)
        monkeypatch.setattr("keeper.copies.openlist.httpx.Client", ask)
        monkeypatch.setattr("keeper.service.album_health.httpx.get", ask)
        html = page.render(family(tmp_path), "en")

    assert answer.elapsed < timedelta(seconds=10)
    assert "It has not answered since" in html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_the_terminal_and_the_page_say_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, language: Language
) -> None:
    """What the stack does not declare is left out at the terminal."""
    settings_of, status_of = SAMPLES[name]
    settings = settings_of(tmp_path)
    shown = view(settings, status_of(settings), language)
    monkeypatch.setattr(service, "load", lambda: settings)
    service.status(brief=True, language=language)
    said = capsys.readouterr().out.splitlines()
    colon = {"en": ": ", "zh": "："}[language]

    assert said[:2] == [shown.headline, shown.subline]
    assert [line for line in said if line.startswith(tuple(card.title for card in shown.cards))] == [
        f"{card.title}{colon}{card.line}" for card in shown.cards if card.level != "off"
    ]
    assert len([line for line in said if line.startswith("- ")]) == len(shown.items)
    assert len(said) == 2 + len([card for card in shown.cards if card.level != "off"]) + len(shown.items)


def test_the_whole_status_has_the_copies_in_a_table_and_the_family_s_language(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(settings, good(settings))
    monkeypatch.setattr(service, "load", lambda: settings.model_copy(update={"language": "zh"}))
    service.status()
    said = capsys.readouterr().out

    assert said.startswith("照片都是安全的。")
    assert "│ vault" in said


@pytest.mark.parametrize(
    ("sample", "says"), [("good", "Nothing. Enjoy your photos."), ("first-day", "Nothing beside the steps above.")]
)
def test_only_a_good_day_is_to_be_enjoyed(tmp_path: Path, sample: str, says: str) -> None:
    with served(sample, tmp_path) as url:
        assert says in httpx.get(url, params={"lang": "en"}).text
