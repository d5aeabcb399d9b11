"""The same words on several Docker hosts: who is asked, what is left over, and what a lost host means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import typer
from docker.errors import DockerException, NotFound
from example_stack import STACK_ID

from cli import (
    console,
    containers,
    differences,
    dockers,
    keeper,
    locks,
    pages,
    phone_sights,
    private_state,
    running,
    stack_config,
    status,
    sweep,
)
from cli.dockers import Dockers
from components.messages import Message
from stacks.host import ssh
from stacks.host.endpoint import DockerEndpoint, EndpointError
from stacks.host.reaching import reached
from stacks.host.ssh import Line, LineError

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

HOSTS: dict[str, Any] = {"nas": {}, "gpu": {"docker": "unix:///run/gpu.sock", "address": "192.168.1.6"}}
OVERLAY, BRIDGE = "id-of-the-overlay", "id-of-a-bridge"
NO_SSH = EndpointError(("gpu.lan does not answer by ssh", "Is it on?"))  # type: ignore[arg-type]


class Thing:
    """A container on a host, which knows what was done to it."""

    def __init__(self, host: FakeDocker, name: str, network: str, status: str = "running") -> None:
        self.host, self.name, self.status = host, f"photos-dev-{name}", status
        self.id = f"id-of-{name}-on-{host.name}"
        self.labels = {"photos.id": STACK_ID, "photos.service": name}
        self.image = SimpleNamespace(tags=[f"{name}:1"])
        self.network = network
        host.things.append(self)

    @property
    def attrs(self) -> dict[str, Any]:
        return {
            "State": {"Status": self.status, "Health": {"Status": "healthy"}},
            "RestartCount": 0,
            "HostConfig": {"PortBindings": {}},
            "NetworkSettings": {"Networks": {"photos-dev-db": {"NetworkID": self.network}}},
        }

    def stop(self, timeout: int) -> None:
        assert timeout == 120, "MariaDB needs the time to write"
        self.status = "exited"

    def rename(self, name: str) -> None:
        self.name = name

    def start(self) -> None:
        self.status = "running"

    def remove(self, *, v: bool) -> None:
        assert v
        assert self.status == "exited", "Docker refuses"
        self.host.things.remove(self)

    def logs(self, **_: Any) -> Any:
        return iter([f"{self.name} on {self.host.name}\n".encode()])


class FakeDocker:
    """A Docker host. A volume that is removed ends the test: nothing of these commands does that."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.things: list[Thing] = []
        self.nets: list[SimpleNamespace] = []
        self.data: list[str] = []
        self.api = SimpleNamespace(timeout=0)
        self.manages = True
        self.containers = SimpleNamespace(list=lambda **_: list(self.things), get=self._get)
        self.networks = SimpleNamespace(list=self._networks)
        self.volumes = SimpleNamespace(list=lambda **_: [SimpleNamespace(name=name) for name in self.data])

    def _networks(self, filters: object = None) -> list[SimpleNamespace]:
        return [net for net in self.nets if not filters or net.attrs["Labels"]]

    def info(self) -> dict[str, Any]:
        return {"Swarm": {"ControlAvailable": self.manages}}

    def close(self) -> None:
        """Say goodbye."""

    def _get(self, name: str) -> Thing:
        for thing in self.things:
            if thing.name == name:
                return thing
        raise NotFound(name)

    def network(self, identity: str, scope: str = "swarm") -> None:
        made: SimpleNamespace = SimpleNamespace(
            id=identity,
            name="photos-dev-db",
            attrs={"Scope": scope, "Labels": {"photos.id": STACK_ID} if scope == "swarm" else {}},
            remove=lambda: self.nets.remove(made),
            reload=lambda: None,
        )
        self.nets.append(made)

    def names(self) -> list[str]:
        return sorted(thing.name.removeprefix("photos-dev-") for thing in self.things)


