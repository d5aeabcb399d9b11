"""Faults at home, through the whole declared stack: disasters in the library, dumps that die, kills, clocks, names.

F19-F21, F25, F28-F30, F37 and F40-F45 of the fault list; no test may lose a photo's hash.
"""

from __future__ import annotations

import itertools
import json
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
from keeper.errors import Exit
from tests.docker.phone import Api
from tests.engine.keeping import DUMP, FAKETIME, WithCopies, copied, empty, problems
from tests.engine.world import World, own_name
from tests.waiting import until

STACK = own_name("home")
PHOTOS = 1000
KILLS = 5
NAMES = [
    "with space .jpg ", "new\nline.jpg", "tab\tand\x7f.jpg", "IMG.JPG", "img.jpg", "-starts-with-a-dash.jpg", "# comment.jpg",
    ";semi;colon.jpg", "é-composed.jpg", "e\u0301-decomposed.jpg", os.fsdecode(b"not-utf8-\xff\xfe.jpg"), "a[b] *?\\.jpg",
    "full\uff0fslash.jpg", "\u201bquote.jpg", "\uff0e", "picture-\u240a.jpg", "微信图片_二〇二四年夏天全家在海边.jpg", "长" * 85,
]  # fmt: skip
"""All that a Linux disk takes, to the last byte of a name."""
CUT = """
import json
text = open("{dump}", "rb").read()
cut = text.rindex(b";\\n", 0, len(text) // 2) + 2 if {clean} else len(text) // 2
open("{dump}", "wb").write(text[:cut])
print(json.dumps(cut))
"""
"""Cut the dump that the next copy shares, in the middle of a line or where a statement ends."""
needs_faketime = pytest.mark.skipif(not FAKETIME.exists(), reason="engine tier: apt-get install libfaketime")


@pytest.fixture(scope="module")
def kept(world: World, programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithCopies]:  # noqa: ARG001
    with copied(world, STACK, tmp_path_factory.mktemp("home"), PHOTOS, copies=["disk"]) as made:
        yield made


@pytest.fixture(autouse=True)
def _nothing_is_lost(kept: WithCopies) -> Iterator[None]:
    """Whatever a test does: each photo of before is in the library or at a copy, and the next run is good."""
    before = kept.hashes()
    yield
    assert kept.lost(before) == set()
    kept.settle()


def disk(kept: WithCopies, code: int = Exit.OK) -> dict[str, object]:
    """Back up and return the report of the one copy."""
    return kept.back_up(code=code)["disk"]


def held(kept: WithCopies, alarm: object) -> str:
    """Return the snapshot that is kept for an alarm."""
    (found,) = [each for each in kept.ask("snapshots")["copies"]["disk"] if each["held"] and each["alarm"] == alarm]
    return str(found["id"])


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
    "3 % deleted": lambda kept: delete(kept, 0.03),
    "half deleted": lambda kept: delete(kept, 0.5),
    "3 % overwritten, same size": lambda kept: overwrite(kept, 0.03, longer=0),
    "all overwritten, other size": lambda kept: overwrite(kept, 1, longer=7),
}


@pytest.mark.parametrize("name", DISASTERS)
def test_a_disaster_is_asked_about_and_what_was_is_held_and_comes_back(kept: WithCopies, name: str) -> None:
    before, there = kept.hashes(), kept.raw()["disk"]
    DISASTERS[name](kept)
    after = kept.hashes()
    report = disk(kept, Exit.GATE)

    assert report["alarm"], report
    assert kept.not_held(after.values()) == set(), "what is there now is backed up all the same"
    kept_packs = {path for path in there if path.startswith("data/")}
    assert kept_packs <= kept.raw()["disk"].keys(), "nothing is forgotten"
    snapshot = held(kept, report["alarm"])
    empty(kept.originals)
    kept.ask("restore", "originals", "--snapshot", snapshot)
    assert kept.hashes() == before


def test_an_empty_library_behind_a_present_marker_stops_before_any_copy_is_touched(kept: WithCopies) -> None:
    before, there = kept.hashes(), kept.raw()
    empty(kept.originals)
    report = disk(kept, Exit.PREFLIGHT)

    assert problems(report) == {"library.empty"}
    assert kept.raw() == there, "byte for byte"
    kept.ask("restore", "originals")
    assert kept.hashes() == before


