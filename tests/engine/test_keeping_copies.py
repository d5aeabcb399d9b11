"""Faults at the copies, through the whole declared stack: away, dying, full, refusing, lying, rotting, stolen.

F31-F36, F38, F39, F48, F51 and F52 of the fault list; no test may lose a photo's hash.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keeper.errors import Code
from tests.engine.keeping import FAKETIME, WithCopies, copied, empty
from tests.engine.world import World
from tests.keeper.proxy import Fault

STACK = "copies"
ATTACKS = """
import json, subprocess
from keeper.rclone import program
from keeper.run import RCLONE_CONFIG, open_remotes
from keeper.settings import load
settings = load()
vault = next(remote for remote in open_remotes(settings) if remote.name == "vault")
open("/tmp/ransom", "wb").write(b"ransom")
attacks = [
    ["delete", vault.at("current")],
    ["purge", vault.at("current")],
    ["deletefile", vault.at(".photo-canary")],
    ["moveto", vault.at("current/originals/2024"), vault.at("gone")],
    ["copyto", "/tmp/ransom", vault.at("current/originals/2024/00001.jpg")],
]
command = [program(), "--config", str(settings.state / RCLONE_CONFIG), "--retries", "1", "--low-level-retries", "1"]
print(json.dumps([subprocess.run([*command, *attack], capture_output=True).returncode for attack in attacks]))
"""

QUARANTINE = """
import json
from keeper.run import open_remotes
from keeper.settings import load
disk = next(remote for remote in open_remotes(load()) if remote.name == "disk")
print(json.dumps([name for name in disk.rclone.sizes(disk.at("quarantine")) if name.endswith("{name}")]))
"""


@pytest.fixture(scope="module")
def kept(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithCopies]:
    with copied(world, STACK, tmp_path_factory.mktemp("copies"), photos=200, copies=("disk", "net", "vault")) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_is_lost(kept: WithCopies) -> Iterator[None]:
    """Whatever a test does: each photo of before is in the library or at a copy, and the next run is good."""
    before = kept.hashes()
    yield
    kept.bring_net_back()
    assert kept.lost(before) == set()
    kept.ask("backup")


def codes(report: dict[str, dict[str, dict[str, int]]]) -> dict[str, int]:
    return {name: remote["code"] for name, remote in report["remotes"].items()}


def test_one_copy_that_is_away_holds_up_no_other_and_catches_up(kept: WithCopies) -> None:
    kept.fill("away", 5)
    kept.net.target = 1
    report = kept.ask("backup", code=Code.REMOTE)

    assert report["problems"][0].startswith("net: unreachable")
    assert codes(report) == {"disk": Code.OK, "net": Code.REMOTE, "vault": Code.OK}
    kept.bring_net_back()
    assert kept.ask("backup")["remotes"]["net"]["sent_files"] == 5


def test_a_copy_whose_server_is_killed_in_the_middle_is_finished_by_the_next_run(kept: WithCopies) -> None:
    kept.fill("killed", 20, tail=200_000)
    runs = kept.runs()["net"]
    kept.net.seen.clear()

    def kill_the_server() -> None:
        while kept.net.count("PUT") < 10:
            time.sleep(0.002)
        for server in kept.processes_of("net"):
            server.kill()

    killer = threading.Thread(target=kill_the_server, daemon=True)
    killer.start()
    report = kept.ask("backup", code=Code.REMOTE)
    killer.join(60)
    kept.start_net()

    assert report["problems"][0].startswith("net: unreachable")
    assert kept.runs()["net"] == runs, "no OK"
    again = kept.ask("backup")["remotes"]["net"]
    assert 0 < again["sent_files"] < 20, "what had arrived is read back, not sent again"
    assert again["verified_files"] >= 20


@pytest.mark.parametrize(
    ("fault", "cause"), [("507", "full: "), ("429", "busy: "), ("401", "credentials: "), ("403", "credentials: ")]
)
def test_a_copy_that_refuses_is_named_with_its_cause_and_loses_nothing(
    kept: WithCopies, fault: Fault, cause: str
) -> None:
    kept.fill(f"refused-{fault}", 5)
    there = kept.kept()
    kept.net.seen.clear()
    kept.net.fault = fault
    report = kept.ask("backup", code=Code.REMOTE)

    assert report["problems"][0].startswith(f"net: {cause}")
    assert codes(report) == {"disk": Code.OK, "net": Code.REMOTE, "vault": Code.OK}
    assert kept.net.count("DELETE") <= 1, "only its own lease"
    if cause == "credentials: ":
        assert len(kept.net.seen) <= 3, "no storm of tries"
    kept.bring_net_back()
    assert there <= kept.kept(), "nothing was deleted to make room"


def test_a_disk_without_room_is_not_filled_to_the_brim(kept: WithCopies) -> None:
    disk = kept.folders["disk"]
    kept.fill("large", 30, tail=1 << 20)
    there, filler = kept.raw("disk"), disk.parent / "filler"
    room = shutil.disk_usage(disk).free - (80 << 20)
    subprocess.run(["fallocate", "--length", str(room), filler], check=True)
    try:
        report = kept.ask("backup", code=Code.REMOTE)
        assert kept.raw("disk") == there
    finally:
        filler.unlink()

    assert report["problems"][0].startswith("disk: full: 0.0 GB to send")
    assert codes(report) == {"disk": Code.REMOTE, "net": Code.OK, "vault": Code.OK}


@pytest.mark.parametrize("fault", ["swallow", "cut", "flip"])
def test_a_copy_that_lies_is_found_out_in_the_same_run(kept: WithCopies, fault: Fault) -> None:
    kept.fill(f"lied-{fault}", 5)
    runs = kept.runs()["net"]
    kept.net.fault = fault
    text = kept.world.photos("keeper", "backup", "--stack", STACK, check=False)
    kept.bring_net_back()

    assert "  net: " in text
    assert kept.runs()["net"] == runs, "no OK"
    assert kept.ask("backup")["remotes"]["net"]["verified_files"] >= 5


def test_a_byte_that_rots_at_a_copy_is_found_mended_and_put_aside(kept: WithCopies) -> None:
    kept.write("big.jpg", os.urandom(3 << 20))
    kept.ask("backup")
    file = max((f for f in kept.folders["disk"].rglob("*") if f.is_file()), key=lambda f: f.stat().st_size)
    status, content = file.stat(), file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    verdict = kept.ask("verify", "--all", "--remote", "disk")["remotes"]["disk"]

    assert verdict["repaired"] == ["originals/big.jpg"]
    assert kept.ask("verify", "--all", "--remote", "disk")["remotes"]["disk"]["repaired"] == []
    assert kept.inside(QUARANTINE.format(name="originals/big.jpg"))


def test_an_edit_of_the_same_size_reaches_every_copy_and_the_old_one_stays(kept: WithCopies) -> None:
    photo = kept.write("edited.jpg", b"one" * 100)
    kept.ask("backup")
    before = kept.hashes()
    photo.write_bytes(b"two" * 100)
    report = kept.ask("backup")

    assert {remote["sent_files"] for remote in report["remotes"].values()} == {1}
    assert {*before.values(), *kept.hashes().values()} <= kept.kept()


def test_with_a_wrong_key_nothing_is_written_and_nothing_restored(kept: WithCopies) -> None:
    key = "photos:backup_disk_crypt_password"
    right = kept.execute("keeper", "cat", "/run/secrets/backup_disk_crypt_password")[1]
    there = kept.raw("disk")
    kept.world.photos("config", "set", "--secret", key, "--stack", STACK, typed="another long key")
    try:
        kept.world.photos("up", STACK, "--yes")
        report = kept.ask("backup", code=Code.REMOTE)
        refused = kept.ask("restore", "originals", "--remote", "disk", code=Code.PREFLIGHT)
        drill = kept.ask("drill", "--remote", "disk", code=Code.VERIFY)
        assert kept.raw("disk") == there
    finally:
        kept.world.photos("config", "set", "--secret", key, "--stack", STACK, typed=right)
        kept.world.photos("up", STACK, "--yes")

    assert codes(report) == {"disk": Code.PREFLIGHT, "net": Code.OK, "vault": Code.OK}
    for said in (report["problems"][0], refused["problem"], drill["reason"]):
        assert "this stack's key does not open it" in said


def test_who_steals_the_vault_s_login_takes_nothing_away(kept: WithCopies) -> None:
    there = kept.raw("vault")

    assert 0 not in kept.inside(ATTACKS)
    assert there["vault"].items() <= kept.raw("vault")["vault"].items()


@pytest.mark.parametrize("name", ["disk", "net", "vault"])
def test_each_copy_alone_brings_everything_back(kept: WithCopies, tmp_path: Path, name: str) -> None:
    before, rows, shown = kept.hashes(), kept.sql("SELECT COUNT(*) FROM files"), kept.photos_shown()
    others = [folder for other, folder in kept.folders.items() if other != name]
    for number, folder in enumerate(others):
        subprocess.run(["cp", "-a", folder, tmp_path / str(number)], check=True)
        empty(folder)
    kept.look_again()
    empty(kept.originals)
    kept.sql("DELETE FROM files")
    try:
        report = kept.ask("restore", "--everything")
    finally:
        for number, folder in enumerate(others):
            subprocess.run(["cp", "-a", f"{tmp_path / str(number)}/.", folder], check=True)
        kept.look_again()

    assert report["remote"] == name
    assert kept.hashes() == before
    assert kept.sql("SELECT COUNT(*) FROM files") == rows
    kept.await_health("photoprism")
    assert kept.photos_shown() == shown > 0


@pytest.mark.skipif(not FAKETIME.exists(), reason="engine tier: apt-get install libfaketime")
def test_after_years_no_set_is_emptied_and_a_copy_that_lies_forgets_nothing(kept: WithCopies, tmp_path: Path) -> None:
    before = kept.hashes()
    with kept.as_if_it_never_was(tmp_path):
        for _ in range(2):
            kept.ask("backup")
        runs = kept.runs()
        kept.net.fault = "flip"
        kept.fill("years-later", 5)
        report = kept.at("+1200d", "backup", "--trust-clock", code=Code.VERIFY)
        kept.bring_net_back()

        assert report["remotes"]["disk"]["forgotten"] > 0
        assert report["remotes"]["net"]["forgotten"] == report["remotes"]["vault"]["forgotten"] == 0
        after = kept.runs()
        assert after["net"] == runs["net"]
        assert after["vault"] == [*runs["vault"], report["run"]]
        assert len(after["disk"]) >= 3
        assert after["disk"][-3:] == [*runs["disk"][-2:], report["run"]]
        assert set(before.values()) <= kept.kept()
