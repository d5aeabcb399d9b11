"""First run, files and downloads where something is missing or goes wrong half-way."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from example_stack import STACK_ID

from cli import first_run, paths, stack_config, tool_download, tools
from components.storage import MARKER
from stacks.host import library
from stacks.host.machine import HERE

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*


def test_a_drive_that_is_not_mounted_gets_no_folder_even_with_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cli.console.Unattended.yes", True)
    monkeypatch.setattr(library, "absent_drive", lambda *_: Path("/mnt/d"))
    monkeypatch.setattr(first_run, "absent_drive", lambda *_: Path("/mnt/d"))

    with pytest.raises(typer.Exit):
        first_run.make_folder(tmp_path / "mnt/d/Photos")
    assert "/mnt/d is not mounted. Is drive D: there?" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "mounted", "drive"),
    [
        ("/mnt/d/Photos", set[str](), "/mnt/d"),
        ("/mnt/d/Photos", {"/mnt/d"}, None),
        ("/mnt/d/Photos", {"/"}, "/mnt/d"),
        ("/media/anna/disk", {"/media/anna/disk"}, None),
        ("/srv/photos", set[str](), None),
    ],
)
def test_a_drive_is_absent_when_nothing_is_mounted_on_the_way(
    monkeypatch: pytest.MonkeyPatch, folder: str, mounted: set[str], drive: str | None
) -> None:
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) in mounted)

    assert library.absent_drive(Path(folder), HERE) == (Path(drive) if drive else None)


@pytest.mark.usefixtures("agreed")
def test_the_first_run_leaves_the_photos_as_they_are_and_counts_them(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(None)
    photo = checkout.originals / "2024/a.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"photo")
    before = photo.stat()
    first_run.mark("dev", stack_config.offline("dev").settings)
    after = photo.stat()

    assert f"originals: {checkout.originals} holds 1 files" in capsys.readouterr().out
    assert (after.st_mtime_ns, after.st_mode, after.st_uid) == (before.st_mtime_ns, before.st_mode, before.st_uid)
    assert (checkout.originals / MARKER).stat().st_mode & 0o777 == 0o644
    assert checkout.identity() == checkout.marker(checkout.originals)


def test_a_write_that_is_cut_short_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "private/passphrase"
    paths.write_private(file, "old")
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left"):
        paths.write_private(file, "new")
    assert file.read_text("utf-8") == "old"
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_partial_file_of_a_killed_run_is_no_obstacle_and_never_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("mine", "utf-8")
    (tmp_path / ".x.partial").symlink_to(target)
    paths.write_private(tmp_path / "x", "new")

    assert (tmp_path / "x").read_text("utf-8") == "new"
    assert target.read_text("utf-8") == "mine"


def test_a_machine_for_which_pulumi_is_not_published_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    with pytest.raises(typer.Exit):
        tool_download.install_pulumi("3.259.0")
    assert "not published for riscv64" in capsys.readouterr().err


@pytest.mark.parametrize("mirror", [None, "http://mirror.lan/plugins"])
def test_a_plugin_is_installed_in_exactly_the_wanted_version_from_the_mirror_if_any(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mirror: str | None
) -> None:
    ran: list[Any] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: ran.append(command))
    monkeypatch.delenv(tool_download.PLUGIN_MIRROR, raising=False)
    if mirror:
        monkeypatch.setenv(tool_download.PLUGIN_MIRROR, mirror)
    tool_download._install_plugin("docker", "5.1.0", "dev")

    assert checkout
    server = ["--server", mirror] if mirror else []
    assert ran == [["pulumi", "plugin", "install", "resource", "docker", "5.1.0", "--exact", *server]]
    assert ("publishes no checksum" in capsys.readouterr().err) is (mirror is None)


@pytest.mark.usefixtures("checkout")
def test_a_no_downloads_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def never(*_: object) -> None:
        pytest.fail("it was not agreed to")

    monkeypatch.setattr(tools, "missing", lambda _: ["pulumi", "docker"])
    monkeypatch.setattr(tool_download, "install_pulumi", never)
    monkeypatch.setattr(tool_download, "_install_plugin", never)

    with pytest.raises(typer.Exit):
        tool_download.ensure("dev")
    assert "Missing: pulumi, docker (not agreed to)" in capsys.readouterr().err


def test_nested_encrypted_values_are_known_as_secrets_offline(checkout: Checkout) -> None:
    checkout.write(STACK_ID, {"photos:database": {"flags": {"x": {"secure": "v1:abc"}}}})

    with pytest.raises(typer.Exit):
        stack_config.offline("dev")
    assert "photos:database" in stack_config.offline_values("dev")[1]