class House:
    """The hosts nas, which comes first, and gpu. `off`: host → why it does not answer."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.nas, self.gpu = FakeDocker("nas"), FakeDocker("gpu")
        self.off: dict[str, Exception] = {}
        self.asked: list[str] = []
        self.state: list[dict[str, Any]] = []

    def place(self, **place: str) -> None:
        """Write the stack file, and let every service run where it says; the state knows them."""
        backup = {"remotes": {"disk": {"kind": "disk", "type": "local", "path": "/mnt/second/photos"}}}
        self.checkout.write(STACK_ID, {"photos:hosts": HOSTS, "photos:place": place, "photos:backup": backup})
        for host in (self.nas, self.gpu):
            host.network(OVERLAY)
            host.network(BRIDGE, "local")
        self.know(differences.NETWORK, OVERLAY, "photos-dev-db")
        for service in ("mariadb", "photoprism", "syncthing", "drive", "keeper", "watch"):
            thing = Thing(self.on(dockers.host_of("dev", service)), service, OVERLAY)
            self.know(differences.CONTAINER, thing.id, thing.name)
        waiting = Thing(self.on(dockers.host_of("dev", "restore")), "restore", "", "created")
        self.know(differences.CONTAINER, waiting.id, waiting.name, inputs={"start": False})

    def know(self, kind: str, identity: str, name: str, **more: Any) -> None:
        urn = f"urn:pulumi:dev::photos::x::{name}"
        self.state.append({"type": kind, "id": identity, "urn": urn, "outputs": {"name": name}} | more)

    def on(self, host: str) -> FakeDocker:
        return self.nas if host == "nas" else self.gpu

    def connect(self, host: str) -> FakeDocker:
        self.asked.append(host)
        if host in self.off:
            raise self.off[host]
        return self.on(host)


@pytest.fixture
def house(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> House:
    made = House(checkout)

    def endpoints_of(_: object, hosts: Mapping[str, Any]) -> dict[str, Any]:
        assert dict(hosts) == {"nas": None, "gpu": "unix:///run/gpu.sock"}
        return {
            name: SimpleNamespace(
                connect=lambda _, name=name: made.connect(name), line=None, named_by=name, url="unix:///x"
            )
            for name in ("nas", "gpu")
        }

    monkeypatch.setattr(dockers, "endpoints_of", endpoints_of)
    monkeypatch.setattr(private_state, "resources", lambda _: made.state)
    monkeypatch.setattr(locks, "_end_orphaned_plugins", lambda: None)
    monkeypatch.setattr(keeper, "summary", lambda _: made.asked.append("keeper"))
    monkeypatch.setattr(console.out, "width", 200)
    monkeypatch.setenv("COLUMNS", "200")
    return made


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return what was written, on one line: a terminal's width breaks it anywhere."""

    def read() -> str:
        both = capsys.readouterr()
        return " ".join((both.out + both.err).split())

    return read


@contextmanager
def all_hosts() -> Iterator[Dockers]:
    with containers.connected("dev") as found:
        yield found


def test_a_service_is_asked_for_on_its_own_host(house: House) -> None:
    house.place(mariadb="gpu")
    Thing(house.nas, "mariadb", OVERLAY)

    with all_hosts() as found:
        assert containers.of_service(found, "dev", "mariadb").host is house.gpu  # type: ignore[union-attr]
        assert containers.of_service(found, "dev", "photoprism").host is house.nas  # type: ignore[union-attr]
        assert {state.name: state.host for state in running.services(found, "dev")}["mariadb"] == "nas", "the leftover"
        assert found.first is cast("Any", house.nas)


def test_status_shows_each_service_with_its_host(house: House, told: Callable[[], str]) -> None:
    house.place(mariadb="gpu")

    assert status.show("dev") == 0
    rows = told()
    assert "mariadb healthy mariadb:1 gpu" in rows
    assert "photoprism healthy photoprism:1 nas" in rows
    assert "no answer" not in rows


def test_logs_are_those_of_the_service_s_host(house: House, told: Callable[[], str]) -> None:
    house.place(mariadb="gpu")

    status.logs("dev", "mariadb", follow=False, lines=1)
    assert told() == "photos-dev-mariadb on gpu"


def test_logs_of_a_lost_host_are_not_called_missing(house: House, told: Callable[[], str]) -> None:
    house.place(mariadb="gpu")
    house.off["gpu"] = NO_SSH

    status.logs("dev", "photoprism", follow=False, lines=1)
    assert told() == "photos-dev-photoprism on nas"
    with pytest.raises(typer.Exit):
        status.logs("dev", "mariadb", follow=False, lines=1)
    assert told().startswith("The host gpu does not answer, and this cannot be done without it")


@pytest.mark.parametrize("why", [NO_SSH, DockerException("connection refused")], ids=["no ssh", "no docker"])
def test_the_host_of_the_database_is_off(house: House, told: Callable[[], str], why: Exception) -> None:
    house.place(mariadb="gpu")
    house.off["gpu"] = why

    assert status.show("dev") == 1
    said = told()
    assert "photoprism healthy" in said, "the others are shown as they are"
    assert "mariadb no answer gpu" in said
    assert "Missing" not in said
    assert "gpu does not answer: " in said
    assert "On it: mariadb. Nothing is lost. The album is down without its database" in said
    assert "The backup goes on without the database, and warns" in said
    assert "Once gpu is on: ./photos up dev --refresh" in said
    assert "It manages the network" not in said
    assert house.asked[-1] == "keeper", "what the keeper says is asked, too"


