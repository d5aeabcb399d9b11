"""What carries the stack's id and is not what its state knows: nothing that runs is removed without a successor."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import typer
from docker.errors import NotFound
from example_stack import STACK_ID

from cli import console, containers, differences, docker_host, locks, paths, private_state, sweep
from cli.dockers import Dockers

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

GONE = 2**22 + 5


class Thing:
    """A container or network of a host, which knows what was done to it."""

    def __init__(self, host: Host, kind: str, name: str, status: str = "running", service: str = "") -> None:
        self.host, self.kind, self.name, self.status = host, kind, name, status
        self.id = f"id-{len(host.made)}"
        self.labels = {"photos.id": STACK_ID, "photos.service": service or name.removeprefix("photos-dev-")}
        self.attrs: dict[str, Any] = {"State": {"Status": status, "Health": {"Status": "healthy"}}, "RestartCount": 0}
        host.made.append(self)
        host.there.append(self)

    def rename(self, name: str) -> None:
        assert self.status != "restarting", "Docker cannot: sandbox not found"
        self.name = name

    def stop(self, timeout: int) -> None:
        assert timeout == 120, "MariaDB needs the time to write"
        self.status = "exited"

    def start(self) -> None:
        self.status = "running"

    def remove(self, **options: bool) -> None:
        assert options == ({} if self.kind == "network" else {"v": True})
        assert self.kind == "network" or self.status not in ("running", "restarting"), "Docker refuses"
        self.host.there.remove(self)

    def reload(self) -> None:
        """Be up to date already."""


class Host:
    """A Docker host on which everything is the stack's, and the state that Pulumi has of it."""

    def __init__(self) -> None:
        self.made: list[Thing] = []
        self.there: list[Thing] = []
        self.state: list[dict[str, Any]] = []
        self.containers = SimpleNamespace(list=self._listing("container"), get=self._get)
        self.networks = SimpleNamespace(list=self._listing("network"))
        self.volumes = SimpleNamespace(list=self._listing("volume"))
        self.api = SimpleNamespace()

    def _listing(self, kind: str) -> Any:
        def found(*, filters: dict[str, str], **_: Any) -> list[Thing]:
            assert filters == {"label": f"photos.id={STACK_ID}"}
            return [thing for thing in self.there if thing.kind == kind]

        return found

    def _get(self, name: str) -> Thing:
        for thing in self.there:
            if name == thing.name:
                return thing
        raise NotFound(name)

    def know(self, kind: str, identity: str, name: str, **more: Any) -> None:
        """Let the state have a resource."""
        types = {"container": differences.CONTAINER, "network": differences.NETWORK, "volume": differences.VOLUME}
        urn = f"urn:pulumi:dev::photos::x::{name}"
        self.state.append({"type": types[kind], "id": identity, "urn": urn, "outputs": {"name": name}} | more)

    def add(self, kind: str, name: str, status: str = "running", service: str = "", *, known: bool = True) -> Thing:
        thing = Thing(self, kind, name, status, service)
        if known:
            self.know(kind, name if kind == "volume" else thing.id, name)
        return thing

    def names(self, status: str = "") -> list[str]:
        return sorted(thing.name for thing in self.there if not status or thing.status == status)


