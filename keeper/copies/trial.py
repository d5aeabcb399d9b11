"""Copies are what they are called: each is tried on the running system, at its first run and then once a month.

What is found is told and stops nothing. A second disk must be another one, what is elsewhere must not answer from the
house's own network, and a vault must keep what is deleted or overwritten there. That is tried with rclone and the copy's
own login: the wall must be at the provider, the keeper's own care for a vault proves nothing.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from keeper.copies import openlist
from keeper.copies.place import Place
from keeper.copies.rclone import RcloneError
from keeper.errors import KeeperError, Problem
from keeper.settings import LOCAL, OPENLIST
from keeper.state import TrialState, now

EVERY = timedelta(days=30)
PROBE = "data/photos-trial"
"""An object of our own beside the packs, where the wall must stand: restic takes no notice of a name that is no hash
(tested). Not below `locks`: deleting must be allowed there, or every command of restic waits a minute."""
VERSIONS = {"s3": ["--s3-versions"]}
"""Types that tell of old versions, with the flag."""
FOR_GOOD = {"b2": ["--b2-hard-delete"]}
"""Without it a deletion at Backblaze only hides."""
ADDRESS = ("url", "host", "endpoint", "address")
"""Options that say where something is."""
BLOCKS = Path("/sys/dev/block")


def try_copy(place: Place) -> list[Problem]:
    """Try whether a copy is what it is called, when that is due; return what was found now.

    Only under the copy's lock, and not before it was begun.
    """
    file = place.state.trial_file(place.name)
    called = hashlib.sha256(
        place.copy.model_dump_json(include={"kind", "type", "path", "options"}).encode()
    ).hexdigest()
    known = TrialState.read(file)
    if known.called == called and known.tried and now() < known.tried + EVERY:
        return []
    found = list(_findings(place))
    with suppress(OSError):
        TrialState(tried=now(), called=called, findings=found).write(file)
    return found


def _findings(place: Place) -> Iterator[Problem]:
    copy = place.copy
    if copy.type == LOCAL:
        yield from _same_disk(place)
    elif copy.is_repository:
        yield from _at_home(place)
    if copy.kind == "vault":
        yield from _deletions(place)


def _same_disk(place: Place) -> Iterator[Problem]:
    """Find whether a folder of this machine shares its disk with the library: one device, or two parts of one disk."""
    folder = Path(place.copy.path)
    for name, root in place.settings.roots.items():
        with suppress(OSError):
            if folder.stat().st_dev == root.stat().st_dev or disks(folder) & disks(root):
                yield Problem.of("trial.same_disk", copy=place.name, root=name)
                return


def disks(folder: Path) -> set[str]:
    """Return the whole disks on which a folder lies, as the kernel calls them; none where it does not tell."""
    device = folder.stat().st_dev
    node = BLOCKS / f"{os.major(device)}:{os.minor(device)}"
    return _whole(node.resolve()) if node.exists() else set()


def _whole(node: Path) -> set[str]:
    """Return the disks below a block device: below a volume or a RAID, of a partition, behind an image."""
    if (node / "partition").exists():
        return _whole(node.parent)
    parts = list((node / "slaves").iterdir()) if (node / "slaves").is_dir() else []
    if parts:
        return set[str]().union(*(_whole(part.resolve()) for part in parts))
    with suppress(OSError):
        image = Path((node / "loop/backing_file").read_text("utf-8").strip())
        return disks(image) or {node.name}
    return {node.name}


def _at_home(place: Place) -> Iterator[Problem]:
    """Find whether what is elsewhere answers from an address of a home network."""
    values = [place.copy.options.get(option, "") for option in ADDRESS]
    if place.copy.type == OPENLIST:
        values = []
        try:
            drive = openlist.drive_of(place.settings, place.copy)
        except KeeperError:
            return  # what OpenList lacks is told by the run itself
        if drive["driver"] == openlist.LOCAL_DRIVER:
            yield Problem.of("trial.local_drive", copy=place.name, drive=drive["mount_path"])
        with suppress(ValueError, AttributeError):
            addition = json.loads(drive["addition"])
            values = [str(addition.get(option, "")) for option in ADDRESS]
    for host in filter(None, map(_host, values)):
        if address := _private(host):
            yield Problem.of("trial.at_home", copy=place.name, host=host, address=address)


def _host(value: str) -> str:
    with suppress(ValueError):
        return urlsplit(value if "://" in value else f"//{value}").hostname or ""
    return ""


def _private(host: str) -> str:
    """Return the first address of a host that only a home network knows; empty when there is none."""
    with suppress(OSError, ValueError):
        for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            if ipaddress.ip_address(str(address[0]).partition("%")[0]).is_private:
                return str(address[0])
    return ""


def _deletions(place: Place) -> Iterator[Problem]:
    """Try to overwrite and to delete an object of our own beside the packs."""
    try:
        if _is_lost(place, f"{place.place}/{PROBE}"):
            yield Problem.of("trial.deletes", copy=place.name)
    except RcloneError as error:
        yield Problem.of("trial.untried", copy=place.name, said=error.problem.values["said"])


def _is_lost(place: Place, file: str) -> bool:
    """Whether an object there can be overwritten or deleted so that nobody gets it back.

    Raises:
        RcloneError: nothing can be written there, or the way broke.
    """
    rclone = place.rclone
    there = rclone.read(file)
    if there is None:
        there = _content()
        rclone.run("rcat", file, stdin=there)
    with suppress(RcloneError):
        rclone.run("rcat", file, stdin=_content())
    overwritten = rclone.read(file) != there
    with suppress(RcloneError):
        rclone.run("deletefile", file, *FOR_GOOD.get(place.copy.type, ()))
    deleted = rclone.read(file) is None
    return (overwritten or deleted) and not _versions_stay(place, file)


def _content() -> bytes:
    """Return what tells one writing from another."""
    return f"photos: may this be changed or deleted? {now().isoformat()}\n".encode()


def _versions_stay(place: Place, file: str) -> bool:
    """Whether old versions of the object are kept, though it was tried to delete them, too."""
    flags = VERSIONS.get(place.copy.type)
    if not flags:
        return False
    folder, _, name = file.rpartition("/")
    for version in _versions(place, folder, name, flags):
        with suppress(RcloneError):
            place.rclone.run("deletefile", f"{folder}/{version}", *flags)
    return bool(_versions(place, folder, name, flags))


def _versions(place: Place, folder: str, name: str, flags: Iterable[str]) -> list[str]:
    """Return the names under which rclone shows old versions of an object; none where the provider knows none."""
    with suppress(RcloneError):
        listed = place.rclone.run("lsf", folder, "--files-only", "--include", f"{name}*", *flags).decode()
        return [version for version in listed.splitlines() if version.startswith(f"{name}-v")]
    return []
