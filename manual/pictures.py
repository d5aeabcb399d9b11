"""The pictures of the pages, taken by Chromium of what the program shows: `.venv/bin/python -m manual.pictures`.

Nothing of a real family is in them: names, addresses and keys are made up here and in `tests/keeper/page_samples.py`.
Beside them lies what each shows, as a hash, so that a test sees when a picture is older than what it shows.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest.mock import patch

import httpx
from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI

from cli import console, kit_page, paths, qr
from cli.commands import phone
from cli.kit_copies import KitCopy, KitFiles, steps
from components.services.syncthing import SyncthingConfig
from manual.pages import LANGUAGES, PROJECT
from stacks.host.machine import HERE
from tests.keeper import driven, page_samples
from tests.waiting import until

FOLDER = PROJECT / "docs" / "pictures"
MADE_OF = FOLDER / "made-of.json"
MOST_BYTES = 120_000
COLOURS = 64
SERVER = "MFZWI3D-BONSGYC-YLTMRWG-C43ENR5-QXGZDMM-FZWI3DP-BONSGYY-LTMRWAD"
"""A device ID with right check characters, of no device."""
DRAWN_BY = ("demo/images/photoprism/photoprism_double/page.py", "demo/samples.py")
NO_KEY = "-"
LOG_IN = """[user.value, password.value] = arguments; enter.click()"""
SHOWN = """const all = [...document.images].filter(i => i.alt); return all.length > 3 && all.every(i => i.complete)"""
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 16px; background: {background}; color: {foreground}; }}
pre {{ font: 15px/17.5px "DejaVu Sans Mono", "WenQuanYi Micro Hei Mono", monospace; margin: 0; }}
{stylesheet}
</style><pre><code>{code}</code></pre>"""


class AbsentError(Exception):
    """What a picture shows does not run here."""

    def __str__(self) -> str:
        return "start ./photos demo, then set DEMO_ALBUM to the album's address"


@dataclass(frozen=True)
class Picture:
    """A picture: what Chromium opens, and what it shows, as far as that can be known without Chromium."""

    name: str
    shows: Callable[[], str]
    opened: Callable[[], Iterator[str]]
    width: int
    height: int

    @property
    def file(self) -> Path:
        """Return the file in docs/pictures."""
        return FOLDER / f"{self.name}.png"

    def fingerprint(self) -> str:
        """Return a hash of what it shows."""
        return hashlib.sha256(self.shows().encode()).hexdigest()

    def take(self) -> None:
        """Take it with Chromium. Raises CalledProcessError where Chromium fails."""
        with contextmanager(self.opened)() as url:
            photograph(url, self.file, self.width, self.height)


class Demo(Picture):
    """The album of `./photos demo`, which has to run; DEMO_ALBUM is its address as the demo prints it."""

    def take(self) -> None:
        """Log in and take it. Raises AbsentError where no demo is named."""
        address, password = os.environ.get("DEMO_ALBUM"), paths.data_folder() / "demo" / "password"
        if not address or not password.exists():
            raise AbsentError
        with driven.browser() as browser:
            browser.open(address, width=self.width, height=self.height)
            browser.run(LOG_IN, "admin", password.read_text("utf-8").strip())
            until(lambda: browser.run(SHOWN))
            browser.picture(self.file)
        in_few_colours(self.file, self.height)


def of_html(name: str, html: Callable[[], str], width: int, height: int) -> Picture:
    """Return the picture of a page that needs no server."""

    def opened() -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "page.html"
            file.write_text(html(), "utf-8")
            yield file.as_uri()

    return Picture(name, html, opened, width, height)


def of_the_keeper(language: str) -> Picture:
    """Return the picture of the keeper's page on a good day. It tells times from now on: they are not what it shows."""

    def opened() -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder, page_samples.served("good", Path(folder)) as url:
            yield f"{url}?lang={language}"

    def shows() -> str:
        with contextmanager(opened)() as url:
            return re.sub(r"\d[\d:.,-]*", "0", httpx.get(url).raise_for_status().text)

    return Picture(f"keeper-{language}", shows, opened, 900, 640)


