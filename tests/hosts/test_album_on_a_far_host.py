"""A stack on two hosts, the second reached by ssh: the album and its photos there, the database here, with the real engine.

Nothing but ssh leads from this machine to the folders, the Docker and the pages of the second host. Each test goes on
where the one before it stopped.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from demo.samples import write_samples
from stacks.host.ssh import line
from tests.engine.keeping import hour_of_shanghai
from tests.engine.world import World, free_port, own_name
from tests.hosts.conftest import REGISTRY, inside
from tests.hosts.daemons import ADDRESS_POOL, Daemon, load_images, network, running
from tests.hosts.far_machine import ADDRESS, UID, FarMachine, far_machine
from tests.hosts.stack import Stack, said
from tests.programs import NAMES, provide
from tests.wheels import fetched, wheel_index

GPU = own_name("gpu")
HOST = f"ssh://family@{GPU}"
NAS_ADDRESS = "10.77.0.1"
ORIGINALS, COPY = "/srv/photos/originals", "/srv/copy/photos"
ON_GPU = ["drive", "keeper", "photoprism", "restore", "syncthing", "watch"]
DATABASE_IMAGE = f"{REGISTRY}/library/mariadb:11.8.8"
WITH_PYTHON = "photos-test-mariadb-with-python:1"
PACKAGES = "ca-certificates python3 python3-venv"
"""What the keeper's build installs by apt."""


@dataclass
class Home:
    """Two machines, and the checkout on the first."""

    nas: Daemon
    gpu: FarMachine
    stack: Stack

    @property
    def world(self) -> World:
        return self.stack.world


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, images: list[str]) -> Iterator[Home]:
    provide(REGISTRY)
    fetched()
    with ExitStack() as ends:
        gpu = ends.enter_context(far_machine(tmp_path_factory.mktemp("gpu"), GPU))
        nas = Daemon(namespace=own_name("nas"), address=NAS_ADDRESS, folder=tmp_path_factory.mktemp("hosts") / "nas")
        ends.enter_context(network(nas.namespace))
        gpu.cable_to(nas.namespace)
        nas.plug_in()
        ends.enter_context(running(nas))
        ends.enter_context(gpu.docker())
        load_images(nas, [DATABASE_IMAGE])
        gpu.load([*images, *(f"{REGISTRY}/{name}" for name in NAMES.values()), built_with_python()])
        gpu.run("docker", "tag", WITH_PYTHON, DATABASE_IMAGE)
        join(nas, gpu)
        gpu.run("install", "-d", "-o", str(UID), "-g", str(UID), COPY)
        ends.enter_context(inside(nas))
        ends.enter_context(pytest.MonkeyPatch.context()).setenv("DOCKER_HOST", nas.url)
        wheels = ends.enter_context(wheel_index(NAS_ADDRESS))
        world = World(tmp_path_factory.mktemp("world"), REGISTRY)
        world.root.chmod(0o755)
        world.checkout()
        world.variables["PATH"] = f"{gpu.folder}/bin:{os.environ['PATH']}"
        stack = Stack(world, own_name("far-album"), {"nas": nas, "gpu": gpu}, "nas", album=line(HOST).address)
        ends.callback(leave, gpu)
        write(stack, wheels.url)
        yield Home(nas, gpu, stack)


def built_with_python() -> str:
    """Have the database's image with what the keeper's build adds to it: the second host reaches no mirror of Debian."""
    recipe = f"FROM {DATABASE_IMAGE}\nRUN apt-get update -q && apt-get install -qy --no-install-recommends {PACKAGES}\n"
    with closing(docker.from_env(timeout=600)) as client:
        client.images.build(fileobj=io.BytesIO(recipe.encode()), tag=WITH_PYTHON)
    return WITH_PYTHON


def join(nas: Daemon, gpu: FarMachine) -> None:
    with closing(nas.connect()) as manager:
        manager.swarm.init(advertise_addr=nas.address, default_addr_pool=[ADDRESS_POOL])
        token = manager.swarm.attrs["JoinTokens"]["Worker"]
    gpu.run("docker", "swarm", "join", "--advertise-addr", ADDRESS, "--token", token, nas.address)


def leave(gpu: FarMachine) -> None:
    control = line(HOST).folder / "control"
    subprocess.run([f"{gpu.folder}/bin/ssh", "-S", control, "-O", "exit", GPU], check=False)


def write(stack: Stack, wheels: str) -> None:
    never = hour_of_shanghai(12)
    stack.world.write(
        stack.name,
        hosts={"nas": {}, "gpu": {"docker": HOST, "address": ADDRESS}},
        place=dict.fromkeys(["photoprism", "syncthing", "drive", "keeper"], "gpu"),
        library={"originals": ORIGINALS, "import": "/srv/photos/import"},
        backup={
            "port": free_port(), "mirrors": {"pip": wheels},
            "remotes": {"disk": {"kind": "disk", "type": "local", "path": COPY}},
            "schedule": f"0 {never} * * *", "drill_schedule": f"0 {never} * * 0",
        },
    )  # fmt: skip


