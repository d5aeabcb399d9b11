"""What Pulumi's Automation API makes of our questions: the real one, with a program in the place of `pulumi`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from cli import engine, paths, private_state, workspace

SAID = {
    "config get": {"value": "in clear", "secret": True},
    "config --show-secrets": {
        "photos:login": {"value": "in clear", "secret": True},
        "photos:timezone": {"value": "UTC", "secret": False},
    },
    "stack export": {"version": 3, "deployment": {"resources": [{"type": "a"}]}},
}


class Pulumi:
    """A program that notes its arguments and its input, and answers."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        cases = "".join(f"*'{words}'*) echo '{json.dumps(answer)}' ;;\n" for words, answer in SAID.items())
        script = f'#!/bin/sh\nprintf "%s\\n" "$*" >> {self.notes}\ncase "$*" in\n*"config set --secret"*) cat >> {self.notes} ;;\n*refused*) echo "no such key" >&2; exit 255 ;;\n{cases}esac\n'
        (folder / "pulumi").write_text(script, "utf-8")
        (folder / "pulumi").chmod(0o755)

    @property
    def told(self) -> list[str]:
        """Return the lines of what it was told."""
        return self.notes.read_text("utf-8").splitlines()


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    """A `pulumi` on PATH, and a stack whose secrets it can read."""
    monkeypatch.setenv("PHOTOS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    paths.write_private(paths.passphrase_file("dev"), "x")
    paths.write_private(private_state._file("dev"), "{}")
    return Pulumi(tmp_path)


def test_each_question_is_one_process_and_never_asks_back(pulumi: Pulumi) -> None:
    workspace.select("dev")
    workspace.set_value("dev", "photos:owner.uid", "1000")
    workspace.set_values("dev", {"photos:a.image": "x:1", "photos:b.image": "y:2"})
    assert workspace.secret("dev", "photos:login") == "in clear"
    assert workspace.secrets("dev") == {"photos:login": "in clear"}
    assert workspace.resources("dev") == [{"type": "a"}]

    assert [line.replace("--non-interactive ", "", 1) for line in pulumi.told] == [
        "stack select --stack dev",
        "config set --path photos:owner.uid --plaintext --stack dev -- 1000",
        "config set-all --stack dev --path --plaintext photos:a.image=x:1 --plaintext photos:b.image=y:2",
        "config get photos:login --json --stack dev",
        "config --show-secrets --json --stack dev",
        "stack export --show-secrets --stack dev",
    ]


def test_a_secret_is_written_through_standard_input(pulumi: Pulumi) -> None:
    engine.set_secret("dev", "photos:login", "canary")

    assert pulumi.told == ["config set --secret photos:login --stack dev --non-interactive", "canary"]


def test_what_pulumi_says_is_said(pulumi: Pulumi, capsys: pytest.CaptureFixture[str]) -> None:
    assert pulumi

    with pytest.raises(typer.Exit):
        workspace.secret("dev", "photos:refused")
    assert "no such key" in capsys.readouterr().err


@pytest.mark.parametrize("lacking", ["state", "passphrase", "pulumi"])
def test_where_pulumi_cannot_read_yet_it_is_not_asked(pulumi: Pulumi, tmp_path: Path, lacking: str) -> None:
    files = {
        "state": private_state._file("dev"),
        "passphrase": paths.passphrase_file("dev"),
        "pulumi": tmp_path / "pulumi",
    }
    files[lacking].unlink()

    assert workspace.secrets("dev") == {}
    assert workspace.resources("dev") == []
    assert not pulumi.notes.exists()