@pytest.fixture
def host(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Host:
    checkout.write(STACK_ID)
    made = Host()

    @contextmanager
    def connect(_: int = 0) -> Iterator[Host]:
        yield made

    monkeypatch.setattr(docker_host, "connect", connect)
    monkeypatch.setattr(private_state, "resources", lambda _: made.state)
    monkeypatch.setattr(locks, "_end_orphaned_plugins", lambda: None)
    return made


def dockers(host: Host) -> Dockers:
    """Return the one host as the commands have it."""
    return Dockers("dev", {"": cast("Any", host)})


@pytest.fixture
def lock() -> Path:
    folder = paths.state_folder() / ".pulumi/locks/organization/photos/dev"
    folder.mkdir(parents=True)
    return folder / "x.json"


def remade(host: Host, name: str = "photos-dev-drive") -> Thing:
    """Add a running container under a name that the state knows by another id, as a panel or an updater makes it."""
    host.know("container", "id-of-the-old-one", name)
    return host.add("container", name, known=False)


def test_where_everything_is_as_the_state_knows_it_nothing_is_done(host: Host) -> None:
    for kind, name in (("container", "photos-dev-drive"), ("network", "photos-dev-db"), ("volume", "photos-dev-drive")):
        host.add(kind, name)
    before = host.names()

    with sweep.room_for_up("dev") as changed:
        assert changed is False
    assert host.names() == before


@pytest.mark.usefixtures("agreed")
def test_a_container_that_was_made_anew_by_something_else_is_replaced_by_the_stack_s_own(host: Host) -> None:
    foreign = remade(host)

    with sweep.room_for_up("dev") as changed:
        assert changed is True, "pulumi must look, or it would say unchanged"
        assert host.names() == ["photos-dev-drive-set-aside"]
        assert foreign.status == "exited", "its port is free"
        host.add("container", "photos-dev-drive")
    assert host.names("running") == ["photos-dev-drive"]
    assert foreign not in host.there


@pytest.mark.usefixtures("agreed")
def test_what_a_panel_made_anew_and_only_crashes_is_stopped_before_it_gives_up_its_name(host: Host) -> None:
    crashing = remade(host)
    crashing.status, crashing.attrs = "restarting", {"State": {"Status": "restarting"}, "RestartCount": 4}

    with sweep.room_for_up("dev"):
        assert (crashing.name, crashing.status) == ("photos-dev-drive-set-aside", "exited")


@pytest.mark.usefixtures("agreed")
def test_a_database_of_a_killed_up_finishes_its_first_start_before_it_is_stopped(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = host.add("container", "photos-dev-mariadb", known=False)
    found.attrs["State"]["Health"]["Status"] = "starting"
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        assert found.status == "running"
        waited.append(seconds)
        if len(waited) == 5:
            found.attrs["State"]["Health"]["Status"] = "healthy"

    monkeypatch.setattr(containers, "time", SimpleNamespace(monotonic=lambda: 0, sleep=sleep))
    with sweep.room_for_up("dev"):
        assert found.status == "exited"
    assert len(waited) == 5


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("how", ["the program ends", "pulumi fails"])
def test_what_was_set_aside_runs_again_where_no_successor_came(host: Host, how: str) -> None:
    foreign = remade(host)
    ended = pytest.raises(typer.Exit) if how == "the program ends" else nullcontext()

    with ended, sweep.room_for_up("dev"):
        if how == "the program ends":
            console.fail("as it may")
    assert host.names("running") == ["photos-dev-drive"]
    assert host.there == [foreign]


@pytest.mark.usefixtures("agreed")
def test_what_was_set_aside_is_kept_where_its_successor_does_not_work(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    remade(host)

    with sweep.room_for_up("dev"):
        host.add("container", "photos-dev-drive").attrs["State"]["Health"]["Status"] = "unhealthy"
    assert host.names() == ["photos-dev-drive", "photos-dev-drive-set-aside"]
    assert "is kept, stopped, as photos-dev-drive-set-aside" in capsys.readouterr().err


def test_without_a_yes_what_runs_stays_as_it_is(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    remade(host)

    with pytest.raises(typer.Exit), sweep.room_for_up("dev"):
        pytest.fail("pulumi must not start")
    assert host.names("running") == ["photos-dev-drive"]
    assert "Nothing that runs was changed" in capsys.readouterr().err


@pytest.mark.usefixtures("agreed")
def test_what_an_up_that_was_killed_had_set_aside_is_not_forgotten(host: Host) -> None:
    host.know("container", "gone", "photos-dev-drive")
    host.add("container", "photos-dev-drive-set-aside", "exited", known=False)

    with sweep.room_for_up("dev"):
        pass
    assert host.names("running") == ["photos-dev-drive"], "no successor came, so it is put back"


def test_what_an_interrupted_run_left_stopped_is_removed(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.add("container", "photos-dev-drive", "created", known=False)
    host.add("network", "photos-dev-apps", known=False)

    with sweep.room_for_up("dev") as changed:
        assert changed is True
        assert host.names() == []
    told = capsys.readouterr().out
    assert "Removed the container photos-dev-drive" in told
    assert "Removed the network photos-dev-apps" in told


def test_what_runs_and_is_not_in_the_stack_file_is_named_and_left(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.add("container", "photos-dev-album2", known=False)

    with sweep.room_for_up("dev"):
        pass
    assert host.names("running") == ["photos-dev-album2"]
    assert "photos-dev-album2 carries this stack's id and is not in the stack file" in capsys.readouterr().err


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("up", [True, False], ids=["up", "destroy"])
def test_a_running_restore_is_never_disturbed(host: Host, capsys: pytest.CaptureFixture[str], up: bool) -> None:
    host.add("container", "photos-dev-restore", known=False)
    host.add("container", "photos-dev-drive", "exited", known=False)

    with pytest.raises(typer.Exit):
        sweep.room_for_up("dev").__enter__() if up else sweep.room_for_destroy("dev")
    assert host.names("running") == ["photos-dev-restore"]
    assert host.names("exited") == ["photos-dev-drive"]
    assert "A restore is running (photos-dev-restore)" in capsys.readouterr().err


@pytest.mark.parametrize("status", ["created", "exited"])
def test_the_stack_s_own_restore_waits_and_is_no_difference(host: Host, status: str) -> None:
    host.add("container", "photos-dev-restore", status, known=False)
    host.know("container", host.there[0].id, "photos-dev-restore", inputs={"start": False})

    assert differences.told_differences("dev") is False
    with sweep.room_for_up("dev") as changed:
        assert changed is False
    assert host.names() == ["photos-dev-restore"]


def test_the_stack_s_own_restore_is_never_disturbed_either(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.add("container", "photos-dev-restore")

    assert differences.told_differences("dev") is False, "pulumi has nothing to look at"
    assert "A restore is running (photos-dev-restore)" in capsys.readouterr().err
    with pytest.raises(typer.Exit), sweep.room_for_up("dev"):
        pass


def test_a_restore_that_ended_is_swept(host: Host) -> None:
    host.add("container", "photos-dev-restore", "exited", known=False)

    with sweep.room_for_up("dev"):
        assert host.names() == []


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("exited", "The container photos-dev-drive is exited"),
        ("created", "The container photos-dev-drive is created"),
        ("dead", "The container photos-dev-drive is dead"),
        ("running", ""),
        ("restarting", ""),
    ],
)
def test_a_service_that_does_not_run_is_a_difference(
    host: Host, capsys: pytest.CaptureFixture[str], status: str, told: str
) -> None:
    host.add("container", "photos-dev-drive", status)

    assert differences.told_differences("dev") is bool(told)
    assert told in capsys.readouterr().err
    assert host.names() == ["photos-dev-drive"], "a preview changes nothing"


WANTED = [{"name": "id-0", "aliases": ["drive"]}, {"name": "1panel-network", "aliases": ["photos-dev-drive"]}]


def touched(host: Host, *, networks: dict[str, str], status: str = "running") -> Thing:
    """Let a service run in `networks` (name → id), which the state wants in its own one and in that of a panel."""
    host.add("network", "photos-dev-apps")
    thing = host.add("container", "photos-dev-drive", status)
    host.state[-1]["inputs"] = {"networksAdvanced": WANTED}
    thing.attrs["NetworkSettings"] = {"Networks": {name: {"NetworkID": number} for name, number in networks.items()}}
    return thing


ALL = {"photos-dev-apps": "id-0", "1panel-network": "id-of-the-panel-s"}


@pytest.mark.parametrize(
    ("place", "told", "done"),
    [
        ((ALL, "running"), "", []),
        (({"id-0": "", "1panel-network": ""}, "running"), "", []),  # as Docker names one that was just joined
        ((ALL, "paused"), "is paused", ["unpause"]),
        (
            ({"1panel-network": "x"}, "running"),
            "is not in the network photos-dev-apps any more",
            ["join id-0 as drive"],
        ),
        (
            ({"photos-dev-apps": "id-0"}, "running"),
            "is not in the network 1panel-network any more",
            ["join 1panel-network as photos-dev-drive"],
        ),
        (({**ALL, "proxy": "y"}, "running"), "photos:panel_network: proxy", ["leave proxy"]),
        (({}, "exited"), "is exited", []),
    ],
)
def test_what_a_panel_does_to_a_container_is_told_by_a_preview_and_undone_by_an_up(
    host: Host, capsys: pytest.CaptureFixture[str], place: tuple[dict[str, str], str], told: str, done: list[str]
) -> None:
    thing = touched(host, networks=place[0], status=place[1])
    known = {"photos-dev-apps", "id-0", "1panel-network", "proxy"}
    ours = host.networks.list
    host.networks.list = lambda names=(), **others: [name for name in names if name in known] or ours(**others)
    undone = undoing(host, thing, known)

    assert differences.told_differences("dev") is bool(told)
    assert told in capsys.readouterr().err
    assert undone == [], "a preview changes nothing"
    with sweep.room_for_up("dev") as changed:
        assert changed is bool(told)
    assert undone == done


def undoing(host: Host, thing: Thing, known: set[str]) -> list[str]:
    """Let what undoes something write down what it does."""
    undone: list[str] = []
    thing.unpause = lambda: undone.append("unpause")  # type: ignore[attr-defined]

    def network(name: str) -> SimpleNamespace:
        assert name in known
        return SimpleNamespace(
            disconnect=lambda container: undone.append(f"leave {name}"),  # noqa: ARG005
        )

    def join(_: str, name: str, *, aliases: list[str]) -> None:
        assert name in known
        undone.append(f"join {name} as {aliases[0]}")

    host.networks.get = network
    host.api = SimpleNamespace(connect_container_to_network=join)
    return undone


def test_a_network_that_is_gone_is_not_missed_twice(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    touched(host, networks={})
    host.there = [thing for thing in host.there if thing.kind != "network"]
    host.networks.list = lambda **_: []

    assert differences.told_differences("dev") is True
    told = capsys.readouterr().err
    assert "The network photos-dev-apps is gone" in told
    assert "is not in the network" not in told


def test_a_renamed_container_is_told_and_pulumi_has_to_look(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.add("container", "photos-dev-drive").rename("old-drive")

    assert differences.told_differences("dev") is True
    assert "The container photos-dev-drive is called old-drive now" in capsys.readouterr().err
    with sweep.room_for_up("dev") as changed:
        assert changed is True
    assert host.names() == ["old-drive"], "pulumi replaces it"


def test_what_runs_in_a_service_s_place_is_named_where_there_is_a_state_to_compare_with(host: Host) -> None:
    remade(host)
    host.add("container", "photos-dev-mariadb", "exited", known=False)
    host.add("container", "photos-dev-restore", known=False)
    assert sweep.strangers(dockers(host), "dev") == []

    state = private_state._file("dev")
    state.parent.mkdir(parents=True)
    state.touch()
    assert sweep.strangers(dockers(host), "dev") == ["drive"]


def test_a_lost_volume_is_named_with_the_way_back(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.know("volume", "photos-dev-mariadb", "photos-dev-mariadb")

    assert differences.told_differences("dev") is True
    told = capsys.readouterr().err
    assert "The volume photos-dev-mariadb is gone, with what was in it" in told
    assert "./photos keeper restore --everything" in told


def test_a_preview_during_a_restore_names_it(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.add("container", "photos-dev-restore", known=False)

    assert differences.told_differences("dev") is True
    told = capsys.readouterr().err
    assert "A restore is running (photos-dev-restore)" in told
    assert "does not know it" not in told


def test_what_the_state_only_waits_to_delete_is_not_missed(host: Host) -> None:
    host.know("container", "old", "photos-dev-drive", delete=True)

    assert differences.told_differences("dev") is False


def test_a_network_in_use_is_left(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.add("network", "photos-dev-db", known=False).attrs["Containers"] = {"x": {}}

    with sweep.room_for_up("dev"):
        pass
    assert host.names() == ["photos-dev-db"]
    assert "is in use" in capsys.readouterr().err


def test_a_destroy_asks_before_it_takes_what_something_else_made(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    remade(host)
    with pytest.raises(typer.Exit):
        sweep.room_for_destroy("dev")
    assert host.names("running") == ["photos-dev-drive"]
    assert "Nothing was destroyed" in capsys.readouterr().err

    monkeypatch.setattr(console.Unattended, "yes", True)
    assert sweep.room_for_destroy("dev") is True, "the state knows a container that is not there"
    assert host.names() == []


def test_what_a_destroy_did_not_know_goes_after_it(host: Host) -> None:
    host.add("container", "photos-dev-drive", known=False)
    host.add("network", "photos-dev-db", known=False)
    sweep.leftovers("dev")

    assert host.names() == []


def test_nothing_is_swept_while_a_pulumi_is_at_work(host: Host, lock: Path) -> None:
    lock.write_text(json.dumps({"pid": GONE, "hostname": "elsewhere"}))
    host.add("container", "photos-dev-drive", "created", known=False)

    with sweep.room_for_up("dev") as changed:
        assert changed is False
    assert lock.exists()
    assert host.names() == ["photos-dev-drive"]


@pytest.mark.parametrize("up", [True, False], ids=["up", "destroy"])
def test_a_dead_lock_is_removed_before_the_sweep(host: Host, lock: Path, up: bool) -> None:
    lock.write_text(json.dumps({"pid": GONE, "hostname": socket.gethostname()}))
    host.add("container", "photos-dev-drive", "created", known=False)

    if up:
        with sweep.room_for_up("dev"):
            assert not lock.exists()
    else:
        sweep.room_for_destroy("dev")
    assert not lock.exists()
    assert host.names() == []


def test_unlocking_touches_no_container(host: Host, lock: Path) -> None:
    lock.write_text(json.dumps({"pid": GONE, "hostname": socket.gethostname()}))
    host.add("container", "photos-dev-drive", "created", known=False)
    locks.unlock("dev")

    assert not lock.exists()
    assert host.names() == ["photos-dev-drive"]


def test_before_the_first_run_there_is_nothing_to_compare(host: Host, checkout: Checkout) -> None:
    checkout.write(None)
    host.add("container", "photos-dev-drive", "created", known=False)

    assert differences.told_differences("dev") is False
