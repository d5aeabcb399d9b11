"""A net drive through the stack's OpenList: the keeper makes a user of its own, and gets it back when someone changed it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from keeper import openlist
from keeper.errors import Code
from tests.keeper.home import PROJECT, Home

ADMIN = "the admin's password"
MOUNT = (
    '{"root_folder_path":"%s","thumbnail":false,"thumb_cache_folder":"","thumb_concurrency":"16","video_thumb_pos":"20%%",'
    '"show_hidden":true,"mkdir_perm":"777","recycle_bin_path":"delete permanently"}'
)


def upstream() -> list[str]:
    """Return the command of a real OpenList where the machine has one (OPENLIST names it), else that of the double."""
    real = os.environ.get("OPENLIST")
    return [real] if real else [sys.executable, "-m", "openlist_double"]


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[str]:
    """A running OpenList with one mounted folder as /net, as its address."""
    folder, data = tmp_path / "mounted", tmp_path / "openlist"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "HTTP_PORT": str(port),
        "ADDR": "127.0.0.1",
        "OPENLIST_ADMIN_PASSWORD": ADMIN,
        "PYTHONPATH": str(PROJECT / "demo/images/openlist"),
    }
    data.mkdir()
    command = [*upstream(), "server", "--data", str(data), "--no-prefix"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            _mount(url, folder)
            yield url
        finally:
            server.terminate()


def _mount(url: str, folder: Path) -> None:
    for _ in range(2400):
        try:
            httpx.get(f"{url}/ping").raise_for_status()
            break
        except httpx.HTTPError:
            time.sleep(0.1)
    headers = {"Authorization": _token(url)}
    storage = {
        "mount_path": "/net", "order": 0, "driver": "Local", "cache_expiration": 0, "web_proxy": False,
        "webdav_policy": "native_proxy", "remark": "", "disabled": False, "enable_sign": False, "order_by": "name",
        "order_direction": "asc", "extract_folder": "front", "addition": MOUNT % folder,
    }  # fmt: skip
    answer = httpx.post(f"{url}/api/admin/storage/create", json=storage, headers=headers).json()
    assert answer["code"] == 200, answer


def _token(url: str) -> str:
    login = {"username": "admin", "password": ADMIN}
    return str(httpx.post(f"{url}/api/auth/login", json=login).json()["data"]["token"])


@pytest.fixture
def net(home: Home, drive: str) -> Home:
    """A home whose only copy is a net drive in OpenList."""
    home.secret(openlist.ADMIN_PASSWORD, ADMIN)
    home.remotes = [home.remote("net", "mirror", type="openlist", path="net/photos", options={"url": drive})]
    return home


def users(url: str) -> dict[str, dict[str, object]]:
    listed = httpx.get(f"{url}/api/admin/user/list?per_page=0", headers={"Authorization": _token(url)}).json()
    return {user["username"]: user for user in listed["data"]["content"]}


def test_the_first_run_makes_a_user_who_may_write_and_nothing_more(net: Home, drive: str) -> None:
    net.fill(5)
    report = net.good_backup()
    net.write("2024/IMG_00000.jpg", b"edited" * 50)
    (net.originals / "2024/IMG_00001.jpg").unlink()
    second = net.good_backup()

    assert report.remotes["net"].verified_files == 5
    assert second.remotes["net"].moved_files == 2
    assert users(drive)["keeper"]["permission"] == openlist.PERMISSION
    assert users(drive)["keeper"]["role"] == 0


@pytest.mark.parametrize("change", [{"permission": 0}, {"disabled": True}, {"password": "changed by hand"}])
def test_what_someone_changed_of_that_user_is_put_right(net: Home, drive: str, change: dict[str, object]) -> None:
    net.fill(2)
    net.good_backup()
    user = {**users(drive)["keeper"], **change}
    answer = httpx.post(f"{drive}/api/admin/user/update", json=user, headers={"Authorization": _token(drive)}).json()
    assert answer["code"] == 200, answer

    net.write("new.jpg", b"new")
    assert net.good_backup().remotes["net"].sent_files == 1


def test_a_wrong_admin_password_is_named(net: Home) -> None:
    net.secret(openlist.ADMIN_PASSWORD, "not the password")
    net.fill(1)
    report = net.backup()

    assert report.code == Code.REMOTE
    assert "OpenList refuses" in report.problems[0]
    assert "not the password" not in str(report)


def test_an_openlist_that_is_away_is_named(net: Home) -> None:
    net.remotes[0]["options"] = {"url": "http://127.0.0.1:1"}
    net.fill(1)

    assert "net: unreachable: OpenList does not answer" in net.backup().problems[0]
