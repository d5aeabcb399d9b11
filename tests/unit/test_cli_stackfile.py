"""The stack file: made from an example, copied to the data folder, given back only after asking."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import typer
import yaml

from cli import console, first_run, generated, paths, setup, stack_config, stackfile, workspace
from components.storage import MARKER
from stacks.host.machine import HERE
from stacks.sections import Settings

ID, OTHER = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"
NAME = "Pulumi.dev.yaml"


@pytest.fixture(name="home")
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without stack files and an empty data folder; questions are answered with no."""
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path / "stacks")
    (tmp_path / "stacks").mkdir()
    monkeypatch.setattr(console.Unattended, "yes", False)
    return tmp_path


def agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.Unattended, "yes", True)


def write(home: Path, identity: str | None) -> Path:
    file = home / "stacks" / NAME
    file.write_text(yaml.safe_dump({"config": {"photos:id": identity} if identity else {"photos:timezone": "UTC"}}))
    return file


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_new_stack_file_is_the_example_and_private(home: Path) -> None:
    stackfile.ensure("dev")

    assert (home / "stacks" / NAME).read_text() == (paths.EXAMPLES / NAME).read_text()
    assert mode(home / "stacks" / NAME) == 0o600


def test_a_name_without_example_lists_the_examples(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        stackfile.ensure("anna")

    assert "there are: dev, home, wsl" in capsys.readouterr().err
    assert list((home / "stacks").iterdir()) == []


def test_the_last_ten_versions_are_kept_private_and_an_unchanged_file_adds_none(home: Path) -> None:
    for number in range(13):
        write(home, ID).write_text(f"config: {{photos:id: {ID}, photos:timezone: '{number}'}}\n")
        stackfile.keep_copy("dev")
        stackfile.keep_copy("dev")
    copies = sorted(paths.copies_folder("dev").iterdir())

    assert [yaml.safe_load(copy.read_text())["config"]["photos:timezone"] for copy in copies] == [
        str(number) for number in range(3, 13)
    ]
    assert {mode(copy) for copy in copies} == {0o600}


def test_a_kept_copy_is_taken_only_after_asking(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(home, ID)
    stackfile.keep_copy("dev")
    file.unlink()

    with pytest.raises(typer.Exit):
        stackfile.ensure("dev")
    assert not file.exists()
    agree(monkeypatch)
    stackfile.ensure("dev")
    assert stackfile.stack_id(file) == ID


def test_another_identity_is_refused_even_with_yes(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(home, ID)
    stackfile.keep_copy("dev")
    file = write(home, OTHER)
    agree(monkeypatch)

    with pytest.raises(typer.Exit):
        stackfile.ensure("dev")
    assert f"its id is {ID}" in capsys.readouterr().err
    assert stackfile.stack_id(file) == OTHER


def test_encrypted_values_are_never_read_offline(home: Path) -> None:
    document = yaml.safe_load((paths.EXAMPLES / NAME).read_text())
    document["config"] |= {"photos:id": ID, "photos:drive_admin_password": {"secure": "v1:abc:def"}}
    (home / "stacks" / NAME).write_text(yaml.safe_dump(document))
    values, secrets = stack_config.offline_values("dev")

    assert values["photos:drive_admin_password"].startswith("hidden from this command")
    assert "photos:drive_admin_password" in secrets
    assert str(stack_config.offline("dev").settings.id) == ID


def test_a_private_file_is_replaced_whole(home: Path) -> None:
    for text in ("one", "two"):
        paths.write_private(home / "x/y", text)

    assert (home / "x/y").read_text() == "two"
    assert mode(home / "x/y") == 0o600
    assert [file.name for file in (home / "x").iterdir()] == ["y"]


def test_a_data_folder_in_a_git_work_tree_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".git").mkdir()

    with pytest.raises(typer.Exit):
        setup.prepare("dev")
    assert "lies in the git work tree" in capsys.readouterr().err
    assert not (home / "data").exists()


def empty_file(home: Path) -> None:
    (home / "stacks" / NAME).write_text("config: {}\n")


def settings(home: Path) -> Settings:
    folders = {"originals": str(home / "lib/originals"), "import": str(home / "lib/import")}
    return Settings.model_validate_json(
        f'{{"timezone":"UTC","services":{{}},"library":{str(folders)!s}}}'.replace("'", '"')
    )


def test_the_first_run_marks_each_folder_and_then_writes_the_id(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, ...]] = []
    monkeypatch.setattr(workspace, "set_value", lambda *words: written.append(words))
    monkeypatch.setattr(workspace, "set_values", lambda stack, values: written.append((stack, *values)))
    agree(monkeypatch)
    empty_file(home)
    first_run.mark("dev", settings(home))
    marker = (home / "lib/originals" / MARKER).read_text().strip()

    assert (home / "lib/import" / MARKER).read_text().strip() == marker
    owner = (home / "lib/originals").stat()
    assert written == [
        ("dev", "photos:owner.uid", str(owner.st_uid)),
        ("dev", "photos:owner.gid", str(owner.st_gid)),
        ("dev", "photos:database.image"),
        ("dev", "photos:id", marker),
    ], "the id comes last: what is not finished is a first run again"
    assert mode(home / "lib/originals") == 0o755, "a service that only reads runs as another user"
    assert (home / "lib/originals/phones").is_dir()
    assert not (paths.data_folder() / "pending-ids/dev").exists()


def test_an_interrupted_first_run_goes_on_with_the_same_id(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> str:
        raise KeyboardInterrupt

    agree(monkeypatch)
    empty_file(home)
    monkeypatch.setattr(workspace, "set_value", killed)
    with pytest.raises(KeyboardInterrupt):
        first_run.mark("dev", settings(home))
    marker = (home / "lib/originals" / MARKER).read_text()
    monkeypatch.setattr(workspace, "set_value", lambda *_: None)
    monkeypatch.setattr(workspace, "set_values", lambda *_: None)
    first_run.mark("dev", settings(home))

    assert (home / "lib/originals" / MARKER).read_text() == marker


def test_a_library_of_another_stack_is_never_marked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agree(monkeypatch)
    (home / "lib/import").mkdir(parents=True)
    (home / "lib/import" / MARKER).write_text(OTHER)

    with pytest.raises(typer.Exit):
        first_run.mark("dev", settings(home))
    assert (home / "lib/import" / MARKER).read_text() == OTHER
    assert not (home / "lib/originals" / MARKER).exists()


def test_no_means_that_no_folder_is_created(home: Path) -> None:
    with pytest.raises(typer.Exit):
        first_run.agree_to_folders([home / "lib/originals"], HERE)

    assert not (home / "lib").exists()


def test_made_secrets_are_strong_and_syncthing_s_two_halves_belong_together() -> None:
    made = generated.values_for(["drive_admin_password", "syncthing_cert", "syncthing_key"])

    assert len(made["drive_admin_password"]) == 24
    assert made["drive_admin_password"].isalnum()
    assert generated.password() != generated.password()
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    certificate = x509.load_pem_x509_certificate(made["syncthing_cert"].encode())
    key = load_pem_private_key(made["syncthing_key"].encode(), None)
    assert certificate.public_key() == key.public_key()
    assert certificate.subject.rfc4514_string() == "CN=syncthing"
