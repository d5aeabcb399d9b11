"""`./photos` on two hosts, and what it says of one that is lost. Each test goes on where the one before it stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest

from tests.engine.world import World, own_name
from tests.hosts.daemons import Daemon, form_swarm, running
from tests.waiting import until

STACK = own_name("fleet")
DATABASE = f"photos-{STACK}-mariadb"
ALBUM, NEWER_ALBUM = "photoprism/photoprism:260728-ce", "photoprism/photoprism:260801-ce"
FIRST, SECOND = "nas", "gpu"

Hosts = dict[str, Daemon]


@pytest.fixture(scope="module", name="life")
def scenario(world: World, hosts: Hosts) -> World:
    gpu = {"docker": hosts[SECOND].url, "address": hosts[SECOND].address}
    world.write(STACK, hosts={FIRST: {}, SECOND: gpu}, place={"mariadb": SECOND}, updates={"check": "never"})
    return world


@pytest.fixture(scope="module")
def power(hosts: Hosts) -> Iterator[Power]:
    with ExitStack() as on_again:
        yield Power(hosts, on_again)


class Power:
    """Switches hosts off and on: with a daemon its containers end, as they do with their machine."""

    def __init__(self, hosts: Hosts, on_again: ExitStack) -> None:
        self._hosts, self._on_again = hosts, on_again

    def off(self, host: str) -> None:
        pid = int((self._hosts[host].folder / "docker.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)

    def on(self, host: str) -> None:
        (self._hosts[host].folder / "docker.sock").unlink(missing_ok=True)
        self._on_again.enter_context(running(self._hosts[host]))


def rows(daemon: Daemon) -> str:
    sql = "SELECT COUNT(*) FROM files"
    script = f'MYSQL_PWD=$(cat /run/secrets/mariadb_password) exec mariadb -uphotoprism -N -B photoprism -e "{sql}"'
    with closing(daemon.connect()) as client:
        done = client.containers.get(DATABASE).exec_run(["sh", "-c", script])
    assert done.exit_code == 0, done.output
    assert isinstance(done.output, bytes)
    return done.output.decode().strip()


def state(daemon: Daemon) -> str:
    with closing(daemon.connect()) as client:
        return client.containers.get(DATABASE).status


def volumes(daemon: Daemon) -> list[str]:
    with closing(daemon.connect()) as client:
        return sorted(str(volume.name) for volume in client.volumes.list(filters={"label": f"photos.stack={STACK}"}))


def words(text: str) -> str:
    return " ".join(text.split())


def test_up_starts_everything_and_status_says_where_it_is(life: World) -> None:
    told = life.photos("up", STACK, "--yes")
    life.samples(STACK)
    assert "The album: http://localhost:" in told

    shown = words(life.photos("status", "--stack", STACK))
    assert "mariadb healthy" in shown
    assert f":{life.port(STACK, 'photoprism')}" in shown
    assert life.photos("logs", "mariadb", "--stack", STACK, "--lines", "5")
    assert life.preview(STACK, "--refresh") == {}


@pytest.mark.usefixtures("life")
def test_the_photos_are_indexed_into_the_database_of_the_other_host(hosts: Hosts) -> None:
    with closing(hosts[FIRST].connect()) as client:
        done = client.containers.get(f"photos-{STACK}-photoprism").exec_run(["photoprism", "index"])

    assert done.exit_code == 0, done.output
    assert int(rows(hosts[SECOND])) > 0


def test_what_a_move_left_behind_is_removed_after_asking_and_its_volume_stays(life: World, hosts: Hosts) -> None:
    before = rows(hosts[SECOND])
    with closing(hosts[FIRST].connect()) as client:
        labels = {"photos.stack": STACK, "photos.id": life.id(STACK), "photos.service": "mariadb"}
        image = next(tag for image in client.images.list() for tag in image.tags if "mariadb" in tag)
        client.volumes.create(DATABASE, labels={"photos.stack": STACK, "photos.id": life.id(STACK)})
        client.containers.run(
            image, ["sleep", "600"], entrypoint=[], name=DATABASE, labels=labels, detach=True, network_mode="none"
        )

    assert f"{DATABASE} is on a host that its service is not on any more" in words(life.photos("preview", STACK))
    life.photos("up", STACK, "--yes")
    with closing(hosts[FIRST].connect()) as client:
        assert DATABASE not in [each.name for each in client.containers.list(all=True)]
        assert client.volumes.get(DATABASE), "no command removes a volume"
        client.volumes.get(DATABASE).remove()
    assert rows(hosts[SECOND]) == before


def test_an_upgrade_keeps_the_data_of_each_service_on_its_own_host(life: World, hosts: Hosts) -> None:
    before = rows(hosts[SECOND])
    with closing(hosts[FIRST].connect()) as client:
        image = next(image for image in client.images.list() if any(tag.endswith(ALBUM) for tag in image.tags))
        repository = next(tag for tag in image.tags if tag.endswith(ALBUM)).rpartition(":")[0]
        image.tag(repository, NEWER_ALBUM.rpartition(":")[2])
    life.photos("upgrade", "photoprism", "--stack", STACK, "--to", NEWER_ALBUM, "--yes")

    assert [name for name in volumes(hosts[FIRST]) if "-before-" in name and "photoprism" in name]
    assert [name for name in volumes(hosts[SECOND]) if "-before-" in name and "mariadb" in name]
    life.photos("upgrade", "photoprism", "--stack", STACK, "--back", "--yes")
    assert rows(hosts[SECOND]) == before
    assert not [name for daemon in hosts.values() for name in volumes(daemon) if "-before-" in name]


def test_the_host_of_the_database_is_off(life: World, hosts: Hosts, power: Power) -> None:
    before = rows(hosts[SECOND])
    power.off(SECOND)
    told = words(life.photos("status", "--stack", STACK, code=1))

    assert "drive healthy" in told
    assert "gpu does not answer: nothing answers at" in told
    assert "On it: mariadb. Nothing is lost. The album is down without its database" in told
    assert f"Once gpu is on: ./photos up {STACK} --refresh" in told
    refused = life.photos("up", STACK, "--yes", check=False)
    assert "Nothing was created or changed" in refused
    power.on(SECOND)
    life.photos("up", STACK, "--yes", "--refresh")
    assert rows(hosts[SECOND]) == before


def test_the_manager_is_off_and_the_other_host_comes_up_before_it(life: World, hosts: Hosts, power: Power) -> None:
    before = rows(hosts[SECOND])
    power.off(FIRST)
    told = words(life.photos("status", "--stack", STACK, code=1))
    assert "mariadb healthy" in told
    assert "nas does not answer" in told
    assert "what runs on the other hosts goes on" in told

    power.off(SECOND)
    power.on(SECOND)
    until(lambda: state(hosts[SECOND]) == "exited")  # its Docker has waited for the manager, and has given up
    power.on(FIRST)
    told = words(life.photos("status", "--stack", STACK, code=1))
    assert "Ended, and not started again: mariadb" in told
    life.photos("up", STACK, "--yes", "--refresh")
    assert rows(hosts[SECOND]) == before
    life.photos("status", "--stack", STACK)


def test_a_swarm_that_was_made_anew_is_told_and_healed(life: World, hosts: Hosts) -> None:
    before = rows(hosts[SECOND])
    form_swarm(hosts[FIRST], hosts[SECOND])

    told = life.photos("preview", STACK)
    print(told)
    assert f"The network photos-{STACK}-db is gone" in words(told)
    print(life.photos("up", STACK, "--yes"))
    assert rows(hosts[SECOND]) == before
    assert life.preview(STACK, "--refresh") == {}


def test_destroy_names_the_volumes_of_both_hosts(life: World, hosts: Hosts) -> None:
    told = words(life.photos("destroy", STACK, "--yes"))

    assert f"{DATABASE} (gpu)" in told
    for daemon in hosts.values():
        with closing(daemon.connect()) as client:
            assert client.containers.list(all=True, filters={"label": f"photos.stack={STACK}"}) == []
    assert Path(life.root, f"library-{STACK}", "originals").is_dir()