def test_the_host_of_the_photos_is_off(house: House, told: Callable[[], str]) -> None:
    house.place(photoprism="gpu", syncthing="gpu", drive="gpu", keeper="gpu")
    house.off["gpu"] = NO_SSH

    assert status.show("dev") == 1
    said = told()
    assert "On it: drive, photoprism, syncthing, keeper, watch. Nothing is lost. The photos are there" in said
    assert "Nothing is backed up meanwhile" in said
    assert "mariadb healthy" in said
    assert "The album:" not in said
    assert house.asked == ["nas", "gpu"], "nobody waits twice for a host that is off"


def test_the_manager_is_off(house: House, told: Callable[[], str]) -> None:
    house.place(mariadb="gpu")
    house.off["nas"] = DockerException("connection refused")

    assert status.show("dev") == 1
    said = told()
    assert "mariadb healthy" in said
    assert "It manages the network: what runs on the other hosts goes on, and what stops there is not started" in said


def test_what_did_not_come_up_with_its_host_is_named(house: House, told: Callable[[], str]) -> None:
    house.place(mariadb="gpu")
    house.gpu.things[0].status = "exited"

    assert status.show("dev") == 1
    said = told()
    assert "Ended, and not started again: mariadb. That is so where their host came up before nas" in said
    assert "./photos up dev --refresh" in said


def test_what_needs_all_hosts_ends_in_one_line(house: House, told: Callable[[], str]) -> None:
    house.place(mariadb="gpu")
    house.off["gpu"] = NO_SSH

    needing: list[Callable[[str], object]] = [differences.told_differences, sweep.room_for_destroy, sweep.leftovers]
    for needs_all in needing:
        with pytest.raises(typer.Exit):
            needs_all("dev")
        assert "The host gpu does not answer, and this cannot be done without it: gpu.lan does not" in told()


def test_the_keeper_is_asked_where_it_is_whatever_other_hosts_do(house: House, told: Callable[[], str]) -> None:
    house.place(mariadb="gpu")
    house.off["gpu"] = NO_SSH

    with containers.connected("dev", service="keeper") as found:
        assert keeper._keeper(found, "dev").host is house.nas  # type: ignore[attr-defined]
    assert house.asked == ["nas"]
    with pytest.raises(typer.Exit), containers.connected("dev", service="mariadb"):
        pass
    assert "The host gpu does not answer" in told()


def test_of_phones_nothing_is_said_where_their_host_is_off(house: House) -> None:
    house.place(photoprism="gpu", syncthing="gpu", drive="gpu", keeper="gpu")
    house.off["gpu"] = NO_SSH

    with containers.connected("dev", partly=True) as found:
        config = stack_config.offline("dev").settings
        assert phone_sights.warnings(found, "dev", config) == []


@pytest.mark.usefixtures("agreed")
def test_a_container_that_a_move_left_behind_goes_after_asking_and_its_volume_stays(
    house: House, told: Callable[[], str]
) -> None:
    house.place(mariadb="gpu")
    Thing(house.nas, "mariadb", OVERLAY)
    house.nas.data = house.gpu.data = ["photos-dev-mariadb"]

    assert differences.told_differences("dev") is True
    assert "photos-dev-mariadb is on a host that its service is not on any more" in told()
    with sweep.room_for_up("dev") as changed:
        assert changed is True
    assert "mariadb" not in house.nas.names()
    assert "mariadb" in house.gpu.names()
    assert house.nas.data == ["photos-dev-mariadb"]


