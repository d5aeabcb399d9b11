"""Can the copies be made, and are they what they are called: what this machine shows of both."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import combinations
from queue import Empty, SimpleQueue
from threading import Thread

from docker.errors import DockerException

from components.messages import message
from components.service import Owner
from stacks.config import StackConfig
from stacks.host import Finding, advice, error, ok, warning
from stacks.host.block_devices import disks_below
from stacks.host.endpoint import EndpointError
from stacks.host.endpoints import endpoints
from stacks.host.library import a_file, absent, absent_drive, folders, held_by, library_owner, may_use
from stacks.host.machine import Machine, MachinePath
from stacks.host.machines import library_machine
from stacks.sections.backup.copies import RemoteConfig
from stacks.sections.backup.nearness import is_elsewhere, servers
from stacks.sections.backup.rules import page_url
from stacks.sections.backup.shortcomings import Shortcoming, in_this_house
from stacks.sections.places import library_host
from stacks.shell import command

CHECK = "backup"
SECONDS_FOR_A_NAME = 3


def check_backup(config: StackConfig) -> Iterator[Finding]:
    """Look at every copy that is a folder of this machine, then at the set of all."""
    backup = config.settings.backup
    if not backup:
        return
    owner, machine = library_owner(config.settings), library_machine(config.settings)
    for name, remote in backup.remotes.items():
        if remote.is_local:
            yield from _folder(f"config photos:backup.remotes.{name}.path", remote, owner, machine)
    # Those of the file are an error already where they are one: `parse` in stacks/config.py.
    yield from (warning(CHECK, item.text, item.fix) for item in config.shortcomings)
    for item in (*config.host_shortcomings, *_in_this_house(config)):
        yield (error if backup.strict else warning)(CHECK, item.text, item.fix)
    copies = message(
        "copies", "copies: {names}; how it goes: {page}", names=", ".join(backup.remotes), page=page_url(backup)
    )
    yield ok(CHECK, copies)


def on_one_disk(config: StackConfig) -> Iterator[Shortcoming]:
    """Yield each copy in a folder of this machine that is lost together with something else."""
    backup = config.settings.backup
    disks = {name: remote for name, remote in backup.repositories.items() if remote.is_local} if backup else {}
    docker, machine = _docker_folder(config) if disks else None, library_machine(config.settings)
    for name, remote in disks.items():
        own, place = _disks(machine.path(remote.folder)), f"backup.remotes.{name}"
        library = next((other for other in folders(config.settings).values() if own & _disks(other)), None)
        if library:
            yield Shortcoming(
                place,
                *advice(
                    "disk_of_the_library",
                    "{folder} is on the same disk as the library {library}",
                    "Use a folder on a second disk; what is on the same one is lost with it",
                    folder=remote.folder,
                    library=library,
                ),
            )
        elif docker and own & _disks(docker):
            yield Shortcoming(
                place,
                *advice(
                    "disk_of_docker",
                    "{folder} is on the same disk as {docker}, where the album's database is",
                    "Use a folder on a second disk; what is on the same one is lost with it",
                    folder=remote.folder,
                    docker=docker,
                ),
            )
    for one, other in combinations(disks, 2):
        if _disks(machine.path(disks[one].folder)) & _disks(machine.path(disks[other].folder)):
            yield Shortcoming(
                "backup.remotes",
                *advice(
                    "copies_on_one_disk",
                    "{one} and {other} are on one disk, which can be lost as a whole",
                    "Use another disk",
                    one=one,
                    other=other,
                ),
            )


def _in_this_house(config: StackConfig) -> Iterator[Shortcoming]:
    """Yield each copy that is called elsewhere, and whose server's name leads to an address of this house.

    It is told here and not on the keeper's page, which tries it itself: a name server that is silent for once would
    change the keeper's settings.
    """
    known = {str(item) for item in config.shortcomings}
    for name, remote in config.settings.backup.repositories.items() if config.settings.backup else ():
        for server in servers(remote) if remote.kind != "disk" else ():
            found = in_this_house(name, remote, server)
            if str(found) not in known and (addresses := _addresses(server)) and not is_elsewhere(addresses):
                yield found


def _addresses(host: str) -> list[str]:
    """Return the addresses of a host; none where the name server is silent."""
    answers: SimpleQueue[list[str]] = SimpleQueue()

    def ask() -> None:
        with suppress(OSError, UnicodeError):
            answers.put([str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)])

    Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=SECONDS_FOR_A_NAME)
    except Empty:
        return []


def _docker_folder(config: StackConfig) -> MachinePath | None:
    """Return where Docker keeps its data; None where it does not say."""
    with (
        suppress(DockerException, EndpointError),
        closing(endpoints(config)[library_host(config.settings)].connect(SECONDS_FOR_A_NAME)) as client,
    ):
        return library_machine(config.settings).path(client.info().get("DockerRootDir") or "/var/lib/docker")
    return None


def _folder(where: str, remote: RemoteConfig, owner: Owner, machine: Machine) -> Iterator[Finding]:
    folder = machine.path(remote.folder)
    if not folder.is_dir():
        yield _absent(where, folder, owner, machine)
        return
    if not may_use(folder.stat(), owner):
        yield error(
            where,
            message(
                "disk_not_writable",
                "user {uid} cannot write into {folder} ({held_by})",
                uid=owner.uid,
                folder=folder,
                held_by=held_by(folder.stat()),
            ),
            command("sudo", "chown", f"{owner.uid}:{owner.gid}", folder),
        )
    if machine.is_mount(folder):
        yield error(
            where,
            message(
                "disk_is_mount_point",
                "{folder} is a mount point, and an absent disk would look like an empty one",
                folder=folder,
            ),
            message("use_folder_on_it", "Use a folder on it, e.g. {folder}", folder=folder / "photos"),
        )


def _absent(where: str, folder: MachinePath, owner: Owner, machine: Machine) -> Finding:
    if folder.exists():
        return a_file(where, folder)
    if drive := absent_drive(folder, machine):
        look = f"mount | {command('grep', drive)}"
        return absent(where, folder, message("disk_not_mounted", "Is the disk mounted? ({look})", look=look))
    made = command("sudo", "install", "-d", "-o", owner.uid, "-g", owner.gid, folder)
    return absent(where, folder, message("disk_without_folder", "If its disk is mounted: {made}", made=made))


def _disks(folder: MachinePath) -> frozenset[str]:
    return disks_below(folder)
