"""Which restic the tests run: one that is new enough, or one that Go builds, once."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.keeper import restic


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    restic.restic.cache_clear()
    yield
    restic.restic.cache_clear()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without restic and Go; programs that are put into the folder are found."""
    (tmp_path / "bin").mkdir()
    monkeypatch.delenv("KEEPER_RESTIC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def program(folder: Path, name: str, script: str) -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def builder(folder: Path, version: str = "go1.25.1") -> None:
    """Put a Go there that takes its time and notes each build."""
    build = f'sleep 0.2; echo "$@" >> {folder}/builds; echo "#!/bin/sh" > "$GOBIN/restic"'
    program(
        folder, "go", f'export PATH=/usr/bin:/bin\n[ "$1" = version ] && echo go version {version} || {{ {build}; }}'
    )


def test_a_restic_that_is_new_enough_is_taken(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = program(machine, "restic", "echo restic 0.20.0 compiled with go1.26.8")
    chosen = program(machine.parent, "chosen", "echo restic 0.19.1 compiled with go1.26.8")

    assert restic.restic() == found
    restic.restic.cache_clear()
    monkeypatch.setenv("KEEPER_RESTIC", str(chosen))
    assert restic.restic() == chosen


def test_an_older_restic_is_passed_over_and_the_right_one_built(machine: Path) -> None:
    program(machine, "restic", "echo restic 0.18.0 compiled with go1.24.1")
    builder(machine)

    assert restic.restic() == machine.parent / ".cache/photos-tests/restic-0.19.1/restic"
    assert (machine / "builds").read_text() == "install github.com/restic/restic/cmd/restic@v0.19.1\n"


def test_several_who_ask_at_once_build_it_once(machine: Path) -> None:
    builder(machine)
    asking = [threading.Thread(target=restic.restic) for _ in range(3)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()

    assert len((machine / "builds").read_text().splitlines()) == 1


@pytest.mark.parametrize("version", ["", "go1.24.4"])
def test_without_a_go_that_can_build_it_the_reason_names_what_is_missing(machine: Path, version: str) -> None:
    if version:
        builder(machine, version)

    assert (restic.lacking() or "").startswith("keeper tier: restic 0.19.1 or Go 1.25 to build it is missing")


def test_a_build_that_fails_says_why_and_leaves_nothing(machine: Path) -> None:
    program(machine, "go", '[ "$1" = version ] && echo go1.26 || { echo "dial tcp: no such host" >&2; exit 1; }')

    assert restic.lacking() == "keeper tier: restic 0.19.1 cannot be built: dial tcp: no such host"
    assert [file.name for file in (machine.parent / ".cache/photos-tests/restic-0.19.1").iterdir()] == ["lock"]


def test_a_light_repository_opens_with_its_password_alone_and_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := restic.lacking():
        pytest.skip(reason)
    (tmp_path / "password").write_text("päss\n")
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    monkeypatch.setenv("RESTIC_REPOSITORY", str(tmp_path / "repository"))
    monkeypatch.setenv("RESTIC_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))
    run = partial(subprocess.run, capture_output=True, check=False)
    light = restic.light(tmp_path)

    assert json.loads(run([light, "init", "--json"]).stdout)["message_type"] == "initialized"
    (key,) = (tmp_path / "repository/keys").iterdir()
    assert key.name == hashlib.sha256(key.read_bytes()).hexdigest()
    assert json.loads(key.read_bytes())["N"] == 2
    assert run([light, "backup", str(tmp_path / "photo.jpg")]).returncode == 0
    assert run([restic.restic(), "check", "--read-data"]).returncode == 0, "the real one finds nothing amiss"
    (tmp_path / "password").write_text("pass")
    assert run([restic.restic(), "snapshots"]).returncode == 12
