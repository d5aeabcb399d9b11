"""The demo's library: what the demo did not make keeps its owner and mode, stays, and is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_stack import STACK_ID

from demo.library import lay_out, remove_samples
from demo.samples import SAMPLES


def modes(*paths: Path) -> list[tuple[int, int]]:
    return [(path.stat().st_mode, path.stat().st_uid) for path in paths]


def test_the_demo_changes_no_mode_or_owner_of_what_it_did_not_make(tmp_path: Path) -> None:
    family, key = tmp_path / "family", tmp_path / "key"
    family.mkdir(mode=0o700)
    key.write_text("private", "utf-8")
    key.chmod(0o600)
    originals = tmp_path / "demo/originals"
    originals.mkdir(parents=True)
    (originals / "family").symlink_to(family)
    (originals / "key").symlink_to(key)
    mine = originals / "mine.jpg"
    mine.write_bytes(b"mine")
    mine.chmod(0o640)
    before = modes(family, key, mine)
    lay_out(tmp_path / "demo", STACK_ID)

    assert modes(family, key, mine) == before
    assert (originals / next(iter(SAMPLES))).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("full", [True, False])
def test_a_link_in_the_demo_s_library_stays_and_is_named(tmp_path: Path, full: bool) -> None:
    family = tmp_path / "family"
    family.mkdir()
    if full:
        (family / "a.jpg").write_bytes(b"photo")
    lay_out(tmp_path / "demo", STACK_ID)
    link = tmp_path / "demo/originals/family"
    link.symlink_to(family)

    assert remove_samples(tmp_path / "demo") == [link]
    assert link.is_symlink()
    assert family.is_dir()
