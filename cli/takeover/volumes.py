"""The stack's volumes filled before its first start: `up` then takes them up, as it does after `destroy`.

A server of the stack's own image, without a network, loads the dump as the album's own user. Until all of it is proven the
database carries the mark of a first start that was cut short, so that nothing ever serves half of it.
"""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import LogConfig, Mount
from docker.utils.socket import STDERR

from cli import containers, docker_host, generated
from cli.attached import send, told
from cli.console import fail, say
from cli.takeover import pending
from cli.takeover.dump import COLLATION
from cli.takeover.storage import Storage
from components.container import image_reference
from components.database import DATA, DATABASE, FIRST_START_DONE, START, USER, Database, server_flags
from components.messages import message
from components.service import Owner, stack_labels
from components.services.photoprism import PhotoPrism
from stacks.expected import expected, prefix
from stacks.sections import Settings

ROLE = "takeover"
STORAGE = "/photoprism/storage"
SECONDS_TO_START = 300
SECONDS_TO_STOP = 120
MEGABYTE = 1024**2
PIECE = 1 << 20
AS_USER = (
    "MYSQL_PWD=$(cat /run/secrets/mariadb_password); export MYSQL_PWD; "
    f"exec mariadb --default-character-set=utf8mb4 --max-allowed-packet=1G -u{USER} "
)


@dataclass(frozen=True)
class Names:
    """What the things are called that a takeover makes."""

    database: str
    storage: str
    container: str

    @classmethod
    def of(cls, stack: str, settings: Settings) -> Names:
        """Return those of a stack."""
        services = {service.name: service for service in expected(stack, settings).services}
        (database,), (storage,) = services[Database.service].volumes, services[PhotoPrism.service].volumes
        return cls(database, storage, f"{prefix(stack)}-{ROLE}")


def refuse_existing(client: docker.DockerClient, stack: str, names: Names) -> None:
    """End the program where the stack has an index already: nothing is overwritten."""
    there = [name for name in (names.database, names.storage) if _volume(client, name)]
    if there and not pending.identity(stack):
        fail(
            message(
                "takeover_has_index",
                'The stack "{stack}" has an index already ({names}), and nothing is overwritten. If it was taken over just now: ./photos up {stack}. If nothing in it is worth keeping: ./photos destroy {stack}, then docker volume rm {words}, then this again. Or take another stack.',
                stack=stack,
                names=", ".join(there),
                words=" ".join(there),
            )
        )


def clear(client: docker.DockerClient, stack: str, names: Names) -> None:
    """Remove what a takeover that was cut short left half-made; what is not its own stays."""
    identity = pending.identity(stack)
    if identity is None:
        return
    of_stack = docker_host.of_stack(identity)
    for container in client.containers.list(all=True, ignore_removed=True, filters=of_stack):
        if container.name == names.container:
            container.remove(force=True, v=True)
    try:
        for volume in client.volumes.list(filters=of_stack):
            if volume.name in (names.database, names.storage):
                volume.remove()
    except APIError as problem:
        fail(
            message(
                "takeover_left_in_use",
                "What an earlier takeover left half-made is in use: {problem}. First: ./photos destroy {stack}",
                problem=problem.explanation,
                stack=stack,
            )
        )
    pending.end(stack)


@contextmanager
def being_filled(client: docker.DockerClient, stack: str, identity: str, names: Names) -> Iterator[None]:
    """Make the volumes; remove them again where filling them fails."""
    pending.begin(stack, identity)
    try:
        for name in (names.database, names.storage):
            client.volumes.create(name, labels=stack_labels(stack, identity))
        yield
    except BaseException:
        with suppress(APIError):
            clear(client, stack, names)
        raise
    pending.end(stack)


