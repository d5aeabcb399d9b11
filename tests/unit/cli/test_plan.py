"""`./photos plan`: everything that would be created, no secret, nothing written, nothing needed."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
import yaml
from example_stack import CANARY, EXAMPLES, STACK_ID
from rich.console import Console

from cli import plan
from stacks.sections.flat_secrets import flat_secrets

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return what goes to a screen that is wide enough."""
    written = io.StringIO()
    monkeypatch.setattr(plan, "out", Console(file=written, width=400, highlight=False))
    return written


def test_it_names_everything_and_shows_no_secret_and_no_id(
    checkout: Checkout, page: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    plan.show("dev")
    text = page.getvalue() + capsys.readouterr().out

    for shown in (
        "photos-dev-mariadb", "photos-dev-photoprism-storage", "photos-dev-db", "mariadb:11.8.8",
        "127.0.0.1:12343 → 2342/tcp", "0.0.0.0:22000 → 22000/udp", f"{checkout.originals} → /photoprism/originals",
        "(read-only)", "kept", "Volumes outlive destroy",
    ):  # fmt: skip
        assert shown in text
    assert [name for name in flat_secrets() if name not in text and not name.startswith("https_")] == []
    assert [hidden for hidden in (CANARY, "v1:", "secure", STACK_ID, "hidden from") if hidden in text] == []


def test_it_fits_a_small_terminal_and_breaks_no_word(
    checkout: Checkout, page: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.write(
        STACK_ID, {"photos:library": {"originals": "/mnt/d/photoprism/originals", "import": "/mnt/d/import"}}
    )
    monkeypatch.setattr(plan, "out", Console(file=page, width=80, highlight=False))
    plan.show("dev")
    lines = page.getvalue().splitlines()

    assert max(map(len, lines)) <= 80
    for word in ("photos-dev-photoprism-storage", "/mnt/d/photoprism/originals → /photoprism/originals"):
        assert any(word in line for line in lines)


def test_volumes_that_destroy_deletes_are_called_so(checkout: Checkout, page: io.StringIO) -> None:
    checkout.write(STACK_ID, {"photos:data": {"on_destroy": "delete", "confirm": "dev"}})
    plan.show("dev")

    assert page.getvalue().count("deleted by destroy") == 4
    assert "kept" not in page.getvalue()


def copied_project(folder: Path) -> Path:
    for name in ("cli", "components", "stacks", "keeper"):
        shutil.copytree(
            PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "Pulumi.dev.yaml.*")
        )
    return folder


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    found = (path for path in folder.rglob("*"))
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in found}


@pytest.mark.parametrize("stack", EXAMPLES)
def test_it_needs_no_tool_no_docker_and_no_home_and_writes_nothing(tmp_path: Path, stack: str) -> None:
    project = copied_project(tmp_path / "project")
    for own in (project / "stacks").glob("Pulumi.*.yaml"):
        own.unlink()
    before = tree(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "cli", "plan", stack],
        cwd=project,
        env={
            "PATH": "",
            "HOME": str(tmp_path / "no-home"),
            "PHOTOS_DATA": str(tmp_path / "no-data"),
            "DOCKER_HOST": f"unix://{tmp_path}/no-docker.sock",
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "300",
            "LANG": os.environ.get("LANG", "C.UTF-8"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert f"photos-{stack}-photoprism" in done.stdout
    assert "drive_admin_password" in done.stdout
    assert tree(tmp_path) == before


def test_the_copy_in_the_checkout_counts_before_the_example(checkout: Checkout, page: io.StringIO) -> None:
    checkout.write(STACK_ID)
    document = yaml.safe_load(checkout.file.read_text("utf-8"))
    document["config"]["photos:services"]["photoprism"]["port"] = 23456
    checkout.file.write_text(yaml.safe_dump(document), "utf-8")
    plan.show("dev")

    assert "127.0.0.1:23456 → 2342/tcp" in page.getvalue()


def test_a_docker_that_cannot_be_used_is_one_line_here_too(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write(STACK_ID)
    monkeypatch.setenv("DOCKER_HOST", "ssh://nas.lan")

    with pytest.raises(typer.Exit):
        plan.show("dev")
    assert "DOCKER_HOST is ssh://nas.lan, and the folders there are looked at, too" in capsys.readouterr().err
