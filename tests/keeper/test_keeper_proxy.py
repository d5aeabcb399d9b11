"""The fault proxy itself, with the real restic and rclone through it: each fault is what it says."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.keeper import restic as restic_tool
from tests.keeper.proxy import Fault, Proxy, proxied, webdav
from tests.keeper.rclone import rclone
from tests.waiting import until


@dataclass
class Net:
    """A net drive and the proxy before it."""

    folder: Path
    proxy: Proxy
    restic: str

    def run(self, *words: str) -> int:
        """Run restic on the repository there, through its own rclone; return the exit code."""
        environment = os.environ | {
            "RCLONE_CONFIG_NET_TYPE": "webdav", "RCLONE_CONFIG_NET_VENDOR": "other", "RCLONE_CONFIG_NET_URL": self.proxy.url,
            "RCLONE_CONFIG": "/dev/null", "RESTIC_PASSWORD": "x", "RESTIC_CACHE_DIR": str(self.folder.parent / "cache"),
        }  # fmt: skip
        command = [self.restic, "-r", "rclone:net:repository", "-o", f"rclone.program={rclone()}", *words]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    def put(self, path: str, content: bytes = b"x" * 1000) -> int:
        return httpx.put(f"{self.proxy.url}/{path}", content=content, timeout=30).status_code

    def kept(self, path: str) -> bytes | None:
        file = self.folder / path
        return file.read_bytes() if file.exists() else None


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    if reason := restic_tool.lacking():
        pytest.skip(reason)
    with webdav(tmp_path / "net") as port, proxied(port) as proxy:
        (tmp_path / "net/data").mkdir()
        yield Net(tmp_path / "net", proxy, str(restic_tool.restic()))


def test_restic_works_through_it_and_every_request_object_and_byte_is_counted(net: Net, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(os.urandom(300_000))

    assert net.run("init") == 0
    assert net.run("backup", str(tmp_path / "photo.jpg")) == 0
    assert net.run("check", "--read-data") == 0
    stored = {f"/{file.relative_to(net.folder)}" for file in net.folder.rglob("*") if file.is_file()}
    assert net.proxy.objects == stored
    assert net.proxy.count("PUT") == len(stored) + 2, "the locks of backup and check are gone again"
    assert net.proxy.bytes_up > 300_000
    assert net.proxy.bytes_down > 300_000, "it was read back"


@pytest.mark.parametrize(
    ("fault", "status", "kept"),
    [
        ("401", 401, None), ("403", 403, None), ("429", 429, None), ("500", 500, None), ("507", 507, None),
        ("cut", 201, b"x" * 500), ("flip", 201, b"x" * 999 + b"y"), ("swallow", 201, None),
    ],
)  # fmt: skip
def test_an_upload_meets_the_fault(net: Net, fault: Fault, status: int, kept: bytes | None) -> None:
    net.proxy.fault = fault

    assert net.put("data/pack") == status
    assert net.kept("data/pack") == kept
    net.proxy.fault = ""
    assert net.put("data/pack") == 201
    assert net.kept("data/pack") == b"x" * 1000


@pytest.mark.parametrize("fault", ["cut", "flip", "swallow", "drop"])
def test_what_is_no_pack_is_left_alone_unless_told(net: Net, fault: Fault) -> None:
    net.proxy.fault = fault
    assert net.put("config", b"x" * (1 << 17)) == 201
    assert net.kept("config") == b"x" * (1 << 17)

    net.proxy.only = ""
    if fault == "drop":
        with pytest.raises(httpx.RemoteProtocolError):
            net.put("config2", b"x" * (1 << 17))
    else:
        net.put("config2", b"x" * (1 << 17))
    assert net.kept("config2") != b"x" * (1 << 17)


def test_append_only_takes_new_objects_and_lets_only_locks_go(net: Net) -> None:
    (net.folder / "locks").mkdir()
    net.proxy.fault = "append-only"

    assert [net.put("data/pack"), net.put("data/pack", b"other"), net.put("locks/one")] == [201, 403, 201]
    assert httpx.delete(f"{net.proxy.url}/data/pack").status_code == 403
    assert httpx.delete(f"{net.proxy.url}/locks/one").status_code == 204
    assert net.kept("data/pack") == b"x" * 1000


def test_a_short_listing_lacks_an_entry_that_is_there(net: Net) -> None:
    for name in ("a", "b"):
        net.put(f"data/{name}")
    whole = httpx.request("PROPFIND", f"{net.proxy.url}/data", headers={"Depth": "1"}).text
    net.proxy.fault = "short-list"
    short = httpx.request("PROPFIND", f"{net.proxy.url}/data", headers={"Depth": "1"}).text

    assert (whole.count("/data/"), short.count("/data/")) == (whole.count("/data/"), whole.count("/data/") - 1)
    assert httpx.get(f"{net.proxy.url}/data/b").status_code == 200


def test_who_is_away_answers_nothing_and_a_stall_ends_with_the_fault(net: Net) -> None:
    net.proxy.fault = "away"
    with pytest.raises(httpx.RemoteProtocolError):
        net.put("data/pack")

    net.proxy.fault = "stall"
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(net.put("data/pack")))
    waiting.start()
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{net.proxy.url}/data", timeout=0.3)
    assert answers == []
    net.proxy.fault = ""
    waiting.join(30)
    assert answers == [201]


def test_a_slow_line_takes_as_long_as_its_rate_and_may_break_down_too(net: Net) -> None:
    net.proxy.rate = 2000
    net.proxy.faults = {"slow", "507"}
    started = time.monotonic()
    assert net.put("data/pack") == 507
    assert time.monotonic() - started > 0.4

    net.proxy.faults = {"slow"}
    assert net.put("data/pack") == 201


def test_it_dies_after_so_many_uploads(net: Net) -> None:
    net.proxy.dies_after = 2

    assert [net.put("data/1"), net.put("data/2")] == [201, 201]
    with pytest.raises(httpx.RemoteProtocolError):
        net.put("data/3")


def test_what_is_done_to_the_folder_behind_its_back_is_seen(net: Net) -> None:
    net.put("data/pack")
    assert httpx.get(f"{net.proxy.url}/data/pack").content == b"x" * 1000
    (net.folder / "data/pack").write_bytes(b"rot")
    until(lambda: httpx.get(f"{net.proxy.url}/data/pack").content == b"rot")
    (net.folder / "data/pack").unlink()
    until(lambda: httpx.get(f"{net.proxy.url}/data/pack").status_code == 404)
