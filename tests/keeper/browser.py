"""Chromium as a family member's browser: pictures, and what it makes of a page."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SHOTS = Path(__file__).parents[2] / ".cache" / "page"
CHROMIUM = shutil.which("chromium")
BLOCKED = "Content Security Policy"
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="the browser tests of tests/keeper need Chromium: apt-get install chromium"
)


def screenshot(url: str, name: str, *, width: int, height: int, dark: bool = False) -> Path:
    """Take a picture in a window of that size, in the scheme that a person has chosen; it stays, to be looked at."""
    file = SHOTS / f"{name}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    _run(f"--screenshot={file}", f"--window-size={width},{height}", scheme, url)
    return file


def document(url: str, width: int = 390) -> str:
    """Return the page as Chromium made it; nothing of it may break the page's own policy."""
    done = _run("--enable-logging=stderr", "--v=0", "--dump-dom", f"--window-size={width},900", url)
    assert BLOCKED not in done.stderr, "the page breaks its own policy"
    return done.stdout


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
