"""A Chromium that a test drives over WebDriver (https://www.w3.org/TR/webdriver2/): what a person sees, and the keys she presses."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.waiting import until

DRIVER, CHROMIUM = shutil.which("chromedriver"), shutil.which("chromium")
needs_driver = pytest.mark.skipif(
    DRIVER is None or CHROMIUM is None,
    reason="the browser checks of tests/keeper need Chromium and its driver: apt-get install chromium chromium-driver",
)
TAB = "\ue004"
SECONDS = 120.0


@dataclass
class Browser:
    """One window."""

    url: str

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send one command and return its value."""
        answer = httpx.request(method, f"{self.url}{path}", json=body, timeout=SECONDS).json()["value"]
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer

    def open(self, url: str, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Show a page in a window whose inside has that size; a phone's is narrower than any window may be."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script from outside of the page, which itself may have none."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def press(self, key: str) -> None:
        """Press a key."""
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def picture(self, file: Path) -> Path:
        """Take a picture of the whole page."""
        size = self.run("return [innerWidth, document.documentElement.scrollHeight]")
        shot = self.devtools(
            "Page.captureScreenshot",
            captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1},
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(shot["data"]))
        return file

    def devtools(self, command: str, **values: object) -> Any:
        """Send a command of Chrome's own, for what WebDriver has none."""
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": values})


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a Chromium without a window, and end it."""
    assert DRIVER
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [DRIVER, f"--port={port}", "--log-level=SEVERE"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: _answers(url))
            options = {
                "binary": CHROMIUM,
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
            }
            asked = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
            session = httpx.post(f"{url}/session", json=asked, timeout=SECONDS).json()["value"]
            made = Browser(f"{url}/session/{session['sessionId']}")
            try:
                yield made
            finally:
                made.ask("DELETE", "")
        finally:
            driver.terminate()


def _answers(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/status").json()["value"]["ready"])
    except httpx.HTTPError:
        return False
