"""A lost host, brought back by hand: what the printed page says is typed as it stands, with plain restic, rclone and age."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cli import kit, paths
from cli.kit_copies import KitFiles, copy_of
from keeper.copies.kit import files_of
from tests.keeper import restic as restic_tool
from tests.keeper.home import Home
from tests.keeper.proxy import webdav

PASSPHRASE = "five words that we remember"
STACK = {"encryptionsalt": "v1:salt", "config": {"photos:id": "11111111-2222-4333-8444-555555555555"}}
NAMES = ["2024/Mum's  birthday.jpg", "2024/夏天 的 照片.jpg", "2025/" + "长" * 80 + ".jpg", "2025/a\nb.jpg"]

pytestmark = pytest.mark.skipif(
    not shutil.which("age"), reason="keeper tier: the program age is missing: apt-get install age"
)


@pytest.fixture
def files(home: Home) -> dict[str, bytes]:
    """Fill the library and return path → content of everything that must come back."""
    content = {name: f"photo {name}".encode() * 50 for name in NAMES}
    for name, text in content.items():
        home.write(name, text)
    return content


def printed(home: Home, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Make the kit, lose the stack's folders, and return what the page says and wants to be pasted, in order."""
    monkeypatch.setenv("PHOTOS_DATA", str(folder / "data"))
    monkeypatch.setattr(paths, "STACK_FILES", folder / "stacks")
    config = yaml.safe_load((paths.EXAMPLES / "Pulumi.dev.yaml").read_text())["config"] | STACK["config"]
    paths.write_private(paths.stack_file("home"), yaml.safe_dump({**STACK, "config": config}))
    paths.write_private(paths.passphrase_file("home"), "the stack's own")
    told = [files_of(home.settings, copy).model_dump() for copy in home.settings.copies]
    (folder / "usb").mkdir()
    _, page = kit.make("home", folder / "usb", PASSPHRASE, KitFiles(copies=[copy_of(one) for one in told]))
    shutil.rmtree(folder / "data")
    shutil.rmtree(folder / "stacks")
    (by_hand,) = re.findall(r'<ol id="by-hand">(.*)</ol>', page.read_text("utf-8"), re.DOTALL)
    steps = re.findall(r"<li>(.*?)<br>.*?(?:<pre>(.*?)</pre>)?</li>", by_hand, re.DOTALL)
    return [(html.unescape(says), html.unescape(lines)) for says, lines in steps]


def follow(lines: list[str], folder: Path, socket: Path) -> Path:
    """Type the lines into one shell on an empty machine, the passphrase at its terminal; return where it puts everything."""
    programs, person = folder / "programs", folder / "person"
    programs.mkdir()
    person.mkdir()
    for name, place in (("restic", restic_tool.restic()), ("rclone", Path(sys.executable).with_name("rclone"))):
        (programs / name).symlink_to(place)
    (person / ".my.cnf").write_text(f"[client]\nsocket={socket}\nuser=root\n")
    script = folder / "typed.sh"
    script.write_text("set -euo pipefail\n" + "\n".join(lines) + "\n")
    clean = {"HOME": str(person), "PATH": f"{programs}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
    # age asks at the terminal alone, and `script` is one.
    done = subprocess.run(
        ["script", "-qec", f"bash {script}", "/dev/null"],
        cwd=folder / "usb",
        env=clean,
        input=f"{PASSPHRASE}\n".encode(),
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")
    return person / "photos-back"


def lose_the_host(home: Home) -> None:
    assert home.server
    home.server.sql("DROP DATABASE photoprism")
    for folder in (home.library, home.state, home.secrets):
        shutil.rmtree(folder)


def assert_all_is_back(home: Home, back: Path, files: dict[str, bytes]) -> None:
    assert {name: (back / "originals" / name).read_bytes() for name in files} == files
    assert home.server
    titles = home.server.sql("SELECT album_title FROM albums ORDER BY 1", "photoprism")
    assert titles.splitlines() == ["(1,2),", r"line\nbreak", "Summer"]


@pytest.mark.parametrize("survivor", ["disk", "net"])
def test_one_copy_and_the_printed_page_bring_everything_back(
    home: Home, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survivor: str
) -> None:
    (tmp_path / "cloud").mkdir()
    with webdav(tmp_path / "cloud") as port:
        home.copies = [home.local("disk"), home.webdav("net", f"http://127.0.0.1:{port}/")]
        for name in ("disk", "net"):
            assert home.backup(name).exit == 0
        steps = printed(home, tmp_path, monkeypatch)
        lose_the_host(home)
        lost = {"disk": "net", "net": "disk"}[survivor]
        lines = [lines for says, lines in steps if f"copy {lost}" not in says and not says.startswith("Only if")]

        back = follow(lines, tmp_path, home.server.socket if home.server else Path())

    assert_all_is_back(home, back, files)


@pytest.mark.parametrize("gone", ["keys", "config"])
def test_a_copy_that_lost_its_key_files_gets_them_back_from_the_kit(
    home: Home, files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    assert home.backup().exit == 0
    steps = printed(home, tmp_path, monkeypatch)
    lose_the_host(home)
    place = Path(home.copies[0]["path"]) / gone
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    (mend,) = [lines for says, lines in steps if says.startswith("Only if")]
    opening, *rest = [lines for says, lines in steps if not says.startswith("Only if")]

    back = follow([opening, mend, *rest], tmp_path, home.server.socket if home.server else Path())

    assert_all_is_back(home, back, files)
