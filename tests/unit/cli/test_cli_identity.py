"""The identity of a stack is never lost or exchanged unseen: kept copies, and what is read without the engine."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path
from typing import Any, Self

import pytest
import typer
import yaml
from example_stack import OTHER_ID, STACK_ID

from cli import console, engine, paths, stack_config, stackfile
from stacks.sections.flat_secrets import PEM_SECRETS, flat_secrets


@pytest.fixture(name="file")
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the stack file of dev is; a pulumi that does nothing; nobody who answers."""
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path / "stacks")
    monkeypatch.setattr(paths, "EXAMPLES", tmp_path / "stacks/examples")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: Pulumi(0))
    monkeypatch.setattr(console.Unattended, "yes", False)
    (tmp_path / "stacks/examples").mkdir(parents=True)
    return tmp_path / "stacks/Pulumi.dev.yaml"


def write(file: Path, identity: str | None, **more: Any) -> str:
    config = ({"photos:id": identity} if identity else {}) | {f"photos:{key}": value for key, value in more.items()}
    file.write_text(yaml.safe_dump({"config": config}), "utf-8")
    return file.read_text("utf-8")


def test_a_restored_copy_is_the_whole_kept_file_and_private(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = write(file, STACK_ID, drive_admin_password={"secure": "v1:abc"})
    stackfile.keep_copy("dev")
    write(file, None)
    file.chmod(0o644)
    monkeypatch.setattr(console.Unattended, "yes", True)
    stackfile.ensure("dev")

    assert file.read_text("utf-8") == text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_no_to_the_kept_copy_leaves_the_file_here_and_names_the_copy(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, STACK_ID)
    stackfile.keep_copy("dev")
    text = write(file, None, timezone="UTC")

    with pytest.raises(typer.Exit):
        stackfile.ensure("dev")
    assert file.read_text("utf-8") == text
    assert f"logins and identity are in {stackfile.newest_copy('dev')}" in capsys.readouterr().err


@pytest.mark.parametrize("identity", [STACK_ID, None])
def test_a_file_that_nobody_contests_is_only_copied(file: Path, identity: str | None) -> None:
    text = write(file, identity)
    stackfile.ensure("dev")
    stackfile.ensure("dev")

    assert file.read_text("utf-8") == text
    assert [copy.read_text("utf-8") for copy in paths.copies_folder("dev").iterdir()] == [text]


def test_the_copies_of_one_stack_do_not_count_for_another(file: Path) -> None:
    write(file, STACK_ID)
    stackfile.keep_copy("dev")
    write(file.with_name("Pulumi.home.yaml"), OTHER_ID)
    stackfile.ensure("home")

    assert stackfile.stack_id(stackfile.newest_copy("home") or file) == OTHER_ID
    assert stackfile.stack_id(stackfile.newest_copy("dev") or file) == STACK_ID


def test_a_missing_stack_file_is_no_reason_to_write_a_copy(file: Path) -> None:
    stackfile.keep_copy("dev")

    assert not file.exists()
    assert not paths.data_folder().exists()


class Pulumi:
    """A process that ends at once, or is interrupted first."""

    def __init__(self, code: int, problem: type[BaseException] | None = None) -> None:
        self.code, self.problem = code, problem

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Be gone."""

    def wait(self, timeout: float | None = None) -> int:
        if self.problem and timeout:
            raise self.problem
        return self.code


@pytest.mark.parametrize(("code", "problem"), [(3, None), (130, KeyboardInterrupt)])
def test_the_stack_file_is_kept_before_and_after_each_pulumi(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int, problem: type[BaseException] | None
) -> None:
    before = write(file, STACK_ID)

    def pulumi(*_: Any, **__: Any) -> Pulumi:
        write(file, STACK_ID, timezone="UTC")
        return Pulumi(code, problem)

    monkeypatch.setattr(subprocess, "Popen", pulumi)

    assert engine.run("dev", "config", "set", "x", "y") == code
    kept = [copy.read_text("utf-8") for copy in sorted(paths.copies_folder("dev").iterdir())]
    assert kept == [before, file.read_text("utf-8")]


@pytest.mark.parametrize("here", [OTHER_ID, None], ids=["another checkout", "example copied by hand"])
def test_a_word_for_pulumi_does_not_make_another_identity_the_kept_one(file: Path, here: str | None) -> None:
    write(file, STACK_ID)
    stackfile.keep_copy("dev")
    write(file, here)
    engine.run("dev", "stack", "ls")

    with pytest.raises(typer.Exit):
        stackfile.ensure("dev")


def test_every_encrypted_value_is_hidden_offline_and_keys_look_like_keys(file: Path) -> None:
    names = sorted(flat_secrets())
    write(file, STACK_ID, **{name: {"secure": f"v1:{name}"} for name in names})
    values, secret_keys = stack_config.offline_values("dev")

    assert "v1:" not in str(values)
    assert secret_keys == {f"photos:{name}" for name in names}
    assert {name for name in names if values[f"photos:{name}"].startswith("-----BEGIN")} == PEM_SECRETS


def test_the_secret_of_a_service_that_was_taken_out_is_hidden_like_the_others(file: Path) -> None:
    write(file, STACK_ID, services={"photoprism": {}}, tailscale_auth_key={"secure": "v1:key"})
    values, secret_keys = stack_config.offline_values("dev")

    assert values["photos:tailscale_auth_key"].startswith("hidden")
    assert "photos:tailscale_auth_key" in secret_keys


@pytest.mark.parametrize(
    ("value", "flagged"),
    [
        ({"a": {"secure": "v1:x"}}, True),
        ([{"a": 1}, {"secure": "v1:x"}], True),
        ({"a": [{"b": {"secure": "v1:x"}}]}, True),
        ({"a": {"secure": "yes", "port": 1}}, False),
        ({"a": ["secure"]}, False),
    ],
)
def test_an_encrypted_value_is_found_at_any_depth_and_nothing_else_is(file: Path, value: Any, flagged: bool) -> None:
    write(file, STACK_ID, services=value)

    assert ("photos:services" in stack_config.offline_values("dev")[1]) is flagged


def test_a_secret_in_clear_is_not_called_encrypted(file: Path) -> None:
    write(file, STACK_ID, drive_admin_password="in clear for all to see")
    values, secret_keys = stack_config.offline_values("dev")

    assert "photos:drive_admin_password" not in secret_keys
    assert values["photos:drive_admin_password"] == "in clear for all to see"


@pytest.mark.parametrize("text", ["", "config:\n", "encryptionsalt: v1:abc\n"])
def test_a_stack_file_without_values_has_no_id(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")

    assert stackfile.stack_id(file) is None


def test_a_stack_file_that_is_not_yaml_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("config: [", "utf-8")

    with pytest.raises(typer.Exit):
        stackfile.ensure("dev")
    assert f"{file} is not valid YAML" in capsys.readouterr().err
    assert not paths.data_folder().exists()
