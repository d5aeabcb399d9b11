"""What a build of the demo's images reads: the same under any umask of the checkout."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from demo.images.build import HERE, IMAGES, _context

FOLDERS = sorted({recipe.folder for recipe in IMAGES})


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    made: Path = tmp_path / request.param
    shutil.copytree(HERE / request.param, made)
    return made


@pytest.mark.parametrize("mode", [0o700, 0o775, 0o777])
def test_modes_and_an_editors_files_change_nothing(folder: Path, mode: int) -> None:
    expected = _context(HERE / folder.name)
    for item in (folder, *folder.rglob("*")):
        item.chmod(mode if item.is_dir() else mode & 0o666)
    for name in (".entrypoint.sh.swp", "Dockerfile~", "#Dockerfile#", "Dockerfile.orig", ".DS_Store"):
        (folder / name).write_text("no source")
    (folder / "__pycache__").mkdir(exist_ok=True)
    (folder / "__pycache__/x.pyc").touch()

    assert _context(folder) == expected


def test_everybody_may_read_and_programs_can_be_started(folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(_context(folder))) as bundle:
        modes = {entry.name: entry.mode for entry in bundle}

    assert modes["Dockerfile"] == 0o644
    assert {name for name, mode in modes.items() if mode == 0o755} == {
        str(file.relative_to(HERE / folder.name))
        for file in (HERE / folder.name).rglob("*")
        if file.is_file() and file.read_bytes()[:2] == b"#!"
    }
    assert set(modes.values()) <= {0o644, 0o755}


def test_a_changed_file_counts(folder: Path) -> None:
    with (folder / "Dockerfile").open("a") as file:
        file.write("\n")

    assert _context(folder) != _context(HERE / folder.name)
