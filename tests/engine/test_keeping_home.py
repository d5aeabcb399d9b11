"""Faults at home, through the whole declared stack: disasters in the library, dumps that die, kills, clocks, names.

F19-F21, F25, F28-F30, F37 and F40-F45 of the fault list; no test may lose a photo's hash.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.docker_host import connect
from keeper.errors import Code
from tests.docker.phone import Api
from tests.engine.keeping import FAKETIME, WithCopies, copied, empty
from tests.engine.world import World
from tests.keeper.test_keeper_library import REFUSED, ROUND_TRIP
from tests.waiting import until

STACK = "home"
PHOTOS = 1000
KILLS = 5
CUT_DUMP = """
import hashlib, json, zstandard
from keeper.run import open_remotes
from keeper.runs import DATABASE, MANIFEST, OK, ok_text
from keeper.settings import load
disk = next(remote for remote in open_remotes(load()) if remote.name == "disk")
place = lambda name: disk.at("runs", "{run}", name)
text = zstandard.ZstdDecompressor().decompressobj().decompress(open(f"/var/lib/keeper/runs/{run}/{{DATABASE}}", "rb").read())
cut = text.rindex(b";\\n", 0, len(text) // 2) + 2 if {share} is None else int(len(text) * {share})
packed = zstandard.ZstdCompressor().compress(text[:cut])
disk.rclone.write(place(DATABASE), packed)
hashes = {{MANIFEST: hashlib.sha256(disk.rclone.read(place(MANIFEST))).hexdigest(), DATABASE: hashlib.sha256(packed).hexdigest()}}
disk.rclone.write(place(OK), ok_text(hashes))
print(json.dumps(cut))
"""
needs_faketime = pytest.mark.skipif(not FAKETIME.exists(), reason="engine tier: apt-get install libfaketime")


@pytest.fixture(scope="module")
def kept(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithCopies]:
    with copied(world, STACK, tmp_path_factory.mktemp("home"), PHOTOS, copies=["disk"]) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_is_lost(kept: WithCopies) -> Iterator[None]:
    """Whatever a test does: each photo of before is in the library or at a copy, and the next run is good."""
    before = kept.hashes()
    yield
    assert kept.lost(before) == set()
    kept.ask("backup")


def photos(kept: WithCopies) -> list[Path]:
    return sorted(kept.originals.rglob("*.jpg"))


def delete(kept: WithCopies, share: float) -> None:
    all_photos = photos(kept)
    for file in all_photos[: int(len(all_photos) * share)]:
        file.unlink()


def overwrite(kept: WithCopies, share: float, *, longer: int) -> None:
    all_photos = photos(kept)
    for file in all_photos[: int(len(all_photos) * share)]:
        file.write_bytes(os.urandom(file.stat().st_size + longer))


DISASTERS: dict[str, Callable[[WithCopies], None]] = {
    "all gone, the mount still there": lambda kept: empty(kept.originals),
    "3 % deleted": lambda kept: delete(kept, 0.03),
    "half deleted": lambda kept: delete(kept, 0.5),
    "3 % overwritten, same size": lambda kept: overwrite(kept, 0.03, longer=0),
    "all overwritten, other size": lambda kept: overwrite(kept, 1, longer=7),
}


@pytest.mark.parametrize("name", DISASTERS)
def test_a_disaster_stops_before_any_copy_is_touched_and_comes_back(kept: WithCopies, name: str) -> None:
    before, there = kept.hashes(), kept.raw()
    DISASTERS[name](kept)
    report = kept.ask("backup", code=Code.GATE)

    assert f"./photos keeper accept {report['run']}" in report["problems"][0]
    assert kept.raw() == there, "byte for byte"
    empty(kept.originals)
    kept.ask("restore", "originals")
    assert kept.hashes() == before


def test_an_accepted_deletion_passes_once_and_goes_into_the_versions(kept: WithCopies) -> None:
    before = kept.hashes()
    kept.fill("holiday", 60)
    kept.ask("backup")
    going = kept.hashes()
    shutil.rmtree(kept.originals / "holiday")
    kept.ask("accept", kept.ask("backup", code=Code.GATE)["run"])
    report = kept.ask("backup")

    assert report["remotes"]["disk"]["moved_files"] == 60
    assert kept.lost(going) == set()
    delete(kept, 0.05)
    kept.ask("backup", code=Code.GATE)
    kept.ask("restore", "originals")
    assert kept.hashes() == before


def test_no_cut_dump_passes_a_test_restore_or_is_restored(kept: WithCopies) -> None:
    rows, run = kept.sql("SELECT COUNT(*) FROM files"), kept.ask("backup")["run"]
    for share in (0.2, 0.5, 0.9, None):
        kept.inside(CUT_DUMP.format(run=run, share=share))
        drill = kept.ask("drill", "--remote", "disk", code=Code.VERIFY)
        assert "cut short" in drill["reason"], share
        refused = kept.ask("restore", "--database", "--run", run, "--remote", "disk", code=Code.PREFLIGHT)
        assert "cut short" in refused["problem"], share
    report = kept.ask("restore", "--database", "--remote", "disk")

    assert report["run"] < run, "the one before"
    assert report["database_rows"]["files"] == int(rows)
    assert kept.sql("SELECT COUNT(*) FROM files") == rows
    kept.await_health("photoprism")


@pytest.mark.parametrize("victim", ["client", "server"])
def test_a_dump_that_dies_half_way_gets_no_name_and_nothing_is_sent(kept: WithCopies, victim: str) -> None:
    there = kept.raw()
    kept.sql("CREATE TABLE bulk AS SELECT seq, REPEAT(MD5(seq), 8) AS text FROM seq_1_to_400000")
    killed: list[int] = []

    def kill() -> None:
        while not sum(killed):
            killed.append(kept.kill("mariadb-dump") if victim == "client" else kill_server())

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    report = kept.ask("backup", code=Code.DUMP)
    killer.join(30)
    if victim == "server":
        with connect() as client:
            client.containers.get(f"photos-{STACK}-mariadb").start()
        kept.await_health("mariadb", "photoprism")
    kept.sql("DROP TABLE bulk")

    assert "so no backup was made" in report["problems"][0]
    assert kept.raw() == there
    assert not list(kept.volume("keeper").glob(f"runs/{report['run']}*"))


def kill_server() -> int:
    """SIGKILL MariaDB while a dump is read from it; return whether it was."""
    with connect() as client:
        keeper = client.containers.get(f"photos-{STACK}-keeper").top(ps_args="-eo pid,args")["Processes"]
        dumping = any("mariadb-dump" in command for _, command in keeper)
        if dumping:
            client.containers.get(f"photos-{STACK}-mariadb").kill()
    return dumping


def test_every_file_that_the_restored_index_names_is_in_the_same_run(kept: WithCopies) -> None:
    stop = threading.Event()

    def camera() -> None:
        with kept.album() as album:
            for number in itertools.count():
                if stop.is_set():
                    return
                kept.fill(f"camera-{number}", 2)
                album.post("/api/v1/index", json={"path": f"camera-{number}"}).raise_for_status()

    writer = threading.Thread(target=camera, daemon=True)
    writer.start()
    try:
        report = kept.ask("backup")
    finally:
        stop.set()
        writer.join(60)

    assert len(list(kept.originals.glob("camera-*"))) > 2, "photos came meanwhile"
    for name in report["remotes"]:
        assert kept.ask("drill", "--remote", name)["passed"], "it proves that each name of the index is in the run"


def test_a_lost_syncthing_comes_back_as_the_same_device_with_its_folders(kept: WithCopies) -> None:
    _, key = kept.execute("keeper", "cat", "/run/secrets/syncthing_api_key")
    server = Api(f"http://127.0.0.1:{kept.world.port(STACK, 'syncthing')}", key)
    device = server.device
    server.send("POST", "/rest/config/folders", {"id": "anna", "path": "/phones/anna", "type": "receiveonly"})
    kept.ask("backup")
    with connect() as client:
        for service in ("keeper", "syncthing"):
            client.containers.get(f"photos-{STACK}-{service}").remove(force=True)
        client.volumes.get(f"photos-{STACK}-syncthing").remove()
    kept.world.photos("up", STACK, "--yes", "--refresh")
    kept.await_health("keeper", "syncthing")
    assert (server.device, server.get("/rest/config/folders")) == (device, []), "phones would still know it"
    kept.ask("restore", "syncthing")
    kept.await_health("syncthing")

    assert server.device == device
    assert [folder["id"] for folder in server.get("/rest/config/folders")] == ["anna"]
    server.send("DELETE", "/rest/config/folders/anna", {})


@needs_faketime
def test_a_byte_that_rots_at_home_is_found_within_a_month_and_the_good_copy_offered(
    kept: WithCopies, tmp_path: Path
) -> None:
    photo = photos(kept)[3]
    name, good, status = f"originals/{photo.relative_to(kept.originals)}", photo.read_bytes(), photo.stat()
    photo.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    with kept.as_if_it_never_was(tmp_path):
        there = kept.kept()
        report = kept.at("+30d", "backup", code=Code.VERIFY)
        assert kept.kept() == there, "the rotten one is not sent"

    assert report["rotten"] == [name]
    assert f"./photos keeper restore '{name}'" in report["problems"][0]
    kept.ask("restore", name)
    assert photo.read_bytes() == good


def test_killed_at_random_points_a_run_is_finished_by_the_next(kept: WithCopies) -> None:
    seed = random.randrange(10**6)  # noqa: S311 - chooses moments
    moments = random.Random(seed)  # noqa: S311
    start = time.monotonic()
    kept.ask("backup")
    usual = time.monotonic() - start
    killed = 0
    for number in range(KILLS):
        kept.fill(f"kill-{number}", 10)
        for file in photos(kept)[:5]:
            file.write_bytes(os.urandom(900))
        whole = kept.runs()
        run = subprocess.Popen(
            ["./photos", "keeper", "backup", "--stack", STACK], cwd=kept.world.project, env=kept.world.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(moments.uniform(0.2, 0.95) * usual)
        killed += kept.kill("keeper", "backup")
        run.wait(60)
        offered = kept.runs()
        report = kept.ask("backup")

        for copy, runs in offered.items():
            assert runs[: len(whole[copy])] == whole[copy], f"seed {seed}"
            assert kept.runs()[copy] == [*runs, report["run"]], f"seed {seed}: it converged"
        assert set(kept.hashes().values()) <= kept.kept(), f"seed {seed}"
    assert killed >= KILLS // 2, f"seed {seed}"


def test_of_two_runs_at_once_the_second_is_refused_with_the_name_of_the_first(kept: WithCopies) -> None:
    kept.fill("at-once", 20, tail=300_000)
    first: list[dict[str, object]] = []
    runner = threading.Thread(target=lambda: first.append(kept.ask("backup")))
    runner.start()
    lock = (kept.volume("keeper") / "lock").stat().st_ino
    until(lambda: f":{lock} " in Path("/proc/locks").read_text())
    refused = kept.ask("backup", code=Code.LOCKED)
    runner.join(120)

    assert refused["problem"].startswith(f"locked by {first[0]['run']}")
    assert first[0]["code"] == Code.OK


@needs_faketime
@pytest.mark.parametrize(
    ("moment", "advice"), [("-18h", "Set the clock"), ("-20000d", "Set the clock"), ("+3650d", "--trust-clock")]
)
def test_a_clock_that_jumped_stops_the_run_and_forgets_nothing(kept: WithCopies, moment: str, advice: str) -> None:
    there = kept.raw()
    report = kept.at(moment, "backup", code=Code.PREFLIGHT)

    assert advice in report["problems"][0]
    assert kept.raw() == there


def test_links_and_a_film_that_still_grows_are_named_and_hold_up_nothing(kept: WithCopies) -> None:
    (kept.originals / "dangling").symlink_to("nowhere")
    (kept.originals / "folder-link").symlink_to("2023")
    film, stop = kept.write("film.mp4", b"x" * 2_000_000), threading.Event()

    def grow() -> None:
        with film.open("ab") as stream:
            while not stop.wait(0.001):
                stream.write(b"y" * 1000)
                stream.flush()

    growing = threading.Thread(target=grow, daemon=True)
    growing.start()
    try:
        kept.fill("beside", 3)
        report = kept.ask("backup")
    finally:
        stop.set()
        growing.join(30)

    assert set(report["skipped"]) == {"originals/dangling", "originals/folder-link", "originals/film.mp4"}
    assert report["remotes"]["disk"]["sent_files"] == 3
    assert kept.ask("backup")["remotes"]["disk"]["sent_files"] == 1, "the next run takes it"
    for link in ("dangling", "folder-link"):
        (kept.originals / link).unlink()


def test_hostile_names_come_back_and_impossible_ones_are_named(kept: WithCopies) -> None:
    for number, name in enumerate(ROUND_TRIP):
        kept.write(f"names/{name}", f"content {number}".encode())
    kept.ask("backup")
    before = kept.hashes()
    shutil.rmtree(kept.originals / "names")
    kept.ask("restore", "originals/names")
    assert kept.hashes() == before

    for name in REFUSED:
        kept.write(f"refused/{name}", b"x")
    report = kept.ask("backup", code=Code.VERIFY)
    shutil.rmtree(kept.originals / "refused")

    assert {path.removeprefix("originals/refused/") for path in report["skipped"]} == set(REFUSED)
    assert "names that cannot be backed up" in report["problems"][0]
