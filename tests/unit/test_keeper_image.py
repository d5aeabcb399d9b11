"""The tag of the keeper's image: it changes with each source and each build argument, and with nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from components.fields import PROJECT
from components.keeper_image import source_hash, sources

BASE = {"BASE": "base:1"}
STRAY = (
    "run.py~", ".run.py.swp", ".run.py.swx", "#run.py#", ".#run.py", "run.py.orig", "run.py.rej", "run.py.bak", "4913",
    ".DS_Store", "._run.py", "Thumbs.db", "__pycache__/run.cpython-313.pyc", ".mypy_cache/3.11/run.data.json",
    ".idea/workspace.xml", "copy of keeper/run.py", "page/templates/page.html~", "page/templates/.page.html.swp",
    "page/templates/__pycache__/x.pyc", "page/templates/old/page.html", "Dockerfile~", ".env", "backup/run.py~",
    "copies/.restic.py.swp", "notes/run.py",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keeper"
    shutil.copytree(PROJECT / "keeper", made, ignore=shutil.ignore_patterns("__pycache__"))
    return made


@pytest.mark.parametrize("name", STRAY)
def test_what_is_no_source_changes_nothing(folder: Path, name: str) -> None:
    before = source_hash(BASE, folder)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("no source")

    assert source_hash(BASE, folder) == before


def test_a_link_that_leads_nowhere_is_what_an_editor_locks_a_file_with(folder: Path) -> None:
    before = source_hash(BASE, folder)
    (folder / ".#run.py").symlink_to("family@desk.4711")

    assert source_hash(BASE, folder) == before


def test_modes_change_nothing(folder: Path) -> None:
    before = source_hash(BASE, folder)
    for item in (folder, *folder.rglob("*")):
        item.chmod(0o700 if item.is_dir() else 0o600)

    assert source_hash(BASE, folder) == before


def test_every_source_counts_by_content_and_by_name(folder: Path) -> None:
    seen = {source_hash(BASE, folder)}
    for name in sources(folder):
        file = folder / name
        content = file.read_bytes()
        file.write_bytes(content + b"\n")
        seen.add(source_hash(BASE, folder))
        file.write_bytes(content)
    changed = len(seen) - 1
    (folder / "backup/run.py").rename(folder / "backup/ran.py")

    assert changed == len(sources())
    assert source_hash(BASE, folder) not in seen


def test_a_new_module_counts(folder: Path) -> None:
    before = source_hash(BASE, folder)
    (folder / "restore/extra.py").touch()

    assert source_hash(BASE, folder) != before


def test_build_arguments_count() -> None:
    """A replaced image of the same name would be removed under the name of the new one."""
    made = [BASE, {"BASE": "base:2"}, {**BASE, "APT_MIRROR": "http://mirror"}]

    assert len({source_hash(arguments) for arguments in made}) == len(made)


def test_nothing_that_belongs_to_the_keeper_is_left_out() -> None:
    listed = subprocess.run(["git", "ls-files", "keeper"], cwd=PROJECT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("unit tier: this is no git checkout")
    tracked = {name.removeprefix("keeper/") for name in listed.stdout.splitlines()}

    assert tracked - {".dockerignore", "requirements.txt"} - set(sources()) == set(), "of that list its lock is made"


def test_stack_file_and_keeper_refuse_the_same_versions() -> None:
    from keeper.copies import rclone, restic  # noqa: PLC0415 - these two hold what the image holds
    from stacks.sections.backup.programs import RCLONE, RESTIC  # noqa: PLC0415

    assert (RESTIC.least, RCLONE.least) == (restic.OLDEST, rclone.OLDEST)
