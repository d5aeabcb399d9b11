"""A service moved to another host of a made-up house: refused with one line, done whole, or killed before any of its steps.

The copy itself, between two real Dockers: tests/hosts/test_moving_volumes.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import typer
from example_stack import STACK_ID

from cli import containers, locks, remembered, setup, stack_config, swarm, sweep, workspace
from cli.commands import move as command
from cli.moving import hosts, journal, moving, settling
from cli.moving.volumes import Content
from cli.upgrade import services
from cli.upgrade.copying import CopyError
from cli.upgrade.points import SPARE
from components.messages import message
from stacks.host import Finding, advice, error
from stacks.preflight import Report
from stacks.sections.places import host_of

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

ALL = ("mariadb", "photoprism", "syncthing", "drive", "keeper", "watch")
DATA = {name: f"photos-dev-{name}" for name in ALL} | {"photoprism": "photos-dev-photoprism-storage"}
LIBRARY = ("drive", "photoprism", "syncthing", "keeper")
STEPS = 45
"""More than a move has; a kill after the last one is none."""


class KilledError(BaseException):
    """The process is gone: nothing of it does anything any more."""


class House:
    """Two hosts with containers and volumes, and a stack file, in which each change is a step that may be the last."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout, self.kill_before, self.steps, self.dead = checkout, 10**6, 0, False
        self.place: dict[str, str] = {}
        self.volumes = {("nas", volume): "live" for volume in DATA.values()}
        self.there = {("nas", name) for name in ALL}
        self.running = set(self.there)
        self.foreign: set[str] = set()
        self.users: list[str] = []
        self.findings: list[Finding] = []
        self.free = 10**12
        self.broken = False

    def write_stack_file(self) -> None:
        backup = {"remotes": {"disk": {"kind": "disk", "type": "local", "path": "/mnt/second/photos"}}}
        listed = {
            "nas": {"address": "192.168.1.10"},
            "gpu": {"docker": "ssh://photos@gpu.lan", "address": "192.168.1.20"},
        }
        changes = {"photos:hosts": listed, "photos:place": self.place, "photos:backup": backup}
        self.checkout.write(STACK_ID, changes)

    def step(self) -> None:
        """Do one more thing, or be killed before it."""
        if self.dead or self.steps == self.kill_before:
            self.dead = True
            raise KilledError
        self.steps += 1

    def live_again(self) -> None:
        self.dead, self.kill_before = False, 10**6

    def set_values(self, stack: str, values: dict[str, str]) -> None:
        assert stack == "dev"
        self.step()
        self.place |= {key.removeprefix("photos:place."): host for key, host in values.items()}
        self.write_stack_file()

    def up(self, *_: Any, **__: Any) -> int:
        """Bring everything up where the stack file says; return pulumi's exit code."""
        self.step()
        settings = stack_config.offline("dev").settings
        for name in ALL:
            host = host_of(settings, name)
            for where, other in [*self.there]:
                assert (where == host) or other != name, "the provider would start it anew through the other host's"
            self.there.add((host, name))
            content = self.volumes.setdefault((host, DATA[name]), "empty")
            assert content in ("live", "empty"), "half a copy is used"
            if self.broken:
                return 255
            self.running.add((host, name))
        return 0

    def container(self, host: str, service: str) -> Any:
        def stop(timeout: int) -> None:
            assert timeout == 120
            self.step()
            self.running.discard((host, service))

        def start() -> None:
            self.step()
            self.running.add((host, service))

        def remove(**_: bool) -> None:
            self.step()
            assert (host, service) not in self.running
            self.there.discard((host, service))

        runs = (host, service) in self.running
        state = {"Status": "running" if runs else "exited", "Health": {"Status": "healthy"}, "ExitCode": 0}
        return SimpleNamespace(
            name=f"photos-dev-{service}", labels={"photos.service": service}, stop=stop, start=start, remove=remove, status=state["Status"],
            attrs={"State": state}, reload=lambda: None, top=lambda: {"Processes": []}, logs=lambda **_: b"",
        )  # fmt: skip

    def listed(self, client: Any, _: str) -> list[Any]:
        return [self.container(client.host, name) for host, name in sorted(self.there) if host == client.host]

    def carry(self, source: FakeSide, target: FakeSide, volume: str) -> None:
        used = {"mariadb", "photoprism", "keeper"} if volume.endswith("mariadb") else {*LIBRARY, "watch"}
        assert not used & {name for _, name in self.running}, "somebody may write meanwhile"
        self.step()
        self.volumes[target.host, volume] = "half"
        self.step()
        if self.broken:
            raise CopyError(
                message("move_copy_differs", "what arrived of {volume} is not what was sent", volume=volume)
            )
        self.volumes[target.host, volume] = self.volumes[source.host, volume]

    @property
    def by_host(self) -> dict[str, set[str]]:
        return {host: {name for where, name in self.volumes if where == host} for host in ("nas", "gpu")}