def test_who_does_not_agree_keeps_what_a_move_left_behind(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.place(mariadb="gpu")
    Thing(house.nas, "mariadb", OVERLAY)
    monkeypatch.setattr(sweep, "confirm", lambda _: False)

    with pytest.raises(typer.Exit), sweep.room_for_up("dev"):
        pass
    assert "mariadb" in house.nas.names()


@pytest.mark.usefixtures("agreed")
def test_what_something_else_made_on_another_host_is_set_aside_and_put_back_there(house: House) -> None:
    house.place(mariadb="gpu")
    house.state = [entry for entry in house.state if "mariadb" not in entry["urn"]]
    (server,) = (thing for thing in house.gpu.things if thing.name == "photos-dev-mariadb")

    with sweep.room_for_up("dev"):
        assert (server.name, server.status) == ("photos-dev-mariadb-set-aside", "exited")
    assert (server.name, server.status) == ("photos-dev-mariadb", "running"), "no successor came"


def test_containers_of_a_swarm_that_is_no_more_are_made_anew(house: House, told: Callable[[], str]) -> None:
    house.place(mariadb="gpu")
    house.nas.nets = [net for net in house.nas.nets if net.id == BRIDGE]  # `swarm leave`, `swarm init`
    house.nas.things[0].network = BRIDGE

    assert differences.told_differences("dev") is True
    assert "The network of photos-dev-mariadb is gone with the swarm that made it" in told()
    with sweep.room_for_up("dev") as changed:
        assert changed is True
    assert house.gpu.names() == []
    assert house.nas.names() == ["photoprism", "restore"], "they are in a network that is there, or in none yet"
    assert [net.id for net in house.gpu.nets] == [BRIDGE], "a dead overlay would hold the addresses of the next"


def test_while_there_is_no_swarm_to_make_them_anew_in_containers_stay(house: House) -> None:
    """What phones send still arrives in one that reaches nobody else."""
    house.place(mariadb="gpu")
    house.nas.nets = [net for net in house.nas.nets if net.id == BRIDGE]
    house.nas.manages = False

    with sweep.room_for_up("dev"):
        pass
    assert house.gpu.names() == ["mariadb"]


def test_what_never_ran_is_in_no_network_and_is_left_alone(house: House) -> None:
    house.place(mariadb="gpu")
    assert {thing.network for thing in house.nas.things} == {OVERLAY, ""}

    assert differences.told_differences("dev") is False


def test_a_volume_that_is_only_where_it_was_before_a_move_is_lost(house: House, told: Callable[[], str]) -> None:
    house.place(mariadb="gpu")
    house.know(differences.VOLUME, "photos-dev-mariadb", "photos-dev-mariadb")
    house.nas.data = ["photos-dev-mariadb"]

    assert differences.told_differences("dev") is True
    assert "The volume photos-dev-mariadb is gone" in told()
    house.gpu.data = ["photos-dev-mariadb"]
    assert differences.told_differences("dev") is False


def test_a_port_of_a_host_behind_ssh_is_led_here_first(monkeypatch: pytest.MonkeyPatch) -> None:
    led: list[tuple[str, int]] = []
    line = Line("ssh://family@nas")
    monkeypatch.setattr(Line, "forward", lambda _, published, port: led.append((published, port)))

    assert reached(DockerEndpoint(), "127.0.0.1", 2342) == "127.0.0.1:2342"
    assert led == []
    assert reached(DockerEndpoint(line=line), "127.0.0.1", 2342) == f"{line.address}:2342"
    assert led == [("127.0.0.1", 2342)]


def test_nobody_waits_twice_for_a_machine_that_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def no_answer(*words: str) -> SimpleNamespace:
        asked.extend(word for word in words if word == "-M")
        return SimpleNamespace(returncode=255, stderr="connect to host nas port 22: No route to host")

    monkeypatch.setattr(ssh, "FOLDER", tmp_path / "lines")
    monkeypatch.setattr(ssh, "_ssh", no_answer)
    line = Line("ssh://family@nas")
    line.folder = tmp_path / "lines/nas"

    for _ in range(3):
        with pytest.raises(LineError, match="nas does not answer by ssh"):
            line.open()
    assert asked == ["-M"]


def test_the_only_host_is_off_and_that_is_one_line(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, told: Callable[[], str]
) -> None:
    checkout.write(STACK_ID, {"photos:host": "ssh://family@nas"})

    def refused(_: Line) -> None:
        raise LineError((Message("a", "nas does not answer by ssh"), Message("b", "Is it on?")))

    monkeypatch.setattr(Line, "open", refused)
    for command in (status.show, differences.told_differences):
        with pytest.raises(typer.Exit):
            command("dev")
        assert told() == "docker: nas does not answer by ssh. Is it on?"


def test_the_printed_address_is_the_one_that_works_here(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Line, "forward", lambda *_: None)
    checkout.write(STACK_ID)
    assert pages.album("dev") == "http://localhost:12343/"
    checkout.write(STACK_ID, {"photos:host": "ssh://family@nas"})
    there = Line("ssh://family@nas").address
    assert pages.album("dev") == f"http://{there}:12343/"
    assert pages.backup("dev") is None
