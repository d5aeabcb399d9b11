"""Words and folders as a person types them, and names with brackets as a person sees them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml
from example_stack import EXAMPLES_FOLDER
from typer.testing import CliRunner

from cli import app, console, pages, paths, plan, status, workspace
from cli.commands import look

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("words", "variable", "stack"),
    [
        (["stack", "ls"], None, "dev"),
        (["stack", "ls"], "wsl", "wsl"),
        (["stack", "-s", "home"], "wsl", "home"),
        (["stack", "--stack", "home"], "wsl", "home"),
        (["--stack=home", "stack"], "wsl", "home"),
        (["config", "get", "stack"], None, "dev"),
        (["stack", "select", "--stack-x"], None, "dev"),
    ],
)
def test_pulumi_gets_state_and_passphrase_of_the_stack_that_the_words_or_else_the_variable_name(
    monkeypatch: pytest.MonkeyPatch, words: list[str], variable: str | None, stack: str
) -> None:
    monkeypatch.delenv("PHOTOS_STACK", raising=False)
    if variable:
        monkeypatch.setenv("PHOTOS_STACK", variable)

    assert app._stack_named_in(words) == stack


@pytest.mark.parametrize(
    ("words", "stack"), [(["status"], "wsl"), (["status", "-s", "home"], "home"), (["open", "--stack", "home"], "home")]
)
def test_our_own_words_take_the_stack_from_the_option_or_else_the_variable(
    monkeypatch: pytest.MonkeyPatch, words: list[str], stack: str
) -> None:
    asked: list[str] = []

    def about(name: str) -> int:
        asked.append(name)
        return 0

    monkeypatch.setenv("PHOTOS_STACK", "wsl")
    monkeypatch.setattr(status, "show", about)
    monkeypatch.setattr(pages, "album", lambda name: f"http://{about(name)}/")
    monkeypatch.setattr("typer.launch", lambda _: None)

    assert CliRunner().invoke(app.app, words).exit_code == 0
    assert asked == [stack]


def test_without_an_album_open_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "album", lambda _: None)
    monkeypatch.setattr("typer.launch", lambda _: pytest.fail("there is no address"))

    assert CliRunner().invoke(app.app, ["open"]).exit_code == 1


def test_password_of_an_unknown_service_lists_the_known_ones_and_asks_pulumi_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(workspace, "secret", lambda *_: pytest.fail("nothing to ask"))

    with pytest.raises(typer.Exit):
        look.password("toaster", "dev")
    assert '"toaster" has no login. Write one of: drive, photoprism, syncthing' in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["Photos (2024)", "a b", "[2024] Photos"])
@pytest.mark.parametrize("brackets", [False, True])
def test_the_plan_shows_folders_as_they_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: str, brackets: bool
) -> None:
    root = f"/srv/{folder}" + ("[old]" if brackets else "")
    document = yaml.safe_load((EXAMPLES_FOLDER / "Pulumi.dev.yaml").read_text("utf-8"))
    document["config"]["photos:library"] = {"originals": f"{root}/o", "import": f"{root}/i"}
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump(document), "utf-8")
    monkeypatch.setattr(paths, "STACK_FILES", tmp_path)
    monkeypatch.setattr(console.out, "width", 500)
    plan.show("dev")

    assert f"{root}/o → " in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["[red]x[/red]", "[/nothing]", "a: [y/N]"], ids=["a style", "an end without start", "a choice"]
)
def test_what_is_said_and_warned_is_printed_letter_by_letter(capsys: pytest.CaptureFixture[str], text: str) -> None:
    console.say(text)
    console.warn(text)

    assert tuple(capsys.readouterr()) == (f"{text}\n", f"{text}\n")


def handed_over(tmp_path: Path, program: Path, *words: str, cwd: Path) -> list[str]:
    """Run a copy of `photos` whose Python prints the folder it is in and the words it got."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\npwd\nfor word; do echo "$word"; done\n', "utf-8")
    python.chmod(0o755)
    done = subprocess.run(
        [str(program), *words],
        cwd=cwd, env={"PATH": "/usr/bin:/bin", "PHOTOS_PYTHON": str(python)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout.splitlines()


def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "check out"
    folder.mkdir()
    shutil.copy(PROJECT / "photos", folder / "photos")
    return folder


def test_the_command_works_through_a_link_from_any_folder(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    link = tmp_path / "photos-link"
    link.symlink_to(folder / "photos")

    assert handed_over(tmp_path, link, "plan", "", cwd=tmp_path) == [str(folder), "-m", "cli", "plan", ""]


def test_a_relative_folder_to_adopt_means_the_folder_the_person_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = checkout(tmp_path)
    (tmp_path / "lib").mkdir()
    script = (
        "#!/bin/sh\nexec " + shlex.quote(sys.executable) + " -c '\n"
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from cli import adopt, app\n"
        "adopt.adopt = lambda stack, folder: print(folder)\n"
        "sys.argv = sys.argv[2:]\napp.main()\n' " + shlex.quote(str(PROJECT)) + ' "$@"\n'
    )
    python = tmp_path / "python"
    python.write_text(script, "utf-8")
    python.chmod(0o755)
    monkeypatch.delenv("PHOTOS_STACK", raising=False)
    done = subprocess.run(
        [str(project / "photos"), "adopt", "lib"],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "PHOTOS_PYTHON": str(python)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.stdout == f"{tmp_path}/lib\n", done.stderr
