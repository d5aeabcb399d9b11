"""What happens to data: new passwords, re-creation, kills, missing folders, neighbours, the demo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from docker.errors import APIError, ContainerError
from docker.models.containers import Container

from cli.docker_host import of_stack
from demo.docker_runner import DockerRunner, wait_until_healthy
from stacks.recording import Recorded, Recorder
from tests.docker.running_stack import PROJECT, Stack
from tests.docker.test_services import album, client_in, device_id
from tests.waiting import PATIENCE, until

CUT_SHORT = b"the first start of this database was cut short"
CLEAN_STOPS = {"mariadb": 0, "photoprism": 0, "syncthing": 0, "drive": 0}


def test_new_passwords_on_old_data_keep_rows_login_and_identity(stack: Stack) -> None:
    stack.sql("CREATE TABLE kept (n INT PRIMARY KEY)")
    stack.sql("INSERT INTO kept VALUES (1), (2), (3)")
    before = stack.secret_files("photoprism")["mariadb_password"]
    stack.up()

    assert stack.secret_files("photoprism")["mariadb_password"] != before
    assert stack.sql("SELECT COUNT(*) FROM kept") == "3"
    with album(stack) as client:
        assert client.get("/api/v1/photos", params={"count": 1}).status_code == 200


def test_after_containers_and_networks_are_gone_the_volumes_give_everything_back(stack: Stack) -> None:
    stack.down(volumes=False)
    assert stack.containers() == []
    stack.up()

    assert stack.sql("SELECT COUNT(*) FROM kept") == "3"
    with album(stack) as client:
        assert client.get("/api/v1/photos", params={"count": 1}).status_code == 200
    key = stack.secret_files("syncthing")["syncthing_api_key"]
    status = httpx.get(f"{stack.url('syncthing')}/rest/system/status", headers={"X-API-Key": key}).json()
    assert status["myID"] == device_id(stack.secrets["syncthing_cert"])


@pytest.mark.parametrize("service", CLEAN_STOPS)
def test_a_stop_is_clean_and_in_time(stack: Stack, service: str) -> None:
    container = stack.container(service)
    grace = int(stack.declared(service)["destroyGraceSeconds"])
    container.stop(timeout=grace)
    container.reload()

    assert container.attrs["State"]["ExitCode"] == CLEAN_STOPS[service], (
        "killed when its time was up, or ended in disorder"
    )
    if service == "mariadb":
        assert b"Shutdown complete" in container.logs(tail=20)
    container.start()
    wait_until_healthy(container, PATIENCE)


def test_a_missing_library_folder_stops_the_container_and_is_never_created(fresh: Stack) -> None:
    (fresh.root / "import/.photos-id").unlink()
    (fresh.root / "import").rmdir()

    with pytest.raises(APIError, match="does not exist"):
        fresh.up()
    assert not (fresh.root / "import").exists()


@pytest.mark.parametrize(
    "moment", [b"Initializing database files", b"Starting temporary server", b"Creating user", b"Ready for start up"]
)
def test_a_database_killed_in_its_first_start_is_refused_or_whole_never_served_without_users(
    fresh: Stack, moment: bytes
) -> None:
    start_database(fresh)
    container = fresh.container("mariadb")
    until(lambda: moment in container.logs())
    container.kill("SIGKILL")
    container.start()
    until(lambda: CUT_SHORT in container.logs() or is_healthy(container))
    if is_healthy(container):
        assert fresh.sql("SELECT 1") == "1", "served, so the login must work"


def is_healthy(container: Container) -> bool:
    container.reload()
    return bool(container.attrs["State"].get("Health", {}).get("Status") == "healthy")


def start_database(stack: Stack) -> None:
    """Create the declared database alone, and do not wait for it."""
    runner, declared = DockerRunner(stack.client), stack.declare(Recorder())
    for network in declared.of_type("Network"):
        runner.create(network)
    container = stack.recorded("mariadb")
    ours = [item for kind in ("Volume", "RemoteImage") for item in declared.of_type(kind)]
    volume, image = (item for item in ours if item.parent == container.parent)
    runner.create(volume)
    changes = {"wait": False, "image": runner.create(image)["imageId"]}
    runner.create(Recorded(container.type, container.name, "", True, container.inputs | changes))


def test_an_argument_that_the_runner_does_not_know_is_an_error(fresh: Stack) -> None:
    network: dict[str, Any] = {"name": "x", "driver": "bridge", "labels": [], "attachable": True}

    with pytest.raises(TypeError, match="does not know attachable"):
        DockerRunner(fresh.client).create(Recorded("docker:index/network:Network", "x", "", True, network))


def test_a_foreign_container_of_the_same_name_is_left_alone(stack: Stack, fresh: Stack) -> None:
    declared = stack.recorded("drive")
    labels = [{"label": "photos.id", "value": fresh.id}]
    other = Recorded(declared.type, declared.name, "", True, declared.inputs | {"labels": labels})

    with pytest.raises(RuntimeError, match="belongs to something else"):
        DockerRunner(stack.client).create(other)
    assert stack.container("drive").status == "running"


def test_two_stacks_side_by_side_neither_see_nor_touch_each_other(stack: Stack, fresh: Stack) -> None:
    ours = {str(c.id): c.attrs["State"]["StartedAt"] for c in stack.containers()}
    start_database(fresh)
    wait_until_healthy(fresh.container("mariadb"), PATIENCE)
    password = stack.secret_files("photoprism")["mariadb_password"]

    with pytest.raises(ContainerError, match=r"Unknown (MySQL )?server host"):
        client_in(fresh, "db", "photoprism", password, host=f"photos-{stack.name}-mariadb")
    with pytest.raises(ContainerError, match="Access denied"):
        client_in(fresh, "db", "photoprism", password)
    fresh.down(volumes=True)
    assert fresh.containers() == []
    assert stack.client.volumes.list(filters=of_stack(fresh.id)) == []
    assert {str(c.id): c.attrs["State"]["StartedAt"] for c in stack.containers()} == ours
    assert len(stack.client.volumes.list(filters=of_stack(stack.id))) == 4
    assert stack.sql("SELECT 1") == "1"


@pytest.mark.usefixtures("demo_alone")
def test_the_demo_comes_up_indexed_and_leaves_only_what_is_not_its_own(stack: Stack, tmp_path: Path) -> None:
    if stack.client.containers.list(all=True, filters={"label": "photos.stack=demo"}):
        pytest.skip("docker tier: another demo is on this host: ./photos demo --down")
    neighbours = sorted(str(container.id) for container in stack.containers())
    data = tmp_path / "data"
    for part in (tmp_path, *tmp_path.parents):
        if part.is_relative_to("/tmp/pytest-of-root"):
            part.chmod(0o755)
    photos(data, "demo", "--without-pulumi", "--yes")
    about = yaml.safe_load((data / "demo/demo.yaml").read_text())
    address = f"http://127.0.0.1:{about['config']['photos:services']['photoprism']['port']}"
    login = {"username": "admin", "password": (data / "demo/password").read_text().strip()}
    token = httpx.post(f"{address}/api/v1/session", json=login).json()["access_token"]
    indexed = httpx.get(f"{address}/api/v1/photos?count=50", headers={"X-Auth-Token": token}).json()
    assert len(indexed) == 6

    photos(data, "demo", "--without-pulumi", "--yes")
    token = httpx.post(f"{address}/api/v1/session", json=login).json()["access_token"]
    again = httpx.get(f"{address}/api/v1/photos?count=50", headers={"X-Auth-Token": token}).json()
    assert len(again) == 6, "a second start finds the same album, with the same login"

    mine = data / "demo/originals/mine.jpg"
    mine.write_bytes(b"a photo of the family")
    text = photos(data, "demo", "--down")
    assert str(mine) in text
    assert [file for file in (data / "demo/originals").rglob("*") if file.is_file()] == [mine]
    gone = of_stack(about["config"]["photos:id"])
    assert stack.client.containers.list(all=True, filters=gone) == []
    assert stack.client.volumes.list(filters=gone) == []
    assert sorted(str(container.id) for container in stack.containers()) == neighbours


def photos(data: Path, *words: str) -> str:
    environment = {**os.environ, "PHOTOS_DATA": str(data), "PHOTOS_PYTHON": sys.executable}
    done = subprocess.run(
        [str(PROJECT / "photos"), *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
