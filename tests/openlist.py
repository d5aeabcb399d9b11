"""A running OpenList for a test: the double, or the real one, which OPENLIST names."""

from __future__ import annotations

import base64
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).resolve().parents[1]
ADMIN = "the admin's password"
LOCAL = {
    "thumbnail": False, "thumb_cache_folder": "", "thumb_concurrency": "16", "video_thumb_pos": "20%", "show_hidden": True,
    "mkdir_perm": "777", "recycle_bin_path": "delete permanently",
}  # fmt: skip
COMMON = {
    "order": 0, "cache_expiration": 30, "web_proxy": False, "webdav_policy": "native_proxy", "remark": "",
    "disabled": False, "enable_sign": False, "order_by": "name", "order_direction": "asc", "extract_folder": "front",
}  # fmt: skip


@dataclass
class Drive:
    """A running OpenList; `folder` is a folder that it may mount."""

    url: str
    folder: Path
    admin: str = ADMIN

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask as the admin and return `data`."""
        login = httpx.post(f"{self.url}/api/auth/login", json={"username": "admin", "password": self.admin}).json()
        headers = {"Authorization": login["data"]["token"]}
        answer = httpx.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=30).json()
        assert answer["code"] == 200, answer
        return answer["data"]

    def mount(self, path: str, driver: str, addition: dict[str, object], **more: object) -> None:
        storage = COMMON | {"mount_path": path, "driver": driver, "addition": json.dumps(addition)} | more
        self.api("POST", "/api/admin/storage/create", storage)

    def storages(self) -> dict[str, dict[str, Any]]:
        listed = self.api("GET", "/api/admin/storage/list?per_page=0")["content"] or []
        return {storage["mount_path"]: storage for storage in listed}

    def storage(self, path: str = "/net") -> dict[str, Any]:
        return self.storages()[path]

    def addition(self, path: str) -> dict[str, Any]:
        return dict(json.loads(self.storage(path)["addition"]))

    def edit(self, path: str, *, addition: dict[str, Any] | None = None, **change: Any) -> None:
        """Change a storage, as a person does on OpenList's page."""
        storage = self.storage(path) | change
        if addition:
            storage["addition"] = json.dumps(self.addition(path) | addition)
        self.api("POST", "/api/admin/storage/update", storage)

    def users(self) -> dict[str, dict[str, Any]]:
        return {user["username"]: user for user in self.api("GET", "/api/admin/user/list?per_page=0")["content"]}

    def edit_user(self, name: str, **change: Any) -> None:
        self.api("POST", "/api/admin/user/update", self.users()[name] | change)

    def two_step(self) -> None:
        """Switch the admin's two-step login on, as a person does on OpenList's page."""
        secret = self.api("POST", "/api/auth/2fa/generate")["secret"]
        self.api("POST", "/api/auth/2fa/verify", {"secret": secret, "code": totp(secret)})

    def dav(self, login: tuple[str, str], method: str, path: str, content: bytes = b"", **headers: str) -> int:
        """Ask over WebDAV and return the status."""
        return httpx.request(method, f"{self.url}/dav{path}", content=content, headers=headers, auth=login).status_code


def command() -> list[str]:
    """Return the command of a real OpenList where the machine has one (OPENLIST names it), else that of the double."""
    real = os.environ.get("OPENLIST")
    return [real] if real else [sys.executable, "-m", "openlist_double"]


@contextmanager
def running(home: Path) -> Iterator[Drive]:
    """Run an OpenList that keeps its data below `home`."""
    folder, data = home / "mounted", home / "openlist"
    folder.mkdir()
    data.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "HTTP_PORT": str(port),
        "ADDR": "127.0.0.1",
        "OPENLIST_ADMIN_PASSWORD": ADMIN,
        "PYTHONPATH": str(PROJECT / "demo/images/openlist"),
    }
    words = [*command(), "server", "--data", str(data), "--no-prefix"]
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            made = Drive(f"http://127.0.0.1:{port}", folder)
            _await(made)
            yield made
        finally:
            server.terminate()


def _await(drive: Drive) -> None:
    for _ in range(2400):
        try:
            if httpx.get(f"{drive.url}/ping").text == "pong":
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError


def totp(secret: str) -> str:
    digest = hmac.new(base64.b32decode(secret), (int(time.time()) // 30).to_bytes(8, "big"), "sha1").digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"
