"""`./photos keeper estimate`: from the stack file and the library alone, before there is a keeper."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from example_stack import STACK_ID
from typer.testing import CliRunner

from cli import estimate
from cli.app import app
from components.storage import MARKER

if TYPE_CHECKING:
    from cli.conftest import Checkout  # mypy names the files of this folder cli.*

BUCKET: dict[str, Any] = {"kind": "mirror", "type": "s3", "path": "b/p", "verify_days": 90}


def test_everything_that_a_copy_would_hold_is_counted_and_nothing_else(tmp_path: Path) -> None:
    for name, size in (("a.jpg", 1200), ("deep/er/b.jpg", 2400), (MARKER, 36)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    (tmp_path / "link").symlink_to(tmp_path)
    long_ago = time.time() - 3 * 365 * 24 * 3600
    os.utime(tmp_path / "a.jpg", (long_ago, long_ago))

    library = estimate.count([tmp_path, tmp_path / "absent"])

    assert (library.files, library.bytes, library.new_bytes_month) == (2, 3600, 200)


def test_a_file_that_goes_while_it_is_counted_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(bytes(1200))
    walk = os.walk

    def deleting(folder: Path) -> list[tuple[str, list[str], list[str]]]:
        found = list(walk(folder))
        (tmp_path / "a.jpg").unlink()
        return found

    monkeypatch.setattr(os, "walk", deleting)

    assert estimate.count([tmp_path]).files == 1


@pytest.mark.parametrize(
    ("bytes_", "said"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (23_000_000, "23 MB"), (5e12, "5.0 TB")]
)
def test_sizes_are_said_as_people_read_them(bytes_: float, said: str) -> None:
    assert estimate.size(bytes_) == said


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return with what the formula is asked; it answers with round figures."""
    seen: list[Any] = []

    def formula(files: int, bytes_: int, new: int, copy: Any) -> SimpleNamespace:
        seen.append((files, bytes_, new, copy))
        return SimpleNamespace(first_upload=bytes_, monthly_up=2_000_000, monthly_down=3_000_000_000, requests=12_345)

    module = ModuleType("keeper.backup.estimate")
    module.estimate = formula  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keeper.backup.estimate", module)
    return seen


def test_each_copy_of_the_stack_file_is_told_without_a_keeper_and_without_its_keys(
    checkout: Checkout, asked: list[Any]
) -> None:
    disk = {"kind": "disk", "type": "local", "path": "/mnt/second/photos"}
    checkout.write(STACK_ID, {"photos:backup": {"verify_days": 14, "remotes": {"disk": disk, "bucket": BUCKET}}})

    done = CliRunner().invoke(app, ["keeper", "estimate"])

    assert done.exit_code == 0, done.output
    assert [(copy.name, copy.verify_days) for _, _, _, copy in asked] == [("bucket", 90), ("disk", 14)]
    assert "12,345" in done.output
    assert "3.0 GB" in done.output


def test_one_copy_as_json(checkout: Checkout, asked: list[Any]) -> None:
    checkout.write(STACK_ID, {"photos:backup": {"remotes": {"bucket": BUCKET}}})

    done = CliRunner().invoke(app, ["keeper", "estimate", "--copy", "bucket", "--json"])

    assert asked
    assert json.loads(done.output)["copies"]["bucket"]["requests"] == 12_345


@pytest.mark.parametrize(
    ("backup", "says"),
    [
        ({}, "has no photos:backup yet"),
        (
            {"photos:backup": {"remotes": {"bucket": BUCKET}}},
            "names no such copy under photos:backup. There is: bucket",
        ),
    ],
)
def test_a_copy_that_the_stack_file_does_not_name_is_said(
    checkout: Checkout, backup: dict[str, Any], says: str
) -> None:
    checkout.write(STACK_ID, backup)

    done = CliRunner().invoke(app, ["keeper", "estimate", "--copy", "cloud"])

    assert done.exit_code == 1
    assert says in " ".join(done.output.split())