def demo_sources() -> str:
    """Return what the demo's album is drawn from."""
    return "\n".join((PROJECT / file).read_text("utf-8") for file in DRAWN_BY)


def kit_html() -> str:
    """Return the kit's page to print, of a family with a disk and a bucket."""
    copies = [
        KitCopy(
            name="disk", kind="disk", type="local", path="/mnt/backup/photos", password=NO_KEY, config=b"", keys={}
        ),
        KitCopy(
            name="vault", kind="vault", type="s3", path="my-family-photos/vault", password=NO_KEY, rclone="[vault]\n"
        ),
    ]
    about = {
        "stack": "home",
        "id": "11111111-2222-4333-8444-555555555555",
        "made": "2026-11-29T19:00:00+08:00",
        "file": "photos-kit-home-20261129.age",
    }
    files = KitFiles(copies=copies, keys={})
    return kit_page.page(about, [f"{copy.name}: {copy.place}" for copy in copies], list(steps(about["file"], files)))


def phone_html(language: str) -> str:
    """Return the terminal in which `./photos phone add` waits for the phone."""
    drawn = Console(markup=False, emoji=False, highlight=False, record=True, width=78, file=io.StringIO())
    with ExitStack() as changed:
        changed.enter_context(patch.dict(os.environ, {"PHOTOS_LANGUAGE": language}))
        changed.enter_context(patch.object(console, "out", drawn))
        changed.enter_context(patch.object(qr, "out", drawn))
        changed.enter_context(patch.object(phone, "lan_addresses", lambda *_: ["192.168.1.5"]))
        drawn.print("$ ./photos phone add mum --stack home")
        phone._show_code(SyncthingConfig(), SERVER, HERE)  # noqa: SLF001 - what `add` shows before a phone asks
    return drawn.export_html(theme=MONOKAI, code_format=TERMINAL)


def pictures() -> list[Picture]:
    """Return every picture."""
    return [
        Demo("demo", demo_sources, lambda: iter(()), 560, 470),
        of_html("kit", kit_html, 760, 1240),
        *map(of_the_keeper, LANGUAGES),
        *(of_html(f"phone-add-{language}", partial(phone_html, language), 760, 440) for language in LANGUAGES),
    ]


def photograph(url: str, file: Path, width: int, height: int) -> None:
    """Write what Chromium makes of a page, in few colours. Raises CalledProcessError where Chromium fails."""
    file.parent.mkdir(parents=True, exist_ok=True)
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}"]
    command = ["chromium", *words, f"--screenshot={file}", url]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    in_few_colours(file, height)


def in_few_colours(file: Path, height: int) -> None:
    """Make a picture small, and no higher than that."""
    with Image.open(file) as taken:
        cut = taken.convert("RGB").crop((0, 0, taken.width, min(height, taken.height)))
        cut.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


def need_fonts() -> None:
    """End the program where Chromium or a font with Chinese is missing: boxes in its place are no picture."""
    fonts = subprocess.run(["fc-list", ":lang=zh"], check=True, capture_output=True, text=True).stdout
    if shutil.which("chromium") is None or not fonts:
        sys.exit("pictures: first apt-get install chromium fonts-wqy-microhei")


def main() -> None:
    """Take those that are named, or all, and note what they show."""
    need_fonts()
    wanted = sys.argv[1:]
    made_of = json.loads(MADE_OF.read_text("utf-8")) if MADE_OF.exists() else {}
    for picture in pictures():
        if wanted and picture.name not in wanted:
            continue
        try:
            picture.take()
        except AbsentError as absent:
            print(f"{picture.name} stays as it is: {absent}")
            continue
        made_of[picture.name] = picture.fingerprint()
        print(f"{picture.file}: {picture.file.stat().st_size:,} bytes")
    MADE_OF.write_text(json.dumps(made_of, indent=2, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
