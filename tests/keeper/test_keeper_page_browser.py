"""The page in a browser, in every sample state: who reads it on a phone, with the keyboard, in the dark, or has it read aloud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from keeper.texts import LANGUAGES, say
from tests.keeper.browser import SHOTS
from tests.keeper.driven import TAB, Browser, browser, needs_driver
from tests.keeper.page_samples import SAMPLES, served

pytestmark = needs_driver
PHONE, NARROWEST, DESK = 360, 320, 1100
ENOUGH, ENOUGH_OF_A_LINE = 4.5, 3.0
"""WCAG 2.2 AA, 1.4.3 for text of any size and 1.4.11 for what shows the focus."""
FINGER = 44
"""CSS pixels, WCAG 2.2 AAA 2.5.5; a link within a sentence, and a row of a table, may be as high as its line."""
LINE = 24
ENTER = "\ue007"

COLOURS = """
const parse = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
const solid = element => {  // the colour on which it lies, with what is see-through laid over what is below
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
    if (a > 0) layers.push([r, g, b, a]);
    if (a >= 1) break;
  }
  let [r, g, b] = parse(getComputedStyle(document.documentElement).colorScheme === 'dark' ? 'rgb(0,0,0)' : 'rgb(255,255,255)');
  for (const [R, G, B, a] of layers.reverse()) [r, g, b] = [r + (R - r) * a, g + (G - g) * a, b + (B - b) * a];
  return [r, g, b];
};
const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const contrast = (one, other) => {
  const [dim, bright] = [light(one), light(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dim + 0.05);
};
const shown = element => element.checkVisibility({visibilityProperty: true, opacityProperty: true});
"""
TEXTS = (
    COLOURS
    + """
const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const words = walker.currentNode.textContent.trim(), holder = walker.currentNode.parentElement;
  if (!words || !shown(holder) || holder.closest('.visually-hidden')) continue;
  const ratio = contrast(parse(getComputedStyle(holder).color).slice(0, 3), solid(holder));
  found.push({words, ratio});
}
return found;
"""
)
FOCUS = (
    COLOURS
    + """
const at = document.activeElement;
if (!at || at === document.body) return null;
const style = getComputedStyle(at), box = at.getBoundingClientRect();
return {
  place: [...document.querySelectorAll('*')].indexOf(at), words: at.textContent.trim().replace(/\\s+/g, ' '),
  line: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
  ratio: contrast(parse(style.outlineColor).slice(0, 3), solid(at.parentElement)),
  seen: box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth && box.width > 0,
};
"""
)
REACHABLE = """
return [...document.querySelectorAll('a[href], summary, button, input, select, textarea')]
  .filter(element => element.checkVisibility()).map(element => [...document.querySelectorAll('*')].indexOf(element));
"""
TARGETS = """
return [...document.querySelectorAll('a[href], summary')].filter(each => each.checkVisibility() && !each.matches('.skip'))
  .map(each => {
    const box = each.getBoundingClientRect();
    return {words: each.textContent.trim(), height: box.height, in_line: !!each.closest('td, footer')};
  });
"""
ORDER = """
const all = selector => [...document.querySelectorAll(selector)];
const ids = all('[id]').map(each => each.id);
return {
  title: document.title, language: document.documentElement.lang,
  landmarks: ['header', 'main', 'footer'].map(name => all(`body > ${name}`).length),
  headings: all('h1, h2, h3, h4, h5, h6').map(each => [Number(each.tagName[1]), each.textContent.trim()]),
  unnamed_sections: all('section').filter(each => !each.querySelector('h1, h2, h3, summary')).length,
  unnamed_links: all('a').filter(each => !each.textContent.trim()).length,
  twice: ids.filter((id, place) => ids.indexOf(id) !== place),
  nowhere: all('a[href^="#"]').map(each => each.getAttribute('href').slice(1)).filter(id => !ids.includes(id)),
  scripts: document.scripts.length + all('*').filter(each => [...each.attributes].some(a => a.name.startsWith('on'))).length,
  heads_without_scope: all('th:not([scope])').length,
};
"""


@dataclass(frozen=True)
class Shown:
    """A sample that is served."""

    name: str
    url: str

    def pages(self) -> list[str]:
        """Return the addresses of the page, and of the list of a copy's backups."""
        return [self.url, f"{self.url}copies/disk"]


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module", params=list(SAMPLES))
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with served(request.param, tmp_path_factory.mktemp("sample")) as url:
        yield Shown(request.param, url)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_can_be_told_from_its_ground(
    window: Browser, sample: Shown, language: str, *, width: int, dark: bool
) -> None:
    """The pictures stay in .cache/page, to be looked at."""
    for url in sample.pages():
        window.open(f"{url}?lang={language}", width=width, dark=dark)
        window.run("document.querySelectorAll('details').forEach(each => each.open = true)")
        if url == sample.url:
            window.picture(SHOTS / f"{sample.name}-{language}-{width}-{'dark' if dark else 'light'}.png")
        found: list[dict[str, Any]] = window.run(TEXTS)

        assert len(found) > 3, "or nothing was looked at"
        assert [text for text in found if text["ratio"] < ENOUGH] == []


