"""`./photos adopt --database … --storage …` as a whole: the order of things, the password, and what of it is refused."""

from __future__ import annotations

import gzip
import io
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import docker
import psutil
import pytest
import typer
from docker.errors import NotFound
from example_stack import STACK_ID

from cli import containers, docker_host, engine, setup, sweep, workspace
from cli.commands.adopt import adopt
from cli.takeover import albums, database, dump, password, pending, taking_over, volumes
from cli.takeover.findings import Admin
from cli.takeover.taking_over import take_over
from demo.samples import write_samples
from stacks.host import GIB

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

MADE = Path(__file__).parents[2] / "blog" / "photoprism-240915.sql.gz"
PASSWORD = "the-old-password"
NAMES = {"photos-dev-mariadb", "photos-dev-photoprism-storage"}


class OldHost:
    """A Docker host with the containers of the blog; it notes what is made, and what the commands do, in order."""

    def __init__(self, checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
        self.happened: list[str] = []
        self.listed: list[SimpleNamespace] = []
        self.volumes: dict[str, str] = {}
        self.storage = checkout.root / "storage"
        (self.storage / "config").mkdir(parents=True)
        (self.storage / "config/settings.yml").write_text("UI: {}\n")
        write_samples(checkout.originals)
        client = SimpleNamespace(
            containers=SimpleNamespace(list=lambda **_: self.listed, get=self._get),
            volumes=SimpleNamespace(get=self._volume, list=lambda **_: [], create=self._create),
            info=lambda: {"DockerRootDir": str(checkout.root)},
            close=lambda: None,
        )
        monkeypatch.setattr(docker, "from_env", lambda **_: client)
        monkeypatch.setattr(docker_host, "ensure", lambda _: None)
        for name in ("begin", "prepare"):
            monkeypatch.setattr(setup, name, lambda _, name=name: self._set_up(checkout, name))
        monkeypatch.setattr(sweep, "run_up", self._up)
        monkeypatch.setattr(taking_over, "_fill", lambda *_: self.happened.append("fill"))
        monkeypatch.setattr(engine, "set_secret", lambda _, key, value: self.happened.append(f"{key} {value}"))
        monkeypatch.setattr(workspace, "secrets", lambda _: {})
        self.type(monkeypatch, f"{PASSWORD}\n")

    def type(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        """Hand the input over."""
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    def add(
        self, name: str, image: str, status: str = "running", env: tuple[str, ...] = (), **attrs: Any
    ) -> SimpleNamespace:
        made = SimpleNamespace(
            name=name,
            id=name,
            status=status,
            labels=attrs.pop("labels", {}),
            attrs={"Config": {"Image": image, "Env": env}, **attrs},
        )
        made.attrs["Config"]["Labels"] = made.labels
        self.listed.append(made)
        return made

    def _get(self, name: str) -> SimpleNamespace:
        found = next((each for each in self.listed if each.name == name), None)
        if found is None:
            raise NotFound(name)
        return found

    def _volume(self, name: str) -> str:
        if name not in self.volumes:
            raise NotFound(name)
        return name

    def _create(self, name: str, labels: dict[str, str]) -> None:
        self.volumes[name] = labels["photos.id"]

    def _set_up(self, checkout: Checkout, name: str) -> None:
        self.happened.append(name)
        if name == "prepare":
            checkout.write(STACK_ID)

    def _up(self, stack: str, *options: str) -> int:
        self.happened.append(f"up {stack} {' '.join(options)}")
        return 0


@pytest.fixture
def old(checkout: Checkout, agreed: None, monkeypatch: pytest.MonkeyPatch) -> OldHost:
    assert agreed is None
    checkout.write(None)
    return OldHost(checkout, monkeypatch)


def taken(old: OldHost, source: str = str(MADE)) -> int:
    return take_over("dev", source, old.storage, place=Path("/"))


def refused(old: OldHost, capsys: pytest.CaptureFixture[str], source: str = str(MADE)) -> str:
    with pytest.raises(typer.Exit):
        taken(old, source)
    assert old.happened == [], "nothing was created or changed"
    return capsys.readouterr().err


def test_all_is_looked_at_before_the_stack_is_set_up_filled_and_started(
    old: OldHost, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = [{"Type": "bind", "Source": str(old.storage.parent / "library")}]
    policy = {"RestartPolicy": {"Name": "always"}}
    old.add("1Panel-photoprism-x", "photoprism/photoprism:240915", "exited", Mounts=mine, HostConfig=policy)

    assert taken(old) == 0
    assert old.happened == ["begin", f"{password.KEY} {PASSWORD}", "prepare", "fill", "up dev --yes"]
    told = capsys.readouterr()
    assert "1 files, 0 MB" in told.out
    assert "docker update --restart=no 1Panel-photoprism-x" in told.err
    assert PASSWORD not in told.out + told.err


def test_who_does_not_agree_changes_nothing(old: OldHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking_over, "confirm", lambda _: False)
    with pytest.raises(typer.Exit):
        taken(old)
    assert old.happened == []


@pytest.mark.parametrize("status", ["running", "restarting", "paused"])
@pytest.mark.parametrize("mounted", ["library/originals", "library", "library/originals/2024", "storage"])
def test_an_old_album_that_runs_on_the_same_folders_is_named(
    status: str, mounted: str, old: OldHost, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = old.storage.parent / mounted
    old.add("photoprism", "photoprism/photoprism:latest", status, Mounts=[{"Type": "bind", "Source": str(folder)}])
    assert "docker stop photoprism" in refused(old, capsys)


def test_others_may_run(old: OldHost) -> None:
    library = [{"Type": "bind", "Source": str(old.storage.parent / "library")}]
    old.add("syncthing", "syncthing/syncthing:2", Mounts=library)
    old.add("elsewhere", "photoprism/photoprism:latest", Mounts=[{"Type": "bind", "Source": "/mnt/e/photos"}])
    old.add("a-stacks", "photoprism/photoprism:latest", labels={"photos.id": STACK_ID}, Mounts=library)
    assert taken(old) == 0


def test_an_album_of_an_image_of_its_own_is_known_by_its_variables(old: OldHost) -> None:
    old.add("mine", "my/album:1", env=("PHOTOPRISM_ORIGINALS_LIMIT=5000",))
    old.add("other", "my/other:1", env=("PHOTO=1",))
    assert [each.name for each in albums.old_albums(docker.from_env())] == ["mine"]


@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_index_that_is_there_is_never_overwritten(
    name: str, old: OldHost, capsys: pytest.CaptureFixture[str]
) -> None:
    old.volumes[name] = STACK_ID
    assert "nothing is overwritten" in refused(old, capsys)


def test_what_was_cut_short_keeps_up_away_and_begins_anew(
    old: OldHost, checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old.volumes = dict.fromkeys(NAMES, STACK_ID)
    pending.begin("dev", STACK_ID)
    monkeypatch.undo()
    monkeypatch.setenv("PHOTOS_DATA", str(checkout.root / "data"))
    monkeypatch.setattr(setup, "_beginning", lambda _: checkout.file)
    with pytest.raises(typer.Exit):
        setup.prepare("dev")

    assert "Run the same ./photos adopt again" in capsys.readouterr().err


def test_a_second_try_removes_what_the_first_left(old: OldHost) -> None:
    old.volumes = dict.fromkeys(NAMES, STACK_ID)
    pending.begin("dev", STACK_ID)
    assert taken(old) == 0
    assert pending.identity("dev") is None


def test_two_at_once_do_not_undo_each_other(old: OldHost, capsys: pytest.CaptureFixture[str]) -> None:
    with pending.alone("dev"):
        assert "is at work" in refused(old, capsys)
    assert taken(old) == 0


def test_a_dump_that_a_killed_run_left_is_gone(old: OldHost) -> None:
    assert old
    with suppress(FileNotFoundError), pending.scratch("dev") as folder:
        (folder / "photoprism.sql").touch()
        with pending.scratch("dev") as again:
            assert list(again.iterdir()) == []
            assert again.stat().st_mode & 0o77 == 0
        assert not folder.exists()


def test_a_packed_dump_needs_the_room_of_what_is_in_it() -> None:
    found = dump.read(MADE)
    assert found.size == len(gzip.decompress(MADE.read_bytes())) > 3 * MADE.stat().st_size


def test_volumes_are_gone_when_filling_them_fails(old: OldHost, monkeypatch: pytest.MonkeyPatch) -> None:
    names = volumes.Names("a", "b", "c")
    cleared: list[str] = []
    monkeypatch.setattr(volumes, "clear", lambda *_: cleared.append(pending.identity("dev") or ""))

    def interrupted() -> None:
        with volumes.being_filled(docker.from_env(), "dev", STACK_ID, names):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert set(old.volumes) == {"a", "b"}
    assert cleared == [STACK_ID]


def test_a_full_disk_is_said(old: OldHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(psutil, "disk_usage", lambda _: SimpleNamespace(free=GIB))
    assert "1.0 GB free" in refused(old, capsys)


def test_other_photos_are_no_library_of_the_index(
    old: OldHost, checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    for photo in list(checkout.originals.rglob("*.jpg"))[:5]:
        photo.unlink()
    assert "5 of 6 photos" in refused(old, capsys)


def test_originals_that_are_not_there_are_said(
    old: OldHost, checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.originals.rename(checkout.root / "moved")
    assert "Is its drive mounted?" in refused(old, capsys)


def test_a_stack_without_an_album_is_refused(
    old: OldHost, checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(None, {"photos:services": {"syncthing": {}}})
    assert "has no album" in refused(old, capsys)


@pytest.mark.parametrize(
    ("source", "said"),
    [("/mnt/d/old.sql", "no file /mnt/d/old.sql"), ("old.sql.gz", "no file /old.sql.gz"), ("1Panel-mariadb", "neither a container nor a file 1Panel-mariadb")],
)  # fmt: skip
def test_a_source_that_is_not_there_is_said(
    source: str, said: str, old: OldHost, capsys: pytest.CaptureFixture[str]
) -> None:
    old.add("1Panel-mariadb-ab12", "mariadb:11", env=("MYSQL_ROOT_PASSWORD=x",))
    told = refused(old, capsys, source)
    assert said in told
    assert ("Databases on this host: 1Panel-mariadb-ab12" in told) is (source == "1Panel-mariadb")


def test_a_stopped_database_has_to_be_started(old: OldHost, capsys: pytest.CaptureFixture[str]) -> None:
    old.add("db", "mariadb:11", "exited")
    assert "docker start db" in refused(old, capsys, "db")


def test_a_database_of_a_stack_is_none_to_take_over(old: OldHost, capsys: pytest.CaptureFixture[str]) -> None:
    old.add("photos-home-mariadb", "mariadb:11", labels={"photos.id": STACK_ID})
    assert "./photos adopt FOLDER" in refused(old, capsys, "photos-home-mariadb")


def test_the_albums_own_container_is_no_database(old: OldHost, capsys: pytest.CaptureFixture[str]) -> None:
    made = old.add("album", "photoprism/photoprism:1", env=("PHOTOPRISM_DATABASE_SERVER=mariadb:3306",), Mounts=[])
    made.exec_run = lambda *_, **__: SimpleNamespace(exit_code=1, output=(None, None))
    assert "PHOTOPRISM_DATABASE_SERVER: mariadb:3306" in refused(old, capsys, "album")


def test_the_logins_are_those_of_the_image_and_of_the_old_album(old: OldHost, monkeypatch: pytest.MonkeyPatch) -> None:
    made = old.add(
        "db",
        "mariadb:11",
        env=("MYSQL_ROOT_PASSWORD_FILE=/run/secrets/root", "MARIADB_USER=photos", "MARIADB_PASSWORD=p"),
    )
    album = old.add(
        "album", "photoprism/photoprism:1", env=("PHOTOPRISM_DATABASE_USER=prism", "PHOTOPRISM_DATABASE_PASSWORD=q")
    )
    monkeypatch.setattr(containers, "content", lambda _, path: f"content of {path}\n".encode())
    found = list(database._logins(made, [albums._seen(album)]))  # type: ignore[arg-type]

    assert [(login.user, login.password) for login in found] == [
        ("root", "content of /run/secrets/root"), ("photos", "p"), ("prism", "q"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words", [{}, {"database": "db"}, {"storage": Path("s")}, {"folder": Path("f"), "database": "db", "storage": Path("s")}], ids=str
)  # fmt: skip
def test_half_a_command_says_what_to_write(words: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        adopt(**words)
    assert "Write one of: ./photos adopt FOLDER" in capsys.readouterr().err


def known(monkeypatch: pytest.MonkeyPatch, *passwords: str) -> Admin:
    monkeypatch.setattr(Admin, "opens", lambda _, typed: typed in passwords)
    return Admin("a hash")


def test_a_password_that_the_stack_file_has_is_not_asked_for(
    old: OldHost, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert old
    checkout.write(None, {password.KEY: {"secure": "v1:x"}})
    monkeypatch.setattr(workspace, "secrets", lambda _: {password.KEY: PASSWORD})
    monkeypatch.setattr(sys, "stdin", None)
    assert password.settle("dev", known(monkeypatch, PASSWORD), "") is None


def test_one_that_it_made_by_itself_gives_way_to_the_right_one(
    old: OldHost, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert old
    checkout.write(None, {password.KEY: {"secure": "v1:x"}})
    monkeypatch.setattr(workspace, "secrets", lambda _: {password.KEY: "made by the stack"})
    assert password.settle("dev", known(monkeypatch, PASSWORD), "") == PASSWORD


def test_three_wrong_passwords_at_a_terminal_are_enough(
    old: OldHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old
    asked: list[bool] = []
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))

    def prompt(_: str, *, hide_input: bool) -> str:
        asked.append(hide_input)
        return "wrong"

    monkeypatch.setattr(typer, "prompt", prompt)
    with pytest.raises(typer.Exit):
        password.settle("dev", known(monkeypatch, PASSWORD), "")
    assert asked == [True] * 3
    assert "photoprism passwd admin" in capsys.readouterr().err


@pytest.mark.parametrize("weak", ["insecure", "short"])
def test_a_password_that_the_stack_refuses_is_changed_in_the_old_album_first(
    weak: str, old: OldHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old.type(monkeypatch, f"{weak}\n")
    with pytest.raises(typer.Exit):
        password.settle("dev", known(monkeypatch, weak), "old-album")
    said = capsys.readouterr().err
    assert "docker exec -it old-album photoprism passwd admin" in said
    assert weak not in said.replace("passwd", "")


def test_an_admin_without_a_password_is_asked_for_none(old: OldHost, monkeypatch: pytest.MonkeyPatch) -> None:
    assert old
    monkeypatch.setattr(sys, "stdin", None)
    assert password.settle("dev", Admin(None), "") is None


@pytest.mark.parametrize(
    ("arrived", "counted", "wrong"),
    [
        ({"photos": 2, "files": 3}, {"photos": 2, "files": 3}, ""),
        ({"photos": 2, "files": 2}, {"photos": 2, "files": 3}, "files"),
        ({"photos": 2}, {"photos": 2, "files": 0}, "files"),
        ({"photos": 2, "files": 9}, None, ""),
        ({"photos": 2}, None, "files"),
    ],
)
def test_what_was_loaded_is_compared_with_what_was_dumped(
    arrived: dict[str, int], counted: dict[str, int] | None, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dumped: Any = SimpleNamespace(content=SimpleNamespace(tables={"photos", "files"}))
    old_one = taking_over.OldSetUp(dumped, None, [], counted)  # type: ignore[arg-type]
    if not wrong:
        taking_over._prove(arrived, old_one)
        return
    with pytest.raises(typer.Exit):
        taking_over._prove(arrived, old_one)
    assert f"nothing of it was kept: {wrong}." in capsys.readouterr().err
