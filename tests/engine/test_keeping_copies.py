"""Faults at the copies, through the whole declared stack: away, dying, full, refusing, lying, rotting, stolen.

F31-F36, F38, F39, F48, F51 and F52 of the fault list; no test may lose a photo's hash.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keeper.errors import Exit
from tests.engine.keeping import FAKETIME, WithCopies, codes, copied, empty, problems
from tests.engine.world import World, own_name
from tests.keeper.proxy import Fault
from tests.waiting import until

STACK = own_name("copies")
ATTACKS = """
import json, subprocess
from keeper.copies.rclone import program
from keeper.copies.repository import open_repositories
from keeper.settings import load
(vault,) = open_repositories(load(), "vault")
open("/tmp/ransom", "wb").write(b"ransom")
attacks = [
    ["delete", vault.place],
    ["purge", vault.place],
    ["deletefile", f"{vault.place}/config"],
    ["moveto", f"{vault.place}/data", f"{vault.place}-gone"],
    ["copyto", "/tmp/ransom", f"{vault.place}/config"],
]
command = [program(), "--config", str(vault.config), "--retries", "1", "--low-level-retries", "1"]
print(json.dumps([subprocess.run([*command, *attack], capture_output=True).returncode for attack in attacks]))
"""


@pytest.fixture(scope="module")
def kept(world: World, programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithCopies]:  # noqa: ARG001
    with copied(world, STACK, tmp_path_factory.mktemp("copies"), photos=200, copies=("disk", "net", "vault")) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_is_lost(kept: WithCopies) -> Iterator[None]:
    """Whatever a test does: each photo of before is in the library or at a copy, and the next run is good."""
    before = kept.hashes()
    yield
    kept.bring_net_back()
    assert kept.lost(before) == set()
    kept.settle()
    for name in kept.folders:
        assert kept.not_held(kept.hashes().values(), name) == set()


def when(happened: Callable[[], object], then: Callable[[], object]) -> threading.Thread:
    """Do something as soon as something happened, beside the test."""

    def wait() -> None:
        until(happened)
        then()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def test_one_copy_that_is_away_holds_up_no_other_and_catches_up(kept: WithCopies) -> None:
    kept.fill("away", 5)
    kept.net.fault = "away"
    reports = kept.back_up(code=Exit.COPY)

    assert codes(reports) == {"disk": Exit.OK, "net": Exit.COPY, "vault": Exit.OK}
    assert problems(reports["net"]) == {"cause.unreachable"}
    kept.bring_net_back()
    assert kept.back_up("--copy", "net")["net"]["sent_bytes"] > 0
    assert kept.not_held(kept.hashes().values(), "net") == set()


def test_a_server_that_dies_in_the_middle_and_comes_back_costs_nothing(kept: WithCopies) -> None:
    kept.fill("killed", 40, tail=1 << 20)
    snapshots = kept.snapshots("net")
    kept.net.seen.clear()

    def kill_the_server() -> None:
        for server in kept.servers_of("net"):
            server.kill()
            server.wait()
        refused = [request for request in kept.net.seen if request.status == 0]
        until(lambda: [request for request in kept.net.seen if request.status == 0] != refused)
        kept.start_net()

    killer = when(lambda: kept.net.count("PUT", "/data/"), kill_the_server)
    _, said = kept.execute("keeper", "keeper", "backup", "--copy", "net", "--json")
    killer.join(60)

    assert not killer.is_alive()
    assert kept.snapshots("net")[: len(snapshots)] == snapshots, said
    kept.back_up("--copy", "net")
    assert kept.not_held(kept.hashes().values(), "net") == set()


@pytest.mark.parametrize(
    ("fault", "cause"), [("507", "cause.full"), ("401", "cause.credentials"), ("403", "cause.credentials")]
)
def test_a_copy_that_refuses_is_named_with_its_cause_and_loses_nothing(
    kept: WithCopies, fault: Fault, cause: str
) -> None:
    kept.fill(f"refused-{fault}", 5)
    there = kept.raw("net")["net"]
    kept.net.seen.clear()
    kept.net.fault = fault
    reports = kept.back_up(code=Exit.COPY)

    assert codes(reports) == {"disk": Exit.OK, "net": Exit.COPY, "vault": Exit.OK}
    assert problems(reports["net"]) == {cause}
    assert there.items() <= kept.raw("net")["net"].items(), "nothing was deleted to make room"
    if cause == "cause.credentials":
        assert len(kept.net.seen) <= 3, "no storm of tries"


def test_a_copy_that_asks_for_fewer_requests_is_waited_for(kept: WithCopies) -> None:
    kept.fill("busy", 5)
    kept.net.seen.clear()
    kept.net.fault = "429"
    waiting = when(lambda: len([r for r in kept.net.seen if r.status == 429]) > 3, kept.bring_net_back)
    report = kept.back_up("--copy", "net")["net"]
    waiting.join(60)

    assert report["exit"] == Exit.OK
    assert kept.not_held(kept.hashes().values(), "net") == set()


def test_a_disk_that_fills_up_keeps_what_it_has_and_goes_on_once_there_is_room(kept: WithCopies) -> None:
    disk, before = kept.folders["disk"], kept.hashes()
    kept.fill("large", 30, tail=1 << 20)
    snapshots, filler = kept.snapshots("disk"), disk.parent / "filler"
    room = shutil.disk_usage(disk).free - (10 << 20)
    subprocess.run(["fallocate", "--length", str(room), filler], check=True)
    try:
        reports = kept.back_up(code=Exit.COPY)
        again = kept.back_up("--copy", "disk", code=Exit.COPY)["disk"]
    finally:
        filler.unlink()

    assert codes(reports) == {"disk": Exit.COPY, "net": Exit.OK, "vault": Exit.OK}
    assert problems(reports["disk"]) == problems(again) == {"cause.full"}
    assert kept.snapshots("disk") == snapshots
    assert kept.not_held(before.values(), "disk") == set()
    assert kept.back_up("--copy", "disk")["disk"]["sent_bytes"] > 30 << 20


@pytest.mark.parametrize("fault", ["swallow", "cut", "flip"])
def test_a_copy_that_lies_is_found_out_in_the_same_run(kept: WithCopies, fault: Fault) -> None:
    kept.fill(f"lied-{fault}", 5, tail=100_000)
    kept.net.seen.clear()
    kept.net.fault = fault
    truth = when(lambda: kept.net.count("PUT", "/data/"), lambda: setattr(kept.net, "fault", ""))
    _, said = kept.execute("keeper", "keeper", "backup", "--copy", "net", "--json")
    truth.join(60)

    # rclone sees another size, and sends it again; a wrong bit is seen when it is read back.
    assert json.loads(said)["exit"] in ({Exit.VERIFY} if fault == "flip" else {Exit.OK, Exit.COPY, Exit.VERIFY})
    assert json.loads(said)["exit"] == Exit.COPY or kept.not_held(kept.hashes().values(), "net") == set()
    kept.back_up("--copy", "net")
    assert kept.not_held(kept.hashes().values(), "net") == set()
    assert kept.ask("verify", "--all", "--copy", "net")["copies"]["net"]["problem"] is None


def test_a_byte_that_rots_at_a_copy_is_found_and_mended(kept: WithCopies) -> None:
    kept.write("big.jpg", os.urandom(3 << 20))
    kept.back_up()
    packs = [file for file in (kept.folders["disk"] / "data").rglob("*") if file.is_file()]
    pack = max(packs, key=lambda file: (file.stat().st_size > 1 << 20, file.stat().st_mtime_ns))
    status, content = pack.stat(), pack.read_bytes()
    pack.chmod(0o600)
    pack.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(pack, ns=(status.st_atime_ns, status.st_mtime_ns))
    verdict = kept.ask("verify", "--all", "--copy", "disk", code=Exit.VERIFY)["copies"]["disk"]

    assert verdict["problem"]["code"] == "copy.damage"
    assert kept.ask("status")["copies"]["disk"]["damage"], "the page tells it"
    (mended,) = json.loads(kept.execute("keeper", "keeper", "backup", "--json")[1])[:1]
    assert mended["exit"] == Exit.VERIFY
    assert "copy.mended" in problems(mended), "whatever share that run reads"
    assert kept.ask("verify", "--all", "--copy", "disk")["copies"]["disk"]["problem"] is None
    assert kept.not_held(kept.hashes().values(), "disk") == set()


def test_an_edit_of_the_same_size_reaches_every_copy_and_the_old_one_stays(kept: WithCopies) -> None:
    photo = kept.write("edited.jpg", b"one" * 100)
    kept.back_up()
    before = kept.hashes()
    photo.write_bytes(b"two" * 100)
    kept.back_up()

    for name in kept.folders:
        assert kept.not_held({*before.values(), *kept.hashes().values()}, name) == set()


def test_with_a_wrong_key_nothing_is_written_and_nothing_restored(kept: WithCopies) -> None:
    key = "backup_disk_repository_password"
    right = kept.execute("keeper", "cat", f"/run/secrets/{key}")[1]
    there = kept.raw("disk")
    kept.world.photos("config", "set", "--secret", f"photos:{key}", "--stack", STACK, typed="another long key")
    try:
        kept.world.photos("up", STACK, "--yes")
        reports = kept.back_up(code=Exit.PREFLIGHT)
        refused = kept.ask("restore", "originals", "--copy", "disk", code=Exit.PREFLIGHT)
        drill = kept.ask("drill", "--copy", "disk", code=Exit.VERIFY)
        assert kept.raw("disk") == there
    finally:
        kept.world.photos("config", "set", "--secret", f"photos:{key}", "--stack", STACK, typed=right)
        kept.world.photos("up", STACK, "--yes")

    assert codes(reports) == {"disk": Exit.PREFLIGHT, "net": Exit.OK, "vault": Exit.OK}
    assert problems(reports["disk"]) == {"copy.key"}
    assert drill["reason"]["code"] == "copy.key"
    assert "copy.key" in str(refused["problem"])


def test_who_steals_the_vault_s_login_takes_nothing_away(kept: WithCopies) -> None:
    there = kept.raw("vault")["vault"]

    assert 0 not in kept.inside(ATTACKS)
    assert there.items() <= kept.raw("vault")["vault"].items()


@pytest.mark.parametrize("name", ["disk", "net", "vault"])
def test_each_copy_alone_brings_everything_back(kept: WithCopies, tmp_path: Path, name: str) -> None:
    before, rows, shown = kept.hashes(), kept.sql("SELECT COUNT(*) FROM files"), kept.photos_shown()
    others = [folder for other, folder in kept.folders.items() if other != name]
    for number, folder in enumerate(others):
        subprocess.run(["cp", "-a", folder, tmp_path / str(number)], check=True)
        empty(folder)
    empty(kept.originals)
    kept.sql("DELETE FROM files")
    try:
        report = kept.ask("restore", "--everything")
    finally:
        for number, folder in enumerate(others):
            subprocess.run(["cp", "-a", f"{tmp_path / str(number)}/.", folder], check=True)

    assert report["copy_name"] == name
    assert kept.hashes() == before
    assert kept.sql("SELECT COUNT(*) FROM files") == rows
    kept.await_health("photoprism")
    assert kept.photos_shown() == shown > 0


@pytest.mark.skipif(not FAKETIME.exists(), reason="engine tier: apt-get install libfaketime")
def test_after_years_no_copy_is_emptied_and_one_that_lies_forgets_nothing(kept: WithCopies, tmp_path: Path) -> None:
    """Restic measures what is old by its own clock: so the nights of before are made, not those to come."""
    before = kept.hashes()
    with kept.as_if_it_never_was(tmp_path):
        for _ in range(4):
            kept.at("-1200d", "backup", "--trust-clock")
        snapshots = {name: kept.snapshots(name) for name in kept.folders}
        kept.fill("years-later", 5, tail=100_000)
        kept.net.fault = "flip"
        made = kept.back_up("--trust-clock", code=Exit.VERIFY)
        kept.bring_net_back()

        assert {name: report["forgotten"] for name, report in made.items()} == {"disk": 2, "net": 0, "vault": 0}
        left = {name: set(kept.snapshots(name)) for name in kept.folders}
        assert set(snapshots["net"]) <= left["net"]
        assert set(snapshots["vault"]) <= left["vault"]
        assert len(left["disk"]) == len(snapshots["disk"]) - 2 + 1, "the newest three stay, however old"
        for name in kept.folders:
            assert kept.not_held(before.values(), name) == set()
