"""A stack goes from one host to two and back, with the real engine. Each test goes on where the one before it stopped."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from docker.models.containers import Container

from tests.engine.world import World, changes, own_name
from tests.hosts.daemons import Daemon, form_swarm
from tests.waiting import until

STACK = own_name("hosts")
SERVICES = ("drive", "mariadb", "photoprism", "syncthing")
DATABASE = f"photos-{STACK}-mariadb"
FIGURES: dict[str, float] = {}
EXPORTS: list[str] = []
"""The lines of shell that `./photos setup` prints, after which plain Pulumi works."""
HARDENING = (
    "CapDrop", "SecurityOpt", "Init", "RestartPolicy", "LogConfig", "Privileged", "PidMode", "IpcMode", "UsernsMode",
    "PublishAllPorts", "NetworkMode", "ReadonlyRootfs", "AutoRemove", "ExtraHosts",
)  # fmt: skip

Hosts = dict[str, Daemon]


@pytest.fixture(scope="module", name="life")
def scenario(world: World) -> World:
    world.write(STACK)
    EXPORTS.extend(line for line in world.photos("setup", STACK, "--yes").splitlines() if line.startswith("export "))
    return world


def pulumi(life: World, *words: str) -> str:
    """Run plain Pulumi, as after `./photos setup`: what is looked at here is what the program declares."""
    script = "\n".join([*EXPORTS, f"pulumi {' '.join(words)} --non-interactive --color never --stack {STACK}"])
    done = subprocess.run(
        ["sh", "-ec", script], cwd=life.project, env=life.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return done.stdout


def timed(life: World, step: str, *words: str) -> None:
    start = time.monotonic()
    pulumi(life, *words)
    FIGURES[step] = round(time.monotonic() - start, 1)
    print(step, FIGURES[step], flush=True)


def preview(life: World, *options: str) -> set[str]:
    """Return the names and types of what would not stay as it is."""
    return set(changes(pulumi(life, "preview", "--json", *options)))


def found(daemon: Daemon, name: str) -> Container:
    with closing(daemon.connect()) as client:
        return client.containers.get(name)


def running(daemon: Daemon) -> list[str]:
    """Return the services that are healthy on a host."""
    with closing(daemon.connect()) as client:
        names = [str(each.name) for each in client.containers.list(filters={"health": "healthy"})]
    return sorted(name.rpartition("-")[2] for name in names)


def rows(daemon: Daemon) -> int:
    """Return how many photos the album's database knows."""
    sql = "SELECT COUNT(*) FROM files WHERE file_missing = 0"
    script = (
        f'exec mariadb -h127.0.0.1 -uphotoprism -p"$(cat /run/secrets/mariadb_password)" -N -B photoprism -e "{sql}"'
    )
    with closing(daemon.connect()) as client:
        return int(said(client.containers.get(DATABASE), "sh", "-c", script))


def said(container: Container, *command: str) -> str:
    """Run a command in a container and return what it printed."""
    done = container.exec_run([*command])
    assert done.exit_code == 0, done.output
    assert isinstance(done.output, bytes)
    return done.output.decode()


def index(life: World) -> int:
    """Have the album index its library, log in as a person does, and return how many photos it shows."""
    base = f"http://127.0.0.1:{life.port(STACK, 'photoprism')}"
    credentials = {"username": "admin", "password": life.password(STACK, "photoprism")}
    login = httpx.post(f"{base}/api/v1/session", json=credentials, timeout=60).raise_for_status()
    with httpx.Client(base_url=base, timeout=60, headers={"X-Auth-Token": login.json()["access_token"]}) as album:
        album.post("/api/v1/index", json={"path": "/", "rescan": False}).raise_for_status()
        return len(album.get("/api/v1/photos", params={"count": 100}).json())


def move_by_hand(name: str, source: Daemon, target: Daemon) -> None:
    """Copy a volume from one host to another, its container stopped: as `./photos move` will."""
    with closing(source.connect()) as old, closing(target.connect()) as new:
        old.containers.get(name).stop(timeout=120)
        volume = old.volumes.get(name)
        with_labels = new.volumes.create(name, labels=volume.attrs["Labels"])
        place = Path(with_labels.attrs["Mountpoint"])
        shutil.rmtree(place)
        shutil.copytree(volume.attrs["Mountpoint"], place, symlinks=True)
        for path in Path(volume.attrs["Mountpoint"]).rglob("*"):
            owned = path.stat()
            shutil.chown(place / path.relative_to(volume.attrs["Mountpoint"]), owned.st_uid, owned.st_gid)
        owned = Path(volume.attrs["Mountpoint"]).stat()
        shutil.chown(place, owned.st_uid, owned.st_gid)


