"""Where something is mounted, read as the kernel writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from keeper import mounts


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/library", "ext4"),
        ("/library/my uncle", "9p"),
        ("/library/my uncle/2024", "9p"),
        ("/library/my unclé", "exfat"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, kind: str
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 98:0 / / rw - overlay overlay rw\n"
        "30 22 98:1 / /library rw,noatime master:1 - ext4 /dev/sdb rw\n"
        "31 30 0:40 / /library/my\\040uncle rw - 9p drvfs rw\n"
        "32 30 0:41 / /library/my\\040unclé rw shared:3 master:4 - exfat /dev/sdc rw\n",
        "utf-8",
    )
    monkeypatch.setattr(mounts, "FILE", table)

    assert mounts.file_system(Path(folder)) == kind


def test_the_later_of_two_mounts_at_one_place_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mountinfo"
    table.write_text("22 1 98:0 / /library rw - ext4 a rw\n23 22 98:1 / /library rw - fuse.mergerfs b rw\n", "utf-8")
    monkeypatch.setattr(mounts, "FILE", table)

    assert mounts.file_system(Path("/library")) == "fuse.mergerfs"
