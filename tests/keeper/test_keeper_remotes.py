"""Remotes that are away, full, refusing, lying, rotting or someone else's (F31-F36, F38, F39, F51)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keeper.errors import Code
from keeper.rclone import program
from keeper.run import open_remotes
from keeper.verify import verify
from tests.keeper.home import Home
from tests.keeper.proxy import Proxy, proxied, webdav


@pytest.fixture
def net(home: Home) -> Iterator[Proxy]:
    """A home whose second remote is a net drive behind the fault proxy."""
    with webdav(home.root / "net") as port, proxied(port) as proxy:
        drive = home.remote(
            "net", "mirror", type="webdav", path="photos", options={"url": proxy.url, "vendor": "other"}
        )
        home.remotes = [home.local("disk"), drive]
        yield proxy


def test_two_remotes_are_filled_and_hold_the_same(home: Home, net: Proxy) -> None:
    home.fill(30)
    report = home.good_backup()

    assert report.remotes["net"].verified_files >= 30
    assert home.runs("net") == home.runs("disk")
    assert net.count("PUT") >= 30


def test_one_remote_that_is_away_holds_up_no_other_and_catches_up(home: Home, net: Proxy) -> None:
    home.fill(20)
    before, target = home.hashes(), net.target
    net.target = 1
    report = home.backup()

    assert report.code == Code.REMOTE
    assert report.problems[0].startswith("net: unreachable")
    assert report.remotes["disk"].code == Code.OK
    net.target = target
    assert home.good_backup().remotes["net"].sent_files == 20
    assert home.lost(before) == set()


def test_a_remote_that_dies_in_the_middle_has_no_ok_and_is_finished_by_the_next_run(
    home: Home, net: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keeper.rclone.RETRIES", 1)  # three times three tries for each of five files take two minutes
    for number in range(40):
        home.write(f"2024/{number}.jpg", bytes([number]) * 200_000)
    net.dies_after = 20
    report = home.backup()
    net.dies_after = 0

    assert report.code == Code.REMOTE
    assert home.runs("net") == []
    second = home.good_backup()
    assert 0 < second.remotes["net"].sent_files < 40, "what had arrived is read back, not sent again"
    assert second.remotes["net"].verified_files == 40


@pytest.mark.parametrize(("fault", "cause"), [("507", "full: "), ("429", "busy: ")])
def test_a_remote_that_is_full_or_busy_says_so_and_loses_nothing(
    home: Home, net: Proxy, fault: str, cause: str
) -> None:
    home.fill(10)
    home.good_backup()
    there = home.kept()
    home.fill(10, "2025")
    net.seen.clear()
    net.fault = fault  # type: ignore[assignment]
    report = home.backup()

    assert report.code == Code.REMOTE
    assert report.problems[0].startswith(f"net: {cause}")
    assert net.count("DELETE") <= 1, "only its own lease"
    net.fault = ""
    assert there <= home.kept()
    assert home.good_backup().remotes["net"].sent_files == 10


def test_a_disk_without_room_is_not_filled_to_the_brim(home: Home) -> None:
    small = home.root / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", small], check=True)
    try:
        home.remotes = [home.remote("disk", "disk", type="local", path=str(small / "backup"))]
        (small / "backup").mkdir()
        for number in range(30):
            home.write(f"{number}.jpg", bytes([number]) * (1 << 20))
        report = home.backup()
    finally:
        subprocess.run(["umount", small], check=True)

    assert report.code == Code.REMOTE
    assert report.problems[0].startswith("disk: full: 0.0 GB to send")


@pytest.mark.parametrize("fault", ["401", "403"])
def test_a_refused_login_is_named_and_not_tried_again_and_again(home: Home, net: Proxy, fault: str) -> None:
    home.fill(10)
    home.good_backup()
    net.seen.clear()
    net.fault = fault  # type: ignore[assignment]
    report = home.backup()

    assert report.code == Code.REMOTE
    assert "net: credentials: the login is refused" in report.problems[0]
    assert len(net.seen) <= 3


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("fault", ["cut", "flip", "swallow"])
def test_a_remote_that_lies_is_found_out_in_the_same_run(home: Home, net: Proxy, fault: str) -> None:
    home.fill(5)
    before = home.hashes()
    net.fault = fault  # type: ignore[assignment]
    report = home.backup()

    assert report.code in (Code.VERIFY, Code.REMOTE)
    assert report.remotes["net"].code != Code.OK
    assert home.runs("net") == []
    assert home.runs("disk") == [report.run]
    net.fault = ""
    again = home.good_backup()
    assert home.runs("net") == [again.run]
    assert home.lost(before) == set()


def flip_a_byte(home: Home, remote: str) -> Path:
    """Change the last byte of a photo's object, keeping size and time."""
    file = max((home.root / f"remote-{remote}").rglob("*"), key=lambda f: f.stat().st_size if f.is_file() else 0)
    status = file.stat()
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    return file