class Server:
    """The database of the stack while it is being filled, in a container that also mounts the album's storage."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def load(self, lines: Iterable[bytes]) -> None:
        """Run the lines of a dump as the album's own user, who may do nothing but in its database."""
        api = self._container.client.api  # type: ignore[union-attr] # it was made by one
        words = ["sh", "-c", f"{AS_USER}{DATABASE}"]
        started = api.exec_create(str(self._container.id), words, stdin=True)
        connection = api.exec_start(started["Id"], socket=True)
        broken: list[Exception] = []
        sender = threading.Thread(target=_send, args=(connection, lines, broken), daemon=True)
        sender.start()
        said = b"".join(content for number, content in told(connection) if number == STDERR)
        sender.join()
        if broken or api.exec_inspect(started["Id"])["ExitCode"]:
            fail(
                message(
                    "takeover_not_loaded",
                    "The dump could not be loaded, and nothing of it was kept: {said}",
                    said=said.decode(errors="replace").strip() or broken[0],
                )
            )

    def query(self, sql: str) -> list[list[str]]:
        """Return the rows of a query of the album's user, as text."""
        words = ("sh", "-c", f'{AS_USER}-N -B -e "$SQL" {DATABASE}')
        code, output, errors = containers.answer(self._container, *words, environment={"SQL": sql})
        if code:
            fail(message("takeover_no_answer", "The stack's new database does not answer: {said}", said=errors.strip()))
        return [line.split("\t") for line in output.splitlines()]

    def rows(self) -> dict[str, int]:
        """Return how many rows each table has."""
        tables = self.query("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
        return {name: int(self.query(f"SELECT COUNT(*) FROM `{name}`")[0][0]) for name, _ in tables}  # noqa: S608 - the server's own names

    def make_utf8mb4(self) -> list[str]:
        """Give tables of an older character set, which has no emoji, the one of today; return which.

        New tables take the collation after those that are there, so that both can be compared.
        """
        tables = self.query(
            "SELECT table_name, table_collation FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
        )
        collations = dict(tables)
        collation = collations.get("photos", "") if _has_emoji(collations.get("photos", "")) else COLLATION
        old = sorted(name for name, its in collations.items() if not _has_emoji(its))
        for name in old:
            self.query(f"ALTER TABLE `{name}` CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}")
        self.query(f"ALTER DATABASE `{DATABASE}` CHARACTER SET utf8mb4 COLLATE {collation}")
        return old

    def take(self, storage: Storage, owner: Owner) -> None:
        """Copy the storage folder, and compare what arrived with what was sent."""
        parent, _, name = STORAGE.rpartition("/")
        try:
            self._container.put_archive(parent, storage.packed(name, owner))
        except (APIError, OSError) as problem:  # what happens while it is packed comes as an error of the connection
            fail(
                message(
                    "takeover_storage_broke",
                    "{folder} could not be copied, and nothing of it was kept: {problem}. Is something writing there? Run this again.",
                    folder=storage.folder,
                    problem=problem,
                )
            )
        words = ("find", STORAGE, "-type", "f", "-printf", r"%s %P\0")
        code, output, _ = containers.answer(self._container, *words, user=f"{owner.uid}:{owner.gid}")
        lines = (line.partition(" ") for line in output.split("\0") if line)
        arrived = {path: int(size) for size, _, path in lines}
        if code or arrived != storage.files:
            differing = sorted(name for name, _ in arrived.items() ^ storage.files.items())
            fail(
                message(
                    "takeover_storage_differs",
                    "What arrived in the volume is not what lies in {folder} ({count} files differ, e.g. {example}). Is something writing there? Nothing of it was kept; run this again.",
                    folder=storage.folder,
                    count=len(differing),
                    example=(differing or ["-"])[0],
                )
            )

    def proven(self) -> None:
        """Take the mark away: what is there is whole."""
        code, _, errors = containers.answer(self._container, "sh", "-c", FIRST_START_DONE)
        if code:
            fail(message("takeover_no_answer", "The stack's new database does not answer: {said}", said=errors.strip()))


@contextmanager
def running(
    client: docker.DockerClient, stack: str, settings: Settings, names: Names, root_password: str
) -> Iterator[Server]:
    """Run the server on the new volumes; it stops cleanly and its container goes, whatever happens."""
    config = settings.database
    image = image_reference(config.image, settings.image_registry)
    _pull(client, image)
    flags = [f"--{flag}={value}" for flag, value in server_flags(config).items()]
    container = client.containers.create(
        image,
        flags,
        name=names.container,
        entrypoint=["/photos/start"],
        environment={
            "MARIADB_DATABASE": DATABASE,
            "MARIADB_USER": USER,
            "MARIADB_PASSWORD_FILE": "/run/secrets/mariadb_password",
            "MARIADB_ROOT_PASSWORD_FILE": "/run/secrets/mariadb_root_password",
            "MARIADB_ROOT_HOST": "localhost",
            "MARIADB_INITDB_SKIP_TZINFO": "1",
        },
        labels=stack_labels(stack, str(settings.id)),
        user="999:999",
        mounts=[Mount(DATA, names.database, type="volume"), Mount(STORAGE, names.storage, type="volume")],
        mem_limit=config.memory * MEGABYTE,
        memswap_limit=2 * config.memory * MEGABYTE,
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        init=True,
        log_config=LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}),
    )
    try:
        container.put_archive("/", _files(root_password))
        container.start()
        _await(container)
        yield Server(container)
        container.stop(timeout=SECONDS_TO_STOP)
    finally:
        container.remove(force=True, v=True)