def test_up_puts_the_album_on_the_far_host_and_the_database_here(home: Home) -> None:
    home.stack.timed("first up, second host by ssh", "up", "--yes")

    assert sorted(home.stack.containers("nas")) == ["mariadb"]
    assert sorted(home.stack.containers("gpu")) == ON_GPU
    assert home.gpu.run("cat", f"{ORIGINALS}/.photos-id").strip() == home.world.id(home.stack.name)
    assert not Path(ORIGINALS).exists(), "that folder is on the second host alone"


def test_the_album_is_reached_from_here_and_shows_the_photos_there(home: Home) -> None:
    samples = home.world.root / "samples"
    count = len(write_samples(samples))
    home.gpu.run("cp", "-r", f"{samples}/.", ORIGINALS)
    home.gpu.run("chown", "-R", f"{UID}:{UID}", ORIGINALS)

    assert home.stack.index() == count == home.stack.rows()


def test_a_second_up_changes_nothing_and_a_refresh_finds_no_difference(home: Home) -> None:
    home.stack.timed("up without changes, second host by ssh", "up", "--yes")

    assert home.stack.preview() == set()
    assert home.stack.preview("--refresh") == set()


def test_what_is_declared_inside_the_apps_is_there(home: Home) -> None:
    declared = {
        each["urn"].rpartition("::")[2].removeprefix("photos-"): each["outputs"]
        for each in json.loads(home.stack.pulumi("stack", "export"))["deployment"]["resources"]
        if each["type"].startswith("pulumi-python:dynamic")
    }

    assert {"photoprism-options", "photoprism-password-keeper", "syncthing-options"} <= declared.keys()
    assert {each["url"].rpartition(":")[0] for each in declared.values()} == {f"http://{home.stack.album}"}


def test_the_keeper_s_image_is_built_where_the_keeper_is(home: Home) -> None:
    built: dict[str, list[str]] = {}
    for name, host in home.stack.hosts.items():
        with closing(host.connect()) as client:
            built[name] = [tag for image in client.images.list() for tag in image.tags if "-keeper:" in tag]

    assert built["nas"] == []
    assert len(built["gpu"]) == 1


def test_the_keeper_backs_up_photos_there_and_a_database_here(home: Home) -> None:
    with closing(home.gpu.connect()) as client:
        keeper = client.containers.get(f"photos-{home.stack.name}-keeper")
        said(keeper, "keeper", "backup", "--json")
        dump = said(keeper, "cat", "/library/database/photoprism.sql")

    assert "INSERT INTO `files`" in dump
    assert home.gpu.run("find", f"{COPY}/snapshots", "-type", "f").strip()
    assert not Path(COPY).exists()


def test_a_lost_photo_and_the_whole_come_back_by_a_command_from_here(home: Home) -> None:
    name, world, rows = home.stack.name, home.world, home.stack.rows()
    photo = home.gpu.run("find", ORIGINALS, "-name", "*.jpg").splitlines()[0]
    listed = ("find", "/srv/photos", "-type", "f", "-not", "-name", ".*", "-exec", "sha256sum", "{}", "+")
    before = sorted(home.gpu.run(*listed).splitlines())
    world.photos("keeper", "drill", "--stack", name)
    home.gpu.run("rm", photo)
    world.photos("keeper", "restore", photo.removeprefix("/srv/photos/"), "--stack", name, "--yes")

    assert sorted(home.gpu.run(*listed).splitlines()) == before
    home.gpu.run("rm", "-r", f"{ORIGINALS}/phones")
    world.photos("keeper", "restore", "--everything", "--stack", name, "--yes")
    assert sorted(home.gpu.run(*listed).splitlines()) == before
    assert home.stack.rows() == rows
    assert home.gpu.run("stat", "-c", "%u", f"{ORIGINALS}/phones").strip() == str(UID), (
        "made again by SFTP, for its owner"
    )
    world.photos("status", "--stack", name)


def test_destroy_leaves_nothing_running_on_either_host_and_the_data_on_both(home: Home) -> None:
    listed = ("find", "/srv/photos", "-type", "f", "-exec", "sha256sum", "{}", "+")
    before, rows = home.gpu.run(*listed), home.stack.rows()
    home.stack.timed("destroy, second host by ssh", "destroy", "--yes")

    assert home.stack.containers() == {}
    for host in home.stack.hosts.values():
        with closing(host.connect()) as client:
            assert [each.name for each in client.networks.list() if home.stack.name in str(each.name)] == []
    assert home.gpu.run(*listed) == before
    home.stack.timed("up again, second host by ssh", "up", "--yes")
    assert home.stack.rows() == rows == home.stack.index()