@pytest.mark.usefixtures("either_way")
def test_bit_rot_at_a_remote_is_found_repaired_and_put_aside(home: Home) -> None:
    home.fill(5)
    home.write("big.jpg", b"the biggest " * 1000)
    home.good_backup()
    flip_a_byte(home, "disk")
    (remote,) = open_remotes(home.settings)
    verdict = verify(home.settings, remote, everything=True)

    assert verdict.repaired == ["originals/big.jpg"]
    assert verdict.bad == []
    assert verify(home.settings, remote, everything=True).repaired == []
    assert [name for name in remote.rclone.sizes(remote.at("quarantine")) if name.endswith("originals/big.jpg")]


def test_the_daily_slice_reads_everything_within_thirty_days(home: Home) -> None:
    home.fill(60)
    home.good_backup()
    home.write("big.jpg", b"the biggest " * 1000)
    home.good_backup()
    flip_a_byte(home, "disk")
    (remote,) = open_remotes(home.settings)
    repaired = []
    for _ in range(30):
        repaired += verify(home.settings, remote, everything=False).repaired

    assert repaired == ["originals/big.jpg"]


@pytest.mark.usefixtures("either_way")
def test_an_edit_of_the_same_size_reaches_a_remote_without_hashes_or_times(home: Home, net: Proxy) -> None:
    photo = home.write("a.jpg", b"one" * 100)
    home.good_backup()
    before = home.hashes()
    times = photo.stat().st_mtime_ns
    photo.write_bytes(b"two" * 100)
    assert photo.stat().st_mtime_ns != times
    report = home.good_backup()

    assert report.remotes["net"].sent_files == 1
    assert net.count("MOVE") == 1
    assert home.lost(before) == set()
    shutil.rmtree(home.originals)
    home.originals.mkdir()
    assert home.lost(before) == set(), "the old version is at the remotes too"


def test_a_wrong_key_writes_nothing_and_says_so(home: Home) -> None:
    home.fill(5)
    home.good_backup()
    there = home.raw()
    home.secret("backup_disk_crypt_password", "not the key")
    report = home.backup()

    assert report.code == Code.PREFLIGHT
    assert "does not open it" in report.problems[0]
    assert home.raw() == there


def test_a_folder_of_another_stack_is_left_alone(home: Home) -> None:
    home.fill(5)
    home.good_backup()
    there = home.raw()
    (home.root / "other").mkdir()
    other = Home(home.root / "other", home.server, id="99999999-0000-4000-8000-000000000000")
    other.fill(3)
    other.remotes = [{**home.remotes[0]}]
    for name in ("crypt_password", "crypt_salt"):
        other.secret(f"backup_disk_{name}", (home.secrets / f"backup_disk_{name}").read_text())
    report = other.backup()

    assert report.code == Code.PREFLIGHT
    assert "another stack" in report.problems[0]
    assert home.raw() == there


def test_a_vault_takes_new_content_and_its_login_can_take_nothing_away(home: Home) -> None:
    with webdav(home.root / "vault") as port, proxied(port) as proxy:
        options = {"url": proxy.url, "vendor": "other"}
        home.remotes = [home.remote("vault", "vault", type="webdav", path="p", options=options)]
        proxy.fault = "append-only"
        home.fill(10)
        before = home.hashes()
        home.good_backup()
        home.write("2024/IMG_00000.jpg", b"edited" * 100)
        (home.originals / "2024/IMG_00001.jpg").unlink()
        second = home.good_backup()
        third = home.good_backup()

        assert second.remotes["vault"].sent_files == 1
        assert third.remotes["vault"].sent_files == 0
        (remote,) = open_remotes(home.settings)
        config = home.state / "rclone.conf"
        stolen = home.root / "stolen"
        stolen.write_bytes(b"ransom")
        attacks = [
            ["delete", remote.at("current")],
            ["purge", remote.at("current")],
            ["deletefile", remote.at(".photo-canary")],
            ["copyto", str(stolen), remote.at("current/originals/2024/IMG_00002.jpg")],
        ]
        for attack in attacks:
            command = [program(), "--config", str(config), "--retries", "1", "--low-level-retries", "1", *attack]
            assert subprocess.run(command, capture_output=True, check=False).returncode != 0, attack
        shutil.rmtree(home.originals / "2024")
        assert home.lost(before) == set()