def to_two_hosts(life: World, hosts: Hosts) -> None:
    life.change(STACK, "hosts", {"nas": {}, "gpu": {"docker": hosts["gpu"].url, "address": hosts["gpu"].address}})
    life.change(STACK, "place", {"mariadb": "gpu"})


def to_one_host(life: World) -> None:
    document = yaml.safe_load(life.stack_file(STACK).read_text())
    for section in ("hosts", "place"):
        del document["config"][f"photos:{section}"]
    life.stack_file(STACK).write_text(yaml.safe_dump(document, sort_keys=False))


def test_one_host_with_an_album_to_start_from(life: World, hosts: Hosts) -> None:
    timed(life, "first up, one host", "up", "--yes")
    count = life.samples(STACK)

    assert index(life) == count == rows(hosts["nas"])
    timed(life, "up without changes, one host", "up", "--yes")
    timed(life, "preview, one host", "preview")


def test_one_up_takes_the_database_to_a_second_host(life: World, hosts: Hosts) -> None:
    before = rows(hosts["nas"])
    move_by_hand(DATABASE, hosts["nas"], hosts["gpu"])
    to_two_hosts(life, hosts)
    moved = preview(life)
    timed(life, "up, one host to two", "up", "--yes")

    assert {name for name in moved if name.endswith((":Volume", ":RemoteImage"))} == {
        "mariadb:Volume", "mariadb:RemoteImage",
    }  # fmt: skip
    assert {name for name in moved if name.endswith(":Network")} == {
        f"networks-{role}:Network" for role in ("db", "edge", "apps")
    }
    assert running(hosts["nas"]) == ["drive", "photoprism", "syncthing"]
    assert running(hosts["gpu"]) == ["mariadb"]
    assert rows(hosts["gpu"]) == before == index(life)


def test_a_second_up_changes_nothing_and_a_refresh_finds_no_difference(life: World) -> None:
    timed(life, "up without changes, two hosts", "up", "--yes")
    timed(life, "preview, two hosts", "preview")

    assert preview(life) == set()
    assert preview(life, "--refresh") == set()


def test_the_album_trusts_the_subnet_that_the_swarm_chose(hosts: Hosts) -> None:
    with closing(hosts["nas"].connect()) as client:
        (configured,) = client.networks.get(f"photos-{STACK}-edge").attrs["IPAM"]["Config"]
    environment = found(hosts["nas"], f"photos-{STACK}-photoprism").attrs["Config"]["Env"]

    assert f"PHOTOPRISM_TRUSTED_PROXY={configured['Subnet']}" in environment


def test_a_change_on_the_far_host_names_exactly_its_container(life: World, hosts: Hosts) -> None:
    life.change(STACK, "database", {**life.config(STACK)["photos:database"], "flags": {"max-connections": "64"}})

    assert preview(life) == {"mariadb:Container"}
    timed(life, "up, a change on the second host", "up", "--yes")
    assert preview(life, "--refresh") == set()
    assert "--max-connections=64" in found(hosts["gpu"], DATABASE).attrs["Config"]["Cmd"]


def test_containers_are_as_hardened_on_one_host_as_on_the_other(hosts: Hosts) -> None:
    seen: dict[str, dict[str, Any]] = {}
    for host, services in (("nas", ("drive", "photoprism", "syncthing")), ("gpu", ("mariadb",))):
        for service in services:
            config = found(hosts[host], f"photos-{STACK}-{service}").attrs["HostConfig"]
            assert config["MemorySwap"] == 2 * config["Memory"] > 0
            assert (
                all(port["HostIp"] == "127.0.0.1" for each in (config["PortBindings"] or {}).values() for port in each)
                or service == "syncthing"
            )
            seen[service] = {key: config[key] for key in HARDENING if key != "NetworkMode"}

    assert seen["mariadb"]["CapDrop"] == ["ALL"]
    assert seen["mariadb"]["SecurityOpt"] == ["no-new-privileges:true"]
    assert {service: json.dumps(each, sort_keys=True) for service, each in seen.items()} == dict.fromkeys(
        SERVICES, json.dumps(seen["drive"], sort_keys=True)
    )