def _pull(client: docker.DockerClient, image: str) -> None:
    try:
        client.images.get(image)
    except ImageNotFound:
        say(message("takeover_pulling", "Getting {image} ...", image=image))
        repository, _, tag = image.rpartition(":")
        try:
            client.images.pull(repository, tag)
        except APIError as problem:
            fail(
                message(
                    "takeover_no_image",
                    "{image} cannot be had: {problem}. Where Docker Hub is blocked name a mirror that you trust: photos:image_registry (docs/mirrors.md)",
                    image=image,
                    problem=problem.explanation,
                )
            )


def _files(root_password: str) -> bytes:
    """Pack the start script and the secrets; the album's first password is forgotten: each `up` sets its own."""
    contents = {
        "photos/start": (START, 0o555),
        "run/secrets/mariadb_root_password": (root_password, 0o444),
        "run/secrets/mariadb_password": (generated.password(), 0o444),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as bundle:
        for path, (content, mode) in contents.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(content.encode()), mode
            bundle.addfile(info, io.BytesIO(content.encode()))
    return packed.getvalue()


def _await(container: Container) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        container.reload()
        if container.status != "running":
            break
        if container.exec_run(["healthcheck.sh", "--connect", "--innodb_initialized"]).exit_code == 0:
            return
        time.sleep(1)
    said = container.logs(tail=15).decode(errors="replace")
    fail(message("takeover_no_start", "The stack's new database did not start:\n{said}", said=said))


def _send(connection: Any, lines: Iterable[bytes], broken: list[Exception]) -> None:
    """Write lines to what a container reads; an error of theirs is added to `broken`.

    Who hangs up has a reason, and tells it. Who is busy with an index may take minutes for the next line.
    """
    line = getattr(connection, "_sock", connection)
    line.settimeout(None)
    waiting = bytearray()
    try:
        for each in lines:
            waiting += each
            if len(waiting) >= PIECE:
                line.sendall(waiting)
                waiting.clear()
    except (BrokenPipeError, ConnectionError):
        return
    except Exception as error:  # noqa: BLE001 - told by who waits
        broken.append(error)
        waiting.clear()
    with suppress(BrokenPipeError, ConnectionError):
        send(connection, bytes(waiting))


def _has_emoji(collation: str) -> bool:
    """Whether the character set that a collation is of holds every character."""
    return collation.partition("_")[0] == "utf8mb4"


def _volume(client: docker.DockerClient, name: str) -> Any:
    with suppress(NotFound):
        return client.volumes.get(name)
    return None