def test_an_accepted_deletion_is_no_alarm_any_more_and_the_next_one_is(kept: WithCopies) -> None:
    before = kept.hashes()
    kept.fill("holiday", 60)
    disk(kept)
    going = kept.hashes()
    shutil.rmtree(kept.originals / "holiday")
    kept.ask("accept", str(disk(kept, Exit.GATE)["alarm"]))
    disk(kept)

    assert not [each for each in kept.ask("snapshots")["copies"]["disk"] if each["held"]]
    assert kept.lost(going) == set()
    delete(kept, 0.05)
    snapshot = held(kept, disk(kept, Exit.GATE)["alarm"])
    kept.ask("restore", "originals", "--snapshot", snapshot)
    assert kept.hashes() == before


def test_no_cut_dump_passes_a_test_restore_or_is_restored(kept: WithCopies) -> None:
    rows, good = kept.sql("SELECT COUNT(*) FROM files"), disk(kept)["snapshot"]
    for clean in (False, True):
        kept.inside(CUT.format(dump=DUMP, clean=clean))
        (cut,) = kept.ask("backup")
        drill = kept.ask("drill", "--copy", "disk", code=Exit.VERIFY)
        assert drill["reason"]["code"] == "dump.cut"
        refused = kept.ask("restore", "--database", "--snapshot", cut["snapshot"][:8], code=Exit.PREFLIGHT)
        assert "dump.cut" in str(refused["problem"])
    report = kept.ask("restore", "--database")

    assert report["snapshot"] == str(good)[:8], "the one before"
    assert report["database_rows"]["files"] == int(rows)
    assert kept.sql("SELECT COUNT(*) FROM files") == rows
    kept.await_health("photoprism")


@pytest.mark.parametrize("victim", ["client", "server"])
def test_a_dump_that_dies_half_way_gets_no_name_and_the_photos_are_backed_up(kept: WithCopies, victim: str) -> None:
    kept.fill(f"while-{victim}-dies", 3)
    kept.sql("CREATE TABLE bulk AS SELECT seq, REPEAT(MD5(seq), 8) AS text FROM seq_1_to_400000")
    killed: list[int] = []

    def kill() -> None:
        while not sum(killed):
            killed.append(kept.kill("mariadb-dump") if victim == "client" else kill_server())

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    report = disk(kept, Exit.DUMP)
    killer.join(30)
    if victim == "server":
        with connect() as client:
            client.containers.get(f"photos-{STACK}-mariadb").start()
        kept.await_health("mariadb", "photoprism")
    kept.sql("DROP TABLE bulk")

    assert {code.partition(".")[0] for code in problems(report)} == {"dump"}
    assert kept.not_held(kept.hashes().values()) == set()
    _, left = kept.execute("keeper", "find", str(Path(DUMP).parent), "-name", "*.sql*")
    assert left == ""
    assert "photoprism.sql" not in kept.restic("disk", "ls", "latest", "/database")


def kill_server() -> int:
    """SIGKILL MariaDB while a dump is read from it; return whether it was."""
    with connect() as client:
        keeper = client.containers.get(f"photos-{STACK}-keeper").top(ps_args="-eo pid,args")["Processes"]
        dumping = any("mariadb-dump" in command for _, command in keeper)
        if dumping:
            client.containers.get(f"photos-{STACK}-mariadb").kill()
    return dumping


def test_every_file_that_the_restored_index_names_is_in_the_same_snapshot(kept: WithCopies) -> None:
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
        disk(kept)
    finally:
        stop.set()
        writer.join(60)

    assert len(list(kept.originals.glob("camera-*"))) > 2, "photos came meanwhile"
    assert kept.ask("drill", "--copy", "disk")["passed"], "it proves that each name of the index is in the snapshot"


def test_a_lost_syncthing_comes_back_as_the_same_device_with_its_folders(kept: WithCopies) -> None:
    _, key = kept.execute("keeper", "cat", "/run/secrets/syncthing_api_key")
    server = Api(f"http://127.0.0.1:{kept.world.port(STACK, 'syncthing')}", key)
    device = server.device
    server.send("POST", "/rest/config/folders", {"id": "anna", "path": "/phones/anna", "type": "receiveonly"})
    disk(kept)
    with connect() as client:
        for service in ("keeper", "restore", "syncthing"):
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


def test_a_byte_that_rots_at_home_is_found_and_the_good_one_comes_back(kept: WithCopies) -> None:
    kept.execute("keeper", "keeper", "scrub", "--all")
    disk(kept)
    photo = photos(kept)[3]
    name, good, status = f"originals/{photo.relative_to(kept.originals)}", photo.read_bytes(), photo.stat()
    photo.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    code, said = kept.execute("keeper", "keeper", "scrub", "--all", "--json")
    report = disk(kept, Exit.GATE)

    assert (code, list(json.loads(said)["rotten"])) == (Exit.VERIFY, [name])
    assert problems(report) == {"gate.rotten"}, "a run that reads it by chance does not take it for an edit"
    kept.ask("restore", name, "--snapshot", held(kept, report["alarm"]))
    assert photo.read_bytes() == good
    assert kept.execute("keeper", "keeper", "scrub", "--all")[0] == Exit.OK