def test_the_contrast_is_not_only_said(window: Browser, sample: Shown) -> None:
    """The check itself: a colour that is too pale is found."""
    window.open(sample.url, width=PHONE)
    window.run("document.querySelector('h1').style.color = '#d9a3a0'")
    pale = [text["words"] for text in window.run(TEXTS) if text["ratio"] < ENOUGH]

    assert pale == [window.run("return document.querySelector('h1').textContent")]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [NARROWEST, PHONE])
def test_a_phone_shows_all_of_it_without_a_push_to_the_side(
    window: Browser, sample: Shown, language: str, width: int
) -> None:
    for url in sample.pages():
        window.open(f"{url}?lang={language}", width=width)

        assert window.run("return document.documentElement.scrollWidth") <= width


def test_a_finger_hits_every_link(window: Browser, sample: Shown) -> None:
    for url in sample.pages():
        window.open(url, width=PHONE)
        targets: list[dict[str, Any]] = window.run(TARGETS)
        small = [each for each in targets if each["height"] < (LINE if each["in_line"] else FINGER)]

        assert targets
        assert small == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_keyboard_reaches_everything_in_order_sees_where_it_is_and_comes_out_again(
    window: Browser, sample: Shown, *, width: int, dark: bool
) -> None:
    window.open(sample.url, width=width, dark=dark)
    expected, stops = window.run(REACHABLE), list[dict[str, Any]]()
    for _ in range(len(expected) + 5):
        window.press(TAB)
        if (stop := window.run(FOCUS)) is None or stop["place"] in {known["place"] for known in stops}:
            break
        stops.append(stop)

    assert [stop["place"] for stop in stops] == expected
    assert [stop for stop in stops if stop["line"] < 2 or stop["ratio"] < ENOUGH_OF_A_LINE or not stop["seen"]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_key_leads_past_what_stands_on_every_page(window: Browser, sample: Shown, language: str) -> None:
    window.open(f"{sample.url}?lang={language}", width=DESK)
    window.press(TAB)
    first = window.run(FOCUS)
    window.press(ENTER)

    assert first["words"] == say("zh" if language == "zh" else "en", "page.skip")
    assert window.run("return document.activeElement.id") == "main"


@pytest.mark.parametrize("language", LANGUAGES)
def test_read_aloud_it_has_an_order(window: Browser, sample: Shown, language: str) -> None:
    for url in sample.pages():
        window.open(f"{url}?lang={language}", width=DESK)
        order: dict[str, Any] = window.run(ORDER)
        levels = [level for level, _ in order["headings"]]

        assert order["title"].strip()
        assert order["language"] == {"en": "en", "zh": "zh-CN"}[language]
        assert order["landmarks"] == [1, 1, 1 if url == sample.url else 0]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(deeper - above <= 1 for above, deeper in pairwise(levels))
        assert all(words for _, words in order["headings"])
        assert [order["unnamed_sections"], order["unnamed_links"], order["scripts"], order["heads_without_scope"]] == [
            0
        ] * 4
        assert (order["twice"], order["nowhere"]) == ([], [])


def test_a_next_step_leads_to_the_text_that_it_means(window: Browser, tmp_path: Path) -> None:
    with served("bad", tmp_path) as url:
        window.open(url, width=PHONE)
        leads = window.run(
            "return Object.fromEntries([...document.querySelectorAll('.card .step a')].map(each =>"
            " [each.closest('.card').querySelector('h3').firstChild.textContent.trim(),"
            "  document.querySelector(each.getAttribute('href')).textContent.trim()]))"
        )

    assert leads["Phones"].startswith("problem: A phone's folder: anna: Syncthing stopped")
    assert leads["Net drives"].startswith("problem: “baidu” has a problem: OpenList cannot reach the drive /baidu")
    assert leads["Copies"].startswith("problem: Many photos vanished or changed.")


def test_without_a_script_it_is_the_same(sample: Shown, window: Browser) -> None:
    """What the server sends is all there is."""
    sent = httpx.get(sample.url, timeout=10).text
    window.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        window.open(sample.url, width=DESK)
        headline = sent.partition("<h1>")[2].partition("</h1>")[0]
        assert window.ask("GET", "/title").startswith(headline)
    finally:
        window.devtools("Emulation.setScriptExecutionDisabled", value=False)

    assert "<script" not in sent
