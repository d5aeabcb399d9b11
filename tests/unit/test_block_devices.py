"""Which disk a folder lies on, read from a /sys and a list of mounts of the test's making."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from stacks.host import block_devices
from stacks.host.block_devices import disks_below


class Machine:
    """A machine with disks: `sys` is its /sys/dev/block, `numbers` says on which device a folder's files are."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.sys, self.devices, self.mounts = root / "block", root / "devices", root / "mountinfo"
        for folder in (self.sys, self.devices):
            folder.mkdir()
        self.mounts.write_text("1 0 0:1 / / rw - rootfs none rw\n")
        self.numbers: dict[str, int] = {}
        monkeypatch.setattr(block_devices, "SYS", self.sys)
        monkeypatch.setattr(block_devices, "MOUNTS", self.mounts)
        real = Path.stat

        def stat(path: Path, **more: bool) -> object:
            found = real(path, **more)
            number = self.numbers.get(str(path))
            return SimpleNamespace(st_dev=number, st_mode=found.st_mode) if number else found

        monkeypatch.setattr(Path, "stat", stat)

    def device(self, name: str, minor: int, *, partition_of: str = "", on: tuple[str, ...] = ()) -> int:
        place = self.devices / partition_of / name
        (place / "slaves").mkdir(parents=True)
        for below in on:
            (place / "slaves" / below).symlink_to(next(self.devices.rglob(below)))
        if partition_of:
            (place / "partition").write_text("1\n")
        (self.sys / f"8:{minor}").symlink_to(place)
        return os.makedev(8, minor)

    def folder(self, name: str, number: int) -> Path:
        (self.root / name).mkdir()
        self.numbers[str(self.root / name)] = number
        return self.root / name


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_two_partitions_are_one_disk_and_another_disk_is_not(machine: Machine) -> None:
    machine.device("sda", 0)
    first, second = (machine.device(f"sda{n}", n, partition_of="sda") for n in (1, 2))
    other = machine.device("sdb", 16)

    assert disks_below(machine.folder("a", first)) == disks_below(machine.folder("b", second)) == {"sda"}
    assert disks_below(machine.folder("c", other)) == {"sdb"}


def test_a_volume_over_two_disks_is_on_both_through_encryption_and_partitions(machine: Machine) -> None:
    machine.device("sda", 0)
    machine.device("sda1", 1, partition_of="sda")
    machine.device("sdb", 16)
    machine.device("dm-0", 50, on=("sda1",))
    volume = machine.device("dm-1", 51, on=("dm-0", "sdb"))

    assert disks_below(machine.folder("a", volume)) == {"sda", "sdb"}


def test_an_image_file_is_on_the_disk_that_holds_it(machine: Machine) -> None:
    disk = machine.device("sda", 0)
    holding = machine.folder("images", disk)
    number = machine.device("loop0", 7)
    (machine.devices / "loop0/loop").mkdir()
    (machine.devices / "loop0/loop/backing_file").write_text(f"{holding}/photos.img\n")

    assert disks_below(machine.folder("a", number)) == {"sda"}


def test_shares_of_one_server_are_one_and_pools_and_drives_of_windows_have_their_own_names(machine: Machine) -> None:
    made = {name: machine.folder(name, os.makedev(0, n)) for n, name in enumerate("abcd e", start=70)}
    kinds = {"a": "nfs nas:/photos", "b": "nfs4 nas:/backup", "c": "zfs tank/photos", "d": "9p D:\\134"}
    lines = [f"1 0 0:70 / {made[name]} rw - {kind} rw" for name, kind in kinds.items()]
    machine.mounts.write_text("\n".join(["1 0 0:1 / / rw - ext4 /dev/absent rw", *lines]) + "\n")

    assert [disks_below(made[name]) for name in "abcd"] == [{"nas"}, {"nas"}, {"zfs tank"}, {"9p D:\\"}]
    assert disks_below(made["e"]) == {f"ext4 {machine.numbers[str(made['e'])]}"}


def test_an_overlay_is_where_its_changes_are_kept(machine: Machine) -> None:
    kept = machine.folder("kept", machine.device("sda", 0))
    shown = machine.folder("shown", os.makedev(0, 90))
    machine.mounts.write_text(f"1 0 0:90 / {shown} rw - overlay overlay rw,lowerdir=/x,upperdir={kept},workdir=/w\n")

    assert disks_below(shown) == {"sda"}


def test_what_is_not_there_is_on_no_disk(machine: Machine) -> None:
    assert disks_below(machine.root / "absent") == frozenset()


def test_this_machine_s_own_folders_are_on_something() -> None:
    assert disks_below(Path("/"))
