"""Which disk a folder lies on: through partitions, LVM, RAID, encryption, image files, subvolumes and bind mounts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

SYS = Path("/sys/dev/block")
MOUNTS = Path("/proc/self/mountinfo")
NETWORK = ("nfs", "nfs4", "cifs", "smb3")


def disks_below(folder: Path) -> frozenset[str]:
    """Return the disks that `folder` lies on, by the kernel's names; a share or a pool by its own. Empty when it is not there."""
    try:
        number = folder.stat().st_dev
    except OSError:
        return frozenset()
    if block := _block_device(number):
        return frozenset(_disks_of(block))
    return frozenset(_without_a_device(folder, number))


def _block_device(number: int) -> Path | None:
    """Return a block device's folder in /sys; None where there is none: a subvolume, an overlay, a share."""
    place = SYS / f"{os.major(number)}:{os.minor(number)}"
    return place.resolve() if place.exists() else None


def _disks_of(block: Path) -> Iterator[str]:
    if (block / "partition").exists():
        yield from _disks_of(block.parent)
        return
    image = block / "loop/backing_file"
    if image.exists():
        yield from disks_below(Path(image.read_text("utf-8").strip()).parent) or (block.name,)
        return
    parts = sorted((block / "slaves").iterdir()) if (block / "slaves").is_dir() else []
    for part in parts:
        yield from _disks_of(part.resolve())
    if not parts:
        yield block.name


def _without_a_device(folder: Path, number: int) -> Iterator[str]:
    """Yield what a file system lies on that has no block device's number: its mount says it."""
    kind, source, options = _mount(folder)
    if kind == "overlay" and (upper := options.get("upperdir")):
        yield from disks_below(Path(upper)) or (f"overlay {number}",)
    elif source.startswith("/dev/") and Path(source).exists() and (block := _block_device(Path(source).stat().st_rdev)):
        yield from _disks_of(block)
    elif kind in NETWORK:  # one server, whatever it shares
        yield source.lstrip("/").partition(":")[0].partition("/")[0]
    elif kind == "zfs":
        yield f"zfs {source.partition('/')[0]}"
    elif kind == "9p":  # a drive of Windows
        yield f"{kind} {source}"
    else:
        yield f"{kind} {number}"


def _mount(folder: Path) -> tuple[str, str, dict[str, str]]:
    """Return type, source and options of the mount that holds `folder`: proc(5), mountinfo."""
    real = f"{folder.resolve()}/"
    best = ("", "unknown", "", "")
    for line in MOUNTS.read_text("utf-8", "surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        point = _unescaped(before.split(" ")[4])
        if real.startswith(f"{point.rstrip('/')}/") and len(point) >= len(best[0]):
            kind, source, options = after.split(" ", 2)
            best = (point, kind, _unescaped(source), options)
    pairs = (option.partition("=") for option in best[3].split(","))
    return best[1], best[2], {name: _unescaped(value) for name, _, value in pairs}


def _unescaped(text: str) -> str:
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, sign)
    return text