def test_networks_keep_apart_across_hosts_what_they_kept_apart_on_one(hosts: Hosts) -> None:
    with closing(hosts["nas"].connect()) as nas, closing(hosts["gpu"].connect()) as gpu:
        database, album, drive = (
            gpu.containers.get(DATABASE),
            *(nas.containers.get(f"photos-{STACK}-{name}") for name in ("photoprism", "drive")),
        )
        looked_up = [each.exec_run(["getent", "hosts", "mariadb"]).exit_code for each in (album, drive)]
        routes = said(database, "cat", "/proc/net/route").splitlines()[1:]

    assert looked_up[0] == 0
    assert looked_up[1] != 0, "OpenList has no business with the database"
    assert [line for line in routes if line.split()[1] == "00000000"] == [], (
        "db has no way out on the second host either"
    )


def test_back_on_one_host_with_the_same_rows(life: World, hosts: Hosts) -> None:
    before = rows(hosts["gpu"])
    move_by_hand(DATABASE, hosts["gpu"], hosts["nas"])
    to_one_host(life)
    timed(life, "up, two hosts to one", "up", "--yes")

    assert running(hosts["nas"]) == [*SERVICES]
    assert running(hosts["gpu"]) == []
    assert rows(hosts["nas"]) == before == index(life)
    assert preview(life, "--refresh") == set()
    with closing(hosts["gpu"].connect()) as client:
        assert [volume.name for volume in client.volumes.list()] == [DATABASE], "old data stays where it was"


def test_destroy_leaves_the_data_of_both_hosts_and_up_finds_it(life: World, hosts: Hosts) -> None:
    before = rows(hosts["nas"])
    move_by_hand(DATABASE, hosts["nas"], hosts["gpu"])
    to_two_hosts(life, hosts)
    pulumi(life, "up", "--yes")
    timed(life, "destroy, two hosts", "destroy", "--yes")

    for daemon in hosts.values():
        with closing(daemon.connect()) as client:
            assert client.containers.list(all=True) == []
            assert [each.name for each in client.networks.list() if STACK in str(each.name)] == []
    timed(life, "up again, two hosts", "up", "--yes")
    assert rows(hosts["gpu"]) == before == index(life)


def test_a_swarm_that_was_lost_and_made_anew_is_healed_by_one_up_with_a_look(life: World, hosts: Hosts) -> None:
    """The networks come back under other ids, so who was in them is made anew (docs/adr/0018)."""
    before = rows(hosts["gpu"])
    form_swarm(hosts["nas"], hosts["gpu"])
    timed(life, "up --refresh, swarm made anew", "up", "--yes", "--refresh")

    assert rows(hosts["gpu"]) == before == index(life)
    assert preview(life, "--refresh") == set()


def test_a_cut_line_restarts_nothing_and_what_it_joined_finds_itself_again(life: World, hosts: Hosts) -> None:
    before = started(hosts)
    hosts["gpu"].cut()
    until(lambda: node_states(hosts["nas"]) == ["down", "ready"])
    hosts["gpu"].join()
    until(lambda: node_states(hosts["nas"]) == ["ready", "ready"])

    until(lambda: answers(life))
    assert index(life) == rows(hosts["gpu"])
    assert started(hosts) == before


def node_states(manager: Daemon) -> list[str]:
    with closing(manager.connect()) as client:
        return sorted(str(node.attrs["Status"]["State"]) for node in client.nodes.list())


def started(hosts: Hosts) -> dict[str, str]:
    """Return container → when it was started, of both hosts."""
    found: dict[str, str] = {}
    for daemon in hosts.values():
        with closing(daemon.connect()) as client:
            found |= {str(each.name): each.attrs["State"]["StartedAt"] for each in client.containers.list()}
    return found


def answers(life: World) -> bool:
    """Whether the album lets somebody in, for which it asks its database on the other host."""
    try:
        index(life)
    except httpx.HTTPError:
        return False
    return True
