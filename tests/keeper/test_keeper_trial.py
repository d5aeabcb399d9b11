"""Copies are what they are called: tried for real, found, told, and nothing stops for it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from keeper import state as keeper_state
from keeper.copies import trial
from keeper.copies.place import Place
from keeper.errors import Problem
from keeper.state import State, TrialState
from tests.keeper.home import Home
from tests.keeper.proxy import Proxy, _Handler, proxied, serving, webdav


@pytest.fixture
def house(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def drive(house: Home) -> Iterator[Proxy]:
    """A WebDAV server behind a proxy."""
    with webdav(house.root / "copy-net") as port, proxied(port) as proxy:
        yield proxy


def tried(home: Home) -> list[Problem]:
    """Try the only copy at once, whatever was tried before."""
    State(home.state).trial_file(home.copies[0]["name"]).unlink(missing_ok=True)
    return trial.try_copy(Place(home.settings, home.settings.copies[0]))


def codes(home: Home) -> list[str]:
    return [problem.code for problem in tried(home)]


@pytest.mark.parametrize("kind", ["disk", "vault", "album"])
def test_a_second_disk_that_is_the_same_disk_is_found(house: Home, kind: str) -> None:
    house.copies = [house.local("second", kind)]

    [found] = [problem for problem in tried(house) if problem.code == "trial.same_disk"]
    assert found.values == {"copy": "second", "root": "originals"}


def test_another_file_system_is_another_disk(house: Home) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == house.root.stat().st_dev:
        pytest.skip("keeper tier: no second file system at /dev/shm")
    house.copies = [house.copy("second", "disk", type="local", path=str(elsewhere))]

    assert codes(house) == []


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("sda1", "sda2", True),
        ("sda1", "sdb1", False),
        ("dm-0", "sda2", True),
        ("dm-0", "sdb1", False),
        ("dm-1", "dm-0", True),
        ("md0", "sdb1", True),
        ("sda", "sda1", True),
    ],
)
def test_parts_of_one_disk_are_one_disk_through_volumes_and_raids_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one: str, other: str, shared: bool
) -> None:
    """dm-0 is a volume on sda1, dm-1 one on dm-0, md0 a mirror of sda2 and sdb1."""
    devices, blocks = tmp_path / "devices", tmp_path / "block"
    blocks.mkdir()
    for disk in ("sda", "sdb"):
        for part in ("1", "2"):
            folder = devices / disk / f"{disk}{part}"
            folder.mkdir(parents=True)
            (folder / "partition").write_text(part)
    for name, parts in {"dm-0": ["sda/sda1"], "dm-1": ["dm-0"], "md0": ["sda/sda2", "sdb/sdb1"]}.items():
        (devices / name / "slaves").mkdir(parents=True)
        for part in parts:
            (devices / name / "slaves" / Path(part).name).symlink_to(devices / part)
    numbers = {"sda": "sda", "sda1": "sda/sda1", "sda2": "sda/sda2", "sdb1": "sdb/sdb1", "dm-0": "dm-0", "dm-1": "dm-1"}
    for number, (name, place) in enumerate({**numbers, "md0": "md0"}.items()):
        (blocks / name).symlink_to(devices / place)
        del number
    monkeypatch.setattr(trial, "BLOCKS", blocks)
    wholes = [trial._whole((blocks / name).resolve()) for name in (one, other)]

    assert bool(wholes[0] & wholes[1]) == shared


def test_an_image_on_the_disk_of_the_library_is_found(house: Home) -> None:
    if os.geteuid() or not shutil.which("mkfs.ext4"):
        pytest.skip("keeper tier: root and mkfs.ext4 are needed to mount an image")
    if not trial.disks(house.originals):
        pytest.skip("keeper tier: the temporary folder lies on no disk")
    image, folder = house.root / "disk.img", house.root / "mounted"
    folder.mkdir()
    with image.open("wb") as stream:
        stream.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    if subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=False, capture_output=True).returncode:
        pytest.skip("keeper tier: this machine mounts no image")
    try:
        house.copies = [house.copy("second", "disk", type="local", path=str(folder))]
        assert trial.disks(folder) & trial.disks(house.originals)
        assert codes(house) == ["trial.same_disk"]
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_vault_in_which_a_deletion_succeeds_is_found_and_left_as_it_was(house: Home, drive: Proxy) -> None:
    house.copies = [house.webdav("net", drive.url, "vault")]

    assert codes(house)[-1] == "trial.deletes"
    assert [file for file in (house.root / "copy-net").rglob("*") if file.is_file()] == []


def test_a_vault_that_keeps_everything_is_one_and_collects_one_object(house: Home, drive: Proxy) -> None:
    house.copies = [house.webdav("net", drive.url, "vault")]
    drive.fault = "append-only"

    assert codes(house) == ["trial.at_home"]
    assert codes(house) == ["trial.at_home"]
    left = [file.name for file in (house.root / "copy-net").rglob("*") if file.is_file()]
    assert left == ["photos-trial"]


@pytest.mark.parametrize("open_to", ["DELETE", "PUT"])
def test_either_deleting_or_overwriting_is_enough(
    house: Home, drive: Proxy, monkeypatch: pytest.MonkeyPatch, open_to: str
) -> None:
    def refusal(handler: _Handler) -> int:
        closed = {"DELETE", "PUT"} - {open_to}
        if handler.command not in closed or (handler.command == "PUT" and not handler._exists()):
            return 0
        return 403

    house.copies = [house.webdav("net", drive.url, "vault")]
    monkeypatch.setattr(_Handler, "_refusal", refusal)

    for _ in range(6):
        assert "trial.deletes" in codes(house)


def test_a_vault_whose_way_is_broken_is_no_vault_that_deletes(house: Home, drive: Proxy) -> None:
    house.copies = [house.webdav("net", drive.url, "vault")]
    drive.fault = "507"

    found = tried(house)[-1]
    assert found.code == "trial.untried"
    assert "507" in str(found.values["said"])


def test_the_keepers_own_care_for_a_vault_is_no_wall(house: Home, restic: str) -> None:
    del restic
    house.copies = [house.local("safe", "vault")]
    house.fill(3)
    report = house.backup("safe")

    assert "trial.deletes" in [problem.code for problem in report.problems]


def test_restic_takes_no_notice_of_what_the_trial_left(house: Home, drive: Proxy, restic: str) -> None:
    del restic
    house.copies = [house.webdav("net", drive.url, "mirror")]
    house.fill(3)
    house.backup("net")
    (house.root / "copy-net/photos" / trial.PROBE).write_bytes(b"left")
    house.write("new.jpg", b"new")
    report = house.backup("net")
    repository = house.repository("net")

    assert {problem.code for problem in report.problems} <= {"dump.no_answer"}, report.problems
    repository.restic.prune("--max-unused", "0")
    assert repository.restic.check("1/1").errors == 0
    assert house.restorable("net") == house.content()
    assert (house.root / "copy-net/photos" / trial.PROBE).exists()


def test_what_is_called_elsewhere_and_answers_from_the_house_is_found(house: Home, drive: Proxy) -> None:
    house.copies = [house.webdav("net", drive.url)]

    [found] = tried(house)
    assert (found.code, found.values["address"]) == ("trial.at_home", "127.0.0.1")


@pytest.mark.parametrize(
    ("option", "value", "is_at_home"),
    [
        ("url", "http://192.168.1.7:5005/dav", True),
        ("url", "https://[fd12::7]/dav", True),
        ("url", "https://[2606:4700::1]/dav", False),
        ("host", "10.0.0.3", True),
        ("host", "100.64.3.4", False),
        ("host", "1.1.1.1", False),
        ("endpoint", "172.16.0.9:9000", True),
        ("endpoint", "8.8.8.8", False),
        ("provider", "192.168.1.7", False),
        ("url", "http://[broken", False),
    ],
)
def test_only_addresses_of_a_home_network_are_at_home(house: Home, option: str, value: str, is_at_home: bool) -> None:
    house.copies = [house.copy("net", "mirror", type="sftp", path="photos", options={option: value})]

    assert codes(house) == (["trial.at_home"] if is_at_home else [])


def test_a_name_that_is_not_known_now_is_no_finding(house: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    house.copies = [house.copy("net", "mirror", type="sftp", path="photos", options={"host": "nas.example.org"})]

    assert codes(house) == []


def test_it_is_tried_at_the_first_run_once_a_month_and_when_the_copy_became_another(
    house: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def codes_now() -> list[str]:
        return [p.code for p in trial.try_copy(Place(house.settings, house.settings.copies[0]))]

    assert codes_now() == ["trial.same_disk"]
    assert codes_now() == []
    assert [p.code for p in TrialState.read(State(house.state).trial_file("disk")).findings] == ["trial.same_disk"]
    monkeypatch.setattr(trial, "now", lambda: keeper_state.now() + timedelta(days=31))
    assert codes_now() == ["trial.same_disk"]
    house.copies = [house.local("other") | {"name": "disk"}]
    assert codes_now() == ["trial.same_disk"]
    monkeypatch.setattr(trial, "now", lambda: keeper_state.now() - timedelta(days=300))
    assert codes_now() == ["trial.same_disk"]


@pytest.fixture
def bucket(house: Home) -> Iterator[str]:
    """An S3 server without versions."""
    (house.root / "s3/bucket").mkdir(parents=True)
    with serving("s3", house.root / "s3") as port:
        yield f"http://127.0.0.1:{port}"


def test_a_bucket_without_versions_is_no_vault(house: Home, bucket: str) -> None:
    options = {"provider": "Other", "endpoint": bucket, "access_key_id": "id", "force_path_style": "true"}
    house.secret("backup_net_secret_access_key", "secret")
    net = house.copy("net", "vault", type="s3", path="bucket/photos", options=options, secrets=["secret_access_key"])
    house.copies = [net]

    assert "trial.deletes" in codes(house), tried(house)


def test_a_place_that_tells_of_no_room_at_all_is_tried_all_the_same(
    house: Home, drive: Proxy, restic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many WebDAV servers tell a quota of 0 when they know none (case 42)."""
    del restic
    answer = _Handler._answer

    def poor(handler: _Handler, status: int, content: bytes, *rest: object) -> None:
        if b"quota-available-bytes" in content:
            content = content.replace(b"-bytes></", b"-bytes>0</").replace(b"404 Not Found", b"200 OK")
        answer(handler, status, content, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(_Handler, "_answer", poor)
    house.copies = [house.webdav("net", drive.url)]
    house.fill(3)
    place = Place(house.settings, house.settings.copies[0])
    report = house.backup("net")

    assert json.loads(place.rclone.run("about", place.place, "--json"))["free"] == 0
    assert {problem.code for problem in report.problems} == {"dump.no_answer", "trial.at_home"}
    assert house.restorable("net") == house.content()
