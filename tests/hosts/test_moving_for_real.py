"""One host becomes two by `./photos setup`, and the database goes there and back by `./photos move`, with the real engine.

Each test goes on where the one before it stopped.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.engine.world import World, own_name
from tests.hosts.daemons import Daemon
from tests.waiting import until

STACK = own_name("moving")
DATABASE = f"photos-{STACK}-mariadb"
ROWS = "SELECT COUNT(*), MAX(id) FROM kept"
FILL = "CREATE TABLE kept (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(99)); INSERT INTO kept (name) VALUES ('é'),('照'),('')"

Hosts = dict[str, Daemon]


@pytest.fixture(scope="module", name="life")
def scenario(world: World, hosts: Hosts) -> World:
    for daemon in reversed(hosts.values()):
        with closing(daemon.connect()) as client:
            client.swarm.leave(force=True)
    world.write(STACK)
    world.photos("up", STACK, "--yes")
    query(hosts["nas"], FILL)
    return world


def query(daemon: Daemon, sql: str) -> str:
    """Ask the album's database."""
    script = 'exec mariadb -h127.0.0.1 -uphotoprism -p"$(cat /run/secrets/mariadb_password)" -N -B photoprism -e "$0"'
    with closing(daemon.connect()) as client:
        done = client.containers.get(DATABASE).exec_run(["sh", "-c", script, sql])
    assert done.exit_code == 0, done.output
    assert isinstance(done.output, bytes)
    return done.output.decode()


def there(daemon: Daemon) -> tuple[list[str], list[str]]:
    """Return the running databases and the volumes of databases on a host."""
    with closing(daemon.connect()) as client:
        running = [str(each.name) for each in client.containers.list() if each.name == DATABASE]
        return running, [each.name for each in client.volumes.list() if each.name == DATABASE]


def healthy(daemon: Daemon) -> bool:
    """Whether the database is well."""
    with closing(daemon.connect()) as client:
        return bool(client.containers.list(filters={"name": DATABASE, "health": "healthy"}))


def helpers(hosts: Hosts) -> Iterator[str]:
    """Yield the containers of copies that were left."""
    for daemon in hosts.values():
        with closing(daemon.connect()) as client:
            yield from (str(each.name) for each in client.containers.list(all=True) if "upgrade" in str(each.name))


def test_two_hosts_without_a_swarm_are_refused_and_setup_makes_it(life: World, hosts: Hosts) -> None:
    listed = {
        "nas": {"address": hosts["nas"].address},
        "gpu": {"docker": hosts["gpu"].url, "address": hosts["gpu"].address},
    }
    life.change(STACK, "hosts", listed)
    refused = life.photos("preview", STACK, check=False)
    made = life.photos("setup", STACK, "--yes")

    assert f"swarm (nas): there is no network between the hosts yet. ./photos setup {STACK}" in refused
    assert "gpu has joined, as 10.221.0.2." in made
    assert "4789/udp" in made
    with closing(hosts["gpu"].connect()) as client:
        seen = client.info()["Swarm"]
    assert (seen["LocalNodeState"], seen["ControlAvailable"], seen["NodeAddr"]) == ("active", False, "10.221.0.2")
    assert there(hosts["nas"])[0] == [DATABASE], "nothing that runs was touched"


def test_the_database_goes_to_the_second_host_with_its_rows(life: World, hosts: Hosts) -> None:
    before = query(hosts["nas"], ROWS)
    said = life.photos("move", "mariadb", "gpu", "--stack", STACK, "--yes")

    assert f"docker volume rm {DATABASE}" in said
    assert there(hosts["gpu"]) == ([DATABASE], [DATABASE])
    assert there(hosts["nas"]) == ([], [DATABASE]), "the data stays where it was, too"
    assert query(hosts["gpu"], ROWS) == before == "3\t3\n"
    assert life.config(STACK)["photos:place"] == {"mariadb": "gpu"}
    assert list(helpers(hosts)) == []
    assert "is on gpu already" in life.photos("move", "mariadb", "gpu", "--stack", STACK, "--yes", check=False)


@pytest.mark.parametrize("line", ["Stopping photos-", "Copying photos-"])
def test_killed_on_its_way_the_next_up_undoes_it(life: World, hosts: Hosts, line: str) -> None:
    query(hosts["gpu"], f"INSERT INTO kept (name) VALUES ('{line}')")
    before = query(hosts["gpu"], ROWS)
    command = ["./photos", "move", "mariadb", "nas", "--stack", STACK, "--yes"]
    with subprocess.Popen(
        command, cwd=life.project, env={**life.environment, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as run:  # fmt: skip
        assert run.stdout
        assert any(line in said for said in run.stdout), "it ended before"
        os.killpg(run.pid, signal.SIGKILL)
    said = life.photos("setup", STACK, "--yes")

    assert "A move of mariadb to nas was cut short. It is undone" in said
    assert there(hosts["gpu"]) == ([DATABASE], [DATABASE])
    assert there(hosts["nas"])[0] == []
    assert life.config(STACK)["photos:place"] == {"mariadb": "gpu"}
    assert list(helpers(hosts)) == []
    until(lambda: healthy(hosts["gpu"]))
    assert query(hosts["gpu"], ROWS) == before


def test_back_again_replaces_what_was_left_there(life: World, hosts: Hosts) -> None:
    before = query(hosts["gpu"], ROWS)
    said = life.photos("move", "mariadb", "nas", "--stack", STACK, "--yes")

    assert f"docker -H {hosts['gpu'].url} volume rm {DATABASE}" in said
    assert there(hosts["nas"]) == ([DATABASE], [DATABASE])
    assert there(hosts["gpu"]) == ([], [DATABASE])
    assert query(hosts["nas"], ROWS) == before


def test_a_destroy_leaves_the_swarm(life: World, hosts: Hosts) -> None:
    assert "docker swarm leave" in life.photos("destroy", STACK, "--yes")
    with closing(hosts["nas"].connect()) as client:
        assert client.info()["Swarm"]["LocalNodeState"] == "active"
