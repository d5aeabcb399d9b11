"""What the commands meet that is not theirs or not whole: they name it and leave it as it is."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import typer
from example_stack import OTHER_ID, STACK_ID

from cli import app, demo, docker_host, locks, private_state, stackfile
from cli.docker_runner import DockerRunner
from cli.recording import Recorded
from cli.samples import SAMPLES

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*


@pytest.mark.parametrize(
    "text", ["null", "[]", '"x"', '{"pid": null, "hostname": "h"}', '{"pid": -1, "hostname": "HERE"}']
)
def test_a_lock_of_another_shape_is_not_dead(tmp_path: Path, text: str) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(text.replace("HERE", socket.gethostname()), "utf-8")

    assert locks.lock_is_dead(private_state.read_lock(lock)) is False


@pytest.mark.parametrize("text", ["just text", "- a\n- b\n", "config: text\n"])
def test_a_stack_file_of_another_shape_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(text, "utf-8")

    with pytest.raises(typer.Exit):
        stackfile.read(file)
    assert f"{file} is not a stack file" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["stack", "ls"], ["password"]])
def test_without_the_pulumi_command_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["photos", *words])

    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == 1
    assert "./photos setup installs it" in capsys.readouterr().err


def description() -> dict[str, Any]:
    return {"config": {"photos:id": STACK_ID}}


def modes(*paths: Path) -> list[tuple[int, int]]:
    return [(path.stat().st_mode, path.stat().st_uid) for path in paths]


def test_the_demo_changes_no_mode_or_owner_of_what_it_did_not_make(tmp_path: Path) -> None:
    family, key = tmp_path / "family", tmp_path / "key"
    family.mkdir(mode=0o700)
    key.write_text("private", "utf-8")
    key.chmod(0o600)
    originals = tmp_path / "demo/originals"
    originals.mkdir(parents=True)
    (originals / "family").symlink_to(family)
    (originals / "key").symlink_to(key)
    mine = originals / "mine.jpg"
    mine.write_bytes(b"mine")
    mine.chmod(0o640)
    before = modes(family, key, mine)
    demo._library(tmp_path / "demo", description())

    assert modes(family, key, mine) == before
    assert (originals / next(iter(SAMPLES))).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("full", [True, False])
def test_a_link_in_the_demo_s_library_stays_and_is_named(tmp_path: Path, full: bool) -> None:
    family = tmp_path / "family"
    family.mkdir()
    if full:
        (family / "a.jpg").write_bytes(b"photo")
    demo._library(tmp_path / "demo", description())
    link = tmp_path / "demo/originals/family"
    link.symlink_to(family)

    assert demo._remove_samples(tmp_path / "demo") == [link]
    assert link.is_symlink()
    assert family.is_dir()


def test_the_demo_is_not_removed_by_halves_where_docker_is_silent(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    about = checkout.root / "data/demo/demo.yaml"
    about.parent.mkdir(parents=True)
    about.write_text(f"config: {{photos:id: {STACK_ID}}}\n", "utf-8")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{checkout.root}/no.sock")
    monkeypatch.setattr(docker_host, "answers", lambda: False)

    with pytest.raises(typer.Exit):
        demo.down()
    assert "nothing answers there" in capsys.readouterr().err
    assert about.exists()


@pytest.mark.parametrize(("kind", "token"), [("network", "network:Network"), ("volume", "volume:Volume")])
@pytest.mark.parametrize("labels", [None, {}, {"photos.id": OTHER_ID}, {"photos.id": STACK_ID}])
def test_a_network_or_volume_of_that_name_is_used_only_when_it_is_ours(
    kind: str, token: str, labels: dict[str, str] | None
) -> None:
    attrs = {"Labels": labels, "IPAM": {"Config": [{"Subnet": "10.0.0.0/24"}]}}
    found = SimpleNamespace(attrs=attrs, reload=lambda: None)
    client: Any = SimpleNamespace(
        networks=SimpleNamespace(list=lambda **_: [found]), volumes=SimpleNamespace(get=lambda _: found)
    )
    inputs: dict[str, Any] = {"name": "photos-x", "labels": [{"label": "photos.id", "value": STACK_ID}]}
    if kind == "network":
        inputs["driver"] = "bridge"
    declared = Recorded(f"docker:index/{token}", "x", "", True, inputs)
    if labels == {"photos.id": STACK_ID}:
        DockerRunner(client).create(declared)
        return

    with pytest.raises(RuntimeError, match=f"the {kind} photos-x belongs to something else"):
        DockerRunner(client).create(declared)
