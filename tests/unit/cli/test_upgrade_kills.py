"""An upgrade that is killed before any of its steps, in a made-up house: the next command brings everything back, or to its end.

The same with real containers, volumes and Pulumi: tests/engine/test_upgrade.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import typer
from example_stack import STACK_ID

from cli import containers, crash_loops, locks, private_state, remembered, setup, stack_config, sweep, workspace
from cli.dockers import Dockers
from cli.upgrade import album, database, database_record, journal, offers, points, proof, returning, services, upgrading
from cli.upgrade.copying import CopyError
from stacks.sections import Settings

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

OLD, NEW, NEVER_STARTS, DROPS_ROWS = (f"mariadb:11.8.{number}" for number in (8, 9, 51, 52))
LIVE = "photos-dev-mariadb"
STEPS = 48
"""More than an upgrade and its way back have; a kill after the last one is none."""


class KilledError(BaseException):
    """The process is gone: nothing of it does anything any more."""


class House:
    """Containers, volumes and a stack file, in which each change is a step that may be the last."""

    def __init__(self, checkout: Checkout, kill_before: int = 10**6) -> None:
        self.checkout, self.kill_before = checkout, kill_before
        self.steps, self.dead = 0, False
        self.volumes: dict[str, tuple[str, int]] = {LIVE: (OLD, 3)}
        """Name → which version wrote it last, and its rows."""
        self.running: dict[str, str] = {"mariadb": OLD, "photoprism": "album", "keeper": "keeper"}
        self.there: dict[str, str] = dict(self.running)
        self.image = OLD
        self.journal_file = journal.folder("dev") / "journal.json"

    def write_stack_file(self) -> None:
        """Write the stack file with the image, as `set_value` would."""
        backup = {"remotes": {"disk": {"kind": "disk", "type": "local", "path": "/mnt/second/photos"}}}
        self.checkout.write(STACK_ID, {"photos:database": {"image": self.image}, "photos:backup": backup})

    def step(self) -> None:
        """Do one more thing, or be killed before it."""
        if self.dead or self.steps == self.kill_before:
            self.dead = True
            raise KilledError
        self.steps += 1

    def live_again(self) -> None:
        """Be the next process."""
        self.dead, self.kill_before = False, 10**6

    def up(self, *_words: Any, **_options: Any) -> int:
        """Bring everything up with the image of the stack file; return pulumi's exit code."""
        self.step()
        if self.image == NEVER_STARTS:
            self.running.pop("mariadb", None)
            self.there.pop("mariadb", None)
            return 255
        rows = self.volumes[LIVE][1]
        self.volumes[LIVE] = (self.image, rows - 1 if self.image == DROPS_ROWS else rows)
        self.there = {"mariadb": self.image, "photoprism": "album", "keeper": "keeper"}
        self.step()
        self.running = dict(self.there)
        return 0

    def set_value(self, stack: str, key: str, value: str) -> None:
        assert (stack, key) == ("dev", "photos:database.image")
        self.step()
        self.image = value

    def container(self, service: str) -> Any:
        def stop(timeout: int) -> None:
            assert timeout == 120
            self.step()
            self.running.pop(service, None)

        def start() -> None:
            self.step()
            self.running[service] = self.there[service]

        def remove(**_: bool) -> None:
            self.step()
            assert service not in self.running
            self.there.pop(service)

        is_running = service in self.running
        state = {"Status": "running" if is_running else "exited", "Health": {"Status": "healthy"}, "ExitCode": 0}
        return SimpleNamespace(
            name=f"photos-dev-{service}", labels={"photos.service": service}, stop=stop, start=start, remove=remove,
            status=state["Status"], attrs={"State": state, "Image": "tool"}, reload=lambda: None, top=lambda: {"Processes": []},
            logs=lambda **_: b"its last line",
        )  # fmt: skip

    def all(self, *_: Any) -> list[Any]:
        return [self.container(service) for service in self.there]


