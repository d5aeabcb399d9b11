"""Which disk a folder lies on: through partitions, LVM, RAID, encryption, image files, subvolumes and bind mounts."""

from __future__ import annotations

import os
from collections.abc import Iterator

from stacks.host.machine import MachinePath
from stacks.host.mounts import MOUNTS, Mount, parsed

SYS = "/sys/dev/block"
BY_NAME = "/sys/class/block"
NETWORK = ("nfs", "nfs4", "cifs", "smb3")


def disks_below(folder: MachinePath) -> frozenset[str]:
    """Return the disks that `folder` lies on, by the kernel's names; a share or a pool by its own. Empty when it is not there."""
    try:
        number = folder.stat().st_dev
    except OSError:
        return frozenset()
    if block := _block_device(folder, number):
        return frozenset(_disks_of(block))
    return frozenset(_without_a_device(folder, number))


def _block_device(on: MachinePath, number: int) -> MachinePath | None:
    """Return a block device's folder in /sys; None where there is none: a subvolume, an overlay, a share."""
    place = on / SYS / f"{os.major(number)}:{os.minor(number)}"
    return place.resolve() if place.exists() else None


def _named(device: MachinePath) -> MachinePath | None:
    """Return the folder in /sys of the block device that `device`, a file in /dev, is."""
    found = device / BY_NAME / device.resolve().name
    return found.resolve() if found.exists() else None


def _disks_of(block: MachinePath) -> Iterator[str]:
    if (block / "partition").exists():
        yield from _disks_of(block.parent)
        return
    image = block / "loop/backing_file"
    if image.exists():
        yield from disks_below((block / image.read_text("utf-8").strip()).parent) or (block.name,)
        return
    slaves = block / "slaves"
    parts = sorted(map(str, slaves.iterdir())) if slaves.is_dir() else []
    for part in parts:
        yield from _disks_of((block / part).resolve())
    if not parts:
        yield block.name


def _without_a_device(folder: MachinePath, number: int) -> Iterator[str]:
    """Yield what a file system lies on that has no block device's number: its mount says it."""
    mount = _mount(folder)
    kind, source = mount.kind, mount.source
    if kind == "overlay" and (upper := mount.options.get("upperdir")):
        yield from disks_below(folder / upper) or (f"overlay {number}",)
    elif source.startswith("/dev/") and (block := _named(folder / source)):
        yield from _disks_of(block)
    elif kind in NETWORK:  # one server, whatever it shares
        yield source.lstrip("/").partition(":")[0].partition("/")[0]
    elif kind == "zfs":
        yield f"zfs {source.partition('/')[0]}"
    elif kind == "9p":  # a drive of Windows
        yield f"{kind} {source}"
    else:
        yield f"{kind} {number}"


def _mount(folder: MachinePath) -> Mount:
    """Return the mount that holds `folder`: the innermost, and of several there the last."""
    real = f"{folder.resolve()}/"
    best = Mount(0, "", "unknown", "", {})
    for mount in parsed((folder / MOUNTS).read_text("utf-8", "surrogateescape")):
        if real.startswith(f"{mount.point.rstrip('/')}/") and len(mount.point) >= len(best.point):
            best = mount
    return best
