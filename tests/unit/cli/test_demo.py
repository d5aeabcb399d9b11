"""The demo's way to root, and what a start that was killed leaves behind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest
import typer
from docker.errors import APIError, ImageNotFound

from cli import console, demo, demo_images, docker_host, paths
from cli.samples import SAMPLES
from tests.images import build as images

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

SUDO = '#!/bin/sh\necho "sudo $*" >> "$LOG"\n[ -z "$REFUSED" ] || exit 1\n[ "$1" = true ] || exec "$@"\n'
LOGS = '#!/bin/sh\necho "${0##*/} $*" >> "$LOG"\n'


class Machine:
    """A machine without a base image; `log` is what ran as root on it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs, self.log_file = root / "bin", root / "log"
        self.programs.mkdir()
        monkeypatch.setenv("PATH", str(self.programs))
        monkeypatch.setenv("LOG", str(self.log_file))
        monkeypatch.setenv("REFUSED", "")
        monkeypatch.setattr(demo_images, "lacks_base", lambda _: True)
        monkeypatch.setattr(demo_images, "KEYRING", self.programs / "mmdebstrap")
        self._set = monkeypatch
        self.has("apt-get")

    def has(self, name: str, text: str = LOGS) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def user(self, number: int) -> None:
        self._set.setattr(os, "geteuid", lambda: number)

    @property
    def log(self) -> list[str]:
        return self.log_file.read_text().splitlines() if self.log_file.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkout: Checkout) -> Machine:
    assert checkout
    return Machine(tmp_path, monkeypatch)


INSTALL = "apt-get install -qq -y --no-install-recommends mmdebstrap debian-archive-keyring"


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize(
    ("user", "there", "ran", "before"),
    [
        (0, True, [], ()),
        (0, False, ["apt-get update -qq", INSTALL], ()),
        (1000, True, ["sudo true"], ("sudo",)),
        (
            1000,
            False,
            ["sudo true", "sudo apt-get update -qq", "apt-get update -qq", f"sudo {INSTALL}", INSTALL, "sudo true"],
            ("sudo",),
        ),
    ],
)
def test_root_is_asked_for_once_and_the_lists_are_fetched_first(
    machine: Machine, user: int, there: bool, ran: list[str], before: tuple[str, ...]
) -> None:
    machine.has("sudo", SUDO)
    machine.user(user)
    if there:
        machine.has("mmdebstrap")

    assert demo_images.root_for_the_base() == before
    assert machine.log == ran


def test_with_a_base_nobody_becomes_root(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_images, "lacks_base", lambda _: False)
    machine.user(1000)

    assert demo_images.root_for_the_base() == ()
    assert machine.log == []


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(typer.Exit) as ended:
        demo_images.root_for_the_base()
    assert ended.value.exit_code == 1
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("there", [True, False])
def test_a_user_without_sudo_gets_one_message(
    machine: Machine, capsys: pytest.CaptureFixture[str], there: bool
) -> None:
    machine.user(1000)
    if there:
        machine.has("mmdebstrap")

    assert refused(capsys).count("Run ./photos demo as root.") == 1
    assert machine.log == []


