"""A stack on another machine, declared from here by ssh, with the real engine, provider and sshd.

Each test goes on where the one before it stopped.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.docker_host import connect
from demo.docker_runner import remove_all
from demo.samples import write_samples
from stacks.host.ssh import line
from tests.engine.world import World, own_name
from tests.hosts.conftest import REGISTRY
from tests.hosts.far_machine import UID, FarMachine, far_machine

STACK = own_name("far")
NAS = own_name("nas")
HOST = f"ssh://family@{NAS}"
ORIGINALS = "/srv/photos/originals"
FIGURES: dict[str, float] = {}


@pytest.fixture(scope="module")
def nas(tmp_path_factory: pytest.TempPathFactory, images: list[str]) -> Iterator[FarMachine]:
    with far_machine(tmp_path_factory.mktemp("nas"), NAS) as machine, machine.docker():
        machine.load(images)
        yield machine


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory, nas: FarMachine) -> Iterator[World]:
    """A checkout on this machine, whose `ssh` knows the way. What it makes goes with the far machine."""
    made = World(tmp_path_factory.mktemp("laptop"), REGISTRY)
    made.root.chmod(0o755)
    made.checkout()
    made.variables["PATH"] = f"{nas.folder}/bin:{os.environ['PATH']}"
    made.write(
        STACK,
        host=HOST,
        library={"originals": ORIGINALS, "import": "/srv/photos/import"},
    )
    yield made
    subprocess.run([f"{nas.folder}/bin/ssh", "-S", line(HOST).folder / "control", "-O", "exit", NAS], check=False)


def timed(laptop: World, step: str, *words: str) -> str:
    start = time.monotonic()
    said = laptop.photos(*words)
    FIGURES[step] = round(time.monotonic() - start, 1)
    print(step, FIGURES[step], flush=True)
    return said


def album(laptop: World) -> httpx.Client:
    """Log in to the album at the address that it has here while the line is open."""
    base = f"http://{line(HOST).address}:{laptop.port(STACK, 'photoprism')}"
    credentials = {"username": "admin", "password": laptop.password(STACK, "photoprism")}
    login = httpx.post(f"{base}/api/v1/session", json=credentials, timeout=60).raise_for_status()
    return httpx.Client(base_url=base, timeout=60, headers={"X-Auth-Token": login.json()["access_token"]})


def photos_shown(laptop: World) -> int:
    with album(laptop) as client:
        client.post("/api/v1/index", json={"path": "/", "rescan": False}).raise_for_status()
        return len(client.get("/api/v1/photos", params={"count": 100}).json())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("ssh://family@elsewhere", "no machine is called elsewhere here"),
        (f"ssh://stranger@{NAS}", f"{NAS} does not let stranger in by ssh"),
    ],
    ids=["no such machine", "no such user"],  # the same in each of pytest-xdist's processes
)
def test_a_machine_that_lets_nobody_in_is_one_line_before_anything_is_written(
    laptop: World, nas: FarMachine, wrong: str, said: str
) -> None:
    laptop.change(STACK, "host", wrong)
    text = laptop.photos("up", STACK, "--yes", code=1)
    laptop.change(STACK, "host", HOST)

    assert said in text
    assert len(text.strip().splitlines()) <= 3, text
    assert "photos:id" not in laptop.config(STACK)
    assert nas.run("find", "/srv/photos", "-name", ".photos-id") == ""


def test_another_key_than_before_is_refused(laptop: World, nas: FarMachine) -> None:
    known = nas.folder / "known_hosts"
    right = known.read_text()
    known.write_text(f"{NAS} {(nas.folder / 'key.pub').read_text()}")
    text = laptop.photos("up", STACK, "--yes", code=1)
    known.write_text("")
    unknown = laptop.photos("up", STACK, "--yes", code=1)
    known.write_text(right)

    assert f"{NAS} shows another key than before" in text
    assert f"{NAS} is not known to ssh here yet" in unknown


def test_up_makes_everything_there_and_nothing_here(laptop: World, nas: FarMachine) -> None:
    timed(laptop, "first up", "up", STACK, "--yes")

    assert sorted(name.rpartition("-")[2] for name in nas.containers()) == [
        "drive",
        "mariadb",
        "photoprism",
        "syncthing",
    ]
    assert nas.run("cat", f"{ORIGINALS}/.photos-id").strip() == laptop.id(STACK)
    assert nas.run("stat", "-c", "%u", f"{ORIGINALS}/.photos-id").strip() == str(UID)
    assert not Path(ORIGINALS).exists(), "that folder is on the far machine alone"
    assert laptop.config(STACK)["photos:owner"] == {"uid": UID, "gid": UID}


def test_the_album_there_is_reached_from_here_and_shows_the_photos_there(laptop: World, nas: FarMachine) -> None:
    count = len(write_samples(laptop.root / "samples"))
    nas.run("cp", "-r", f"{laptop.root}/samples/.", ORIGINALS)
    nas.run("chown", "-R", f"{UID}:{UID}", ORIGINALS)

    assert photos_shown(laptop) == count


def test_a_second_up_a_preview_and_a_refresh_change_nothing(laptop: World) -> None:
    timed(laptop, "up without changes", "up", STACK, "--yes")
    start = time.monotonic()

    assert laptop.preview(STACK) == {}
    FIGURES["preview"] = round(time.monotonic() - start, 1)
    assert laptop.preview(STACK, "--refresh") == {}


def test_doctor_logs_and_status_speak_of_that_machine(laptop: World) -> None:
    doctor = laptop.photos("doctor", STACK)

    assert f"GB free on {ORIGINALS} (tmpfs)" in doctor
    assert "marker matches" in doctor
    assert "ready for connections" in laptop.photos("logs", "mariadb", "--stack", STACK).lower()
    assert "healthy" in laptop.photos("status", "--stack", STACK)


def test_a_lost_marker_there_stops_up(laptop: World, nas: FarMachine) -> None:
    nas.run("mv", f"{ORIGINALS}/.photos-id", "/srv/kept")
    text = laptop.photos("up", STACK, "--yes", code=1)
    nas.run("mv", "/srv/kept", f"{ORIGINALS}/.photos-id")

    assert f"{ORIGINALS} has no marker" in text


def test_what_a_person_removed_there_is_healed_from_here(laptop: World, nas: FarMachine) -> None:
    nas.run("docker", "rm", "-f", f"photos-{STACK}-photoprism")
    laptop.photos("up", STACK, "--yes")

    assert "healthy" in nas.containers()[f"photos-{STACK}-photoprism"]


def test_a_second_stack_on_this_machine_lives_beside_it(laptop: World, nas: FarMachine) -> None:
    """Two stacks on two machines from one checkout: the other one is on this machine's own Docker."""
    here = own_name("here")
    there = nas.containers().keys()
    laptop.write(here)
    laptop.photos("up", here, "--yes")
    try:
        assert len(laptop.ours(here)) == len(there)
        assert not any(here in name for name in nas.containers())
        assert laptop.preview(STACK) == laptop.preview(here) == {}
    finally:
        laptop.photos("destroy", here, "--yes")
        with connect() as client:
            remove_all(client, laptop.id(here))
    assert nas.containers().keys() == there


def test_a_machine_whose_docker_stopped_is_one_line(laptop: World, nas: FarMachine) -> None:
    nas.run("mv", "/run/docker.sock", "/run/docker.sock.away")
    text = laptop.photos("preview", STACK, check=False)
    nas.run("mv", "/run/docker.sock.away", "/run/docker.sock")

    assert f"no Docker runs on {NAS}" in text


def test_after_destroy_and_up_the_same_photos_are_there(laptop: World, nas: FarMachine) -> None:
    before = nas.run("find", "/srv/photos", "-type", "f", "-exec", "sha256sum", "{}", "+")
    timed(laptop, "destroy", "destroy", STACK, "--yes")

    assert nas.containers() == {}
    assert nas.run("find", "/srv/photos", "-type", "f", "-exec", "sha256sum", "{}", "+") == before
    timed(laptop, "up again", "up", STACK, "--yes")
    assert photos_shown(laptop) == len(list((laptop.root / "samples").rglob("*.*")))
    print(FIGURES)
