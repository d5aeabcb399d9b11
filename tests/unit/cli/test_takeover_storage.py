"""The old storage folder: what of it comes along, what is refused, and that it arrives as the owner's."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest
import typer

from cli.takeover import storage
from components.service import Owner

OWNER = Owner(uid=1234, gid=2345)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A storage folder beside originals, as PhotoPrism leaves it, on a drive that shows everything as 0777."""
    made = tmp_path / "storage"
    for path, content in {
        "config/settings.yml": "UI: {}\n",
        "config/options.yml": "SiteTitle: Ours\nThumbFilter: lanczos\n",
        "sidecar/2024/名字.yml": "Title: x\n",
        "albums/album/a.yml": "x",
        "backup/mysql/2024-12-01.sql": "x",
        "cache/thumbnails/t.jpg": "x",
        "sidecar/cache/kept.yml": "x",
        ".ppstorage": "1",
    }.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(content)
    (tmp_path / "originals").mkdir()
    for item in (made, *made.rglob("*")):
        item.chmod(0o777)
    return made


def looked(folder: Path) -> storage.Storage:
    return storage.look(folder, folder.parent / "originals")


def refused(folder: Path, capsys: pytest.CaptureFixture[str], originals: Path | None = None) -> str:
    with pytest.raises(typer.Exit):
        storage.look(folder, originals or folder.parent / "originals")
    return capsys.readouterr().err


def unpacked(found: storage.Storage) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(found.packed("storage", OWNER)))) as bundle:
        return {member.name: member for member in bundle.getmembers()}


def test_all_but_the_cache_arrives_as_the_owners(folder: Path) -> None:
    (folder / "sidecar/link.yml").symlink_to("2024/名字.yml")
    members = unpacked(looked(folder))

    assert "storage/sidecar/2024/名字.yml" in members
    assert "storage/sidecar/cache/kept.yml" in members, "only the topmost cache is one"
    assert [name for name in members if "thumbnails" in name] == []
    assert members["storage/sidecar/link.yml"].issym()
    assert {(member.uid, member.gid) for member in members.values()} == {(1234, 2345)}
    assert {member.mode for member in members.values() if not member.issym()} == {0o755}
    assert set(looked(folder).files) == {name.removeprefix("storage/") for name, m in members.items() if m.isfile()}


def test_what_nobody_else_may_read_stays_so_and_the_owner_may_write(folder: Path) -> None:
    (folder / "config/settings.yml").chmod(0o400)
    (folder / "config").chmod(0o700)
    members = unpacked(looked(folder))

    assert members["storage/config/settings.yml"].mode == 0o600
    assert members["storage/config"].mode == 0o700


def test_options_that_would_move_data_or_open_the_album_stay_behind(folder: Path) -> None:
    (folder / "config/options.yml").write_text(
        "# a note\nSiteTitle: Ours\nOriginalsPath: /elsewhere\nStoragePath: /else\nHttpPort: 80\nTLSKey: x\n"
        "DatabaseDSN:\n  a: b\nAuthMode: public\nOIDCSecret: x\nThumbFilter: lanczos\nTrustedProxies:\n- 10.0.0.0/8\nThumbColor: auto\n"
    )
    found = looked(folder)
    with tarfile.open(fileobj=io.BytesIO(b"".join(found.packed("storage", OWNER)))) as bundle:
        options = bundle.extractfile("storage/config/options.yml")
        assert options
        text = options.read().decode()

    assert text == "# a note\nThumbFilter: lanczos\nThumbColor: auto\n"
    assert "OriginalsPath" in found.dropped_options
    assert found.files["config/options.yml"] == len(text)
    assert "OriginalsPath" in (folder / "config/options.yml").read_text(), "the old one is only read"


def test_what_is_no_storage_folder_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nearer = folder.parent / "outer"
    (nearer / "storage").mkdir(parents=True)

    assert "is not a folder" in refused(folder / "absent", capsys)
    assert f"Did you mean {nearer}/storage?" in refused(nearer, capsys)
    assert "is or holds the originals folder" in refused(folder.parent, capsys, folder.parent / "originals")
    assert "is or holds the originals folder" in refused(folder, capsys, folder)


def test_links_that_lead_out_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "sidecar/elsewhere").symlink_to(folder.parent / "originals")
    (folder / "sidecar/up").symlink_to("../../originals")
    said = refused(folder, capsys)
    assert "sidecar/elsewhere" in said
    assert "sidecar/up" in said


def test_a_socket_is_no_data(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(folder)
        try:
            listening.bind("s")
        finally:
            os.chdir(here)
        assert "s" not in looked(folder).paths


def test_what_cannot_be_read_is_named_before_anything_is_changed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "settings" not in str(path) and real(path, mode))
    assert f"{folder}/config/settings.yml" in refused(folder, capsys)


@pytest.mark.parametrize(("name", "marked", "allowed"), [("storage", True, True), ("storage", False, False), (".photoprism", False, True)])  # fmt: skip
def test_a_storage_folder_inside_originals_must_not_be_taken_for_photos(
    name: str, marked: bool, allowed: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = folder.rename(folder.parent / "originals" / name)
    if not marked:
        (inside / ".ppstorage").unlink()
    if allowed:
        assert storage.look(inside, inside.parent).files
    else:
        assert f"touch {inside}/.ppstorage" in refused(inside, capsys, inside.parent)


def test_a_file_that_changes_meanwhile_is_an_error_and_not_a_hole(folder: Path) -> None:
    found = looked(folder)
    (folder / "albums/album/a.yml").unlink()

    with pytest.raises(FileNotFoundError):
        unpacked(found)