@pytest.mark.usefixtures("agreed")
@pytest.mark.parametrize("there", [True, False])
def test_a_user_whom_sudo_refuses_gets_one_message(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    machine.has("sudo", SUDO)
    machine.user(1000)
    monkeypatch.setenv("REFUSED", "yes")
    if there:
        machine.has("mmdebstrap")

    assert "sudo does not let you in" in refused(capsys)
    assert machine.log == ["sudo true"]


@pytest.mark.parametrize("there", [True, False])
def test_without_a_yes_nothing_runs_as_root(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(console, "confirm", lambda _: False)
    machine.has("sudo", SUDO)
    machine.user(1000)
    if there:
        machine.has("mmdebstrap")

    assert "Nothing was created." in refused(capsys)
    assert machine.log == []


class FakeImages:
    """Docker as far as the base goes."""

    def __init__(self, error: Exception | None = None) -> None:
        self.tags: set[str] = set()
        self.images = self.api = self
        self._error = error

    def get(self, tag: str) -> str:
        if tag not in self.tags:
            raise ImageNotFound(tag)
        return tag

    def import_image_from_file(self, _: str, *, repository: str, tag: str) -> None:
        if self._error:
            raise self._error
        self.tags.add(f"{repository}:{tag}")


def based(client: FakeImages, cache: Path, content: bytes) -> list[Path]:
    """Return which archives had to be made."""
    found: Any = client
    made: list[Path] = []

    def bootstrap(archive: Path) -> None:
        archive.write_bytes(content)
        made.append(archive)

    images._base(found, cache, lambda _: None, bootstrap)
    return made


def test_what_a_killed_bootstrap_left_is_not_written_into_again(tmp_path: Path) -> None:
    (tmp_path / "base-0.part").write_bytes(b"half")
    based(FakeImages(), tmp_path, b"tar")

    assert list(tmp_path.glob("*.part")) == []


def test_an_archive_that_docker_refuses_is_made_anew_the_next_time(tmp_path: Path) -> None:
    with pytest.raises(images.ImagesError, match="made anew"):
        based(FakeImages(APIError("unexpected EOF")), tmp_path, b"half")

    assert [archive.read_bytes() for archive in based(FakeImages(), tmp_path, b"whole")] == [b"whole"]


MMDEBSTRAP = """#!/bin/sh
echo "$@" > "$LOG"
for line in "I: one" "I: two"; do echo "$line" >&2; done
printf tar
exit "${FAILS:-0}"
"""


@pytest.fixture
def mmdebstrap(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine.has("mmdebstrap", MMDEBSTRAP)
    machine.has("apt-config")
    machine.has("sudo", SUDO)
    monkeypatch.setattr(images, "KEYRING", machine.programs / "mmdebstrap")
    return machine


def test_mmdebstrap_is_followed_and_its_archive_is_the_users_own(mmdebstrap: Machine, tmp_path: Path) -> None:
    told: list[str] = []
    images._bootstrap(tmp_path / "base.tar", lambda _: None, told.append, ("sudo",))

    assert (tmp_path / "base.tar").read_bytes() == b"tar"
    assert [line.strip() for line in told] == ["I: one", "I: two"]
    assert mmdebstrap.log[0].split()[-2] == "-", "it writes into our file, so that root leaves none"


def test_a_failed_mmdebstrap_leaves_nothing_and_says_its_last_lines(
    mmdebstrap: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILS", "3")
    with pytest.raises(images.ImagesError, match="I: two"):
        images._bootstrap(tmp_path / "base.tar", lambda _: None, lambda _: None, ())

    assert mmdebstrap
    assert list(tmp_path.glob("base*")) == []


@pytest.fixture
def no_docker(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a start fail before anything is created, and return the demo's folder."""
    assert checkout
    monkeypatch.setattr(docker_host, "ensure", lambda *_: None)
    monkeypatch.setattr(docker, "from_env", lambda **_: NoDocker())
    monkeypatch.setattr(demo_images, "root_for_the_base", lambda: ())
    monkeypatch.setattr(demo_images, "build_images", lambda *_: None)
    return paths.data_folder() / "demo"


class NoDocker:
    """A client of a Docker host with nothing on it, which creates nothing."""

    def __getattr__(self, name: str) -> Any:
        if name in ("containers", "networks", "volumes"):
            return self
        raise APIError(name)

    def list(self, **_: object) -> list[object]:
        return []

    def close(self) -> None:
        """Say goodbye."""


@pytest.fixture
def own_data(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what stands for another process: the first one has moved its data folder."""
    before = os.environ.get("PHOTOS_DATA", "")
    return lambda: monkeypatch.setenv("PHOTOS_DATA", before)


STEPS = ("_description", "_library", "_through_docker")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("late", [False, True])
def test_a_start_that_was_killed_anywhere_is_started_again_or_removed(
    no_docker: Path, monkeypatch: pytest.MonkeyPatch, own_data: Callable[[], None], step: str, late: bool
) -> None:
    real = getattr(demo, step)

    def killed(*arguments: Any) -> None:
        if late and step != "_through_docker":
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(demo, step, killed)
        own_data()
        with pytest.raises(KeyboardInterrupt):
            demo.start(with_pulumi=False)
    own_data()
    with monkeypatch.context() as patched:
        done: list[str] = []
        patched.setattr(demo, "_through_docker", lambda *_: done.append("created"))
        patched.setattr(demo, "_index", lambda: done.append("indexed"))
        demo.start(with_pulumi=False)
        assert done == ["created", "indexed"]
        assert (no_docker / "password").read_text()
        (no_docker / "password").unlink()
        own_data()
        demo.down()

    assert not no_docker.exists()


@pytest.mark.parametrize("step", STEPS)
def test_what_a_killed_start_left_can_be_removed(
    no_docker: Path, monkeypatch: pytest.MonkeyPatch, own_data: Callable[[], None], step: str
) -> None:
    monkeypatch.setattr(demo, step, interrupt)
    own_data()
    with pytest.raises(KeyboardInterrupt):
        demo.start(with_pulumi=False)
    own_data()
    assert no_docker.exists()
    demo.down()

    assert not no_docker.exists()


def test_a_first_start_that_was_cut_short_begins_anew_and_a_later_one_goes_on(
    no_docker: Path, monkeypatch: pytest.MonkeyPatch, own_data: Callable[[], None]
) -> None:
    """A database that was stopped in its first start is refused for ever."""
    removed: list[str] = []
    monkeypatch.setattr(demo, "remove_all", lambda _, identity: removed.append(identity))
    monkeypatch.setattr(demo, "_index", lambda: None)
    counts = []
    for killed in (True, True, False, True, False):
        with monkeypatch.context() as patched:
            patched.setattr(demo, "_through_docker", interrupt if killed else lambda *_: None)
            own_data()
            with suppress(KeyboardInterrupt):
                demo.start(with_pulumi=False)
        counts.append(len(removed))

    assert counts == [0, 1, 2, 2, 2]
    assert no_docker.exists()


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_samples_that_were_half_written_are_the_demos_own(
    no_docker: Path, monkeypatch: pytest.MonkeyPatch, own_data: Callable[[], None]
) -> None:
    written: list[Path] = []

    def cut_short(self: Path, target: Path) -> Path:
        if self.suffix == ".partial" and self.name.startswith(".") and self.name.endswith(".jpg.partial"):
            written.append(target)
            if len(written) == len(SAMPLES) // 2:
                raise KeyboardInterrupt
        os.rename(self, target)  # noqa: PTH104 - what the real one does
        return target

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut_short)
        own_data()
        with pytest.raises(KeyboardInterrupt):
            demo.start(with_pulumi=False)
    assert json.loads((no_docker / "made.json").read_text()).keys() >= {str(file) for file in written}
    own_data()
    demo.down()

    assert not no_docker.exists()


def test_a_creation_that_fails_says_how_to_go_on(no_docker: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        demo.start(with_pulumi=False)

    said = capsys.readouterr()
    assert "./photos demo --down" in said.err
    assert "This is the demo" in said.out
    assert "stand-ins" in said.out
    assert no_docker.exists()


def test_the_services_run_as_whoever_the_samples_belong_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "originals").mkdir()
    real = os.stat_result
    for number, owner in ((1001, 1001), (70000, 1000), (0, 1000)):
        monkeypatch.setattr(Path, "stat", lambda _, number=number: real((0o755, 0, 0, 0, number, number, 0, 0, 0, 0)))
        assert demo._owner(tmp_path).uid == owner
