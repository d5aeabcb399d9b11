"""Where things are kept: data folder, git work trees, the lines to export; and the folders of the first run."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import typer

from cli import console, docker_host, engine, first_run, paths, setup, workspace
from components.service import Owner
from components.storage import MARKER, PHONES
from stacks.host.library import person
from stacks.host.machine import HERE
from stacks.names import OWN_GROUP
from stacks.sections import Settings


@pytest.fixture(name="data")
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder that does not exist yet."""
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "a/data"))
    monkeypatch.setattr(docker_host, "ensure", lambda *_: pytest.fail("git comes before Docker"))
    monkeypatch.setattr(workspace, "select", lambda _: None)
    monkeypatch.setattr(workspace, "set_value", lambda *_: None)
    monkeypatch.setattr(workspace, "set_values", lambda *_: None)
    monkeypatch.setattr(console.Unattended, "yes", True)
    return tmp_path / "a/data"


@pytest.mark.parametrize("where", ["a/data/.git", "a/.git", ".git"])
@pytest.mark.parametrize("kind", ["folder", "file of a linked work tree"])
def test_a_data_folder_anywhere_in_a_git_work_tree_is_refused_first(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str, kind: str
) -> None:
    git = tmp_path / where
    git.parent.mkdir(parents=True, exist_ok=True)
    git.mkdir() if kind == "folder" else git.write_text("gitdir: /elsewhere\n", "utf-8")

    with pytest.raises(typer.Exit):
        setup.prepare("dev")
    assert f"lies in the git work tree {git.parent}. Set PHOTOS_DATA" in capsys.readouterr().err
    assert not (data / "state").exists()


def test_a_data_folder_outside_of_git_is_accepted_and_not_yet_made(data: Path) -> None:
    setup._outside_git()

    assert not data.exists()


def test_a_link_into_a_git_work_tree_is_refused_as_well(data: Path, tmp_path: Path) -> None:
    (tmp_path / "checkout/.git").mkdir(parents=True)
    data.parent.mkdir()
    (tmp_path / "checkout/below").mkdir()
    data.symlink_to(tmp_path / "checkout/below")

    with pytest.raises(typer.Exit):
        setup._outside_git()


def exported(lines: list[str]) -> list[str]:
    script = "\n".join([*lines, 'printf "%s\\n" "$PULUMI_BACKEND_URL" "$PATH" "$PULUMI_CONFIG_PASSPHRASE_FILE"'])
    done = subprocess.run(
        [shutil.which("sh") or "/bin/sh", "-c", script],
        env={"PATH": "/usr/bin"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", ["plain", "da ta", "$HOME", "it's"])
def test_a_shell_that_runs_the_lines_knows_the_stack_as_photos_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / name))
    wanted = engine.environment("home")
    folders = [wanted["PULUMI_BACKEND_URL"], f"{paths.tools_folder()}:/usr/bin"]

    assert exported(engine.export_lines("home")) == [*folders, wanted["PULUMI_CONFIG_PASSPHRASE_FILE"]]


def test_a_relative_data_folder_is_refused_or_made_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOS_DATA", "elsewhere")
    try:
        folder = paths.data_folder()
    except typer.Exit:
        return

    assert folder.is_absolute()


def test_without_photos_data_everything_is_below_the_account_s_home_whatever_home_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PHOTOS_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(paths, "account_home", lambda: Path("/home/anna"))

    assert paths.data_folder() == Path("/home/anna/.local/share/photos")
    for path in (paths.state_folder(), paths.tools_folder(), paths.passphrase_file("x"), paths.copies_folder("x")):
        assert path.is_relative_to(paths.data_folder())


def test_a_private_file_is_private_whatever_the_umask_and_whatever_it_replaces(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("for all to see, and much longer than what follows", "utf-8")
    file.chmod(0o666)
    before = os.umask(0)
    try:
        paths.write_private(file, "grün\n")
    finally:
        os.umask(before)

    assert file.read_bytes() == "grün\n".encode()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def library(root: Path) -> Settings:
    folders = {"originals": f"{root}/o", "import": f"{root}/i", "others": {"scans": f"{root}/scans"}}
    return Settings.model_validate({"timezone": "UTC", "services": {}, "library": folders})


def test_the_first_run_marks_every_library_and_makes_the_places_to_mount_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "lib"
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path)
    paths.stack_file("dev").write_text("config: {}\n", "utf-8")
    first_run.mark("dev", library(root))
    markers = {(root / name / MARKER).read_text("utf-8") for name in ("o", "i", "scans")}

    assert len(markers) == 1
    assert {path.name for path in (root / "o").iterdir()} == {MARKER, PHONES, "scans"}
    assert not (root / "o/scans" / MARKER).exists(), "it is a place, not a library"
    assert data.exists()


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("variables", "owner"),
    [({"SUDO_UID": "1234", "SUDO_GID": "1235"}, (1234, 1235)), ({}, (1000, 1000)), ({"SUDO_UID": "0"}, (1000, 1000))],
)
def test_folders_made_as_root_belong_to_the_person_and_those_above_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], owner: tuple[int, int]
) -> None:
    given: dict[Path, tuple[int, int]] = {}
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: given.update({path: (uid, gid)}))
    first_run.make_folder(tmp_path / "x/y/z")

    assert given == {tmp_path / part: owner for part in ("x", "x/y", "x/y/z")}


@pytest.mark.usefixtures("data")
def test_what_a_new_member_of_the_group_docker_makes_is_not_that_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[Path, tuple[int, int]] = {}
    monkeypatch.setenv(OWN_GROUP, "1234")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: given.update({path: (uid, gid)}))
    first_run.make_folder(tmp_path / "x/y")

    assert person(HERE) == Owner(uid=1000, gid=1234)
    assert given == {tmp_path / part: (-1, 1234) for part in ("x", "x/y")}


@pytest.mark.usefixtures("data")
def test_a_folder_that_is_there_is_neither_asked_about_nor_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "there"
    folder.mkdir(mode=0o750)
    monkeypatch.setattr(first_run, "confirm", lambda _: pytest.fail("nothing to ask"))
    first_run.agree_to_folders([folder], HERE)
    first_run.make_folder(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o750


def test_a_lost_passphrase_is_named_and_never_replaced(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path)
    paths.stack_file("dev").write_text("encryptionsalt: v1:abc\n", "utf-8")

    with pytest.raises(typer.Exit):
        setup.passphrase("dev")
    assert f"is gone ({paths.passphrase_file('dev')})" in capsys.readouterr().err
    assert not data.exists()


def test_a_passphrase_is_made_once_private_and_never_shown(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path)
    paths.stack_file("dev").write_text("config: {}\n", "utf-8")
    setup.passphrase("dev")
    made = paths.passphrase_file("dev").read_text("utf-8")
    setup.passphrase("dev")

    assert paths.passphrase_file("dev").read_text("utf-8") == made
    assert stat.S_IMODE(paths.passphrase_file("dev").stat().st_mode) == 0o600
    assert made not in "".join(capsys.readouterr())
    assert data.exists()