def test_killed_at_random_points_a_run_is_finished_by_the_next(kept: WithCopies) -> None:
    seed = random.randrange(10**6)  # noqa: S311 - chooses moments
    moments = random.Random(seed)  # noqa: S311
    start = time.monotonic()
    disk(kept)
    usual = time.monotonic() - start
    killed = 0
    for number in range(KILLS):
        kept.fill(f"kill-{number}", 10)
        for file in photos(kept)[:5]:
            file.write_bytes(os.urandom(900))
        whole = kept.snapshots("disk")
        run = subprocess.Popen(
            ["./photos", "keeper", "backup", "--stack", STACK], cwd=kept.world.project, env=kept.world.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(moments.uniform(0.2, 0.95) * usual)
        killed += kept.kill("keeper", "backup")
        run.wait(60)
        offered = kept.snapshots("disk")
        disk(kept)

        assert offered[: len(whole)] == whole, f"seed {seed}"
        assert kept.snapshots("disk")[:-1] == offered, f"seed {seed}: it converged"
        assert kept.not_held(kept.hashes().values()) == set(), f"seed {seed}"
    assert killed >= KILLS // 2, f"seed {seed}"


def test_of_two_runs_at_once_the_second_is_refused_with_the_name_of_the_first(kept: WithCopies) -> None:
    kept.fill("at-once", 20, tail=300_000)
    first: list[dict[str, object]] = []
    runner = threading.Thread(target=lambda: first.append(disk(kept)))
    lock = (kept.volume("keeper") / "copies/disk/lock").stat().st_ino
    runner.start()
    until(lambda: f":{lock} " in Path("/proc/locks").read_text())
    refused = kept.ask("backup", "--copy", "disk", code=Exit.LOCKED)
    runner.join(120)

    assert refused["problem"]["code"] == "copy.locked"
    assert str(refused["problem"]["values"]["holder"]).startswith("backup (")
    assert first[0]["exit"] == Exit.OK


@needs_faketime
@pytest.mark.parametrize(
    ("moment", "told"), [("-18h", "clock.back"), ("-20000d", "clock.back"), ("+3650d", "clock.ahead")]
)
def test_a_clock_that_jumped_is_told_and_nothing_is_forgotten(
    kept: WithCopies, tmp_path: Path, moment: str, told: str
) -> None:
    with kept.as_if_it_never_was(tmp_path):
        kept.fill(f"night-of{moment}", 3)
        snapshots = kept.snapshots("disk")
        (report,) = kept.at(moment, "backup", code=Exit.GATE)

        assert problems(report) == {told}
        assert report["forgotten"] == 0
        assert set(snapshots) <= set(kept.snapshots("disk"))
        assert kept.not_held(kept.hashes().values()) == set(), "the photos are backed up all the same"


def test_links_and_a_film_that_still_grows_hold_up_nothing_and_come_back(kept: WithCopies) -> None:
    links = {"dangling": "nowhere", "folder-link": "2023"}
    for name, target in links.items():
        (kept.originals / name).symlink_to(target)
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
        report = disk(kept)
    finally:
        stop.set()
        growing.join(30)

    assert report["unreadable"] == {}
    disk(kept)
    assert kept.not_held(kept.hashes().values()) == set(), "the next run takes it as it ended"
    for name in links:
        (kept.originals / name).unlink()
        kept.ask("restore", f"originals/{name}")
    assert {name: (kept.originals / name).readlink() for name in links} == {k: Path(v) for k, v in links.items()}
    for name in links:
        (kept.originals / name).unlink()


def test_every_name_that_a_disk_holds_comes_back(kept: WithCopies) -> None:
    for number, name in enumerate(NAMES):
        kept.write(f"names/{name}", f"content {number}".encode())
        if len(os.fsencode(name)) < 250:
            kept.write(f"names/in {name}/photo.jpg", f"content below {number}".encode())
    report = disk(kept)
    before = kept.hashes()
    shutil.rmtree(kept.originals / "names")
    kept.ask("restore", "originals/names")

    assert report["unreadable"] == {}
    assert kept.hashes() == before
    shutil.rmtree(kept.originals / "names")