class FakeCopier:
    """Copies volumes of the house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def measure(self, volume: str, left_out: Any) -> tuple[int, int]:
        assert (volume, left_out) == (LIVE, ())
        return 1000, 10**12

    def make(self, name: str, service: str) -> None:
        assert service == "mariadb"
        self._house.step()
        self._house.volumes[name] = ("", 0)

    def copy(self, source: str, target: str, left_out: Any = ()) -> int:
        assert not left_out
        assert not {"mariadb", "photoprism", "keeper"} & self._house.running.keys(), "somebody may write meanwhile"
        self._house.step()
        self._house.volumes[target] = ("half", 0)
        self._house.step()
        self._house.volumes[target] = self._house.volumes[source]
        return 1

    def vanished(self, *_: Any) -> list[str]:
        return []

    def remove(self, name: str) -> None:
        self._house.step()
        self._house.volumes.pop(name, None)

    def clear(self) -> None:
        self._house.step()


@pytest.fixture(name="built")
def house_fixture(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> House:
    house = House(checkout)
    house.write_stack_file()
    patch = monkeypatch.setattr

    @contextmanager
    def connected(_: str) -> Iterator[Dockers]:
        volumes = SimpleNamespace(get=lambda name: house.volumes[name])
        client: Any = SimpleNamespace(volumes=volumes, images=SimpleNamespace(get=lambda _: None))
        yield Dockers("dev", {"": client})

    real_write = remembered.write

    def write(file: Path, content: Any) -> None:
        house.step()
        real_write(file, content)

    real_end = journal.end

    def end(stack: str) -> None:
        house.step()
        real_end(stack)

    def dump(_: Any, file: Path) -> None:
        house.step()
        file.write_bytes(b"dump")

    patch(containers, "connected", connected)
    patch(containers, "on", house.all)
    patch(points, "copier_of", lambda *_: FakeCopier(house))
    patch(database, "rows", lambda _: {"photos": house.volumes[LIVE][1]})
    patch(database, "query", lambda *_: [["t", "check", "status", "OK"]])
    patch(database, "dump", dump)
    patch(database, "data_version", lambda _: house.volumes[LIVE][0])
    patch(database_record, "write", lambda *_: house.step())
    patch(album, "photos_found", lambda *_: 1)
    patch(workspace, "set_value", house.set_value)
    patch(sweep, "run_up", house.up)
    patch(remembered, "write", write)
    patch(journal, "end", end)
    patch(setup, "reach", lambda _: None)
    patch(locks, "unlock", lambda _: None)
    patch(services, "SECONDS_BETWEEN_LOOKS", 0)
    patch(upgrading, "CrashLoops", lambda _: SimpleNamespace(end=lambda: None, tell=lambda: None))
    assert crash_loops
    return house


def settings() -> Settings:
    return stack_config.offline("dev").settings


def run(house: House, to: str) -> bool | None:
    """Upgrade to an image; return whether that went well, None where it was killed."""
    (offer,) = offers.offers("dev", settings(), "mariadb", to)
    try:
        return upgrading.upgrade("dev", settings(), offer)
    except KilledError:
        return None
    finally:
        house.write_stack_file()


def copies(house: House) -> dict[str, tuple[str, int]]:
    return {name: content for name, content in house.volumes.items() if name != LIVE}


def is_whole(house: House) -> None:
    """Assert that image, data and what runs belong together, and that nothing half-made is left."""
    assert not house.journal_file.exists()
    assert set(house.running) == {"mariadb", "photoprism", "keeper"}
    assert house.running["mariadb"] == house.image == house.volumes[LIVE][0]
    assert house.volumes[LIVE][1] == 3
    known = {volume.copy_name for point in journal.kept("dev") for volume in point.volumes}
    assert set(copies(house)) == known
    assert {file.name for file in journal.folder("dev").glob("*.gz")} == {p.dump for p in journal.kept("dev")}


def test_an_upgrade_that_works_keeps_how_it_was(built: House) -> None:
    assert run(built, NEW) is True

    is_whole(built)
    assert built.image == NEW
    assert list(copies(built).values()) == [(OLD, 3)]


def test_of_a_pinned_image_it_is_said_that_the_new_one_is_not(built: House, capsys: pytest.CaptureFixture[str]) -> None:
    pinned = f"{OLD}@sha256:{'0' * 64}"
    built.image = built.running["mariadb"] = built.there["mariadb"] = pinned
    built.volumes[LIVE] = (pinned, 3)
    built.write_stack_file()

    assert run(built, NEW) is True
    assert "./photos pin mariadb --stack dev" in capsys.readouterr().out
    is_whole(built)


def test_the_restore_point_before_goes_only_after_the_next_upgrade_went_well(built: House) -> None:
    run(built, NEW)
    first = copies(built)
    assert run(built, NEVER_STARTS) is False
    assert copies(built) == first, "the one that failed took nothing"
    is_whole(built)

    assert run(built, "mariadb:11.8.10") is True
    assert list(copies(built).values()) == [(NEW, 3)]
    is_whole(built)


@pytest.mark.parametrize("image", [NEVER_STARTS, DROPS_ROWS])
def test_one_that_is_not_well_goes_back_by_itself(built: House, capsys: pytest.CaptureFixture[str], image: str) -> None:
    assert run(built, image) is False

    is_whole(built)
    assert built.steps < STEPS, "the kills below would leave some out"
    assert (built.image, copies(built)) == (OLD, {})
    assert f"mariadb runs with {OLD} again, with its data of before" in capsys.readouterr().err


@pytest.mark.parametrize("image", [NEW, DROPS_ROWS])
@pytest.mark.parametrize("kill_before", range(STEPS))
def test_killed_before_any_step_the_next_up_brings_it_back_or_to_its_end(
    built: House, kill_before: int, image: str
) -> None:
    built.kill_before = kill_before
    ended = run(built, image)
    if ended is not None:
        assert kill_before >= built.steps, "it was not killed"
        return
    stage = (entry := journal.read("dev")) and entry.stage
    built.live_again()
    returning.settle("dev")
    built.up()

    is_whole(built)
    assert built.image in ((OLD, NEW) if image == NEW and stage in (None, "proven") else (OLD,))


@pytest.mark.parametrize("second", range(25))
def test_killed_again_on_the_way_back_it_goes_on_from_there(built: House, second: int) -> None:
    run_until_switched(built)
    built.dead, built.kill_before = False, built.steps + second
    try:
        returning.settle("dev")
    except KilledError:
        built.live_again()
        returning.settle("dev")
    built.live_again()
    built.up()

    is_whole(built)
    assert (built.image, copies(built)) == (OLD, {})


def run_until_switched(house: House) -> None:
    """Kill an upgrade while the newer version is at work on the data."""
    house.kill_before = 10**6
    real = house.up

    def killed(*_: Any, **__: Any) -> int:
        real()
        house.dead = True
        raise KilledError

    house.up = killed  # type: ignore[method-assign]
    sweep.run_up = house.up
    assert run(house, DROPS_ROWS) is None
    house.up = real  # type: ignore[method-assign]
    sweep.run_up = house.up


def test_who_goes_back_by_hand_has_the_old_rows(built: House, capsys: pytest.CaptureFixture[str]) -> None:
    run(built, NEW)
    built.volumes[LIVE] = (NEW, 5)
    (point,) = journal.kept("dev")

    assert upgrading.changed_since("dev", point) == ["photos: 5 → 3"]
    upgrading.back("dev", settings(), point, NEW)
    is_whole_but_for_the_dump(built)
    assert "is kept as a dump" in capsys.readouterr().out


def is_whole_but_for_the_dump(house: House) -> None:
    """A dump of what was lost by going back stays."""
    (kept,) = journal.folder("dev").glob("*-before-back.sql.gz")
    kept.unlink()
    is_whole(house)
    assert (house.image, copies(house), journal.kept("dev")) == (OLD, {}, [])


def test_a_copy_that_fails_changes_nothing_and_starts_what_was_stopped(
    built: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: Any) -> int:
        said = "No space left on device"
        raise CopyError(said)

    monkeypatch.setattr(FakeCopier, "copy", fails)
    with pytest.raises(typer.Exit):
        run(built, NEW)

    assert "Nothing was changed, and what was stopped runs again: No space left on device" in capsys.readouterr().err
    is_whole(built)
    assert built.image == OLD


def test_where_there_is_no_room_nothing_is_stopped(
    built: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FakeCopier, "measure", lambda *_: (5 * 10**9, 5 * 10**9))
    with pytest.raises(typer.Exit):
        run(built, NEW)

    assert "a restore point of 5.0 GB would leave less than 1.1 GB free" in capsys.readouterr().err
    assert built.steps == 0


def test_a_pulumi_that_outlived_the_kill_is_waited_for(
    built: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_until_switched(built)
    built.live_again()
    monkeypatch.setattr(private_state, "locks", lambda _: [SimpleNamespace(pid=77)])
    with pytest.raises(typer.Exit):
        returning.settle("dev")

    assert 'Pulumi is at work on "dev" (process 77)' in capsys.readouterr().err
    assert journal.read("dev"), "it is gone back later"


def test_what_is_proven_is_more_than_health(built: House) -> None:
    point = journal.RestorePoint(
        name="mariadb", service="mariadb", key="database.image", image=OLD, made="2026-11-29T20:15:00Z",
        stopped=("mariadb",), rows={"photos": 4},
    )  # fmt: skip
    with pytest.raises(services.ServiceError, match="photos: 4 → 3"):
        proof.prove(Dockers("dev", {"": cast("Any", None)}), "dev", point, new=True, code=0)
    assert built.steps == 0


def test_what_ends_up_before_pulumi_runs_goes_back_too(built: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = built.up, [1]

    def refuses_once(*words: Any, **options: Any) -> int:
        if calls.pop() if calls else 0:
            raise typer.Exit(1)
        return real(*words, **options)

    monkeypatch.setattr(sweep, "run_up", refuses_once)
    assert run(built, NEW) is False

    is_whole(built)
    assert built.image == OLD
