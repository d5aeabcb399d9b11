"""The program's own releases: one version, told by the command and by the changelog, whose section is the notes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import paths, tools, version
from cli.app import app

PROJECT = Path(__file__).parents[2]
SECTION = re.compile(r"^## (Unreleased|\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2})$", re.MULTILINE)


def changelog() -> str:
    return (PROJECT / "CHANGELOG.md").read_text("utf-8")


def notes(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROJECT / ".ci/release-notes"), *words], capture_output=True, text=True, check=False)


def releases() -> list[str]:
    return [name.partition(" ")[0] for name in SECTION.findall(changelog()) if name != "Unreleased"]


def test_the_version_is_the_newest_release_of_the_changelog() -> None:
    assert releases()[0] == version.VERSION
    assert releases() == sorted(releases(), key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    assert len(re.findall("^## ", changelog(), re.MULTILINE)) == len(SECTION.findall(changelog())), (
        "every heading is one"
    )


def test_the_notes_of_a_release_are_its_section() -> None:
    newest, named = notes(), notes(version.VERSION)

    assert newest.stdout == named.stdout
    assert newest.stdout.strip()
    assert newest.stdout.strip() in changelog()
    assert "\n## " not in newest.stdout
    assert notes("99.0.0").returncode == 1


def test_the_command_tells_release_revision_pulumi_and_plugins() -> None:
    done = CliRunner().invoke(app, ["--version"])
    first, pulumi, python = done.output.splitlines()

    assert done.exit_code == 0
    assert re.fullmatch(rf"photos {re.escape(version.VERSION)}( \([0-9a-f]{{8,}}(, changed)?\))?", first)
    assert re.match(r"Pulumi \S+", pulumi)
    assert all(name in pulumi for name in ("docker 5", "random 4", "cloudflare 6"))
    assert python.startswith("Python 3.")


def test_without_git_and_pulumi_it_tells_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    monkeypatch.setattr(tools, "find", lambda *_: None)
    first, pulumi, _ = version.version_lines()

    assert first == f"photos {version.VERSION}"
    assert "not installed yet" in pulumi