class FakeSide:
    """The volumes of one host of the house."""

    def __init__(self, client: Any, stack: str, stack_id: str, tool: str) -> None:
        assert (stack, stack_id) == ("dev", STACK_ID)
        assert tool.startswith("mariadb:")
        self.host, self.house = client.host, client.house

    def clear(self) -> None:
        self.house.step()

    def free(self) -> int:
        return int(self.house.free)

    def holds(self, volume: str) -> bool:
        return (self.host, volume) in self.house.volumes

    def owns(self, volume: str) -> bool:
        return self.holds(volume) and volume not in self.house.foreign

    def users(self, _: str) -> list[str]:
        return list(self.house.users)

    def content(self, volume: str) -> Content:
        assert self.holds(volume)
        empty = self.house.volumes[self.host, volume] == "empty"
        return Content(4096, 0, None) if empty else Content(10**9, 7, datetime(2026, 3, 4, 5, 6, tzinfo=UTC))

    def remove(self, volume: str) -> None:
        self.house.step()
        self.house.volumes.pop((self.host, volume), None)


@pytest.fixture(name="house")
def house_fixture(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> House:
    house = House(checkout)
    house.write_stack_file()
    patch = monkeypatch.setattr

    @contextmanager
    def connected(_: Any) -> Iterator[Any]:
        yield {host: SimpleNamespace(host=host, house=house) for host in ("nas", "gpu")}

    def look_at(stack: str, *, place: dict[str, str]) -> Report:
        return Report(stack_config.load(stack, place=place), list(house.findings))

    real_write, real_end = remembered.write, journal.end

    def write(file: Path, content: Any) -> None:
        house.step()
        real_write(file, content)

    def end(stack: str) -> None:
        house.step()
        real_end(stack)

    patch(hosts, "connected", connected)
    patch(containers, "on", house.listed)
    patch(moving, "Side", FakeSide)
    patch(settling, "Side", FakeSide)
    patch(moving, "carry", house.carry)
    patch(moving, "pull", lambda *_: None)
    patch(moving, "CrashLoops", lambda _: SimpleNamespace(end=lambda: None, tell=lambda: None))
    patch(command, "volumes_by_host", lambda _: house.by_host)
    patch(setup, "look_at", look_at)
    patch(setup, "reach", lambda _: None)
    patch(sweep, "run_up", house.up)
    patch(workspace, "set_values", house.set_values)
    patch(remembered, "write", write)
    patch(journal, "end", end)
    patch(locks, "unlock", lambda _: None)
    patch(swarm, "offered", lambda _: False)
    patch(services, "SECONDS_BETWEEN_LOOKS", 0)
    return house


def move(service: str, host: str) -> str:
    """Move with --yes; return how it ended."""
    try:
        command.move(service, host, "dev", yes=True)
    except typer.Exit:
        return "refused"
    except KilledError:
        return "killed"
    return "moved"


def where(house: House, service: str) -> list[str]:
    """Return the hosts that a service runs on."""
    return sorted(host for host, name in house.running if name == service)


def is_whole(house: House, *gone: str) -> None:
    """Assert that everything runs once, on its data, and that nothing half-made is left."""
    assert journal.read("dev") is None
    settings = stack_config.offline("dev").settings
    for name in ALL:
        host = host_of(settings, name)
        assert where(house, name) == [host]
        assert house.volumes[host, DATA[name]] == "live"
    assert "half" not in house.volumes.values()
    assert {host for host, _ in house.volumes} <= {"nas", "gpu"} - set(gone)


def test_a_database_moves_with_its_data_which_stays_where_it_was_too(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert move("mariadb", "gpu") == "moved"

    is_whole(house)
    assert house.place == {"mariadb": "gpu"}
    assert house.volumes["nas", "photos-dev-mariadb"] == "live"
    assert "docker volume rm photos-dev-mariadb" in capsys.readouterr().out


def test_back_again_replaces_the_older_state_only_after_asking(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    move("mariadb", "gpu")
    house.volumes["nas", "photos-dev-mariadb"] = "old"
    asked: list[str] = []
    monkeypatch.setattr(moving, "confirm", lambda question: asked.append(str(question)))
    assert move("mariadb", "nas") == "refused"
    assert "older state of photos-dev-mariadb, last written 2026-03-04" in asked[0]
    assert house.volumes["nas", "photos-dev-mariadb"] == "old"
    monkeypatch.undo()
    capsys.readouterr()


def test_back_again_ends_where_it_began(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    move("mariadb", "gpu")
    house.volumes["nas", "photos-dev-mariadb"] = "old"

    assert move("mariadb", "nas") == "moved"
    is_whole(house)
    assert house.place == {"mariadb": "nas"}
    assert "docker -H ssh://photos@gpu.lan volume rm photos-dev-mariadb" in capsys.readouterr().out


def test_an_empty_volume_there_is_taken_without_a_question(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.volumes["gpu", "photos-dev-mariadb"] = "empty"
    asked: list[str] = []

    def yes(question: object) -> bool:
        asked.append(str(question))
        return True

    monkeypatch.setattr(moving, "confirm", yes)

    assert move("mariadb", "gpu") == "moved"
    assert asked == ["Move now?"]
    is_whole(house)


def test_who_was_placed_by_hand_is_moved_after_all(house: House) -> None:
    house.place = {"mariadb": "gpu"}
    house.write_stack_file()
    wrong = advice(
        "data_elsewhere",
        "{service} would be on {host}, and its data is on {there}: it would start empty",
        "./photos move {service} {host} --stack {stack} takes the data along; or write {there} back",
        service="mariadb", host="gpu", there="nas", stack="dev",
    )  # fmt: skip
    house.findings = [error("config photos:place.mariadb", *wrong)]

    assert move("mariadb", "gpu") == "moved"
    is_whole(house)


def test_services_that_see_the_same_photos_move_together_after_asking(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert move("photoprism", "gpu") == "moved"

    is_whole(house)
    assert house.place == dict.fromkeys(LIBRARY, "gpu")
    assert where(house, "watch") == ["gpu"]
    said = capsys.readouterr().out
    assert "photoprism sees the same photos as drive, syncthing, keeper" in said
    assert "drive, photoprism, syncthing, keeper, watch" in said


def test_of_those_that_move_together_none_goes_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "confirm", lambda _: False)

    assert move("drive", "gpu") == "refused"
    assert house.steps == 0


@pytest.mark.parametrize(
    ("service", "host", "said"),
    [
        ("watch", "gpu", "watch is always where keeper is: ./photos move keeper gpu --stack dev"),
        (
            "mongodb",
            "gpu",
            '"mongodb" is no service of this stack. Write one of: mariadb, drive, photoprism, syncthing, keeper',
        ),
        ("mariadb", "tpu", '"tpu" is not among photos:hosts. Write one of: gpu, nas'),
        ("mariadb", "nas", "mariadb is on nas already"),
    ],
)
def test_what_cannot_be_is_one_line(
    house: House, capsys: pytest.CaptureFixture[str], service: str, host: str, said: str
) -> None:
    assert move(service, host) == "refused"
    assert said in capsys.readouterr().err
    assert house.steps == 0


def test_with_one_host_there_is_nothing_to_move(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.checkout.write(STACK_ID)
    assert move("mariadb", "gpu") == "refused"
    assert "There is one host, so nothing can move." in capsys.readouterr().err
    house.checkout.write(None)
    assert move("mariadb", "gpu") == "refused"
    assert "Nothing runs yet" in capsys.readouterr().err


def no_room(house: House) -> None:
    house.free = 10**9 + SPARE - 1


def foreign(house: House) -> None:
    house.volumes["gpu", "photos-dev-mariadb"] = "somebody's"
    house.foreign.add("photos-dev-mariadb")


def in_use(house: House) -> None:
    house.volumes["gpu", "photos-dev-mariadb"] = "old"
    house.users = ["adminer"]


def ill(house: House) -> None:
    house.findings = [error("ports (gpu)", "is taken")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (no_room, "and the data takes 1.0 GB; 1.1 GB have to stay free"),
        (foreign, "that are not of this stack: photos-dev-mariadb"),
        (in_use, "On gpu adminer use the data"),
        (ill, "ports (gpu): is taken"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_stopped(
    house: House, capsys: pytest.CaptureFixture[str], change: Any, said: str
) -> None:
    change(house)

    assert move("mariadb", "gpu") == "refused"
    assert said in capsys.readouterr().err
    assert house.steps == 0


def test_somebody_else_at_the_data_ends_it_and_everything_runs_again(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.users = ["backup-of-anna"]

    assert move("mariadb", "gpu") == "refused"
    assert "backup-of-anna still use the data" in capsys.readouterr().err
    is_whole(house, "gpu")


def test_a_copy_that_differs_is_undone(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.broken = True

    assert move("mariadb", "gpu") == "refused"
    assert "what arrived of photos-dev-mariadb is not what was sent" in capsys.readouterr().err
    is_whole(house, "gpu")
    assert house.place == {}


def test_what_is_not_well_there_says_both_ways_on(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "run_up", lambda *_, **__: 255)

    assert move("mariadb", "gpu") == "refused"
    said = capsys.readouterr().err
    assert "./photos up dev. Or back: ./photos move mariadb nas --stack dev" in said
    assert house.place == {"mariadb": "gpu"}, "it was compared; up goes on"
    assert where(house, "mariadb") == [], "never started again where it was"


@pytest.mark.parametrize("service", ["mariadb", "photoprism"])
@pytest.mark.parametrize("kill_before", range(STEPS))
def test_killed_before_any_step_the_next_up_undoes_it_or_brings_it_to_its_end(
    house: House, kill_before: int, service: str
) -> None:
    house.kill_before = kill_before
    if move(service, "gpu") != "killed":
        assert kill_before >= house.steps, "it was not killed"
        return
    stage = (entry := journal.read("dev")) and entry.stage
    house.live_again()
    settling.settle("dev")
    assert house.place.get(service) == ("gpu" if stage == "copied" or house.place else None)
    house.up()

    is_whole(house)
    if not house.place:
        assert {host for host, _ in house.volumes} == {"nas"}, "nothing half-copied is left"


@pytest.mark.parametrize("second", range(8))
@pytest.mark.parametrize("first", [6, 8])
def test_killed_again_on_its_way_it_goes_on_from_there(house: House, first: int, second: int) -> None:
    house.kill_before = first
    assert move("mariadb", "gpu") == "killed"
    house.dead, house.kill_before = False, house.steps + second
    try:
        settling.settle("dev")
    except KilledError:
        house.live_again()
        settling.settle("dev")
    house.live_again()
    house.up()

    is_whole(house)


def test_the_next_move_settles_the_one_before(house: House) -> None:
    house.kill_before = 6
    assert move("mariadb", "gpu") == "killed"
    house.live_again()

    assert move("mariadb", "gpu") == "moved"
    is_whole(house)


def test_a_copy_is_none_any_more_once_the_old_place_was_started_by_hand(house: House) -> None:
    house.kill_before = 8
    assert move("mariadb", "gpu") == "killed"
    entry = journal.read("dev")
    assert entry
    assert entry.stage == "copied"
    house.live_again()
    house.running.add(("nas", "mariadb"))
    settling.settle("dev")

    assert house.place == {}
    is_whole(house, "gpu")


def test_destroy_undoes_it_and_starts_nothing(house: House) -> None:
    house.kill_before = 6
    assert move("mariadb", "gpu") == "killed"
    house.live_again()
    settling.settle("dev", starting=False)

    assert journal.read("dev") is None
    assert where(house, "mariadb") == []
    assert ("gpu", "photos-dev-mariadb") not in house.volumes


def test_another_id_or_a_host_that_is_gone_is_told(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.kill_before = 6
    assert move("mariadb", "gpu") == "killed"
    house.live_again()
    entry = journal.read("dev")
    assert entry
    journal.write("dev", entry.model_copy(update={"target": "tpu"}))
    with pytest.raises(typer.Exit):
        settling.settle("dev")
    assert "photos:hosts no longer has tpu" in capsys.readouterr().err
    journal.write("dev", entry.model_copy(update={"stack_id": "another"}))
    settling.settle("dev")
    assert "another id" in capsys.readouterr().err
    assert journal.read("dev") is None
